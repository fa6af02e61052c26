"""The ledger is also what limits: requests stand in it before they are sent, and tallies keep its sums."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TALLY = """
INSERT INTO tallies (guild_id, user_id, span, start, questions, tokens, cost)
SELECT coalesce(guild_id, 0), {who}, {span}, {second} / {span} * {span},
       sum(CASE WHEN step = 0 THEN 1 ELSE 0 END), sum(prompt_tokens + completion_tokens), sum(coalesce(cost, 0))
FROM usage GROUP BY 1, 2, 4
"""


def upgrade() -> None:
    op.add_column("said", sa.Column("roles", sa.Text))
    op.add_column("usage", sa.Column("key_id", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("usage", sa.Column("is_question", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("usage", sa.Column("pending", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("usage", sa.Column("generation_id", sa.Text))
    op.execute("UPDATE usage SET is_question = true WHERE step = 0")
    op.create_index(
        "ix_usage_pending", "usage", ["id"], postgresql_where=sa.text("pending"), sqlite_where=sa.text("pending")
    )
    op.create_table(
        "running",
        sa.Column("turn_id", SERIAL, autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name="pk_running"),
    )
    op.create_table(
        "tallies",
        sa.Column("guild_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("span", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("questions", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", "span", "start", name="pk_tallies"),
    )
    # Only SQLite's cast truncates, and only PostgreSQL surely has a floor.
    second = "CAST(at AS BIGINT)" if op.get_bind().dialect.name == "sqlite" else "CAST(floor(at) AS BIGINT)"
    for span in (60, 3_600):
        for who in ("0", "user_id"):
            op.execute(TALLY.format(who=who, span=span, second=second))
