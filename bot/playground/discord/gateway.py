"""The gateway: a WebSocket that tells the bot what happens in the world, as Discord's does.

It decides who gets which event and when a session lives or dies; what happens
is the world's affair. The methods named for faults (`drop_all` and its like)
let the playground and tests put a client through bad weather.
Source: Discord's documentation, "Gateway" and "Gateway Events".
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable

from aiohttp import web

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.gateway_connection import Connection, GatewayLimits
from bot.playground.discord.gateway_events import bot_sees, guild_create, guilds_of, members_chunks, ready
from bot.playground.discord.gateway_frames import CloseCode, HangUp, Opcode, Received, encode, wire_for
from bot.playground.discord.gateway_intents import wanted
from bot.playground.discord.gateway_session import Session, read_identity
from bot.playground.discord.state import State

_DAY = 86_400.0
_CLOSE_SECONDS = 0.5


class Gateway:
    """Every session and connection of the bot. `on_status` learns when it comes online and goes offline."""

    def __init__(
        self,
        state: State,
        *,
        token: str,
        limits: GatewayLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_status: Callable[[bool], None] = lambda online: None,
    ) -> None:
        self.url = ""
        """Where clients are told to resume; the server sets it once it listens."""
        self.limits = limits or GatewayLimits()
        self.acking = True
        """Whether heartbeats are acknowledged; turn it off to look like a dead connection."""
        self.identifies = 0
        self.resumes = 0
        self.presence: JsonValue = None
        """The latest presence that the bot announced."""
        self._state = state
        self._token = token
        self._clock = clock
        self._on_status = on_status
        self._held = False
        self._sessions: dict[str, Session] = {}
        self._connections: dict[Connection, Session | None] = {}
        self._identified_at: deque[float] = deque(maxlen=self.limits.identifies_per_day)
        self._idle = asyncio.Event()
        self._idle.set()
        self._unsubscribe = state.subscribe(self._on_dispatch)

    @property
    def online(self) -> bool:
        return any(self._connections.values())

    def start_limit(self) -> JsonObject:
        """How often the bot may still IDENTIFY, as GET /gateway/bot says it; `reset_after` is in milliseconds."""
        now = self._clock()
        recent = [at for at in self._identified_at if now - at < _DAY]
        return {
            "total": self.limits.identifies_per_day,
            "remaining": self.limits.identifies_per_day - len(recent),
            "reset_after": round((_DAY - (now - recent[0])) * 1000) if recent else 0,
            "max_concurrency": self.limits.max_concurrency,
        }

    # Faults

    def drop_all(self) -> None:
        """Cut every TCP connection; the sessions stay and can be resumed."""
        for connection in tuple(self._connections):
            connection.abort()

    def reconnect_all(self) -> None:
        """Ask every client to reconnect and resume."""
        self._send_all(encode(Opcode.RECONNECT))

    def invalidate_all(self, *, resumable: bool = False) -> None:
        """Declare every session invalid; with `resumable` the client may try to resume it all the same."""
        if not resumable:
            for session in self._sessions.values():
                session.listener = None
            self._sessions.clear()
        self._send_all(encode(Opcode.INVALID_SESSION, resumable))

    def close_all(self, code: CloseCode) -> None:
        """Hang up on every client with `code`."""
        for connection in tuple(self._connections):
            connection.hang_up(HangUp(code))

    def demand_heartbeats(self) -> None:
        """Ask every client for a heartbeat at once."""
        self._send_all(encode(Opcode.HEARTBEAT))

    def hold(self) -> None:
        """Keep events back, in order, until `release`."""
        self._held = True

    def release(self) -> None:
        """Send what `hold` kept back."""
        self._held = False
        for connection, session in self._connections.items():
            if session is not None:
                _catch_up(connection, session)

    # Connections

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client until it or the gateway hangs up."""
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=1 << 20, compress=False)
        await socket.prepare(request)
        connection = Connection(
            socket, _abort(request), wire_for(request.query.get("compress")), self.limits, self._clock
        )
        self._connections[connection] = None
        self._idle.clear()
        if request.query.get("v", "10") != "10":
            connection.hang_up(HangUp(CloseCode.INVALID_API_VERSION))
        elif request.query.get("encoding", "json") != "json":
            connection.hang_up(HangUp(CloseCode.DECODE_ERROR))
        code: int | None = None
        try:
            code = await connection.serve(lambda received: self._receive(connection, received))
        finally:
            self._forget(connection, ended=code in _ENDS_SESSION)
        return socket

    async def close(self) -> None:
        """Cut every connection and stop listening to the world."""
        self._unsubscribe()
        self.drop_all()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.idle()

    async def idle(self) -> None:
        """Wait until no client is connected."""
        await self._idle.wait()

    def _receive(self, connection: Connection, received: Received) -> None:
        session = self._connections[connection]
        match received.op:
            case Opcode.HEARTBEAT:
                connection.beat()
                if self.acking:
                    connection.acknowledge()
            case Opcode.IDENTIFY | Opcode.RESUME if session is not None:
                raise HangUp(CloseCode.ALREADY_AUTHENTICATED)
            case Opcode.IDENTIFY:
                self._identify(connection, received.data)
            case Opcode.RESUME:
                self._resume(connection, received.data)
            case _ if session is None:
                raise HangUp(CloseCode.NOT_AUTHENTICATED)
            case Opcode.REQUEST_GUILD_MEMBERS:
                for chunk in members_chunks(self._state, received.data, session.identity.intents):
                    session.emit("GUILD_MEMBERS_CHUNK", chunk)
            case Opcode.PRESENCE_UPDATE:
                self.presence = received.data
            case Opcode.VOICE_STATE_UPDATE | Opcode.REQUEST_SOUNDBOARD_SOUNDS:
                pass  # there is no voice here
            case _:
                raise HangUp(CloseCode.UNKNOWN_OPCODE)

    def _identify(self, connection: Connection, data: JsonValue) -> None:
        identity = read_identity(data, application_flags=self._state.application.flags)
        if identity.token != self._token:
            raise HangUp(CloseCode.AUTHENTICATION_FAILED)
        if self.start_limit()["remaining"] == 0:
            raise HangUp(CloseCode.AUTHENTICATION_FAILED)  # Discord resets the token of a bot that goes beyond it
        if not self._may_identify():
            connection.send(encode(Opcode.INVALID_SESSION, False))
            return
        self.identifies += 1
        self._expire_sessions()
        session = Session(identity, kept=self.limits.replayed_events)
        self._sessions[session.id] = session
        self.presence = identity.presence
        self._attach(connection, session)
        session.emit("READY", ready(self._state, session, self.url))
        for guild in guilds_of(self._state, session):
            if wanted("GUILD_CREATE", identity.intents, in_guild=True):
                session.emit("GUILD_CREATE", guild_create(self._state, guild, identity.intents))

    def _resume(self, connection: Connection, data: JsonValue) -> None:
        seq = data.get("seq") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(seq, int):
            raise HangUp(CloseCode.DECODE_ERROR)
        if data.get("token") != self._token:
            raise HangUp(CloseCode.AUTHENTICATION_FAILED)
        self._expire_sessions()
        session = self._sessions.get(str(data.get("session_id")))
        if session is None or not session.can_replay_from(seq):
            connection.send(encode(Opcode.INVALID_SESSION, False))
            return
        self.resumes += 1
        connection.seq = seq
        for other, its_session in tuple(self._connections.items()):
            if its_session is session:
                self._connections[other] = None
                other.abort()
        self._attach(connection, session)
        if not self._held:
            _catch_up(connection, session)
        session.emit("RESUMED", {"_trace": ["playground"]})

    def _attach(self, connection: Connection, session: Session) -> None:
        def listen(seq: int, text: str) -> None:
            if not self._held:
                connection.send_event(seq, text)

        session.listener = listen
        session.detached_at = None
        self._connections[connection] = session
        self._on_status(True)

    def _forget(self, connection: Connection, *, ended: bool) -> None:
        session = self._connections.pop(connection)
        if not self._connections:
            self._idle.set()
        if session is not None:
            session.listener = None
            session.detached_at = self._clock()
            if ended:
                self._sessions.pop(session.id, None)
        if not self.online:
            self._on_status(False)

    def _may_identify(self) -> bool:
        now = self._clock()
        recent = sum(now - at < self.limits.identify_window for at in self._identified_at)
        if recent >= self.limits.max_concurrency:
            return False
        self._identified_at.append(now)
        return True

    def _expire_sessions(self) -> None:
        limit = self._clock() - self.limits.session_lifetime
        for session in tuple(self._sessions.values()):
            if session.detached_at is not None and session.detached_at < limit:
                del self._sessions[session.id]

    def _send_all(self, text: str) -> None:
        for connection in self._connections:
            connection.send(text)

    def _on_dispatch(self, event: Dispatch) -> None:
        for session in self._sessions.values():
            if session.covers(event.guild_id):
                data = bot_sees(self._state, event, session.identity.intents)
                if data is not None:
                    session.emit(event.name, data)


_ENDS_SESSION = frozenset({1000, 1001, CloseCode.SESSION_TIMED_OUT, CloseCode.INVALID_SEQ})
"""Closing with one of these ends the session; after any other it can be resumed."""


def _catch_up(connection: Connection, session: Session) -> None:
    for seq, text in session.since(connection.seq):
        connection.send_event(seq, text)


def _abort(request: web.Request) -> Callable[[], None]:
    def abort() -> None:
        if request.transport is not None:
            request.transport.abort()

    return abort
