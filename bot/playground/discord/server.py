"""The embedded Discord as one server on loopback: the bot's API and gateway, and the people's page.

It puts the parts together and owns what they need running. It knows nothing of
their rules.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.errors import ConfigError
from bot.playground.discord.gateway import Gateway
from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.interactions import Interactions
from bot.playground.discord.interactions_model import ANSWER_SECONDS
from bot.playground.discord.limits import REQUEST_BYTES
from bot.playground.discord.people import PeopleApi, PlayStart
from bot.playground.discord.people_guard import own_page_only
from bot.playground.discord.people_socket import PeopleSockets
from bot.playground.discord.rest import PREFIX, RestApi
from bot.playground.discord.webhooks import webhook_routes
from bot.playground.discord.world import World

_TOKEN_PREFIX = "playground."  # noqa: S105 - the mark of a made-up token, not a secret
_SWEEP_SECONDS = 0.2
_SHUTDOWN_SECONDS = 0.5


def make_token() -> str:
    """A bot token that only the embedded Discord accepts."""
    return _TOKEN_PREFIX + secrets.token_urlsafe(32)


def refuse_real_token(token: str) -> None:
    """Raise ConfigError for a token that could be one of Discord's: those begin with the bot's id in Base64."""
    head = token.split(".", 1)[0]
    with contextlib.suppress(binascii.Error, ValueError):
        if base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).isdigit():
            raise ConfigError(
                "DISCORD_TOKEN holds a real bot token, which the playground must never see: unset it, "
                "the playground makes a token of its own."
            )
    if not token.startswith(_TOKEN_PREFIX):
        raise ConfigError("DISCORD_TOKEN is not a token of the playground: unset it, the playground makes its own.")


class DiscordServer:
    """The embedded Discord, listening between `async with` and its end. `clock` gives monotonic seconds."""

    def __init__(
        self,
        world: World,
        *,
        token: str | None = None,
        port: int = 0,
        web_root: Path | None = None,
        start: PlayStart | None = None,
        gateway_limits: GatewayLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        latency: Callable[[], float] | None = None,
        rate_limits: bool = True,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`port` 0 takes a free one. `web_root` holds the page's files; `start` is what it is told of the model.

        `latency` and `rate_limits` are those of `RestApi`, `answer_seconds` those of `Interactions`.
        """
        self.token = token or make_token()
        refuse_real_token(self.token)
        self.world = world
        self.port = port
        self.sockets = PeopleSockets(world)
        self.gateway = Gateway(world, token=self.token, limits=gateway_limits, clock=clock, on_status=self._tell_status)
        self.interactions = Interactions(world, clock, answer_seconds)
        self.rest = RestApi(world, token=self.token, clock=clock, latency=latency, rate_limits=rate_limits)
        self._web_root = web_root
        self._start = start or PlayStart()
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def page_url(self) -> str:
        return f"{self.origin}/"

    @property
    def api_url(self) -> str:
        return self.origin + PREFIX

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway"

    async def __aenter__(self) -> Self:
        runner = self._runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, handle_signals=False
        )
        await runner.setup()
        site = self._site = web.TCPSite(runner, "127.0.0.1", self.port)
        try:
            await site.start()
        except OSError as error:
            await self._close()
            raise ConfigError(
                f"The playground cannot listen on port {self.port}: "
                "choose another one with --port, or end the program that uses it."
            ) from error
        self.port = runner.addresses[0][1]
        self.world.origin = self.origin
        self.gateway.url = self.gateway_url
        self._sweeper = asyncio.create_task(self._sweep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        if self._site is not None:
            await self._site.stop()  # first of all: a client that is dropped comes back at once
        self.sockets.close()
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=REQUEST_BYTES, middlewares=[own_page_only])
        application.router.add_get("/gateway", self.gateway.handle)
        application.router.add_get("/gateway/", self.gateway.handle)
        webhooks = webhook_routes(self.world, self.interactions, self._clock)
        api = self.rest.application(lambda: self.gateway_url, webhooks, self.gateway.start_limit)
        application.add_subapp(PREFIX, api)
        people = PeopleApi(self.world, self.interactions, self.sockets, self.gateway, self._start, self._web_root)
        application.add_routes(people.routes())
        return application

    def _tell_status(self, online: bool) -> None:
        self.sockets.tell_all("BOT_STATUS", {"online": online})

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.interactions.sweep()
