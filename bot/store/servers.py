"""The part of the store that knows servers: what their admins have decided, and who decided it when.

Every change of a setting is one transaction together with its entry in the audit
log, so that two admins at once lose nothing of each other's. Knows nothing of
what the settings mean.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select

from bot.deciding import Decision, Off
from bot.messages import JsonObject, JsonValue
from bot.store import tables as t
from bot.store.transactions import Transactions, unbroken
from bot.store.writing import add, put


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change: who changed what, from which value to which. `at` is in Unix seconds."""

    id: int
    guild_id: int
    user_id: int
    what: str
    before: JsonValue
    after: JsonValue
    at: float


class Servers(Transactions):
    """The methods of `Store` that know servers."""

    @unbroken
    async def guild_settings(self, guild_id: int) -> JsonObject | None:
        """A guild's settings as they were saved, or None for a guild that never changed any."""
        stored = select(t.guild_settings.c.settings).where(t.guild_settings.c.guild_id == guild_id)
        async with self._read() as db:
            return (await db.execute(stored)).scalar_one_or_none()

    @unbroken
    async def save_guild_settings(self, guild_id: int, settings: JsonObject) -> None:
        """Save all of a guild's settings, in place of those there were."""
        async with self._write() as db:
            await put(db, t.guild_settings, [{"guild_id": guild_id, "settings": settings}], keys=("guild_id",))

    @unbroken
    async def change_settings(self, guild_id: int, user_id: int, change: Decision) -> JsonObject:
        """Change some of a guild's settings and enter each change in the audit log; returns all as they are then.

        `change` gets the stored settings and returns those that shall be different, quickly and without waiting;
        None stands for a setting that is not stored any more, Off for one that is stored as null. What it raises
        leaves everything as it was.
        """
        this = t.guild_settings.c.guild_id == guild_id
        async with self._write() as db:
            await add(db, t.guild_settings, {"guild_id": guild_id, "settings": {}})
            stored: JsonObject = (
                await db.execute(select(t.guild_settings.c.settings).where(this).with_for_update())
            ).scalar_one()
            before = {name: Off.OFF if value is None else value for name, value in stored.items()}
            wanted = {name: value for name, value in change(dict(stored)).items() if before.get(name) != value}
            after = {name: value for name, value in {**before, **wanted}.items() if value is not None}
            changed: JsonObject = {name: None if value is Off.OFF else value for name, value in after.items()}
            await put(db, t.guild_settings, [{"guild_id": guild_id, "settings": changed}], keys=("guild_id",))
            for name, value in wanted.items():
                entry = self._entry(guild_id, user_id, name, _told(before.get(name)), _told(value))
                await db.execute(insert(t.audit).values(entry))
            return changed

    @unbroken
    async def enter_audit(
        self, guild_id: int, user_id: int, what: str, *, before: JsonValue = None, after: JsonValue = None
    ) -> None:
        """Enter a change that is no setting's in the audit log, such as that of a key; never the secret itself."""
        async with self._write() as db:
            await db.execute(insert(t.audit).values(self._entry(guild_id, user_id, what, before, after)))

    @unbroken
    async def audit(
        self, guild_id: int, *, before: int | None = None, after: int | None = None, n: int = 10
    ) -> list[AuditEntry]:
        """A guild's newest `n` changes with ids below `before`, or the oldest `n` above `after`; newest first."""
        wanted = select(t.audit).where(t.audit.c.guild_id == guild_id)
        order = t.audit.c.id.desc() if after is None else t.audit.c.id
        if before is not None:
            wanted = wanted.where(t.audit.c.id < before)
        if after is not None:
            wanted = wanted.where(t.audit.c.id > after)
        async with self._read() as db:
            rows = await db.execute(wanted.order_by(order).limit(n))
            return sorted((AuditEntry(**row) for row in rows.mappings()), key=lambda entry: -entry.id)

    def _entry(self, guild_id: int, user_id: int, what: str, before: JsonValue, after: JsonValue) -> JsonObject:
        return {
            "guild_id": guild_id,
            "user_id": user_id,
            "what": what,
            "before": before,
            "after": after,
            "at": self._clock(),
        }


def _told(value: JsonValue | Off) -> JsonValue:
    """A value as the audit log keeps it."""
    return value.value if isinstance(value, Off) else value
