"""A time limit for many waits of one task, one after the other.

Like `asyncio.timeout_at`, but a wait only moves the moment: the timer is set anew
when it rings too early, instead of for every read of a stream, where timers are a
good part of the cost. This module knows nothing of what is waited for.
"""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Self


class Deadline:
    """`with deadline.until(at):` raises TimeoutError where its body is still waiting at `at`, in the loop's time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._is_over = False

    def until(self, at: float) -> Self:
        """The limit of the wait that begins now."""
        self._at = at
        if self._timer is None or at < self._timer.when():
            self._set_timer()
        return self

    def close(self) -> None:
        """No further wait will come. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        if self._task is not None:
            self._cancelling = self._task.cancelling()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if not self._is_over or task is None:
            return
        self._is_over = False
        # Somebody else's cancellation that came as well goes on (Python, "asyncio.Task.uncancel").
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _set_timer(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return  # between two waits; the next one sets the timer
        if self._loop.time() < self._at:
            self._set_timer()
            return
        self._is_over = True
        self._task.cancel()
