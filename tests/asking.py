"""Asks the real model client over a real socket, without waiting between attempts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.errors import ModelError
from bot.events import ModelEvent, TextDelta
from bot.messages import Said, Text, Turn
from bot.model import ModelRequest
from bot.openrouter import Catalogue, OpenRouter, Timeouts, open_http
from tests.model_server import ModelServer, Reply, serving

PATIENT = Timeouts(connect=10, first_byte=10, silence=10, event=10, linger=10)
"""For tests in which no time limit should ever be reached, however busy the machine."""
REQUEST = ModelRequest("a/model", "Be brief.", (Turn(1, 1, (Said(1, 7, "Ada", (Text("Hi"),), 0.0),)),), "session")


@dataclass
class Sleeps:
    """Sleeps that take no time."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def client_of(
    server: ModelServer, *, key: str = "sk-or-test", timeouts: Timeouts = PATIENT, sleeps: Sleeps | None = None
) -> AsyncGenerator[OpenRouter]:
    http = open_http(server.url)
    catalogue = Catalogue(http, server.url)
    client = OpenRouter(
        http, server.url, key, catalogue=catalogue, timeouts=timeouts, sleep=sleeps or Sleeps(), jitter=lambda: 0.0
    )
    try:
        yield client
    finally:
        await client.aclose()


async def ask(server: ModelServer, **options: Any) -> list[ModelEvent]:
    async with client_of(server, **options) as client:
        return [event async for event in client.stream(REQUEST)]


async def outcome(*replies: Reply, **options: Any) -> list[ModelEvent] | ModelError:
    async with serving(*replies) as server:
        try:
            return await ask(server, **options)
        except ModelError as error:
            return error


async def failure(*replies: Reply, **options: Any) -> ModelError:
    result = await outcome(*replies, **options)
    assert isinstance(result, ModelError), result
    return result


def said(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
