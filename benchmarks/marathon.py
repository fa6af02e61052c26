"""A model that calls a tool at every step of one long turn, and keeps what it was sent at each.

Its thoughts come in pieces, and its calls have ids that repeat, as Kimi's do. It
answers at once, so what passes between the end of a step and the next request is
the bot's own doing. This module knows nothing of Discord, nor of what is measured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Self

from aiohttp import web

from bot.messages import JsonObject, JsonValue
from bot.playground.model.catalogue import listing

_LARGEST_BODY = 64 * 2**20
_PIECES = 7
_WORDS = (
    *("tool", "call", "because", "構造体", "naïve", "“quotes”", "\\n", "\t", "🧪", "{json}", "</think-not>", "```"),
    *("\u2028", "\u200d"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it was there whole and when its answer was, in monotonic seconds."""

    body: bytes
    at: float
    kept: int
    """How many steps of the turn the bot had stored by then."""
    answered_at: float


class Marathon:
    """Serves between `async with` and its end: so many `steps` of one call each, then the answer.

    `name` is the tool that is called, `arguments` with what; `stored` tells how many steps are stored now.
    """

    def __init__(
        self,
        steps: int,
        *,
        name: str,
        arguments: Callable[[int], JsonObject],
        thought: int,
        seed: int,
        last_words: str,
        stored: Callable[[], int],
    ) -> None:
        random = Random(seed)
        self.thoughts = [_thought(random, number, thought) for number in range(steps)]
        self.arguments = [json.dumps(arguments(number)) for number in range(steps)]
        self.asked: list[Asked] = []
        self.base_url = ""
        self._name = name
        self._last_words = last_words
        self._stored = stored
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_post("/api/v1/chat/completions", self._complete)
        app.router.add_get("/api/v1/models", self._models)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def is_over(self) -> bool:
        return len(self.asked) > len(self.thoughts)

    def call_id(self, number: int) -> str:
        """The same for every third call, as ids that count within a step are."""
        return f"functions.{self._name}:{number % 3}"

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response(listing(time.time()))

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body, at = await request.read(), time.monotonic()
        kept, number = self._stored(), len(self.asked)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        written = [_event(number, delta, None) for delta in self._said(number)]
        finish = "tool_calls" if number < len(self.thoughts) else "stop"
        await response.write(b"".join([*written, _event(number, {}, finish), _usage(number), b"data: [DONE]\n\n"]))
        self.asked.append(Asked(body, at, kept, time.monotonic()))
        await response.write_eof()
        return response

    def _said(self, number: int) -> list[JsonObject]:
        if number >= len(self.thoughts):
            return [{"content": self._last_words}]
        thought, length = self.thoughts[number], len(self.thoughts[number]) // _PIECES + 1
        pieces = [thought[start : start + length] for start in range(0, len(thought), length)]
        arguments = self.arguments[number]
        half = len(arguments) // 2
        return [
            *({"reasoning": piece, "reasoning_details": details_of(piece)} for piece in pieces),
            _call({"name": self._name, "arguments": arguments[:half]}, self.call_id(number)),
            _call({"arguments": arguments[half:]}),
        ]


def details_of(text: str) -> list[JsonValue]:
    """The reasoning's details, or a piece of them."""
    return [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]


def _call(function: JsonObject, call_id: str | None = None) -> JsonObject:
    named: JsonObject = {} if call_id is None else {"id": call_id, "type": "function"}
    return {"tool_calls": [{"index": 0, **named, "function": function}]}


def _thought(random: Random, number: int, length: int) -> str:
    words = [f"Step {number}:"]
    while sum(map(len, words)) + len(words) < length:
        words.append(random.choice(_WORDS))
    return " ".join(words)


def _event(number: int, delta: JsonObject, finish: str | None) -> bytes:
    return _data(number, {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _usage(number: int) -> bytes:
    used: JsonObject = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "cost": 0.00001}
    return _data(number, {"choices": [], "usage": used})


def _data(number: int, fields: JsonObject) -> bytes:
    head: JsonObject = {"id": f"gen-{number}", "object": "chat.completion.chunk", "created": 0}
    named = head | {"model": "moonshotai/kimi-k2-thinking-20251106", "provider": "Marathon"}
    return b"data: " + json.dumps(named | fields).encode() + b"\n\n"
