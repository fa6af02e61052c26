"""The connection to Discord: which events are asked for, which cogs are loaded, which commands are published.

Cogs are loaded by name and get what they need from `services`. This module
knows nothing of what they do.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.errors import ConfigError, ForUser, describe
from bot.settings import Settings, is_host

if TYPE_CHECKING:
    from bot.admission import Admission
    from bot.changes import Changes
    from bot.chat import Chat
    from bot.consents import Consents
    from bot.easel import Easel
    from bot.forgetting import Forgetting
    from bot.housekeeping import Housekeeping
    from bot.keys import Keys
    from bot.naming import Naming
    from bot.openrouter.catalogue import Catalogue
    from bot.posting import Poster
    from bot.render.live import Live
    from bot.render.traffic import Traffic
    from bot.store import Store
    from bot.tools.kit import Kit

log = logging.getLogger(__name__)

COGS = (
    "cogs.chat",
    "cogs.changes",
    "cogs.ask",
    "cogs.menus",
    "cogs.controls",
    "cogs.history",
    "cogs.models",
    "cogs.thread",
    "cogs.reasoning",
    "cogs.title",
    "cogs.export",
    "cogs.context",
    "cogs.usage",
    "cogs.settings",
    "cogs.limits",
    "cogs.audit",
    "cogs.key",
    "cogs.privacy",
    "cogs.departures",
    "cogs.tools",
    "cogs.consent",
    "cogs.admin",
    "cogs.help",
)

BROUGHT_ALONG = frozenset({"ask", "help", "Ask about this", "Explain this code"})
"""The commands of those who install the bot for themselves. They work everywhere; all others where the bot is."""

_SYNCED = "commands synced"
_PUBLISHING_SECONDS = 90.0
"""Discord may ask to wait a while; an interaction can be answered for 15 minutes."""
PUBLISHING = "I am publishing the commands already. Please wait until that has ended."
SORRY = "Something went wrong on my side, and it has been logged. Please try again in a moment."


@dataclass(frozen=True, slots=True)
class Services:
    """What cogs may use."""

    chat: Chat
    admission: Admission
    changes: Changes
    store: Store
    catalogue: Catalogue
    settings: Settings
    poster: Poster
    naming: Naming
    ceilings: Mapping[str, int]
    """The operator's, by limit."""
    kit: Kit
    consents: Consents
    keys: Keys
    forgetting: Forgetting
    housekeeping: Housekeeping
    traffic: Traffic
    live: Live
    easel: Easel
    began_at: float
    """When the process began to serve, in Unix seconds."""


