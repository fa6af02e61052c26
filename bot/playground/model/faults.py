"""Everything that goes wrong on purpose, as changes to a reply or to the actions that send it.

Variants after reports from the field about OpenRouter and its providers. This
module knows nothing of sockets, clocks or when a fault is due.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from bot.messages import JsonObject
from bot.playground.model.refusals import with_status
from bot.playground.model.reply import Reply
from bot.playground.model.script import Fault, FaultName
from bot.playground.model.wire import COMMENT, DONE, Abort, Action, Send, Wait, Wire

_PIECE_BYTES = 3
_COMMENT_SECONDS = 0.25
_HALF_CHARACTER = b"\\ud83d"


@dataclass(frozen=True, slots=True)
class Page:
    """A whole response that is not a stream."""

    status: int
    content_type: str
    body: bytes


def page(fault: Fault) -> Page | None:
    """What is sent in place of a stream, if the fault comes before one. (A refusal with a status is the planner's.)"""
    match fault.name:
        case FaultName.ERROR_IN_200:
            error: JsonObject = {"error": _error(fault), "user_id": "user_playground"}
            return Page(200, "application/json", json.dumps(error).encode())
        case FaultName.NULL_CHOICES:
            nothing: JsonObject = {"id": None, "object": None, "model": None, "choices": None, "usage": None}
            return Page(200, "application/json", json.dumps(nothing).encode())
        case FaultName.HTML:
            body = f"<!DOCTYPE html><html><body><h1>{fault.code}</h1><p>Please stand by.</p></body></html>"
            return Page(fault.code, "text/html", body.encode())
        case _:
            return None


def alter(fault: Fault, reply: Reply) -> Reply:
    """The reply as the fault leaves it."""
    match fault.name:
        case FaultName.EMPTY:
            return replace(reply, reasoning=(), text=(), calls=())
        case FaultName.ONLY_REASONING:
            return replace(reply, text=(), calls=())
        case FaultName.HUGE_DELTA:
            text = "".join(reply.text) or "stand-in "
            return replace(reply, text=((text * (fault.size // len(text) + 1))[: fault.size],))
        case FaultName.STOP_AFTER_TOOLS:
            return replace(reply, finish="stop")
        case _:
            return reply


def play(fault: Fault, wire: Wire, reply: Reply) -> Iterator[Action]:
    """The stream of `reply` (already altered) with the fault in it."""
    start = chain(wire.opening(reply), take_tokens(wire.body(reply), fault.after))
    match fault.name:
        case FaultName.HANG:
            return iter((Wait(math.inf),))
        case FaultName.COMMENTS:
            return _comments()
        case FaultName.SILENCE:
            return chain(start, (Wait(math.inf),))
        case FaultName.CUT:
            return start
        case FaultName.RESET:
            return chain(start, (Abort(),))
        case FaultName.GARBAGE:
            return chain(start, (Send(b'data: {"id": "gen-\n\n'),))
        case FaultName.NO_FINISH:
            return chain(wire.opening(reply), wire.body(reply), (DONE,))
        case FaultName.SPLIT_BYTES:
            return _split(wire.stream(reply))
        case FaultName.SURROGATES:
            return chain(start, (_half_character(wire),), _ending(wire, reply))
        case FaultName.TWO_USAGES:
            return chain(wire.opening(reply), wire.body(reply), (wire.usage(reply),), _ending(wire, reply))
        case FaultName.BARE_USAGE:
            usage = wire.usage(reply, with_choice=False)
            return chain(wire.opening(reply), wire.body(reply), (wire.finish(reply.finish), usage, DONE))
        case _:
            error = _error_actions(fault, wire)
            return chain(start, error) if error else wire.stream(reply)


def play_whole(fault: Fault | None, wire: Wire, reply: Reply) -> Iterator[Action]:
    """The unstreamed answer, with as much of the fault as can happen to one."""
    yield Wait(reply.delay)
    match fault.name if fault else None:
        case FaultName.HANG | FaultName.COMMENTS | FaultName.SILENCE:
            yield Wait(math.inf)
        case FaultName.RESET | FaultName.CUT:
            yield Abort()
        case FaultName.GARBAGE:
            yield Send(b'{"id": "gen-', reply.completion_tokens)
        case FaultName.ERROR | FaultName.ERROR_NO_CHOICES | FaultName.ERROR_ON_CHOICE | FaultName.ERROR_NO_DONE:
            failed = replace(reply, finish="error")
            yield Send(wire.whole(failed, _error(fault) if fault else None), reply.completion_tokens)
        case _:
            yield Send(wire.whole(reply), reply.completion_tokens)


def take_tokens(actions: Iterator[Action], count: int) -> Iterator[Action]:
    """The actions up to the one that sends token number `count`."""
    sent = 0
    for action in actions:
        if isinstance(action, Send):
            if sent >= count:
                return
            sent += action.tokens
        yield action


def _error_actions(fault: Fault, wire: Wire) -> tuple[Action, ...]:
    match fault.name:
        case FaultName.ERROR:
            return (wire.error(_error(fault)), DONE)
        case FaultName.ERROR_NO_CHOICES:
            return (wire.error(_error(fault), with_choice=False), DONE)
        case FaultName.ERROR_ON_CHOICE:
            return (wire.error(_error(fault), on_choice=True), DONE)
        case FaultName.ERROR_NO_DONE:
            return (wire.error(_error(fault)),)
        case FaultName.ERROR_UNSAID:
            return (wire.finish("error"), DONE)
        case _:
            return ()


def _error(fault: Fault) -> JsonObject:
    body = with_status(fault.code, "", (), fault.retry_after).body
    error = body["error"]
    return error if isinstance(error, dict) else {}


def _ending(wire: Wire, reply: Reply) -> Iterator[Action]:
    return iter((wire.finish(reply.finish), wire.usage(reply), DONE))


def _comments() -> Iterator[Action]:
    while True:
        yield COMMENT
        yield Wait(_COMMENT_SECONDS)


def _split(actions: Iterator[Action]) -> Iterator[Action]:
    """The same bytes in small pieces, so that lines and characters arrive in parts."""
    for action in actions:
        if not isinstance(action, Send):
            yield action
            continue
        pieces = [action.data[at : at + _PIECE_BYTES] for at in range(0, len(action.data), _PIECE_BYTES)]
        yield from (Send(piece) for piece in pieces[:-1])
        yield Send(pieces[-1], action.tokens)


def _half_character(wire: Wire) -> Send:
    whole = wire.delta({"content": " half: @ "}, 1)
    return Send(whole.data.replace(b"@", _HALF_CHARACTER), 1)
