"""The part of the store that tells a member what is stored about them, and nothing about anybody else.

Reads only. Knows nothing of how it is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Text, cast, exists, func, select

from bot.messages import JsonObject, Turn
from bot.store import tables as t
from bot.store.reading import read_turns
from bot.store.transactions import Transactions, unbroken

_TURNS_AT_ONCE = 50
_TEXT_FILE = '"type":"text_file"'
"""How a text attachment begins in a message's parts; in what people write the quotes would be escaped."""


@dataclass(frozen=True, slots=True)
class Held:
    """How much is stored about a member, and since when (Unix seconds)."""

    messages: int = 0
    conversations: int = 0
    files: int = 0
    file_bytes: int = 0
    """Of images and PDFs."""
    answers: int = 0
    requests: int = 0
    """Lines in the ledger that bear their id."""
    changes: int = 0
    """Settings of servers that they have changed."""
    quoted: int = 0
    """Messages of others in which theirs are quoted."""
    since: float | None = None


class Holdings(Transactions):
    """The methods of `Store` that tell members what is stored about them."""

    @unbroken
    async def held(self, user_id: int) -> Held:
        """What is stored about a member, counted."""
        said, turns = t.said.c, t.turns.c
        theirs = said.author_id == user_id
        answered = exists().where(t.steps.c.turn_id == said.turn_id)
        written = cast(said.parts, Text)
        text_files = (func.length(written) - func.length(func.replace(written, _TEXT_FILE, ""))) / len(_TEXT_FILE)
        asked = select(
            func.count(),
            func.count(func.distinct(turns.conversation_id)),
            func.coalesce(func.sum(text_files), 0),
            func.min(said.at),
        ).select_from(t.said.join(t.turns, turns.id == said.turn_id))
        files = select(func.count(), func.coalesce(func.sum(func.length(t.files.c.data)), 0)).select_from(
            t.files.join(t.said, said.id == t.files.c.said_id)
        )
        answers = select(func.count(func.distinct(said.turn_id))).where(theirs, answered)
        spent = select(func.count(), func.min(t.usage.c.at)).where(t.usage.c.user_id == user_id)
        changed = select(func.count(), func.min(t.audit.c.at)).where(t.audit.c.user_id == user_id)
        quoted = (
            select(func.count(func.distinct(said.turn_id)))
            .join(t.quoted, t.quoted.c.said_id == said.id)
            .where(t.quoted.c.user_id == user_id)
        )
        async with self._read() as db:
            messages, conversations, texts, first_said = (await db.execute(asked.where(theirs))).one()
            number, size = (await db.execute(files.where(theirs))).one()
            requests, first_spent = (await db.execute(spent)).one()
            changes, first_changed = (await db.execute(changed)).one()
            return Held(
                messages=messages,
                conversations=conversations,
                files=int(texts) + number,
                file_bytes=int(size),
                answers=(await db.scalar(answers)) or 0,
                requests=requests,
                changes=changes,
                quoted=(await db.scalar(quoted)) or 0,
                since=min((at for at in (first_said, first_spent, first_changed) if at is not None), default=None),
            )

    @unbroken
    async def turns_asked_by(self, user_id: int, *, after: int) -> list[Turn]:
        """A member's turns with ids above `after`, with nothing that others said in them; some at a time."""
        theirs = exists().where(t.said.c.turn_id == t.turns.c.id, t.said.c.author_id == user_id)
        wanted = select(t.turns.c.id).where(t.turns.c.id > after, theirs).order_by(t.turns.c.id).limit(_TURNS_AT_ONCE)
        async with self._read() as db:
            found = await read_turns(db, t.turns.c.id.in_(list(await db.scalars(wanted))))
        return [
            replace(turn, question=tuple(said for said in turn.question if said.author_id == user_id)) for turn in found
        ]

    @unbroken
    async def guilds_of(self, conversation_ids: Collection[int]) -> dict[int, int | None]:
        """The guild of each conversation, None for direct messages."""
        wanted = select(t.conversations.c.id, t.conversations.c.guild_id)
        async with self._read() as db:
            rows = await db.execute(wanted.where(t.conversations.c.id.in_(conversation_ids)))
            return {row.id: row.guild_id for row in rows}

    @unbroken
    async def file_bytes(self, said_ids: Sequence[int], *, most: int) -> dict[str, bytes]:
        """The bytes of messages' images and PDFs of at most `most` bytes each, by their digests."""
        wanted = select(t.files.c.digest, t.files.c.data).where(
            t.files.c.said_id.in_(said_ids), func.length(t.files.c.data) <= most
        )
        async with self._read() as db:
            return {row.digest: row.data for row in await db.execute(wanted)}

    @unbroken
    async def spent_by(self, user_id: int) -> list[JsonObject]:
        """A member's lines of the ledger, oldest first."""
        async with self._read() as db:
            rows = await db.execute(select(t.usage).where(t.usage.c.user_id == user_id).order_by(t.usage.c.id))
            return [dict(row) for row in rows.mappings()]

    @unbroken
    async def changed_by(self, user_id: int) -> list[JsonObject]:
        """The settings of servers that a member has changed, oldest first."""
        async with self._read() as db:
            rows = await db.execute(select(t.audit).where(t.audit.c.user_id == user_id).order_by(t.audit.c.id))
            return [dict(row) for row in rows.mappings()]