class Client(commands.AutoShardedBot):
    """Cogitor's discord.py client. `reads_messages`: the message-content intent is asked for."""

    services: Services
    on_first_ready: Callable[[], None] | None = None

    def __init__(self, settings: Settings, *, reads_messages: bool, http_trace: aiohttp.TraceConfig) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=reads_messages)
        super().__init__(
            command_prefix=(),
            help_command=None,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            max_ratelimit_timeout=30.0,
            http_trace=http_trace,
            guild_ready_timeout=0.5,  # nothing here waits for a server's members
            enable_debug_events=False,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
        )
        self._settings = settings
        self.reads_messages = reads_messages
        self._lost_shards: set[int] = set()
        self._publishing = False
        self._listeners_at_work: set[asyncio.Task[None]] = set()
        self.tree.error(self._tell_error)

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Give an event to its listeners, but for its own edits: a running answer is edited all the time."""
        if event_name == "raw_message_edit" and args[0].message.author == self.user:
            return
        super().dispatch(event_name, *args, **kwargs)

    async def close(self) -> None:
        """Disconnect, and end what listeners are still doing, for nothing they need will be there afterwards."""
        await super().close()
        while self._listeners_at_work:
            for task in self._listeners_at_work:
                task.cancel()
            await asyncio.wait(self._listeners_at_work)

    def _schedule_event(self, *args: Any, **kwargs: Any) -> asyncio.Task[None]:
        """discord.py keeps no hold of the tasks that it gives events to; a closing client must."""
        base: Any = super()  # discord.py types this method in part only
        task: asyncio.Task[None] = base._schedule_event(*args, **kwargs)
        self._listeners_at_work.add(task)
        task.add_done_callback(self._listeners_at_work.discard)
        return task

    async def setup_hook(self) -> None:
        """Runs after the login and before the gateway: everything is in place when the first event comes."""
        await self._find_gateway()
        for name in COGS:
            await self.load_extension(name)
        self._open_what_is_brought_along()
        await self._publish_commands()

    async def on_message(self, message: discord.Message, /) -> None:
        """Prefix commands do not exist, so messages are left to the cogs' listeners."""

    async def on_ready(self) -> None:
        """Tell once that the bot is there; Discord says READY again after every lost session."""
        log.info("connected as %s to %d servers", self.user, len(self.guilds))
        if self.on_first_ready is not None:
            self.on_first_ready()
            self.on_first_ready = None

    @property
    def lost_shards(self) -> int:
        """How many shards are without a connection now."""
        return len(self._lost_shards)

    @property
    def is_connected(self) -> bool:
        """Whether events from all servers reach the bot now; `is_ready` only says that they once did."""
        return self.is_ready() and not self.is_closed() and not self._lost_shards

    def has_left(self, guild_id: int) -> bool:
        """Whether the bot is certainly in a server no more: its shard has told of all its servers, and not of this.

        Servers with an outage are told of as well.
        """
        shard_id = (guild_id >> 22) % (self.shard_count or 1)  # Discord, "Sharding"
        is_told = self.is_ready() and shard_id in self.shards and shard_id not in self._lost_shards
        return is_told and self.get_guild(guild_id) is None

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self._lost_shards.add(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self._lost_shards.discard(shard_id)

    async def on_shard_ready(self, shard_id: int) -> None:
        self._lost_shards.discard(shard_id)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log what a listener let through, without its text: that may quote what people wrote."""
        error = sys.exception()
        log.error("%s failed: %s", event_method, describe(error) if error else "unknown error")

    async def _find_gateway(self) -> None:
        """Point discord.py at the gateway that the settings or the API name, and at no other."""
        shards, url, _ = await self.http.get_bot_gateway()
        url = self._settings.discord_gateway_url or url
        if not self._settings.discord_gateway_url:
            refuse_foreign_gateway(url, self._settings.discord_api_url)
        self.shard_count = self.shard_count or shards
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)

    def _open_what_is_brought_along(self) -> None:
        for command in self.tree.get_commands():
            if command.name in BROUGHT_ALONG:
                command.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
                command.allowed_contexts = app_commands.AppCommandContext(
                    guild=True, dm_channel=True, private_channel=True
                )

    async def publish_anew(self) -> int:
        """Send the commands to Discord even if they have not changed; returns how many there are now.

        Raises ForUser while that is being done already, and whatever discord.py says of a refusal.
        """
        if self._publishing:
            raise ForUser(PUBLISHING)
        self._publishing = True
        try:
            await self.services.store.set_note(_SYNCED, "")  # should this fail, the next start tries again
            async with asyncio.timeout(_PUBLISHING_SECONDS):
                return await self._publish_commands()
        finally:
            self._publishing = False

    async def _publish_commands(self) -> int:
        """Send the commands to Discord only when they differ from what was sent last: creations are rationed."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        text = json.dumps([self.application_id, payload], sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if await self.services.store.note(_SYNCED) == digest:
            return len(payload)
        published = await self.tree.sync()
        await self.services.store.set_note(_SYNCED, digest)
        log.info("published %d commands", len(published))
        return len(published)

    async def _tell_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /) -> None:
        await tell(interaction, error.original if isinstance(error, app_commands.CommandInvokeError) else error)


async def tell(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Tell the person behind an interaction, and nobody else, what went wrong."""
    match error:
        case ForUser():
            text = str(error)
        case app_commands.MissingPermissions():
            text = "You do not have the permission to do this here."
        case _:
            log.error("an interaction failed: %s", describe(error))
            text = SORRY
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
    except discord.HTTPException as refusal:
        log.info("an error could not be told: %s", describe(refusal))


def redirect(settings: Settings) -> None:
    """Send discord.py's HTTP requests where the settings say; process-wide, for discord.py has no option for it."""
    Route.BASE = settings.discord_api_url


def refuse_foreign_gateway(url: str, api_url: str) -> None:
    """Raise ConfigError unless a gateway named by the API may have the token: Discord's own, or the API's own host."""
    if is_host(url, "discord.gg") or urlsplit(url).hostname == urlsplit(api_url).hostname:
        return
    raise ConfigError(
        "DISCORD_GATEWAY_URL is missing: the API at DISCORD_API_URL names a gateway on another host, "
        "which would receive the bot's token. Set DISCORD_GATEWAY_URL if you trust it."
    )
