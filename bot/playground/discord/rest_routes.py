"""What every route needs: the world in the application, the bot as the actor, messages as the bot may read them."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.messages import JsonObject
from bot.playground.discord.gateway_content import without_content
from bot.playground.discord.gateway_intents import Intent, granted
from bot.playground.discord.records import Channel, Message
from bot.playground.discord.rest_limits import RateLimiter
from bot.playground.discord.views import channel_view
from bot.playground.discord.views_message import message_view
from bot.playground.discord.world import World

WORLD: web.AppKey[World] = web.AppKey("world", World)
LIMITER: web.AppKey[RateLimiter] = web.AppKey("limiter", RateLimiter)
GATEWAY_URL: web.AppKey[Callable[[], str]] = web.AppKey("gateway_url")
START_LIMIT: web.AppKey[Callable[[], JsonObject]] = web.AppKey("start_limit")


def world_and_bot(request: web.Request) -> tuple[World, int]:
    """The world, and the id of the bot on whose behalf every request acts."""
    world = request.app[WORLD]
    return world, world.bot_id


def message_for_bot(world: World, message: Message) -> JsonObject:
    """A message as the bot gets it over HTTP: without others' words where it lacks the intent."""
    view = message_view(world, message, world.bot_id)
    if granted(world.application.flags, Intent.MESSAGE_CONTENT):
        return view
    in_guild = world.channel(message.channel_id).guild_id is not None
    return without_content(view, world.bot_id, in_guild=in_guild)


def channel_for_bot(world: World, channel: Channel) -> JsonObject:
    return channel_view(world, channel, world.bot_id)
