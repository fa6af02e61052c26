"""A person at the playground's page, and an unmodified discord.py on the other side, for tests."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import yarl
from discord import app_commands

from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World


class Clock:
    """Monotonic seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def user_id(world: World, username: str) -> int:
    return next(user.id for user in world.records.users.values() if user.username == username)


def channel_id(world: World, name: str) -> int:
    return next(channel.id for channel in world.records.channels.values() if channel.name == name)


def guild_id(world: World) -> int:
    return next(iter(world.records.guilds))


class Person:
    """Somebody at the page: HTTP calls and the live connection."""

    def __init__(self, server: DiscordServer, session: aiohttp.ClientSession, name: str) -> None:
        self.server = server
        self.session = session
        self.id = user_id(server.world, name)
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._nonces = itertools.count(1)

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """A call to `/play`: status and body."""
        headers = {"X-Play-User": str(self.id)} | more.pop("headers", {})
        url = f"{self.server.origin}/play{path}"
        async with self.session.request(method, url, headers=headers, **more) as response:
            raw = await response.read()
            kind = response.headers.get("Content-Type", "")
            return response.status, json.loads(raw) if kind == "application/json" else raw

    async def say(self, text: str, channel: str = "general", **more: Any) -> dict[str, Any]:
        path = f"/channels/{channel_id(self.server.world, channel)}/messages"
        status, message = await self.call("POST", path, json={"content": text, **more})
        assert status == 200, message
        return message

    async def interact(
        self, kind: int, data: dict[str, Any], files: dict[str, bytes] | None = None, **more: Any
    ) -> str:
        """Start an interaction that the server accepts, and give its nonce."""
        status, body = await self.try_interact(kind, data, files, **more)
        assert status == 204, body
        return body

    async def try_interact(
        self, kind: int, data: dict[str, Any], files: dict[str, bytes] | None = None, **more: Any
    ) -> tuple[int, Any]:
        """Start an interaction: its status, and its nonce or what was wrong."""
        nonce = f"n{next(self._nonces)}"
        place = {"channel_id": str(channel_id(self.server.world, "general"))}
        body = place | {"type": kind, "nonce": nonce, "data": data} | more
        if files is None:
            status, answer = await self.call("POST", "/interactions", json=body)
        else:
            form = aiohttp.FormData({"payload_json": json.dumps(body)})
            for index, (name, content) in enumerate(files.items()):
                form.add_field(f"files[{index}]", content, filename=name, content_type="text/plain")
            status, answer = await self.call("POST", "/interactions", data=form)
        return status, nonce if status == 204 else answer

    def command(self, name: str, **more: Any) -> dict[str, Any]:
        """The data of a slash command with options given by name: (type, value)."""
        commands = self.server.world.records.commands.values()
        command = next(command for command in commands if command.body["name"] == name)
        options = [{"name": key, "type": kind, "value": value} for key, (kind, value) in more.items()]
        return {"id": str(command.id), "name": name, "type": command.body.get("type", 1), "options": options}

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event of that name; others are passed over."""
        async with asyncio.timeout(3):
            while (event := await self.events.get())["t"] != name:
                pass
        return event["d"]


@asynccontextmanager
async def person(server: DiscordServer, name: str = "ben") -> AsyncIterator[Person]:
    """Somebody with an open page."""
    async with aiohttp.ClientSession() as session:
        someone = Person(server, session, name)
        async with session.ws_connect(f"{server.origin}/play/socket?user={someone.id}") as socket:
            reader = asyncio.create_task(_read(socket, someone.events))
            try:
                yield someone
            finally:
                reader.cancel()
                await asyncio.wait([reader])


async def _read(socket: aiohttp.ClientWebSocketResponse, events: asyncio.Queue[dict[str, Any]]) -> None:
    async for message in socket:
        events.put_nowait(json.loads(message.data))


class Bot(discord.Client):
    """discord.py as it is; `before_identify_hook` only leaves out its five seconds of politeness."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.02)
        self.tree = app_commands.CommandTree(self)
        self.dispatched: asyncio.Queue[tuple[str, tuple[Any, ...]]] = asyncio.Queue()
        self.is_up = asyncio.Event()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify at once."""

    async def on_ready(self) -> None:
        self.is_up.set()

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.dispatched.put_nowait((event, args))
        super().dispatch(event, *args, **kwargs)

    async def next_event(self, name: str) -> Any:
        """The arguments of the next event of that name; others are passed over."""
        async with asyncio.timeout(5):
            while (found := await self.dispatched.get())[0] != name:
                pass
        return found[1][0] if len(found[1]) == 1 else found[1]


@asynccontextmanager
async def running_bot(
    server: DiscordServer,
    monkeypatch: Any,
    set_up: Callable[[Bot], None] = lambda bot: None,
    intents: discord.Intents | None = None,
) -> AsyncIterator[Bot]:
    """A bot that is ready, with its commands registered."""
    point_at(server, monkeypatch)
    chosen = intents or discord.Intents(guilds=True, messages=True, message_content=True, reactions=True)
    async with Bot(chosen) as bot:
        set_up(bot)
        await bot.login(server.token)
        if bot.tree.get_commands(type=None):
            await bot.tree.sync()
        running = asyncio.create_task(bot.connect())
        try:
            async with asyncio.timeout(5):
                await bot.is_up.wait()
            yield bot
        finally:
            await bot.close()
            await asyncio.wait([running])


def point_at(server: DiscordServer, monkeypatch: Any) -> None:
    """Send discord.py to the embedded Discord instead of the real one."""
    monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url))
