"""Keeps what a stream brings until somebody is about to look: handing a little up costs as much as handing up a lot.

Reading goes on meanwhile, so that an end or a failure is known at once. This
module knows nothing of what the bytes mean but how a stream says that it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

KEPT_SECONDS = 0.4
"""How long something is kept at most. With the pause between two saves it stays within the promised two seconds."""
_MOST_BYTES = 64 * 1024
"""More than this is handed up whether or not it is wanted, and nothing is read until it is taken."""
_END = b"[DONE]"
"""What the last event of a stream says (OpenRouter, "Streaming")."""


class _Kept:
    """What has been read and not handed up, and whether it is time to."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._tail = b""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = asyncio.Event()
        self._taken = asyncio.Event()

    async def put(self, chunk: bytes, *, is_wanted: bool) -> None:
        """Add what was just read; waits while too much is kept."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        seen, self._tail = self._tail + chunk, chunk[1 - len(_END) :]
        if is_wanted or _END in seen or self._size > _MOST_BYTES:
            self.hand_up()
        elif self._timer is None:
            self._timer = self._loop.call_later(KEPT_SECONDS, self.hand_up)
        while self._size > _MOST_BYTES:
            self._taken.clear()
            await self._taken.wait()

    def hand_up(self) -> None:
        """Let `due` return."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due.set()

    async def due(self) -> None:
        """Wait until what is kept should be taken."""
        await self._due.wait()

    def take(self) -> bytes:
        """Everything that is kept."""
        self._due.clear()
        chunks, self._chunks, self._size = self._chunks, [], 0
        self._taken.set()
        return b"".join(chunks)


async def gathered(chunks: AsyncGenerator[bytes], wanted: Callable[[], bool]) -> AsyncGenerator[bytes]:
    """The same bytes in fewer pieces: all there are when `wanted` says so, at the end, or after KEPT_SECONDS.

    `wanted` is asked after each read and must be cheap. What was kept when reading
    failed comes before the failure. Closing this ends the reading.
    """
    kept = _Kept()

    async def read() -> None:
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    await kept.put(chunk, is_wanted=wanted())
        finally:
            kept.hand_up()

    reading = asyncio.create_task(read())
    try:
        while not reading.done():
            await kept.due()
            if piece := kept.take():
                yield piece
        if piece := kept.take():
            yield piece
        await reading
    finally:
        reading.cancel()
        await asyncio.wait({reading})
