"""The bot's side of interactions, call by call, and the fixtures of their tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from hypothesis import strategies as st

from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from tests.discord_people import Clock, Person, person
from tests.discord_schema import check_response

STRING, INTEGER, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = 3, 4, 6, 7, 8, 9, 10, 11
EPHEMERAL, LOADING = 64, 128

COMMANDS: list[dict[str, Any]] = [
    {
        "name": "ask",
        "description": "Ask",
        "options": [
            {"name": "prompt", "type": STRING, "description": "p", "required": True, "max_length": 10},
            {"name": "file", "type": FILE, "description": "f"},
            {"name": "model", "type": STRING, "description": "m", "autocomplete": True},
            {"name": "effort", "type": STRING, "description": "e", "choices": [{"name": "High", "value": "high"}]},
            {"name": "count", "type": INTEGER, "description": "c", "min_value": 1, "max_value": 5},
            {"name": "who", "type": USER, "description": "w"},
            {"name": "where", "type": CHANNEL, "description": "w", "channel_types": [0]},
            {"name": "role", "type": ROLE, "description": "r"},
            {"name": "any", "type": MENTIONABLE, "description": "a"},
            {"name": "share", "type": NUMBER, "description": "s"},
        ],
    },
    {
        "name": "limits",
        "description": "Limits",
        "options": [{"name": "show", "type": 1, "description": "Show"}],
        "default_member_permissions": "32",
        "contexts": [0],
    },
    {"name": "private", "description": "Only in direct messages", "contexts": [1]},
    {"name": "mine", "description": "Only for those who installed it", "integration_types": [1]},
    {"name": "Profile", "type": 2},
    {"name": "Explain", "type": 3},
]


@pytest.fixture
def world() -> World:
    world = default_world()
    world.put_commands(COMMANDS)
    return world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(world: World, clock: Clock) -> AsyncIterator[DiscordServer]:
    async with DiscordServer(world, clock=clock, gateway_limits=GatewayLimits()) as server:
        yield server


@pytest.fixture
async def ben(server: DiscordServer) -> AsyncIterator[Person]:
    async with person(server, "ben") as ben:
        yield ben


@dataclass
class Bot:
    """The bot's side, call by call: what reaches it, and its HTTP requests."""

    server: DiscordServer
    session: aiohttp.ClientSession
    received: list[dict[str, Any]]
    token: str = ""

    @property
    def last(self) -> dict[str, Any]:
        return self.received[-1]

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.server.api_url + path, **more) as response:
            self.headers = response.headers
            body = await response.json() if response.status != 204 else None
            check_response(method, _template(path), response.status, body)
            return response.status, body

    async def respond(self, kind: int, data: object = None, *, to: dict[str, Any] | None = None) -> tuple[int, Any]:
        event = to or self.last
        path = f"/interactions/{event['id']}/{event['token']}/callback?with_response=1"
        return await self.call("POST", path, json={"type": kind, "data": data})

    def webhook(self, tail: str = "") -> str:
        return f"/webhooks/{self.server.world.application.id}/{self.last['token']}{tail}"


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[Bot]:
    received: list[dict[str, Any]] = []

    def listen(event: Any) -> None:
        if event.name == "INTERACTION_CREATE":
            received.append(event.data)

    stop = server.world.subscribe(listen)
    async with aiohttp.ClientSession() as session:
        yield Bot(server, session, received)
    stop()


def _template(path: str) -> str:
    """The route of a path, as Discord's schema writes it."""
    match path.partition("?")[0].split("/")[1:]:
        case ["interactions", *_]:
            return "/interactions/{interaction_id}/{interaction_token}/callback"
        case ["webhooks", _, _]:
            return "/webhooks/{webhook_id}/{webhook_token}"
        case ["webhooks", _, _, "messages", "@original"]:
            return "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        case ["webhooks", *_]:
            return "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
        case ["channels", _, "messages"]:
            return "/channels/{channel_id}/messages"
        case _:
            return "/channels/{channel_id}/messages/{message_id}"


ASK = {"prompt": (STRING, "why?")}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
