"""What one conversation has cost is looked up, so the ledger is indexed by conversation."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_usage_conversation_id", "usage", ["conversation_id"])
