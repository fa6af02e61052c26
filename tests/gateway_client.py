"""A gateway client that hides nothing, and the fixtures of the gateway's tests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import aiohttp
import pytest

from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.gateway_frames import Opcode
from bot.playground.discord.gateway_intents import Intent
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from tests.discord_people import Clock

INTENTS = Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES | Intent.MESSAGE_CONTENT
OFTEN = GatewayLimits(identify_window=0)


class Client:
    """A gateway client that hides nothing."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token
        self.seq = 0
        self.session_id = ""
        self.ready: dict[str, Any] = {}

    async def send(self, op: int, data: object = None) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def receive(self) -> dict[str, Any]:
        """The next payload; its sequence number is remembered."""
        payload = json.loads(await self.socket.receive_str(timeout=2))
        self.seq = payload["s"] or self.seq
        return payload

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event of that name."""
        while True:
            payload = await self.receive()
            if payload["t"] == name:
                return payload["d"]

    async def close_code(self) -> int | None:
        """How the server hangs up."""
        while (message := await self.socket.receive(timeout=2)).type != aiohttp.WSMsgType.CLOSE:
            assert message.type not in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        return message.data

    async def identify(self, intents: int = INTENTS, **more: object) -> Self:
        data = {"token": self.token, "intents": intents, "properties": {"os": "linux"}} | more
        await self.send(Opcode.IDENTIFY, data)
        self.ready = await self.event("READY")
        self.session_id = self.ready["session_id"]
        return self

    async def resume(self, session_id: str, seq: int) -> None:
        await self.send(Opcode.RESUME, {"token": self.token, "session_id": session_id, "seq": seq})

    async def is_quiet(self) -> bool:
        """Whether nothing was sent before the answer to a heartbeat."""
        await self.send(Opcode.HEARTBEAT, self.seq or None)
        return (await self.receive())["op"] == Opcode.HEARTBEAT_ACK


Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def world() -> World:
    return default_world()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(world: World, clock: Clock) -> AsyncIterator[DiscordServer]:
    async with DiscordServer(world, gateway_limits=OFTEN, clock=clock) as server:
        yield server


@pytest.fixture
def connect(server: DiscordServer) -> Connect:
    return lambda query="?v=10&encoding=json": connection(server, query)


@asynccontextmanager
async def connection(server: DiscordServer, query: str = "") -> AsyncIterator[Client]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.gateway_url + query) as socket,
    ):
        client = Client(socket, server.token)
        hello = await client.receive()
        assert hello == {"t": None, "s": None, "op": Opcode.HELLO, "d": {"heartbeat_interval": 41250}}
        yield client


def ben(world: World) -> int:
    return next(user.id for user in world.records.users.values() if user.username == "ben")


def channel(world: World, name: str) -> int:
    return next(channel.id for channel in world.records.channels.values() if channel.name == name)


def say(world: World, text: str, name: str = "general") -> int:
    return world.create_message(ben(world), channel(world, name), {"content": text}).id
