"""The bot from its start to its end: opens what it stands on, connects it, runs it, and takes it down in order.

How its parts are put together is in `bot/wiring.py`; nothing but these two
constructs the store, the model client, the renderer or the Discord client.
This module decides nothing about conversations.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import discord

from bot.cipher import open_cipher
from bot.client import Client, redirect
from bot.engine import Engine
from bot.errors import ConfigError
from bot.health import serve_health
from bot.keys import Keys
from bot.messages import Usage
from bot.metered import Metered
from bot.model import Key
from bot.openrouter import Account, Catalogue, OpenRouter, open_http
from bot.settings import Settings
from bot.store import Store
from bot.tools.mcp import McpServers
from bot.tools.mcp_config import load_servers
from bot.wiring import Foundation, Parts, wire

log = logging.getLogger(__name__)

TOKEN_REFUSED = 4004
"""The gateway's close code for a token that is not valid (Discord, "Gateway Close Event Codes")."""


class App:
    """One running bot. `run` returns only when it is cancelled or cannot go on.

    `clock` counts monotonic seconds, `now` gives Unix seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_ready: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._on_ready = on_ready
        self._clock = clock
        self._now = now
        self._client: Client | None = None

    def healthy(self) -> bool:
        """Whether the bot is connected to Discord."""
        return self._client is not None and self._client.is_connected

    async def run(self) -> None:
        """Run until cancelled. Raises ConfigError for whatever the operator must mend first."""
        servers = McpServers(load_servers(self._settings.mcp_config, os.environ))
        async with AsyncExitStack() as stack:
            base = await self._open(stack, servers)
            try:
                await self._serve(base, reads_messages=True)
            except discord.PrivilegedIntentsRequired:
                log.warning("the message content intent is not granted: only mentions, DMs and commands are heard")
                await self._serve(base, reads_messages=False)

    async def _open(self, stack: AsyncExitStack, servers: McpServers) -> Foundation:
        """Open what lasts as long as the process; the stack closes it, last opened first."""
        settings = self._settings
        store = await Store.open(settings.database_url, clock=self._now)
        stack.push_async_callback(store.close)
        http = await stack.enter_async_context(open_http(settings.openrouter_base_url))
        key = settings.openrouter_api_key.get_secret_value()
        catalogue = Catalogue(
            http, settings.openrouter_base_url, key, relied_on=(settings.model, *settings.fallback_models)
        )
        await stack.enter_async_context(running(catalogue.run()))
        model = OpenRouter(http, settings.openrouter_base_url, key, catalogue=catalogue)
        await stack.enter_async_context(serve_health(settings.health_port, self.healthy))
        account = Account(http, settings.openrouter_base_url, catalogue=catalogue)

        async def look_up(generation_id: str, paid_by: Key | None) -> Usage | None:
            return await account.consumed(generation_id, paid_by.secret if paid_by else key)

        keys = Keys(store, await open_cipher(settings.secret_keys), account)
        await keys.renew()
        metered = Metered(model, store, catalogue, look_up=look_up, key_of=keys.with_id, now=time.time)
        stack.push_async_callback(metered.aclose)
        await metered.take_over()
        engine = Engine(metered, clock=self._clock)
        return Foundation(settings, store, catalogue, metered, engine, keys, servers, clock=self._clock, now=self._now)

    async def _serve(self, base: Foundation, *, reads_messages: bool) -> None:
        """Connect to Discord and answer until cancelled; then let running answers save and say what they have."""
        redirect(self._settings)
        parts = wire(base, reads_messages=reads_messages)
        client = self._client = parts.client
        client.on_first_ready = self._on_ready
        async with client:
            try:
                await self._log_in(client)
                async with running(parts.tools.run()), running(_resume(parts)):
                    await self._stay_connected(client)
            finally:
                await _end(parts)

    async def _stay_connected(self, client: Client) -> None:
        try:
            await _stubborn(client.connect())
        except discord.ConnectionClosed as closed:
            if closed.code == TOKEN_REFUSED:
                raise ConfigError(
                    "DISCORD_TOKEN is not accepted any more: reset it in the developer portal and set the new one."
                ) from None
            raise ConfigError(
                f"DISCORD_GATEWAY_URL: the gateway ended the connection for good (close code {closed.code}). "
                "Check the URL if you changed it, and the bot's page in the developer portal."
            ) from None

    async def _log_in(self, client: Client) -> None:
        host = urlsplit(self._settings.discord_api_url).hostname
        try:
            await client.login(self._settings.discord_token.get_secret_value())
        except discord.LoginFailure:
            raise ConfigError(
                "DISCORD_TOKEN was refused by Discord: reset it in the developer portal and set the new one."
            ) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConfigError(
                f"DISCORD_API_URL cannot be reached: {host} does not answer ({type(error).__name__}). "
                "Check the network, or the URL if you changed it."
            ) from None
        except (discord.HTTPException, discord.GatewayNotFound, TypeError, KeyError, ValueError) as error:
            raise ConfigError(
                f"DISCORD_API_URL does not behave like Discord: {host} sent an unusable answer "
                f"({type(error).__name__}). Check the URL, or try again later if it is Discord itself."
            ) from None


async def _resume(parts: Parts) -> None:
    """Take up what an earlier process left, as soon as Discord has accepted this one; then keep house.

    Nobody who is being forgotten is answered first.
    """
    await parts.client.wait_for("connect")
    await parts.housekeeping.go_round()
    await parts.chat.resume()
    await parts.housekeeping.run()


async def _end(parts: Parts) -> None:
    """End what works in the background, last of all what shows on Discord how the others ended."""
    await parts.forgetting.aclose()
    await parts.chat.aclose()
    await parts.consents.aclose()
    await parts.naming.aclose()
    await parts.notices.aclose()
    await parts.live.aclose()


async def _stubborn(work: Coroutine[Any, Any, None]) -> None:
    """Await work that may swallow a cancellation, as discord.py does while it reconnects: it is cancelled again."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=0.1)
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()  # looked at, even where the cancellation counts
    task.result()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run a coroutine beside a block; it is cancelled and awaited at the block's end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
