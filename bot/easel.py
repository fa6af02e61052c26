"""Where pictures are drawn: beside the event loop, one at a time, and not for ever.

Knows nothing of what is drawn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.errors import describe

log = logging.getLogger(__name__)

DRAW_SECONDS = 30.0
"""For one picture, waiting for others and the first one's libraries included."""


class Easel:
    """Draws pictures for those who have the same facts in words, and so can do without."""

    def __init__(self, seconds: float = DRAW_SECONDS) -> None:
        self._seconds = seconds
        self._one_at_a_time = asyncio.Lock()

    async def draw(self, picture: Callable[[], bytes]) -> bytes | None:
        """What `picture` draws in a thread; None where that fails or takes too long."""
        try:
            async with asyncio.timeout(self._seconds), self._one_at_a_time:
                return await asyncio.to_thread(picture)
        except TimeoutError:
            log.warning("a picture took longer than %.0f s, and was left out", self._seconds)
        except Exception as error:  # noqa: BLE001 - the edge of one picture: the words are sent without it
            log.error("a picture could not be drawn: %s", describe(error))
        return None
