"""Requests are found by their time alone: those of the last day, and those that a wrong clock has dated ahead."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_usage_at", "usage", ["at"])
