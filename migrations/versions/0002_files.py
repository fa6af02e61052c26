"""The bytes of images and PDFs, and from where on a conversation is still sent with them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("said_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("said_id", "digest", name="pk_files"),
        sa.ForeignKeyConstraint(["said_id"], ["said.id"], name="fk_files_said_id", ondelete="CASCADE"),
    )
    op.add_column(
        "conversations",
        sa.Column("first_whole_turn_id", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
