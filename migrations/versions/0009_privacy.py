"""What forgetting needs: who is being forgotten, which servers have left, and what of people's words stands where."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("persona_by", sa.BigInteger))
    op.create_index("ix_conversations_guild_id", "conversations", ["guild_id"])
    op.create_index("ix_conversations_owner_id", "conversations", ["owner_id"])
    op.create_index("ix_said_author_id", "said", ["author_id"])
    op.create_table(
        "quotes",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("said_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quotes"),
        sa.ForeignKeyConstraint(["said_id"], ["said.id"], name="fk_quotes_said_id", ondelete="CASCADE"),
    )
    op.create_index("ix_quotes_said_id", "quotes", ["said_id"])
    op.create_table(
        "quoted",
        sa.Column("said_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("said_id", "user_id", name="pk_quoted"),
        sa.ForeignKeyConstraint(["said_id"], ["said.id"], name="fk_quoted_said_id", ondelete="CASCADE"),
    )
    op.create_index("ix_quoted_user_id", "quoted", ["user_id"])
    op.create_table(
        "forgetting",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_forgetting"),
    )
    op.create_table(
        "departed",
        sa.Column("guild_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name="pk_departed"),
    )
