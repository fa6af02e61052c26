"""How the store's methods run: each as one transaction that reaches its end, whoever is cancelled meanwhile.

Knows nothing of tables, nor of how a database is reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from bot.store.connect import Engines

_P = ParamSpec("_P")
_T = TypeVar("_T")


class AtWork:
    """The transactions that are under way; closing waits for them, and nothing begins afterwards.

    A connection that something still uses would not be closed, and its thread
    would keep the process from ending.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def begin(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Start a transaction. Raises RuntimeError once everything is closed."""
        if self._closed:
            work.close()
            raise RuntimeError("the store is closed")
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        self._closed = True
        if self._tasks:
            await asyncio.wait(self._tasks)


class Transactions:
    """The base of `Store` and of its parts: where they read, write and copy. `clock` gives Unix seconds."""

    def __init__(self, engines: Engines, clock: Callable[[], float]) -> None:
        self._engines = engines
        self._read = engines.reader.begin
        self._write = engines.writer.begin
        self._copy = engines.copier.begin
        self._clock = clock
        self.at_work = AtWork()


_Self = TypeVar("_Self", bound=Transactions)


def unbroken(
    method: Callable[Concatenate[_Self, _P], Coroutine[Any, Any, _T]],
) -> Callable[Concatenate[_Self, _P], Coroutine[Any, Any, _T]]:
    """Let a transaction reach its end before its caller's cancellation goes on.

    Cancelled in the middle of a query, a connection is of no use any more and has
    to be opened anew; and nobody would know whether a cancelled commit happened.
    """

    @wraps(method)
    async def whole(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        task = self.at_work.begin(method(self, *args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():  # whoever is impatient cancels more than once
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # nobody waits for it any more, and asyncio would log it
            raise

    return whole
