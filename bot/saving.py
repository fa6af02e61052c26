"""Writes one running answer down: while it runs, at its end, and what is known of its messages.

A database that does not take something stops no answer: what people see does not
wait for it, and what is not written is logged. This module knows nothing of models,
nor of SQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from bot.engine import Draft
from bot.errors import describe
from bot.events import Ended
from bot.messages import Step
from bot.store import Store

log = logging.getLogger(__name__)

STEP_SECONDS = 5.0
"""How long the next step of an answer waits for the one before to be saved."""


class Line(NamedTuple):
    """All that has to be written of an answer: the step that is being written, where those before it are saved."""

    saving: Saving
    position: int
    step: Step
    version: int


class Saving:
    """The writing down of one turn's answer. None of its methods raises for what the database did."""

    def __init__(self, store: Store, turn_id: int, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.turn_id = turn_id
        self.writing = asyncio.Lock()
        """Held while something of the answer is being written."""
        self._store = store
        self._sleep = sleep
        self._draft: Draft | None = None
        self._version: int = 0
        self._pages: tuple[int, ...] | None = None
        """The messages that were saved last; None where that is not known."""
        self._first: int = 0
        """So many steps of the draft are complete and saved."""

    def is_behind(self, draft: Draft) -> bool:
        """Whether something has come that is not saved."""
        return draft is not self._draft or draft.version != self._version

    def line(self, draft: Draft) -> Line | None:
        """What has to be written; None if it is more than that, or if something is being written."""
        is_new = draft is not self._draft or self._version == 0
        if is_new or self.writing.locked() or draft.finished != self._first:
            return None
        steps = draft.steps()[self._first :]
        if len(steps) != 1 or steps[0].usage is not None:
            return None
        return Line(self, self._first, steps[0], draft.version)

    def note(self, line: Line) -> None:
        """A line was written."""
        self._version = line.version

    async def rest(self) -> None:
        """Wait until nothing is being written."""
        async with self.writing:
            pass

    async def step(self, draft: Draft) -> None:
        """Write down a finished step before the next one begins; a database that takes long is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STEP_SECONDS):
                await self.now(draft)

    async def now(self, draft: Draft) -> None:
        """Write down what has come since the last time; complete steps only once."""
        async with self.writing:
            if draft is not self._draft:
                self._draft, self._version, self._first = draft, 0, 0
            if draft.version == self._version:
                return
            version, complete = draft.version, draft.finished
            try:
                await self._store.save_steps(self.turn_id, self._first, draft.steps()[self._first :])
            except Exception as error:  # noqa: BLE001 - any database fault: the next round tries again, the end is loud
                log.warning("turn %d: the draft could not be saved: %s", self.turn_id, describe(error))
            else:
                self._version, self._first = version, complete

    async def end(self, ended: Ended, steps: Sequence[Step], notices: Sequence[str]) -> bool:
        """Store the end of the turn; False when the database would not take it."""
        for pause in (0.2, 1.0, 3.0):
            try:
                await self._store.finish(self.turn_id, ended.status, steps, error=ended.error, notices=notices)
                return True
            except Exception as error:  # noqa: BLE001 - whatever the database's driver raises, people see the answer
                log.error("turn %d: the answer could not be stored: %s", self.turn_id, describe(error))
                await self._sleep(pause)
        return False

    async def shown(self, *, gone_channel: int | None = None, is_withdrawn: bool = False) -> None:
        """Note that nothing is left to be done on Discord; what happened in a deleted channel is forgotten."""
        try:
            if gone_channel is not None:
                await self._store.forget_channel(gone_channel)
            await self._store.note_shown(self.turn_id)
            if is_withdrawn:
                await self._store.clear_leftovers(self.turn_id)
        except Exception as error:  # noqa: BLE001 - any database fault: the next process only does it once more
            log.warning("turn %d: that it is shown could not be saved: %s", self.turn_id, describe(error))

    async def pages(self, pages: tuple[int, ...]) -> None:
        """Remember which messages show the answer."""
        known, self._pages = self._pages, None
        try:
            if pages and pages[:-1] == known:
                await self._store.add_page(self.turn_id, len(pages) - 1, pages[-1])
            else:
                await self._store.save_pages(self.turn_id, pages)
            self._pages = pages
        except Exception as error:  # noqa: BLE001 - a page that is not remembered is only not redrawn after a crash
            log.warning("turn %d: its pages could not be saved: %s", self.turn_id, describe(error))
