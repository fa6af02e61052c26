"""The composition root: builds everything, connects it, runs it, and takes it down again in order.

Nothing else constructs the store, the model client, the renderer or the Discord
client. This module decides nothing about conversations.
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

from bot.answer import Backstage, Defaults
from bot.bulletins import Bulletins
from bot.changes import Changes
from bot.chat import Chat
from bot.cipher import open_cipher
from bot.client import Client, Services, redirect
from bot.consents import Consents
from bot.easel import Easel
from bot.engine import Engine
from bot.errors import ConfigError
from bot.forgetting import Forgetting
from bot.health import serve_health
from bot.housekeeping import Housekeeping
from bot.keys import Keys
from bot.messages import Usage
from bot.meter import Meter
from bot.metered import Metered
from bot.model import Key
from bot.naming import Naming, NamingDefaults
from bot.notices import Notices
from bot.openrouter import Account, Catalogue, OpenRouter, open_http
from bot.posting import Poster
from bot.render.live import Live
from bot.render.traffic import Traffic
from bot.sandbox.owner import Sandbox
from bot.settings import Settings
from bot.shelves import DiscordShelves
from bot.store import Store
from bot.thread_names import Threads
from bot.tools.all_tools import AllTools
from bot.tools.kit import Kit
from bot.tools.mcp import McpServers
from bot.tools.mcp_config import load_servers
from bot.wishes import DiscordQuestions

log = logging.getLogger(__name__)

TOKEN_REFUSED = 4004
"""The gateway's close code for a token that is not valid (Discord, "Gateway Close Event Codes")."""

CANNOT_READ = (
    "In this server I only see messages that mention me, because my operator has not been granted the message "
    "content intent. Mention me, reply to me with a mention, or use the **Reply** button."
)


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
        self._servers = McpServers(())

    def healthy(self) -> bool:
        """Whether the bot is connected to Discord."""
        return self._client is not None and self._client.is_connected

    async def run(self) -> None:
        """Run until cancelled. Raises ConfigError for whatever the operator must mend first."""
        settings = self._settings
        self._servers = McpServers(load_servers(settings.mcp_config, os.environ))
        async with AsyncExitStack() as stack:
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

            metered = Metered(model, store, catalogue, look_up=look_up, now=time.time)
            stack.push_async_callback(metered.aclose)
            await metered.take_over()
            engine = Engine(metered, clock=self._clock)
            keys = Keys(store, await open_cipher(settings.secret_keys), account)
            await keys.renew()
            try:
                await self._serve(store, catalogue, metered, engine, keys, reads_messages=True)
            except discord.PrivilegedIntentsRequired:
                log.warning("the message content intent is not granted: only mentions, DMs and commands are heard")
                await self._serve(store, catalogue, metered, engine, keys, reads_messages=False)

    async def _serve(
        self, store: Store, catalogue: Catalogue, model: Metered, engine: Engine, keys: Keys, *, reads_messages: bool
    ) -> None:
        """Connect to Discord and answer until cancelled; then let running answers save and say what they have."""
        settings = self._settings
        redirect(settings)
        traffic = Traffic(self._clock)
        trace = Meter(traffic, settings.discord_api_url).trace()
        client = self._client = Client(settings, reads_messages=reads_messages, http_trace=trace)
        poster = Poster(client)
        live = Live(poster, clock=self._clock, traffic=traffic)
        notices = Notices(store, Bulletins(client), catalogue, settings.owner_ids, clock=time.time)
        tools = AllTools(DiscordShelves(client), self._servers, Sandbox())
        consents = Consents(DiscordQuestions(client, poster))
        kit = Kit(
            tools.found,
            catalogue,
            consent=consents,
            note_quoted=store.note_quoted,
            absent=tools.absent,
            remarks=tools.remarks,
        )
        backstage = Backstage(
            store=store,
            engine=engine,
            live=live,
            catalogue=catalogue,
            defaults=Defaults(
                settings.model,
                settings.fallback_models,
                data_policy=settings.data_policy,
                needs_reply_button=not reads_messages,
            ),
            tools=kit,
            keys=keys,
            notices=notices,
            clock=self._clock,
            tell=poster.tell,
            ceilings=settings.ceilings,
            seconds_left=poster.in_place.seconds_left,
        )
        chat = Chat(backstage, poster, remarks_for_new=() if reads_messages else (CANNOT_READ,))
        naming = Naming(
            store,
            model,
            catalogue,
            keys,
            Threads(client),
            NamingDefaults(settings.model, settings.fallback_models, automatic=settings.titles),
            settings_of=chat.settings_of,
            clock=self._clock,
        )
        chat.on_answered = naming.answered
        changes = Changes(store, chat)
        forgetting = Forgetting(store, chat, changes, clock=self._now)
        housekeeping = Housekeeping(
            store, chat, forgetting, ceiling=settings.retention_days, has_left=client.has_left, clock=self._now
        )
        client.services = Services(
            chat,
            changes,
            store,
            catalogue,
            settings,
            poster,
            naming,
            ceilings=settings.ceilings,
            keys=keys,
            forgetting=forgetting,
            housekeeping=housekeeping,
            kit=kit,
            consents=consents,
            traffic=traffic,
            live=live,
            easel=Easel(),
            began_at=time.time(),
        )
        client.on_first_ready = self._on_ready
        async with client:
            try:
                await self._log_in(client)
                async with running(tools.run()), running(_resume(client, chat, housekeeping)):
                    await self._stay_connected(client)
            finally:
                await forgetting.aclose()
                await chat.aclose()
                await consents.aclose()
                await naming.aclose()
                await notices.aclose()
                await live.aclose()

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


async def _resume(client: Client, chat: Chat, housekeeping: Housekeeping) -> None:
    """Take up what an earlier process left, as soon as Discord has accepted this one; then keep house.

    Nobody who is being forgotten is answered first.
    """
    await client.wait_for("connect")
    await housekeeping.go_round()
    await chat.resume()
    await housekeeping.run()


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
