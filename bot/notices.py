"""Tells admins and operators what only they can mend, each thing at most once a day, beside the answers' path.

What has been told is remembered in the database, so that a restart repeats
nothing. What there is to tell is decided in `failing`; this module knows nothing
of Discord: an outlet reaches people.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.errors import ModelError, describe
from bot.failing import DAY, Asked, KeyUnusable, Notice, Tidings, after_answer, after_failure, after_unusable
from bot.guild import GuildSettings
from bot.model import Catalogue
from bot.store import Store

log = logging.getLogger(__name__)

OPERATORS = 0
"""Stands for the operators where a server's id stands otherwise."""
_CLOSING_SECONDS = 2.0
_REMEMBERED = 10_000
"""Notices whose time is kept in memory, so that the database is not asked for every answer."""


class Outlet(Protocol):
    """Reaches people. Neither method raises; both return whether somebody was reached."""

    async def tell_admins(self, guild_id: int, channel_id: int | None, text: str) -> bool:
        """Tell a server's admins, in a channel of theirs where one is named and can be written in."""
        ...

    async def tell_person(self, user_id: int, text: str) -> bool:
        """Tell one person privately."""
        ...


class Notices:
    """Gives notices, in the background. `clock` gives Unix seconds; `operators` are Discord users."""

    def __init__(
        self,
        store: Store,
        outlet: Outlet,
        catalogue: Catalogue,
        operators: Sequence[int],
        *,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._outlet = outlet
        self._catalogue = catalogue
        self._operators = tuple(operators)
        self._clock = clock
        self._given: dict[tuple[int, str], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def failed(self, asked: Asked, error: ModelError) -> str:
        """A model request has failed for good: tell those who can mend it. Returns what the member reads."""
        tidings = after_failure(asked, error, has_operators=bool(self._operators))
        self._spread(asked.guild_id, tidings)
        return tidings.sentence

    def answered(self, asked: Asked) -> None:
        """An answer has ended, well or not: tell of a wanted model that is gone, or soon will be."""
        model, today = asked.model, datetime.fromtimestamp(self._clock(), UTC).date()
        tidings = after_answer(asked, self._catalogue.standing(model), self._catalogue.get(model), today)
        self._spread(asked.guild_id, tidings)

    def unreadable(self, error: KeyUnusable) -> None:
        """A server's own key cannot be decrypted."""
        self._spread(error.guild_id, after_unusable(error))

    async def aclose(self) -> None:
        """Give what is being told a moment, then give it up."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_CLOSING_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _spread(self, guild_id: int | None, tidings: Tidings) -> None:
        if tidings.for_admins is not None and guild_id is not None and self._is_news(guild_id, tidings.for_admins):
            self._spawn(self._tell_admins(guild_id, tidings.for_admins))
        if tidings.for_operators is not None and self._operators and self._is_news(OPERATORS, tidings.for_operators):
            self._spawn(self._tell_operators(tidings.for_operators))

    def _is_news(self, to: int, notice: Notice) -> bool:
        """Whether this process has not given the notice already; what earlier ones gave, the store knows."""
        now, given = self._clock(), self._given.get((to, notice.kind))
        if given is not None and now - given < (notice.every or DAY):
            return False
        if len(self._given) >= _REMEMBERED:
            self._given.clear()
        self._given[to, notice.kind] = now
        return True

    async def _tell_admins(self, guild_id: int, notice: Notice) -> None:
        if await self._store.take_notice(guild_id, notice.kind, every=notice.every):
            settings = GuildSettings.model_validate(await self._store.guild_settings(guild_id) or {})
            reached = await self._outlet.tell_admins(guild_id, settings.notice_channel, notice.text)
            await self._note(guild_id, notice, reached=reached)

    async def _tell_operators(self, notice: Notice) -> None:
        if await self._store.take_notice(OPERATORS, notice.kind, every=notice.every):
            told = [await self._outlet.tell_person(user_id, notice.text) for user_id in self._operators]
            await self._note(OPERATORS, notice, reached=any(told))

    async def _note(self, to: int, notice: Notice, *, reached: bool) -> None:
        whom = f"server {to}" if to else "the operators"
        if reached:
            log.info("told %s: %s", whom, notice.kind)
            return
        log.warning("nobody of %s could be told: %s", whom, notice.kind)
        if notice.every is None:  # what is told only once has another chance tomorrow, as the rest has anyway
            await self._store.forget_notice(to, notice.kind)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a notice could not be given: %s", describe(error))
