"""The first schema: mentions, incidents, the notification log and its items."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _mentions()
    _incidents()
    _notifications()
    _notification_items()


def downgrade() -> None:
    for table in ("notification_items", "notifications", "incidents", "mentions"):
        op.drop_table(table)


def _pending_index(table: str, column: str) -> None:
    where = sa.text("pending")
    op.create_index(f"ix_{table}_pending", table, [column], postgresql_where=where, sqlite_where=where)


def _mentions() -> None:
    op.create_table(
        "mentions",
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("post", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("marks", sa.JSON, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("event_time", MOMENT, nullable=False),
        sa.Column("in_reply_to", sa.Text),
        sa.Column("thread", sa.Text),
        sa.Column("reach", sa.BigInteger),
        sa.Column("stars", sa.Float),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("backfill", sa.Boolean, nullable=False),
        sa.Column("negative", sa.Float, nullable=False),
        sa.Column("neutral", sa.Float, nullable=False),
        sa.Column("positive", sa.Float, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("question", sa.Boolean, nullable=False),
        sa.Column("complaint", sa.Boolean, nullable=False),
        sa.Column("acute_risk", sa.Boolean, nullable=False),
        sa.Column("themes", sa.JSON, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("deleted_at", MOMENT),
        sa.Column("counts", sa.Boolean, nullable=False),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("institution", "post", name="pk_mentions"),
    )
    op.create_index("ix_mentions_institution_event_time", "mentions", ["institution", "event_time"])
    _pending_index("mentions", "event_time")


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event_time", MOMENT, nullable=False),
        sa.Column("onset", MOMENT, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("authors", sa.Integer, nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", "seq", name="pk_incidents"),
    )
    op.create_index("ix_incidents_institution_at", "incidents", ["institution", "at"])
    _pending_index("incidents", "at")


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("receiver", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("hop", sa.Integer, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("first_sent_at", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("possibly_duplicate", sa.Boolean, nullable=False),
        sa.Column("fault", sa.Text),
        sa.Column("provider_id", sa.Text),
        sa.Column("caught_up", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_notifications"),
        sa.ForeignKeyConstraint(["caught_up"], ["notifications.key"], name="fk_notifications_caught_up"),
        sa.CheckConstraint(
            "state IN ('planned', 'sending', 'sent', 'failed', 'expired', 'muted', 'withdrawn')",
            name="ck_notifications_state",
        ),
    )
    op.create_index("ix_notifications_state_next_at", "notifications", ["state", "next_at"])
    op.create_index("ix_notifications_group_key_planned_at", "notifications", ["group_key", "planned_at"])
    op.create_index("ix_notifications_institution_planned_at", "notifications", ["institution", "planned_at"])
    op.create_index("ix_notifications_planned_at", "notifications", ["planned_at"])


def _notification_items() -> None:
    op.create_table(
        "notification_items",
        sa.Column("notification", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("post", sa.Text),
        sa.Column("incident", sa.Text),
        sa.Column("seq", sa.Integer),
        sa.PrimaryKeyConstraint("notification", "position", name="pk_notification_items"),
        sa.ForeignKeyConstraint(
            ["notification"], ["notifications.key"], name="fk_notification_items_notification"
        ),
        sa.CheckConstraint(
            "(post IS NULL) = (incident IS NOT NULL) AND (incident IS NULL) = (seq IS NULL)",
            name="ck_notification_items_one_thing",
        ),
    )
    op.create_index("ix_notification_items_post", "notification_items", ["post"])
    op.create_index("ix_notification_items_incident_seq", "notification_items", ["incident", "seq"])
