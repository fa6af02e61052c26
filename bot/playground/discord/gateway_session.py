"""A gateway session: the numbered events of one shard, kept so that a lost connection can be resumed.

A session outlives its connections. It knows nothing of sockets, and nothing of
which events it should get. Source: Discord's documentation, "Gateway → Resuming".
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.messages import JsonValue
from bot.playground.discord.gateway_frames import CloseCode, HangUp, Opcode, encode
from bot.playground.discord.gateway_intents import ALL_INTENTS, disallowed

_MAX_INTENT_BITS = 53


@dataclass(frozen=True, slots=True)
class Identity:
    """What a client said of itself in IDENTIFY, checked."""

    token: str
    intents: int
    shard: tuple[int, int]
    sharded: bool
    presence: JsonValue


def read_identity(data: JsonValue, *, application_flags: int, needed_shards: int = 1) -> Identity:
    """Check IDENTIFY's data, the token aside. Raises HangUp with the code that Discord closes with."""
    if not isinstance(data, dict) or not isinstance(data.get("properties"), dict):
        raise HangUp(CloseCode.DECODE_ERROR)
    token, intents = data.get("token"), data.get("intents")
    if not isinstance(token, str):
        raise HangUp(CloseCode.AUTHENTICATION_FAILED)
    if not isinstance(intents, int) or not 0 <= intents < 1 << _MAX_INTENT_BITS or intents & ~ALL_INTENTS:
        raise HangUp(CloseCode.INVALID_INTENTS)
    if disallowed(application_flags, intents):
        raise HangUp(CloseCode.DISALLOWED_INTENTS)
    shard = _read_shard(data.get("shard"))
    if shard[1] < needed_shards:
        raise HangUp(CloseCode.SHARDING_REQUIRED)
    return Identity(token, intents, shard, data.get("shard") is not None, data.get("presence"))


def _read_shard(value: JsonValue) -> tuple[int, int]:
    if value is None:
        return (0, 1)
    match value:
        case [int(number), int(count)] if 0 <= number < count:
            return (number, count)
        case _:
            raise HangUp(CloseCode.INVALID_SHARD)


class Session:
    """The events of one shard since IDENTIFY, the newest `kept` of them ready to be replayed.

    `listener` takes each event's sequence number and text; it is None while no
    connection is attached.
    """

    def __init__(self, identity: Identity, *, kept: int) -> None:
        self.id = secrets.token_hex(16)
        self.identity = identity
        self.seq = 0
        self.listener: Callable[[int, str], None] | None = None
        self.detached_at: float | None = None
        self._log: deque[tuple[int, str]] = deque(maxlen=kept)

    def emit(self, name: str, data: object) -> None:
        """Number an event, keep it, and hand it to the connection, if there is one."""
        self.seq += 1
        text = encode(Opcode.DISPATCH, data, name=name, seq=self.seq)
        self._log.append((self.seq, text))
        if self.listener is not None:
            self.listener(self.seq, text)

    def since(self, seq: int) -> Iterator[tuple[int, str]]:
        """The events after `seq`, oldest first."""
        return (entry for entry in self._log if entry[0] > seq)

    def can_replay_from(self, seq: int) -> bool:
        """Whether nothing after `seq` has been forgotten. Raises HangUp for a number not given out yet."""
        if seq > self.seq or seq < 0:
            raise HangUp(CloseCode.INVALID_SEQ)
        oldest = self._log[0][0] if self._log else self.seq + 1
        return oldest <= seq + 1

    def covers(self, guild_id: int | None) -> bool:
        """Whether a guild's events belong to this shard; direct messages belong to shard 0."""
        number, count = self.identity.shard
        return number == (0 if guild_id is None else (guild_id >> 22) % count)
