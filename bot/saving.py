"""Writes one running answer down: as it goes out to people, at its end, and what is known of its messages.

A database that does not take something stops no answer: what people see does not
wait for it, and what is not written is logged. This module knows nothing of models,
nor of SQL.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from bot.engine import Draft
from bot.errors import describe
from bot.events import Ended
from bot.messages import Step
from bot.store import Store

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.5
"""How long what has come may go unsaved; what is shown is saved as it goes out. The promise is two seconds."""

_SOON = 0.1
"""Seconds; more than passes before what a stream has brought is read and handed up."""

STEP_SECONDS = 5.0
"""How long the next step of an answer waits for the one before to be saved."""


class Saving:
    """The writing down of one turn's answer. None of its methods raises for what the database did."""

    def __init__(self, store: Store, turn_id: int, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._store = store
        self._turn_id = turn_id
        self._sleep = sleep
        self._writing = asyncio.Lock()
        self._draft: Draft | None = None
        self._version: int = 0
        self._due_at = math.inf
        self._pages: tuple[int, ...] | None = None
        """The messages that were saved last; None where that is not known."""
        self._first: int = 0
        """So many steps of the draft are complete and saved."""

    async def often(self, draft: Draft, going_out: asyncio.Event) -> None:
        """Write the draft down, until cancelled, when some of it goes out to people; complete steps only once.

        Discord takes longer than the database, so what people have seen is saved, and neither waits for the other.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SAVE_SECONDS) as limit:
                    self._due_at = limit.when() or math.inf
                    await going_out.wait()
            going_out.clear()
            await self.now(draft)

    def is_soon(self) -> bool:
        """Whether what has come is about to be written down though nothing of it goes out."""
        return asyncio.get_running_loop().time() >= self._due_at - _SOON

    async def step(self, draft: Draft) -> None:
        """Write down a finished step before the next one begins; a database that takes long is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STEP_SECONDS):
                await self.now(draft)

    async def now(self, draft: Draft) -> None:
        """Write down what has come since the last time; complete steps only once."""
        async with self._writing:
            if draft is not self._draft:
                self._draft, self._version, self._first = draft, 0, 0
            if draft.version == self._version:
                return
            is_new, version, complete = self._version == 0, draft.version, draft.finished
            steps = draft.steps()[self._first :]
            try:
                if not is_new and len(steps) == 1 and complete == self._first and steps[0].usage is None:
                    await self._store.save_draft(self._turn_id, self._first, steps[0])
                else:
                    await self._store.save_steps(self._turn_id, self._first, steps)
            except Exception as error:  # noqa: BLE001 - any database fault: the next round tries again, the end is loud
                log.warning("turn %d: the draft could not be saved: %s", self._turn_id, describe(error))
            else:
                self._version, self._first = version, complete

    async def end(self, ended: Ended, steps: Sequence[Step], notices: Sequence[str]) -> bool:
        """Store the end of the turn; False when the database would not take it."""
        for pause in (0.2, 1.0, 3.0):
            try:
                await self._store.finish(self._turn_id, ended.status, steps, error=ended.error, notices=notices)
                return True
            except Exception as error:  # noqa: BLE001 - whatever the database's driver raises, people see the answer
                log.error("turn %d: the answer could not be stored: %s", self._turn_id, describe(error))
                await self._sleep(pause)
        return False

    async def shown(self, *, gone_channel: int | None = None, is_withdrawn: bool = False) -> None:
        """Note that nothing is left to be done on Discord; what happened in a deleted channel is forgotten."""
        try:
            if gone_channel is not None:
                await self._store.forget_channel(gone_channel)
            await self._store.note_shown(self._turn_id)
            if is_withdrawn:
                await self._store.clear_leftovers(self._turn_id)
        except Exception as error:  # noqa: BLE001 - any database fault: the next process only does it once more
            log.warning("turn %d: that it is shown could not be saved: %s", self._turn_id, describe(error))

    async def pages(self, pages: tuple[int, ...]) -> None:
        """Remember which messages show the answer."""
        known, self._pages = self._pages, None
        try:
            if pages and pages[:-1] == known:
                await self._store.add_page(self._turn_id, len(pages) - 1, pages[-1])
            else:
                await self._store.save_pages(self._turn_id, pages)
            self._pages = pages
        except Exception as error:  # noqa: BLE001 - a page that is not remembered is only not redrawn after a crash
            log.warning("turn %d: its pages could not be saved: %s", self._turn_id, describe(error))
