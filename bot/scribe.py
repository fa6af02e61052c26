"""Writes the running answers down, those together that are due at about the same time.

A hop to the database's thread and back costs more than a row. What goes out to people
is on its way to the database before they see it, for Discord takes longer than both.

This module knows nothing of models or of Discord, nor of SQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from bot.engine import Draft
from bot.errors import describe
from bot.saving import Line, Saving
from bot.store import Store

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
"""How long what has come may go unsaved; together with what is left unread, less than the two seconds promised."""
GATHER_SECONDS = 0.05
"""What goes out to people waits so long for more of the kind; a request to Discord takes about as long."""


class Scribe:
    """The one task that saves drafts. While no answer runs it does not run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[Saving, Draft] = {}
        self._task: asyncio.Task[None] | None = None
        self._hurries = asyncio.Event()

    def hurry(self) -> None:
        """Something of an answer is going out to people."""
        self._hurries.set()

    @asynccontextmanager
    async def writing(self, saving: Saving, draft: Draft) -> AsyncGenerator[None]:
        """Write a draft down again and again while this lasts; afterwards nothing of it is being written any more."""
        self._running[saving] = draft
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            del self._running[saving]
            await saving.rest()

    async def aclose(self) -> None:
        """Stop, when what is being written has been. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while self._running:
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_SECONDS):
                        await self._hurries.wait()
                        await asyncio.sleep(GATHER_SECONDS)
                self._hurries.clear()
                await self._write()
        finally:
            self._task = None

    async def _write(self) -> None:
        """Write down what has come since the last time; what is more than a line of an answer, by itself."""
        behind = [(saving, draft) for saving, draft in self._running.items() if saving.is_behind(draft)]
        lines: list[Line] = []
        others: list[tuple[Saving, Draft]] = []
        async with AsyncExitStack() as held:
            for saving, draft in behind:
                if (line := saving.line(draft)) is None:
                    others.append((saving, draft))
                else:
                    await held.enter_async_context(saving.writing)
                    lines.append(line)
            if lines:
                await self._write_lines(lines)
        for saving, draft in others:
            if self._running.get(saving) is draft:  # else it has ended while another one was being written
                await saving.now(draft)

    async def _write_lines(self, lines: Sequence[Line]) -> None:
        try:
            await self._store.save_drafts([(line.saving.turn_id, line.position, line.step) for line in lines])
        except Exception as error:  # noqa: BLE001 - any database fault: the next round tries again, the end is loud
            log.warning("%d drafts could not be saved: %s", len(lines), describe(error))
        else:
            for line in lines:
                line.saving.note(line)
