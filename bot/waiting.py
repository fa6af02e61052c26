"""The signs on questions that wait: put up without waiting for Discord, and always taken down again.

For one message what is asked first is done first, however slow Discord is, so no
sign stays behind. This module knows nothing of why a question waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from bot.messages import Turn

Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Marks(Protocol):
    """How people see that a question waits; best effort, never raises."""

    async def waiting(self, channel_id: int, message_id: int, waits: bool) -> None: ...


class Signs:
    """Which turns carry a sign, and on which of their messages. `spawn` owns the tasks."""

    def __init__(self, marks: Marks, spawn: Spawn) -> None:
        self._marks = marks
        self._spawn = spawn
        self._signed: dict[int, tuple[int, int]] = {}
        """Channel and message of each turn that carries a sign."""
        self._at_work: dict[int, asyncio.Task[None]] = {}

    def suppose(self, turn: Turn) -> None:
        """An earlier process may have put up a sign."""
        self._signed[turn.id] = (turn.conversation_id, turn.question[0].id)

    def put_up(self, turn: Turn) -> None:
        self.suppose(turn)
        self._change(*self._signed[turn.id], waits=True)

    def move(self, turn: Turn) -> None:
        """The message with the turn's sign, if it has one, may have been deleted: the first one carries it now."""
        if turn.id in self._signed and self._signed[turn.id][1] != turn.question[0].id:
            self.put_up(turn)

    def forget(self, turn_id: int) -> None:
        """The place of the turn's sign is gone."""
        self._signed.pop(turn_id, None)

    def take_down(self, turn_id: int) -> None:
        """Take the turn's sign down, if there is one."""
        if (place := self._signed.pop(turn_id, None)) is not None:
            self._change(*place, waits=False)

    def _change(self, channel_id: int, message_id: int, *, waits: bool) -> None:
        if message_id <= 0:  # a copy, which was never sent
            return
        before = self._at_work.get(message_id)
        task = self._at_work[message_id] = self._spawn(self._in_turn(before, channel_id, message_id, waits))
        task.add_done_callback(lambda done: self._forget(message_id, done))

    async def _in_turn(self, before: asyncio.Task[None] | None, channel_id: int, message_id: int, waits: bool) -> None:
        if before is not None:
            await asyncio.wait({before})
        await self._marks.waiting(channel_id, message_id, waits)

    def _forget(self, message_id: int, done: asyncio.Task[None]) -> None:
        if self._at_work.get(message_id) is done:
            del self._at_work[message_id]
