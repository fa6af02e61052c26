"""The body of a response, watched: how long it may be silent, how much it may send, and what it is.

Splits a body into JSON payloads, whether it is an event stream or one JSON
object, and whatever its Content-Type claims. httpx-sse parses the events. This
module knows nothing of what the payloads mean.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Literal, cast

import httpx
from httpx_sse import EventSource

from bot.errors import ModelError, ModelFault
from bot.openrouter.deadline import Deadline
from bot.openrouter.gather import gathered
from bot.openrouter.rest import Demand, Rest

MAX_EVENT = 4 * 2**20
"""Bytes between two events of a stream, and of a body that is not a stream."""
MAX_BODY = 256 * 2**20

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect: float = 10.0
    first_byte: float = 120.0
    """For the response's headers, and for the first byte of its body: a local model reads a long prompt first."""
    silence: float = 60.0
    """Between two bytes; comments that keep a connection alive count."""
    event: float = 300.0
    """Between two events, however many comments come meanwhile."""
    linger: float = 0.25
    """For the connection's end after the stream's; then it can be used again."""


class Body:
    """A response's bytes under limits. Raises ModelError when a limit is passed or the connection fails."""

    def __init__(self, response: httpx.Response, timeouts: Timeouts) -> None:
        self._chunks = aiter(cast("AsyncIterable[bytes]", response.stream))
        self._timeouts = timeouts
        self._now = asyncio.get_running_loop().time
        self._deadline = Deadline()
        self._event_due_at = math.inf
        self._head = b""
        self._began = False
        self._total = 0
        self._since_event = 0

    async def kind(self) -> Literal["stream", "object"]:
        """What the body is, by its first character; a server may send blanks before an object."""
        while not self._head:
            chunk = await self._next()
            if chunk is None:
                return "stream"
            self._head = chunk.removeprefix(_BOM).lstrip()
        if self._head.startswith(b"<"):
            raise ModelError(ModelFault.GARBLED, error_type="html", retryable=True)
        return "object" if self._head.startswith(b"{") else "stream"

    def expect_event(self) -> None:
        """Begin to count anew towards the size of one event, and the time it may take."""
        self._since_event = len(self._head)
        self._event_due_at = self._now() + self._timeouts.event

    async def read(self) -> bytes:
        """The whole body."""
        async with aclosing(self.chunks()) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def drain(self) -> None:
        """Read what follows the stream's own end, for a moment: a connection read to its end can be used again."""
        with suppress(ModelError, TimeoutError):
            async with asyncio.timeout(self._timeouts.linger):
                while await self._next() is not None:
                    pass

    def close(self) -> None:
        """Nothing more will be read. Idempotent."""
        self._deadline.close()

    async def chunks(self) -> AsyncGenerator[bytes]:
        """What the body has to give, as it comes."""
        head, self._head = self._head, b""
        if head:
            yield head
        while (chunk := await self._next()) is not None:
            yield chunk

    async def _next(self) -> bytes | None:
        now, limit = self._now(), self._timeouts.silence if self._began else self._timeouts.first_byte
        silent_at = now + limit
        try:
            if self._event_due_at <= now:
                raise TimeoutError  # a read that need not wait would not notice
            with self._deadline.until(min(silent_at, self._event_due_at)):
                chunk = await anext(self._chunks, None)
        except TimeoutError:
            kind = "silence" if silent_at < self._event_due_at else "no_event"
            raise ModelError(ModelFault.TIMEOUT, error_type=kind, retryable=True) from None
        except httpx.TransportError:
            raise ModelError(ModelFault.CUT_OFF, error_type="disconnected", retryable=True) from None
        if chunk is not None:
            self._count(len(chunk))
        return chunk

    def _count(self, size: int) -> None:
        self._began = True
        self._total += size
        self._since_event += size
        if self._since_event > MAX_EVENT or self._total > MAX_BODY:
            raise ModelError(ModelFault.GARBLED, error_type="too_large")


class _Cutter:
    """Cuts a stream of bytes behind its last blank line: what stands before it are whole events.

    HTML Living Standard, "Server-sent events": a line ends with LF, CR or CRLF.
    """

    _BLANK_LINES = (b"\n\n", b"\n\r", b"\r\r")

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._last = b""

    def feed(self, chunk: bytes) -> bytes:
        """The whole events that are complete with `chunk`; work is linear in its length."""
        seen = self._last + chunk
        found = max(seen.rfind(blank) for blank in self._BLANK_LINES)
        self._last = chunk[-1:]
        if found < 0:
            self._rest.append(chunk)
            return b""
        end = found + 2 - (len(seen) - len(chunk))
        whole = b"".join((*self._rest, chunk[:end]))
        self._rest = [chunk[end:]]
        return whole


_PLAIN = "data: "
"""How an event of one line begins, as nearly all of a stream are."""


class Events(httpx.Response):
    """Reads events from a response of our own: EventSource believes the Content-Type, which may be wrong."""

    def __init__(self) -> None:
        super().__init__(200, headers={"Content-Type": "text/event-stream"})
        self._text = ""

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        yield self._text

    def data_of(self, events: str) -> list[str]:
        """The data of whole events that have any. For plain ones httpx-sse would take three times as long."""
        *plain, rest = events.split("\n\n")
        is_plain = not rest and "\r" not in events and events.count("\n") == 2 * len(plain)
        if is_plain and all(event.startswith(_PLAIN) for event in plain):
            return [data for event in plain if (data := event[len(_PLAIN) :])]
        self._text = events
        return [event.data for event in EventSource(self).iter_sse() if event.data]


async def payloads(body: Body, demand: Demand, rest: Rest) -> AsyncGenerator[list[str]]:
    """The data of the events of a stream, all that has come by the time it is due. Raises ModelError."""
    cutter, events = _Cutter(), Events()
    body.expect_event()
    async with aclosing(gathered(body.chunks(), demand, rest)) as chunks:
        async for chunk in chunks:
            whole = cutter.feed(chunk)
            if whole and (data := events.data_of(whole.decode("utf-8", "replace"))):
                body.expect_event()
                yield data
