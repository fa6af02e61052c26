"""`python -m bot doctor`: checks everything the bot needs and says what to do about each fault.

Looks, but changes nothing on Discord and asks no model. Prints one line a check.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

import aiohttp
import discord
from discord.http import Route

from bot.cipher import open_cipher
from bot.client import redirect, refuse_foreign_gateway
from bot.errors import ConfigError, ModelError
from bot.keys import count_unreadable
from bot.openrouter import Catalogue, key_status, open_http
from bot.sandbox.owner import Sandbox
from bot.sandbox.ready import is_installed
from bot.settings import Settings
from bot.store import Store

NEEDED = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "create_public_threads": "Create Public Threads",
    "read_message_history": "Read Message History",
    "attach_files": "Attach Files",
    "embed_links": "Embed Links",
    "add_reactions": "Add Reactions",
}
"""The permissions the bot works with, by discord.py's name and by the one that people see."""

RETIRING_DAYS = 60

SAFE_SECRET = 32
"""Characters that a SECRET_KEY should have at least."""


class Health(Enum):
    """How a check went; the value is what is printed in front of it."""

    GOOD = "✔"
    WORTH_KNOWING = "!"
    FAULT = "✘"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    health: Health
    text: str


async def examine(settings: Settings, *, show: Callable[[str], object] = print) -> int:
    """Run every check and show its findings; returns the exit code, 1 when there is any fault."""
    faults = 0
    for check in (_settings, _discord, _model, _database, _sandbox):
        async for finding in check(settings):
            faults += finding.health is Health.FAULT
            show(f"{finding.health.value} {finding.text}")
    show("Everything is in order." if not faults else f"{faults} fault{'s' if faults > 1 else ''} found.")
    return 1 if faults else 0


async def _settings(settings: Settings) -> AsyncGenerator[Finding]:
    try:
        settings.check_for_discord()
        yield Finding(Health.GOOD, "Settings: complete.")
    except ConfigError as error:
        yield Finding(Health.FAULT, f"Settings: {error}")
    secrets = settings.secret_keys
    if not secrets:
        yield Finding(Health.WORTH_KNOWING, "SECRET_KEY is not set, so servers cannot store keys of their own.")
    elif min(map(len, secrets)) < SAFE_SECRET:
        yield Finding(
            Health.FAULT,
            f"SECRET_KEY has fewer than {SAFE_SECRET} characters, so it could be guessed. Put a new one (openssl rand "
            "-base64 32) in front of it, with a comma between them, start the bot once, and take the old one out.",
        )


async def _discord(settings: Settings) -> AsyncGenerator[Finding]:
    redirect(settings)
    client = discord.Client(intents=discord.Intents.none())
    try:
        async with asyncio.timeout(60):
            try:
                await client.login(settings.discord_token.get_secret_value())
            except discord.LoginFailure:
                yield Finding(Health.FAULT, "Token: Discord refuses DISCORD_TOKEN. Reset it in the developer portal.")
                return
            yield Finding(Health.GOOD, f"Token: accepted; the bot is {_shown(str(client.user))}.")
            yield await _gateway(client, settings)
            info = await client.application_info()
            yield _intent(info)
            yield _user_install(info)
            yield await _commands(client)
            async for finding in _permissions(client):
                yield finding
    except (
        aiohttp.ClientError,
        discord.DiscordException,
        OSError,
        TimeoutError,
        ValueError,
        KeyError,
        TypeError,
    ) as error:
        yield Finding(Health.FAULT, f"Discord: DISCORD_API_URL does not answer as it should ({type(error).__name__}).")
    finally:
        await client.close()


async def _gateway(client: discord.Client, settings: Settings) -> Finding:
    _, url, limit = await client.http.get_bot_gateway()
    try:
        if not settings.discord_gateway_url:
            refuse_foreign_gateway(url, settings.discord_api_url)
    except ConfigError as error:
        return Finding(Health.FAULT, f"Gateway: {error}")
    if limit["remaining"] < 10:
        return Finding(Health.WORTH_KNOWING, f"Gateway: only {limit['remaining']} more starts are allowed today.")
    return Finding(Health.GOOD, "Gateway: known.")


def _intent(info: discord.AppInfo) -> Finding:
    flags = info.flags
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Finding(Health.GOOD, "Message content intent: granted.")
    return Finding(
        Health.WORTH_KNOWING,
        "Message content intent: not granted. The bot works, but in threads it hears only mentions and the Reply "
        "button. Turn it on in the developer portal (Bot → Message Content Intent).",
    )


def _user_install(info: discord.AppInfo) -> Finding:
    if info.user_integration_config is not None:
        return Finding(Health.GOOD, "User install: on.")
    return Finding(
        Health.WORTH_KNOWING,
        "User install: off, so nobody can take /ask along to other servers and direct messages. Turn it on in the "
        "developer portal (Installation → User Install).",
    )


