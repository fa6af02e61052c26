"""The part of the store that forgets what is over: quiet conversations, and servers that the bot was removed from.

Deleting goes by small transactions, so that nobody waits. What was spent stays in
the ledger, without the names of servers that are forgotten. Knows nothing of why
something is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import aiosqlite
from sqlalchemy import ColumnElement, delete, exists, select, union, update

from bot.messages import JsonObject, TurnStatus
from bot.store import tables as t
from bot.store.transactions import Transactions, unbroken
from bot.store.writing import add

FORGOTTEN = 0
"""Stands in place of a server that was forgotten, for None is that of direct messages."""

MOST_TO_REWRITE = 128 << 20
"""Bytes of a SQLite file that is rewritten beside its work, which takes about a second."""

_CONVERSATIONS_AT_ONCE = 500
_TURNS_AT_ONCE = 20
_ROWS_AT_ONCE = 500

_UNFINISHED = [status for status in TurnStatus if status.unfinished]
_OF_GUILDS = tuple(table for table in t.metadata.sorted_tables if "guild_id" in table.c)
_GOES_WITH_GUILD = tuple(table for table in _OF_GUILDS if table not in (t.conversations, t.usage, t.departed))
"""All that is stored of a server by its id; the conversations go before it, the ledger stays."""


class Retention(Transactions):
    """The methods of `Store` that forget what is over. Times are Unix seconds."""

    @unbroken
    async def all_guild_settings(self) -> dict[int, JsonObject]:
        """The settings of every guild that has changed any."""
        async with self._read() as db:
            return {row.guild_id: row.settings for row in await db.execute(select(t.guild_settings))}

    @unbroken
    async def quiet_conversations(self, since: float, *, guild_id: int | None = None) -> list[int]:
        """Conversations, of one guild or of all, in which nothing was said since then; not all at once."""
        wanted = select(t.conversations.c.id).where(_is_quiet(since))
        if guild_id is not None:
            wanted = wanted.where(t.conversations.c.guild_id == guild_id)
        async with self._read() as db:
            return list(await db.scalars(wanted.order_by(t.conversations.c.id).limit(_CONVERSATIONS_AT_ONCE)))

    @unbroken
    async def conversations_of_guild(self, guild_id: int) -> list[int]:
        """A guild's conversations; some of them."""
        wanted = select(t.conversations.c.id).where(t.conversations.c.guild_id == guild_id)
        async with self._read() as db:
            return list(await db.scalars(wanted.order_by(t.conversations.c.id).limit(_CONVERSATIONS_AT_ONCE)))

    @unbroken
    async def erase_conversation(self, conversation_id: int, *, quiet_since: float | None = None) -> bool:
        """Delete the oldest turns of a conversation, and itself with the last of them; False when that is done.

        With `quiet_since` only a conversation in which nothing was said since then.
        """
        this = t.conversations.c.id == conversation_id
        oldest = select(t.turns.c.id).where(t.turns.c.conversation_id == conversation_id).order_by(t.turns.c.id)
        async with self._write() as db:
            held = select(t.conversations.c.id).where(this).with_for_update()
            if quiet_since is not None:
                held = held.where(_is_quiet(quiet_since))
            if (await db.execute(held)).first() is None:
                return False
            turn_ids = list(await db.scalars(oldest.limit(_TURNS_AT_ONCE + 1)))
            await db.execute(delete(t.turns).where(t.turns.c.id.in_(turn_ids[:_TURNS_AT_ONCE])))
            if len(turn_ids) > _TURNS_AT_ONCE:
                return True
            await db.execute(delete(t.leftovers).where(t.leftovers.c.channel_id == conversation_id))
            await db.execute(delete(t.conversations).where(this))
            return False

    # Servers that the bot was removed from

    @unbroken
    async def known_guilds(self) -> set[int]:
        """The guilds of which anything is stored."""
        ids = union(*(select(table.c.guild_id).where(table.c.guild_id.is_not(None)) for table in _OF_GUILDS))
        async with self._read() as db:
            return set(await db.scalars(ids)) - {FORGOTTEN}

    @unbroken
    async def note_departed(self, guild_ids: Iterable[int]) -> None:
        """Note that the bot is no member of guilds any more; for those noted already the time stays."""
        async with self._write() as db:
            for guild_id in guild_ids:
                await add(db, t.departed, {"guild_id": guild_id, "at": self._clock()})

    @unbroken
    async def note_present(self, guild_ids: Iterable[int]) -> None:
        """Note that the bot is a member of guilds, again perhaps."""
        async with self._read() as db:  # hardly ever is one of them noted as departed
            returned = set(await db.scalars(select(t.departed.c.guild_id))) & set(guild_ids)
        if returned:
            async with self._write() as db:
                await db.execute(delete(t.departed).where(t.departed.c.guild_id.in_(returned)))

    @unbroken
    async def departed_before(self, at: float) -> list[int]:
        """The guilds that the bot was removed from before then, the earliest first."""
        gone = select(t.departed.c.guild_id).where(t.departed.c.at < at).order_by(t.departed.c.at)
        async with self._read() as db:
            return list(await db.scalars(gone))

    @unbroken
    async def erase_guild_from_ledger(self, guild_id: int) -> int:
        """Take a guild's name, and its members', off some of what was spent there; returns off how much."""
        some = select(t.usage.c.id).where(t.usage.c.guild_id == guild_id).limit(_ROWS_AT_ONCE)
        nameless = update(t.usage).where(t.usage.c.id.in_(some))
        async with self._write() as db:
            done = await db.execute(nameless.values(guild_id=FORGOTTEN, user_id=0, conversation_id=0))
            return done.rowcount

    @unbroken
    async def erase_guild(self, guild_id: int) -> None:
        """Delete what is stored of a guild itself, its settings and its audit log; last of all that it was here."""
        async with self._write() as db:
            for table in _GOES_WITH_GUILD:
                await db.execute(delete(table).where(table.c.guild_id == guild_id))
            await db.execute(delete(t.departed).where(t.departed.c.guild_id == guild_id))

    # The file

    @unbroken
    async def scrub(self) -> bool:
        """Leave nothing of what was deleted in a SQLite file; False where that has to be done at another time.

        What is deleted is overwritten at once, but SQLite may have left a copy
        behind when it moved a row to another page, or in the log of what was
        written. PostgreSQL sees to its files by itself.
        """
        if self._engines.writer.dialect.name != "sqlite":
            return True
        async with self._engines.writer.connect() as db:
            driver = cast("aiosqlite.Connection", (await db.get_raw_connection()).driver_connection)
            [[pages]] = await driver.execute_fetchall("PRAGMA page_count")
            [[size]] = await driver.execute_fetchall("PRAGMA page_size")
            is_small = pages * size <= MOST_TO_REWRITE
            if is_small:
                await driver.execute_fetchall("VACUUM")
            [[is_busy, *_]] = await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            return is_small and not is_busy


def _is_quiet(since: float) -> ColumnElement[bool]:
    its_turn = t.turns.c.conversation_id == t.conversations.c.id
    said_since = exists().where(its_turn, t.said.c.turn_id == t.turns.c.id, t.said.c.at >= since)
    waits = exists().where(its_turn, t.turns.c.status.in_(_UNFINISHED))
    return (t.conversations.c.created_at < since) & ~said_since & ~waits
