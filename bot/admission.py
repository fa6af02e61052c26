"""Who may ask: what a server's admins have decided, under the operator's ceilings, and what their limits leave.

What the decisions mean is in `limits`, which is pure; this module reads them. It
knows nothing of Discord, nor of what is being answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.data_policy import DataPolicy
from bot.errors import ForUser
from bot.guild import GuildSettings
from bot.limits import Asker, Bill, Measure, answers_in, caps, effective, may_ask_here, outside_servers
from bot.store import Store


class Admission:
    """Looks questions over before anything is stored or opened for them.

    `data_policy` holds where there is no server whose admins decide; `ceilings` are the operator's, by limit.
    """

    def __init__(self, store: Store, *, data_policy: DataPolicy, ceilings: Mapping[str, int]) -> None:
        self._store = store
        self._data_policy = data_policy
        self._ceilings = ceilings

    async def settings_of(self, guild_id: int | None, roles: Collection[int] = ()) -> GuildSettings:
        """What the admins of a server have decided, as it holds for a member with these roles, under the ceilings.

        The operator's defaults where there is no server, as in direct messages.
        """
        settings = outside_servers(GuildSettings(data_policy=self._data_policy))
        if guild_id is not None:
            settings = GuildSettings.model_validate(await self._store.guild_settings(guild_id) or {})
        return effective(settings, roles, self._ceilings)

    async def answers_in(self, guild_id: int | None, channels: Collection[int]) -> bool:
        """Whether admins let anybody ask in a channel, which of a thread is also the one that it belongs to."""
        return guild_id is None or answers_in(await self.settings_of(guild_id), channels)

    async def check_place(self, asker: Asker, *, guild_id: int | None, channels: Collection[int]) -> None:
        """Raise ForUser where admins do not let somebody ask in a channel, whatever they have used."""
        guild = await self.settings_of(guild_id, asker.roles)
        if guild_id is not None and (barred := may_ask_here(guild, channels, asker.roles)) is not None:
            raise ForUser(barred)

    async def check_limits(
        self, user_id: int, *, guild_id: int | None, roles: Collection[int], has_to_wait: bool
    ) -> None:
        """Raise LimitExceeded where a limit leaves nothing for another answer.

        One that only waits for its turn needs no place among the running answers yet.
        """
        guild = await self.settings_of(guild_id, roles)
        counted = tuple(cap for cap in caps(guild) if not (has_to_wait and cap.measure is Measure.RUNNING))
        bill = Bill(0, 0, guild_id, user_id, counted, dms_count=guild.dms_count)
        if (reached := await self._store.reached(bill)) is not None:
            raise reached.error
