"""The first tables: conversations, their turns, the usage ledger, and small things."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_conversations()
    _create_answers()
    _create_usage()
    op.create_table(
        "notes",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_notes"),
    )
    op.create_table(
        "guild_settings",
        sa.Column("guild_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name="pk_guild_settings"),
    )


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("effort", sa.Text),
        sa.Column("persona", sa.Text),
        sa.Column("listen", sa.Text, nullable=False),
        sa.Column("show_reasoning", sa.Text, nullable=False),
        sa.Column("first_turn_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_table(
        "turns",
        sa.Column("id", serial, nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("notices", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_turns_conversation_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_turns_conversation_id_id", "turns", ["conversation_id", "id"])
    op.create_index("ix_turns_status", "turns", ["status"])
    op.create_table(
        "said",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("turn_id", serial, nullable=False),
        sa.Column("author_id", sa.BigInteger, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_said"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_said_turn_id", ondelete="CASCADE"),
    )
    op.create_index("ix_said_turn_id", "said", ["turn_id"])
    op.create_index("ix_said_at", "said", ["at"])


def _create_answers() -> None:
    op.create_table(
        "steps",
        sa.Column("turn_id", serial, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", "position", name="pk_steps"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_steps_turn_id", ondelete="CASCADE"),
    )
    op.create_table(
        "pages",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("turn_id", serial, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pages"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_pages_turn_id", ondelete="CASCADE"),
    )
    op.create_index("ix_pages_turn_id", "pages", ["turn_id"])


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("id", serial, nullable=False),
        sa.Column("turn_id", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.BigInteger),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage"),
        sa.UniqueConstraint("turn_id", "step", "attempt", name="uq_usage_turn_id"),
    )
    op.create_index("ix_usage_guild_id_at", "usage", ["guild_id", "at"])
    op.create_index("ix_usage_user_id_at", "usage", ["user_id", "at"])
