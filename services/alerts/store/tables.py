"""The tables of the alert service. Text lives in `mentions` only; the rest holds ids, numbers and times.

Strings have no length limit: what a record may hold, a row can hold, so no record stops the stream.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    text,
)


class Moment(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite, which knows no zones, holds it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Go in as UTC."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Come out as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False, default=False)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# `counts`: a negative reaction that somebody may be told about, at some probability.
# `pending`: may have to be told, and not every recipient is settled. The partial indexes keep the question
# "is anything due?" cheap, however long the history.
mentions = Table(
    "mentions",
    metadata,
    Column("institution", Text, nullable=False),
    Column("post", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("marks", JSON, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("event_time", Moment, nullable=False),
    Column("in_reply_to", Text),
    Column("thread", Text),
    Column("reach", BigInteger),
    Column("stars", Float),
    Column("fingerprint", LargeBinary, nullable=False),
    _flag("backfill"),
    Column("negative", Float, nullable=False),
    Column("neutral", Float, nullable=False),
    Column("positive", Float, nullable=False),
    Column("label", Text, nullable=False),
    _flag("question"),
    _flag("complaint"),
    _flag("acute_risk"),
    Column("themes", JSON, nullable=False),
    Column("model", Text, nullable=False),
    Column("deleted_at", Moment),
    _flag("counts"),
    _flag("pending"),
    PrimaryKeyConstraint("institution", "post"),
    Index("ix_mentions_institution_event_time", "institution", "event_time"),
    Index(
        "ix_mentions_pending",
        "event_time",
        postgresql_where=text("pending"),
        sqlite_where=text("pending"),
    ),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("institution", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("event_time", Moment, nullable=False),
    Column("onset", Moment, nullable=False),
    Column("n", Integer, nullable=False),
    Column("authors", Integer, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("locations", JSON, nullable=False, server_default="{}"),
    _flag("pending"),
    PrimaryKeyConstraint("id", "seq"),
    Index("ix_incidents_institution_at", "institution", "at"),
    Index(
        "ix_incidents_pending",
        "at",
        postgresql_where=text("pending"),
        sqlite_where=text("pending"),
    ),
)

# The notification log. A row is never removed and its meaning never changes; only its progress does.
# `next_at`: when it is due; while it is being sent, until when the sender may take.
# `caught_up`: key of the catch-up notice that told an expired one after all.
notifications = Table(
    "notifications",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("institution", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("receiver", Text),
    Column("address", Text),
    Column("hop", Integer, nullable=False, default=0),
    Column("payload", JSON, nullable=False),
    Column("planned_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("first_sent_at", Moment),
    Column("sent_at", Moment),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    _flag("possibly_duplicate"),
    Column("fault", Text),
    Column("provider_id", Text),
    Column("caught_up", Text, ForeignKey("notifications.key")),
    CheckConstraint(
        "state IN ('planned', 'sending', 'sent', 'failed', 'expired', 'muted', 'withdrawn')", name="state"
    ),
    Index("ix_notifications_state_next_at", "state", "next_at"),
    Index("ix_notifications_group_key_planned_at", "group_key", "planned_at"),
    Index("ix_notifications_institution_planned_at", "institution", "planned_at"),
    Index("ix_notifications_planned_at", "planned_at"),
)

notification_items = Table(
    "notification_items",
    metadata,
    Column("notification", Text, ForeignKey("notifications.key"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("post", Text),
    Column("incident", Text),
    Column("seq", Integer),
    PrimaryKeyConstraint("notification", "position"),
    CheckConstraint(
        "(post IS NULL) = (incident IS NOT NULL) AND (incident IS NULL) = (seq IS NULL)", name="one_thing"
    ),
    Index("ix_notification_items_post", "post"),
    Index("ix_notification_items_incident_seq", "incident", "seq"),
)
