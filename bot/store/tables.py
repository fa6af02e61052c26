"""The tables, defined once for SQLite and PostgreSQL.

Snowflakes are natural keys; times are Unix seconds, money is nanodollars. This
module knows nothing of how tables are read or written; `migrations/` brings a
database to this shape, and a test holds the two together.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)


def to_json(value: Any) -> str:
    """How any JSON value is written: compact, and in ASCII."""
    return json.dumps(value, separators=(",", ":"))


class Json(TypeDecorator[Any]):
    """Any JSON value, kept exactly as it came, as ASCII-escaped text.

    Not the databases' own JSON types: those reorder keys, round numbers and, in
    PostgreSQL, refuse NUL characters, which plain TEXT refuses as well. So all
    free text from outside is stored this way too. Lone surrogates survive;
    two halves that stand side by side come back as the character they form.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

Snowflake = BigInteger
Serial = BigInteger().with_variant(Integer, "sqlite")
"""Counts up by itself; SQLite does so only for a column that is spelled INTEGER."""

conversations = Table(
    "conversations",
    metadata,
    Column("id", Snowflake, primary_key=True, autoincrement=False),
    Column("guild_id", Snowflake),
    Column("owner_id", Snowflake, nullable=False),
    Column("title", Json, nullable=False),
    Column("model", Json),
    Column("effort", Json),
    Column("persona", Json),
    Column("listen", Text, nullable=False),
    Column("show_reasoning", Text, nullable=False),
    Column("first_turn_id", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("first_whole_turn_id", BigInteger, nullable=False, server_default=text("0")),
    Column("parent_id", Snowflake),
    # The newest message of those turns that have been changed: they may be gone while it is still on Discord.
    Column("heard_up_to", Snowflake),
    # Who wrote the persona, so that it goes when they are forgotten.
    Column("persona_by", Snowflake),
    Index(None, "parent_id"),
    Index(None, "guild_id"),
    Index(None, "owner_id"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("conversation_id", Snowflake, ForeignKey(conversations.c.id, ondelete="CASCADE"), nullable=False),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("error", Json),
    Column("model", Json),
    Column("notices", Json, nullable=False),
    Index(None, "conversation_id", "id"),
    Index(None, "status"),
    # The ledger outlives its turns, so the number of a deleted turn must never be given out again.
    sqlite_autoincrement=True,
)

said = Table(
    "said",
    metadata,
    Column("id", Snowflake, primary_key=True, autoincrement=False),
    Column("turn_id", Serial, ForeignKey(turns.c.id, ondelete="CASCADE"), nullable=False),
    Column("author_id", Snowflake, nullable=False),
    Column("author_name", Json, nullable=False),
    Column("parts", Json, nullable=False),
    Column("at", Double, nullable=False),
    Column("roles", Json),
    # Of a copy in a fork, whose own id is negative: the message on Discord that it copies.
    Column("copy_of", Snowflake),
    Index(None, "turn_id"),
    Index(None, "author_id"),
    Index(None, "at"),
    Index(None, "copy_of"),
)

files = Table(
    "files",
    metadata,
    # The bytes of a message's images and PDFs; what they are stands in its parts, so that they are seldom read.
    Column("said_id", Snowflake, ForeignKey(said.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("digest", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("turn_id", Serial, ForeignKey(turns.c.id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("body", Json, nullable=False),
)

pages = Table(
    "pages",
    metadata,
    Column("id", Snowflake, primary_key=True, autoincrement=False),
    Column("turn_id", Serial, ForeignKey(turns.c.id, ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Index(None, "turn_id"),
)

quotes = Table(  # messages of ours that show a member's words, such as the prompt of a command
    "quotes",
    metadata,
    Column("id", Snowflake, primary_key=True, autoincrement=False),
    Column("channel_id", Snowflake, nullable=False),
    Column("said_id", Snowflake, ForeignKey(said.c.id, ondelete="CASCADE"), nullable=False),
    Index(None, "said_id"),
)

quoted = Table(  # whose messages stand in what somebody else said, or in the answer to it: they go when those do
    "quoted",
    metadata,
    Column("said_id", Snowflake, ForeignKey(said.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("user_id", Snowflake, primary_key=True, autoincrement=False),
    Index(None, "user_id"),
)

unshown = Table(  # finished turns whose end may not be on Discord yet
    "unshown",
    metadata,
    Column("turn_id", Serial, ForeignKey(turns.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False),
)

leftovers = Table(  # messages that showed a turn which is gone, until they are deleted on Discord
    "leftovers",
    metadata,
    Column("id", Snowflake, primary_key=True, autoincrement=False),
    Column("channel_id", Snowflake, nullable=False),
    Column("turn_id", BigInteger, nullable=False),
    Index(None, "turn_id"),
)

usage = Table(
    "usage",
    metadata,
    Column("id", Serial, primary_key=True),
    # No foreign keys: what was spent stays spent when a conversation is deleted.
    Column("turn_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("conversation_id", Snowflake, nullable=False),
    Column("guild_id", Snowflake),
    Column("user_id", Snowflake, nullable=False),
    Column("model", Json, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("cost", BigInteger),
    Column("at", Double, nullable=False),
    # Which key pays; empty for the operator's.
    Column("key_id", Text, nullable=False, server_default=text("''")),
    # The first request of a turn's attempt, by which questions are counted.
    Column("is_question", Boolean, nullable=False, server_default=false()),
    # Reserved, and not settled with what was really consumed.
    Column("pending", Boolean, nullable=False, server_default=false()),
    Column("generation_id", Json),
    UniqueConstraint("turn_id", "step", "attempt"),
    Index(None, "conversation_id"),
    Index(None, "guild_id", "at"),
    Index(None, "user_id", "at"),
    Index(None, "at"),
    Index("ix_usage_pending", "id", postgresql_where=text("pending"), sqlite_where=text("pending")),
)

PENDING = text("usage.pending")
"""Which requests are reserved and not settled; as text, for SQLite knows its partial index by nothing else."""

running = Table(  # turns whose answers are running, each in its place among those that may
    "running",
    metadata,
    Column("turn_id", Serial, primary_key=True, autoincrement=False),
    Column("guild_id", Snowflake),
    Column("user_id", Snowflake, nullable=False),
)

tallies = Table(  # sums of the ledger by the hour and by the minute; 0 stands for all members, and for direct messages
    "tallies",
    metadata,
    Column("guild_id", Snowflake, primary_key=True, autoincrement=False),
    Column("user_id", Snowflake, primary_key=True, autoincrement=False),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("questions", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Json, nullable=False),
)

guild_settings = Table(
    "guild_settings",
    metadata,
    Column("guild_id", Snowflake, primary_key=True, autoincrement=False),
    Column("settings", Json, nullable=False),
)

forgetting = Table(  # people who are being forgotten: noted before anything is deleted, until nothing is left to do
    "forgetting",
    metadata,
    Column("user_id", Snowflake, primary_key=True, autoincrement=False),
    # What they said up to this moment goes; what they say afterwards is new.
    Column("asked_at", Double, nullable=False),
)

departed = Table(  # servers that the bot was removed from, until they return or are forgotten
    "departed",
    metadata,
    Column("guild_id", Snowflake, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("guild_id", Snowflake, nullable=False),
    Column("user_id", Snowflake, nullable=False),
    Column("what", Text, nullable=False),
    Column("before", Json),
    Column("after", Json),
    Column("at", Double, nullable=False),
    Index(None, "guild_id", "id"),
)

server_keys = Table(
    "server_keys",
    metadata,
    Column("guild_id", Snowflake, primary_key=True, autoincrement=False),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("user_id", Snowflake, nullable=False),
    Column("at", Double, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    # 0 stands for the operators.
    Column("guild_id", Snowflake, primary_key=True, autoincrement=False),
    Column("kind", Json, primary_key=True),
    Column("at", Double, nullable=False),
)