async def _commands(client: discord.Client) -> Finding:
    published = await client.http.get_global_commands(client.application_id or 0)
    if not published:
        return Finding(Health.WORTH_KNOWING, "Commands: none are published yet; the bot does so when it first starts.")
    return Finding(Health.GOOD, f"Commands: {len(published)} are published.")


async def _permissions(client: discord.Client) -> AsyncGenerator[Finding]:
    guilds = await client.http.request(Route("GET", "/users/@me/guilds"))
    if not guilds:
        yield Finding(Health.FAULT, f"Servers: the bot is in none. Invite it: {invitation(client.application_id or 0)}")
    for guild in guilds:
        name = _shown(guild["name"])
        granted = discord.Permissions(int(guild["permissions"]))
        missing = [label for attribute, label in NEEDED.items() if not getattr(granted, attribute)]
        if missing and not granted.administrator:
            yield Finding(Health.FAULT, f"Server {name}: the bot's role lacks {', '.join(missing)}.")
        else:
            yield Finding(Health.GOOD, f"Server {name}: all permissions are there.")


def _shown(name: str) -> str:
    """A name from outside, fit for one line of a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)


def invitation(application_id: int) -> str:
    """The link with which an admin invites the bot, with the permissions it needs."""
    return discord.utils.oauth_url(
        application_id,
        permissions=discord.Permissions(**dict.fromkeys(NEEDED, True)),
        scopes=("bot", "applications.commands"),
    )


async def _model(settings: Settings) -> AsyncGenerator[Finding]:
    key = settings.openrouter_api_key.get_secret_value()
    async with open_http(settings.openrouter_base_url) as http:
        if settings.is_openrouter:
            yield await check_key(lambda: key_status(http, settings.openrouter_base_url, key))
        catalogue = Catalogue(http, settings.openrouter_base_url, api_key=key, clock=time.monotonic)
        try:
            await catalogue.refresh()
        except ModelError as error:
            yield Finding(
                Health.FAULT, f"Models: the list at OPENROUTER_BASE_URL cannot be read ({error.fault.value})."
            )
            return
        for name in (settings.model, *settings.fallback_models):
            yield _listed(catalogue, name)


async def check_key(ask: Callable[[], Awaitable[str]]) -> Finding:
    """What `ask`, which asks the server about the key, says or raises."""
    try:
        return Finding(Health.GOOD, f"Key: accepted; {await ask()}.")
    except ModelError as error:
        return Finding(Health.FAULT, f"Key: OPENROUTER_API_KEY does not work ({error.fault.value}). {error.sentence}")


def _listed(catalogue: Catalogue, name: str) -> Finding:
    info = catalogue.get(name)
    if info is None:
        nearest = catalogue.nearest(name)
        remedy = f"The nearest are: {', '.join(nearest)}." if nearest else "Choose one from the server's list."
        return Finding(Health.FAULT, f"Model {_shown(name)}: not listed. {remedy}")
    if any(model.id == info.id for model in catalogue.retiring(within_days=RETIRING_DAYS)):
        return Finding(Health.WORTH_KNOWING, f"Model {name}: retires on {info.retires_on}. Choose its successor soon.")
    return Finding(Health.GOOD, f"Model {name}: listed, with a window of {info.context_tokens:,} tokens.")


async def _database(settings: Settings) -> AsyncGenerator[Finding]:
    try:
        store = await Store.open(settings.database_url)
    except ConfigError as error:
        yield Finding(Health.FAULT, f"Database: {error}")
        return
    yield Finding(Health.GOOD, "Database: open, and its tables are up to date.")
    try:
        unreadable, stored = await count_unreadable(store, await open_cipher(settings.secret_keys))
    finally:
        with suppress(OSError):
            await store.close()
    if unreadable:
        yield Finding(
            Health.FAULT,
            f"Servers' keys: {unreadable} of {stored} cannot be decrypted, so those servers get no answers. Put the "
            "SECRET_KEY that they were stored with behind the present one, with a comma between them, or ask the "
            "servers' admins to set their keys anew.",
        )
    elif stored:
        yield Finding(Health.GOOD, f"Servers' keys: {stored}, and all can be decrypted.")


async def _sandbox(_: Settings) -> AsyncGenerator[Finding]:
    fault = await Sandbox().why_unavailable()
    if fault is None:
        yield Finding(Health.GOOD, "Sandbox: ready, so admins can turn run_python on.")
    elif is_installed():
        yield Finding(Health.WORTH_KNOWING, f"Sandbox: {fault}")
    else:
        yield Finding(Health.GOOD, f"Sandbox: optional, and run_python is not offered. {fault}")
