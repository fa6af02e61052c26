"""What is forgotten as time goes by: quiet conversations, and servers that the bot was removed from.

Goes round every hour, and whenever it is told to; whatever fails is tried again in
the next round. What was shown on Discord stays there. This module knows nothing of
Discord: whether the bot is still in a server is a question to its port.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from pydantic import ValidationError

from bot.chat import Chat
from bot.errors import describe
from bot.forgetting import Forgetting
from bot.guild import GuildSettings
from bot.store import Store

log = logging.getLogger(__name__)

DAY = 24 * 3600.0
ROUND_SECONDS = 3600.0
DEPARTED_DAYS = 30
"""After so many days without the bot a server is forgotten."""


def days_kept(own: int | None, ceiling: int | None) -> int | None:
    """How many days a quiet conversation is kept: what the server chose, within the operator's ceiling; None: always.

    >>> days_kept(90, 30)
    30
    """
    return min((days for days in (own, ceiling) if days is not None), default=None)


class Housekeeping:
    """Forgets what is over. `clock` gives Unix seconds.

    `ceiling` is the operator's, in days, and binds direct messages too. `has_left`
    tells whether the bot is certainly no member of a server any more.
    """

    def __init__(
        self,
        store: Store,
        chat: Chat,
        forgetting: Forgetting,
        *,
        ceiling: int | None,
        has_left: Callable[[int], bool],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._chat = chat
        self._forgetting = forgetting
        self._ceiling = ceiling
        self._has_left = has_left
        self._clock = clock
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Go round soon, for something may have changed."""
        self._wanted.set()

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            self._wanted.clear()
            await self.go_round()
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._wanted.wait()

    async def go_round(self) -> None:
        """Forget what is due, and put right what a wrong clock did. Never raises for what the database did."""
        for work in (
            self._forgetting.go_on,
            self._forget_the_quiet_and_departed,
            self._date_back,
            self._store.prune_tallies,
        ):
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the edge of one round: the next one tries again
                log.error("something of the housekeeping could not be done yet: %s", describe(error))

    async def _date_back(self) -> None:
        while await self._store.date_back():
            log.warning("requests were dated ahead of the clock, which must have been wrong; they are dated as of now")

    async def _forget_the_quiet_and_departed(self) -> None:
        number = await self._forget_quiet()
        for guild_id in await self._store.departed_before(self._clock() - DEPARTED_DAYS * DAY):
            if self._has_left(guild_id):
                number += await self._forget_guild(guild_id)
        if number:
            log.info("forgot %d conversations and servers that are over", number)
            await self._store.scrub()

    async def _forget_quiet(self) -> int:
        now, ceiling = self._clock(), self._ceiling
        number = 0 if ceiling is None else await self._forget_since(now - ceiling * DAY, None)
        for guild_id, stored in (await self._store.all_guild_settings()).items():
            try:
                days = GuildSettings.model_validate(stored).retention_days
            except ValidationError:
                continue  # whoever reads them for an answer says so
            if days is not None and days == days_kept(days, ceiling):
                number += await self._forget_since(now - days * DAY, guild_id)
        return number

    async def _forget_since(self, since: float, guild_id: int | None) -> int:
        number = 0
        while found := await self._store.quiet_conversations(since, guild_id=guild_id):
            for conversation_id in found:
                while await self._store.erase_conversation(conversation_id, quiet_since=since):
                    pass  # each is a short transaction, between which others have their turn
            number += len(found)
        return number

    async def _forget_guild(self, guild_id: int) -> int:
        number = 1
        while found := await self._store.conversations_of_guild(guild_id):
            for conversation_id in found:
                self._chat.drop(conversation_id)
                while await self._store.erase_conversation(conversation_id):
                    pass  # each is a short transaction, between which others have their turn
            number += len(found)
        while await self._store.erase_guild_from_ledger(guild_id):
            pass
        await self._store.erase_guild(guild_id)
        return number
