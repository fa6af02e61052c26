"""One WebSocket of the gateway: frames in and out, heartbeats, the send limit.

It knows the protocol's envelope, not what sessions or events are. The outgoing
queue is bounded: a client that does not read is dropped, nobody waits for it.
Source: Discord's documentation, "Gateway → Connections" and "Rate Limiting".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from bot.playground.discord.gateway_frames import CloseCode, HangUp, Opcode, Received, Wire, decode, encode

_QUEUED_FRAMES = 10_000
_ROUND_TRIP_SECONDS = 0.02
_GOODBYE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """The gateway's numbers, as Discord has them by default. Times are seconds."""

    heartbeat_interval: float = 41.25
    sends: int = 120
    sends_window: float = 60.0
    max_concurrency: int = 1
    identify_window: float = 5.0
    identifies_per_day: int = 1000
    replayed_events: int = 5000
    session_lifetime: float = 180.0
    """How long a session without a connection can be resumed."""

    @property
    def heartbeat_deadline(self) -> float:
        """Silence after which a client counts as gone; late heartbeats are tolerated for half an interval."""
        return self.heartbeat_interval * 1.5


class Connection:
    """A client's WebSocket, from HELLO to the close."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        abort: Callable[[], None],
        wire: Wire,
        limits: GatewayLimits,
        clock: Callable[[], float],
    ) -> None:
        self.seq = 0
        """The last event put on the wire."""
        self._socket = socket
        self._abort = abort
        self._wire = wire
        self._limits = limits
        self._clock = clock
        self._outbox: asyncio.Queue[str | HangUp] = asyncio.Queue(_QUEUED_FRAMES)
        self._received_at: deque[float] = deque(maxlen=limits.sends)
        self._deadline: asyncio.Timeout | None = None
        self._acknowledgement: asyncio.TimerHandle | None = None

    def send(self, text: str) -> None:
        """Queue a frame. A client that has stopped reading is dropped instead."""
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            self._abort()

    def send_event(self, seq: int, text: str) -> None:
        """Queue a numbered event, once: one that was sent before is left out."""
        if seq > self.seq:
            self.seq = seq
            self.send(text)

    def hang_up(self, reason: HangUp) -> None:
        """Close after what is queued, with a code that the client sees."""
        with contextlib.suppress(asyncio.QueueFull):
            self._outbox.put_nowait(reason)

    def abort(self) -> None:
        """Cut the TCP connection without a word, as a failing network does."""
        self._abort()

    def acknowledge(self) -> None:
        """Answer a heartbeat a round trip later: discord.py takes one that overtakes its own call for an old one."""
        frame = encode(Opcode.HEARTBEAT_ACK)
        self._acknowledgement = asyncio.get_running_loop().call_later(_ROUND_TRIP_SECONDS, self.send, frame)

    def beat(self) -> None:
        """Take a heartbeat as a sign of life."""
        if self._deadline is not None:
            loop = asyncio.get_running_loop()
            self._deadline.reschedule(loop.time() + self._limits.heartbeat_deadline)

    async def serve(self, handle: Callable[[Received], None]) -> int | None:
        """Say HELLO and hand every payload to `handle`, which may raise HangUp, until either side hangs up.

        Returns the close code of whoever did, or None where the connection just broke.
        """
        self.send(encode(Opcode.HELLO, {"heartbeat_interval": round(self._limits.heartbeat_interval * 1000)}))
        tasks = [asyncio.create_task(self._read(handle)), asyncio.create_task(self._write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._acknowledgement is not None:
                self._acknowledgement.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                if not isinstance(error, HangUp):
                    raise error
                await self._close(error)
                return error.code
        return self._socket.close_code

    async def _read(self, handle: Callable[[Received], None]) -> None:
        try:
            async with asyncio.timeout(self._limits.heartbeat_deadline) as self._deadline:
                async for message in self._socket:
                    self._count()
                    if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                        raise HangUp(CloseCode.DECODE_ERROR)
                    handle(decode(message.data))
        except TimeoutError:
            raise HangUp(CloseCode.SESSION_TIMED_OUT) from None
        finally:
            self._deadline = None

    def _count(self) -> None:
        """Raise HangUp for one payload too many within the window."""
        now = self._clock()
        full = len(self._received_at) == self._limits.sends
        if full and now - self._received_at[0] < self._limits.sends_window:
            raise HangUp(CloseCode.RATE_LIMITED)
        self._received_at.append(now)

    async def _write(self) -> None:
        # A write to a dead peer fails here; the reader sees the same end and winds up.
        with contextlib.suppress(ConnectionError):
            while True:
                frame = await self._outbox.get()
                if isinstance(frame, HangUp):
                    raise frame
                packed = self._wire.pack(frame)
                if isinstance(packed, bytes):
                    await self._socket.send_bytes(packed)
                else:
                    await self._socket.send_str(packed)

    async def _close(self, reason: HangUp) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._socket.close(code=reason.code, message=reason.reason.encode())
