"""What changing a history needs: threads know their channel, copies their original, and what is not shown is noted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("conversations", sa.Column("parent_id", sa.BigInteger))
    op.create_index("ix_conversations_parent_id", "conversations", ["parent_id"])
    op.add_column("conversations", sa.Column("heard_up_to", sa.BigInteger))
    op.add_column("said", sa.Column("copy_of", sa.BigInteger))
    op.create_index("ix_said_copy_of", "said", ["copy_of"])
    op.create_table(
        "unshown",
        sa.Column("turn_id", serial, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name="pk_unshown"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_unshown_turn_id", ondelete="CASCADE"),
    )
    op.create_table(
        "leftovers",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("turn_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_leftovers"),
    )
    op.create_index("ix_leftovers_turn_id", "leftovers", ["turn_id"])
