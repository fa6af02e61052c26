"""The part of the store that keeps servers' own keys, always encrypted, and remembers which notices were given.

Every change of a key is one transaction together with its entry in the audit log.
Knows neither how keys are encrypted nor what a notice says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from bot.store import tables as t
from bot.store.servers import Servers
from bot.store.transactions import unbroken
from bot.store.writing import add, put

_SET = "set"
_WHAT = "key"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A server's own key as it is kept: who set it, and when (Unix seconds). `id` says nothing of the key."""

    guild_id: int
    id: str
    sealed: bytes = field(repr=False)
    user_id: int
    at: float


class Vault(Servers):
    """The methods of `Store` that know keys and notices."""

    @unbroken
    async def key(self, guild_id: int) -> StoredKey | None:
        """A server's own key, or None."""
        async with self._read() as db:
            row = (await db.execute(select(t.server_keys).where(t.server_keys.c.guild_id == guild_id))).one_or_none()
            return None if row is None else _read_key(row)

    @unbroken
    async def keys(self) -> list[StoredKey]:
        """Every server's own key."""
        async with self._read() as db:
            return [_read_key(row) for row in await db.execute(select(t.server_keys))]

    @unbroken
    async def set_key(self, guild_id: int, user_id: int, key_id: str, sealed: bytes) -> None:
        """Keep a key, in place of the one that the server had, and enter that in the audit log."""
        known = select(t.server_keys.c.key_id).where(t.server_keys.c.guild_id == guild_id).with_for_update()
        row = {"guild_id": guild_id, "key_id": key_id, "sealed": sealed, "user_id": user_id, "at": self._clock()}
        async with self._write() as db:
            before = None if (await db.execute(known)).first() is None else _SET
            await put(db, t.server_keys, [row], keys=("guild_id",))
            await db.execute(insert(t.audit).values(self._entry(guild_id, user_id, _WHAT, before, _SET)))

    @unbroken
    async def remove_key(self, guild_id: int, user_id: int, key_id: str) -> bool:
        """Forget a key, and enter that in the audit log; False where the server has none, or another by now."""
        this = (t.server_keys.c.guild_id == guild_id) & (t.server_keys.c.key_id == key_id)
        async with self._write() as db:
            if (await db.execute(delete(t.server_keys).where(this))).rowcount == 0:
                return False
            await db.execute(insert(t.audit).values(self._entry(guild_id, user_id, _WHAT, _SET, None)))
            return True

    @unbroken
    async def reseal_key(self, key: StoredKey, sealed: bytes) -> None:
        """Keep the same key encrypted anew, unless it has changed meanwhile."""
        this = (t.server_keys.c.guild_id == key.guild_id) & (t.server_keys.c.sealed == key.sealed)
        async with self._write() as db:
            await db.execute(update(t.server_keys).where(this).values(sealed=sealed))

    @unbroken
    async def take_notice(self, guild_id: int, kind: str, *, every: float | None) -> bool:
        """Whether a notice is due, which it then is not again for `every` seconds, or ever: of several, one gets True.

        `guild_id` 0 stands for the operators.
        """
        now = self._clock()
        this = (t.notices.c.guild_id == guild_id) & (t.notices.c.kind == kind)
        async with self._write() as db:
            if await add(db, t.notices, {"guild_id": guild_id, "kind": kind, "at": now}):
                return True
            if every is None:
                return False
            again = update(t.notices).where(this, t.notices.c.at <= now - every).values(at=now)
            return (await db.execute(again)).rowcount > 0

    @unbroken
    async def forget_notice(self, guild_id: int, kind: str) -> None:
        """A notice is due again: it did not reach anybody, or what it was about is mended."""
        async with self._write() as db:
            await db.execute(delete(t.notices).where(t.notices.c.guild_id == guild_id, t.notices.c.kind == kind))


def _read_key(row: Row[*tuple[Any, ...]]) -> StoredKey:
    return StoredKey(row.guild_id, row.key_id, row.sealed, row.user_id, row.at)
