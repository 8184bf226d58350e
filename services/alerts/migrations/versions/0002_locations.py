"""Which parts of an organisation an incident concerns."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("locations", sa.JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("incidents", "locations")
