"""Keeps what a stream brings until somebody is about to look: handing a little up costs as much as handing up a lot.

Reading goes on meanwhile, so that an end or a failure is known at once. This
module knows nothing of what the bytes mean but how a stream says that it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from bot.openrouter.rest import MOST_BYTES, Demand, Rest

_END = b"[DONE]"
"""What the last event of a stream says (OpenRouter, "Streaming")."""


class _Kept:
    """What has been read and not handed up, and whether it is time to."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand
        self._chunks: list[bytes] = []
        self._size = 0
        self._tail = b""
        self._due = asyncio.Event()
        self._taken = asyncio.Event()

    async def put(self, chunk: bytes) -> None:
        """Add what was just read; waits while too much is kept."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        seen = self._tail + chunk
        self._tail = seen[1 - len(_END) :]
        if _END in seen or self._size > MOST_BYTES or self._demand.is_due():
            self.hand_up()
        while self._size > MOST_BYTES:
            self._taken.clear()
            await self._taken.wait()

    def hand_up(self) -> None:
        """Let `due` return."""
        self._due.set()

    async def due(self) -> None:
        """Wait until what is kept should be taken."""
        await self._due.wait()

    def take(self) -> bytes:
        """Everything that is kept."""
        self._demand.meet()
        self._due.clear()
        chunks, self._chunks, self._size = self._chunks, [], 0
        self._taken.set()
        return b"".join(chunks)


async def gathered(chunks: AsyncGenerator[bytes], demand: Demand, rest: Rest) -> AsyncGenerator[bytes]:
    """The same bytes in fewer pieces: all there are when it is due, at the end, or when it is a lot.

    What was kept when reading failed comes before the failure. Closing this ends
    the reading.
    """
    kept = _Kept(demand)

    async def read() -> None:
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    await kept.put(chunk)
                    if not await rest.until_worthwhile():
                        kept.hand_up()  # nothing more has come, and what is kept is due
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
