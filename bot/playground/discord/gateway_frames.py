"""The gateway's frames: opcodes, close codes, and how a payload becomes bytes on the wire.

Pure. It knows nothing of sockets, sessions or what the payloads mean.
Source: Discord's documentation, "Opcodes and Status Codes" and "Gateway → Encoding and Compression".
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from bot.messages import JsonValue

MAX_CLIENT_FRAME = 4096
"""Bytes that one payload sent by a client may have; Discord closes with DECODE_ERROR above it."""


class Opcode(IntEnum):
    """What a gateway payload is for."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    REQUEST_SOUNDBOARD_SOUNDS = 31


class CloseCode(IntEnum):
    """Why the gateway hangs up."""

    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQ = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_API_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


_REASONS: dict[CloseCode, str] = {
    CloseCode.UNKNOWN_ERROR: "Unknown error.",
    CloseCode.UNKNOWN_OPCODE: "Unknown opcode.",
    CloseCode.DECODE_ERROR: "Error while decoding payload.",
    CloseCode.NOT_AUTHENTICATED: "Not authenticated.",
    CloseCode.AUTHENTICATION_FAILED: "Authentication failed.",
    CloseCode.ALREADY_AUTHENTICATED: "Already authenticated.",
    CloseCode.INVALID_SEQ: "Invalid seq.",
    CloseCode.RATE_LIMITED: "Rate limited.",
    CloseCode.SESSION_TIMED_OUT: "Session timed out.",
    CloseCode.INVALID_SHARD: "Invalid shard.",
    CloseCode.SHARDING_REQUIRED: "Sharding required.",
    CloseCode.INVALID_API_VERSION: "Invalid API version.",
    CloseCode.INVALID_INTENTS: "Invalid intent(s).",
    CloseCode.DISALLOWED_INTENTS: "Disallowed intent(s).",
}


class HangUp(Exception):
    """Read by the connection, which closes with this code; the client sees code and reason."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(_REASONS[code])
        self.code = code
        self.reason = _REASONS[code]


@dataclass(frozen=True, slots=True)
class Received:
    """One payload from the client, checked as far as its envelope goes."""

    op: Opcode
    data: JsonValue


def decode(text: str | bytes) -> Received:
    """Read a client's payload. Raises HangUp with DECODE_ERROR or UNKNOWN_OPCODE."""
    if len(text if isinstance(text, bytes) else text.encode(errors="replace")) > MAX_CLIENT_FRAME:
        raise HangUp(CloseCode.DECODE_ERROR)
    try:
        payload: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        raise HangUp(CloseCode.DECODE_ERROR) from None
    op = payload.get("op") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or not isinstance(op, int) or isinstance(op, bool):
        raise HangUp(CloseCode.DECODE_ERROR)
    try:
        return Received(Opcode(op), payload.get("d"))
    except ValueError:
        raise HangUp(CloseCode.UNKNOWN_OPCODE) from None


def encode(op: Opcode, data: object = None, *, name: str | None = None, seq: int | None = None) -> str:
    """The JSON text of a payload; `name` and `seq` are set on dispatches only."""
    return json.dumps({"t": name, "s": seq, "op": int(op), "d": data}, separators=(",", ":"), ensure_ascii=False)


class Wire(Protocol):
    """Turns the text of a payload into what one WebSocket message carries."""

    def pack(self, text: str) -> str | bytes: ...


class PlainWire:
    """One text message a payload. Also serves clients that ask for zstd-stream.

    A client tells compressed from plain by binary against text, so plain text is always understood.
    """

    def pack(self, text: str) -> str:
        return text


class ZlibWire:
    """`compress=zlib-stream`: one deflate context for the whole connection, flushed after every payload."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj()

    def pack(self, text: str) -> bytes:
        return self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def wire_for(compress: str | None) -> Wire:
    """The wire that the `compress` query parameter of the connection asks for."""
    return ZlibWire() if compress == "zlib-stream" else PlainWire()
