"""A bench for the embedded Discord's HTTP API: it on a real socket, a clock to turn, every answer checked."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, FormData, web
from aiohttp.test_utils import TestServer

from bot.playground.discord.records import Channel, Guild
from bot.playground.discord.rest import PREFIX, RestApi
from bot.playground.discord.world import World, default_world
from tests.discord_schema import check_request, check_response

TOKEN = "playground.test"
START = 1_800_000_000.0


class Clock:
    """Stands still until it is turned; Unix seconds and monotonic ones in one."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> int:
        """Discord's own error code."""
        return self.body["code"]


@dataclass
class Bench:
    """The API with its world; `call` speaks as the bot and holds what is said and answered against Discord's schema."""

    world: World
    api: RestApi
    clock: Clock
    url: str
    session: ClientSession
    ids: dict[str, int] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        route: str,
        body: Any = None,
        *,
        files: dict[str, tuple[str, bytes]] | None = None,
        query: dict[str, str] | None = None,
        token: str | None = TOKEN,
        raw: bytes | None = None,
        check: bool = True,
        **ids: int | str,
    ) -> Answer:
        """Request a route template with its ids; `files` maps fields such as `files[0]` to name and bytes."""
        headers = {"Authorization": f"Bot {token}"} if token is not None else {}
        path = route.format(**{**self.ids, **ids})
        content: dict[str, Any] = {} if body is None else {"json": body}
        if files is not None:
            content = {"data": _form(body, files)}
        if raw is not None:
            content = {"data": raw}
            headers["Content-Type"] = "application/json"
        async with self.session.request(method, self.url + path, headers=headers, params=query, **content) as response:
            text = await response.text()
            answer = Answer(response.status, json.loads(text) if text else None, dict(response.headers))
        if check:
            check_response(method, route, answer.status, answer.body)
            if body is not None and answer.status < 300:
                check_request(method, route, body)
        return answer

    async def send(self, content: str = "hello", *, channel: int | None = None, **body: Any) -> Answer:
        """Send a message as the bot."""
        ids = {} if channel is None else {"channel_id": channel}
        return await self.call("POST", "/channels/{channel_id}/messages", {"content": content, **body}, **ids)


def _form(body: Any, files: dict[str, tuple[str, bytes]]) -> FormData:
    form = FormData(quote_fields=False)
    if body is not None:
        form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for name, (filename, data) in files.items():
        form.add_field(name, io.BytesIO(data), filename=filename, content_type="text/plain")
    return form


@asynccontextmanager
async def bench(world: World | None = None, clock: Clock | None = None, **options: Any) -> AsyncIterator[Bench]:
    """The API on a socket; its ids point at the first server's first channel."""
    clock = clock or Clock()
    world = world or default_world(clock)
    api = RestApi(world, token=TOKEN, clock=clock, **options)
    app = web.Application(client_max_size=26 * 1024 * 1024)
    app.add_subapp(PREFIX, api.application(lambda: "ws://127.0.0.1/gateway"))
    async with TestServer(app) as server, ClientSession() as session:
        guild = the_guild(world)
        ids = {"guild_id": guild.id, "channel_id": world.channels_of(guild.id)[0].id, "application_id": 0}
        ids["application_id"] = world.application.id
        yield Bench(world, api, clock, f"http://127.0.0.1:{server.port}{PREFIX}", session, ids)


def the_guild(world: World) -> Guild:
    return next(iter(world.records.guilds.values()))


def channel_named(world: World, name: str) -> Channel:
    return next(channel for channel in world.records.channels.values() if channel.name == name)


def user_named(world: World, name: str) -> int:
    return next(user.id for user in world.records.users.values() if user.username == name)
