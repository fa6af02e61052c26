"""Routes for channels, DMs and threads."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from bot.messages import JsonObject
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_channel import read_recipient
from bot.playground.discord.people_http import json_response, read_body
from bot.playground.discord.records import Channel, ChannelType
from bot.playground.discord.rest_http import no_content, path_id, query_limit, read_object
from bot.playground.discord.rest_routes import LIMITER, channel_for_bot, message_for_bot, world_and_bot
from bot.playground.discord.views import member_view, thread_member_view
from bot.playground.discord.world import World

_CHANNEL = "/channels/{channel_id}"
_THREAD_MEMBERS = f"{_CHANNEL}/thread-members"


async def open_dm(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    channel = world.open_dm(bot, read_recipient(await read_object(request)))
    return json_response(channel_for_bot(world, channel))


async def get_channel(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    return json_response(channel_for_bot(world, world.channel_for(bot, path_id(request, "channel_id"))))


async def edit_channel(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    channel_id = path_id(request, "channel_id")
    body = await read_object(request)
    channel = world.channel_for(bot, channel_id)
    if body.get("name") not in (None, channel.name) or body.get("topic") not in (None, channel.topic):
        request.app[LIMITER].take_rename(channel_id)
    return json_response(channel_for_bot(world, world.edit_channel(bot, channel_id, body)))


async def delete_channel(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    return json_response(channel_for_bot(world, world.delete_channel(bot, path_id(request, "channel_id"))))


async def start_thread_from_message(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    body = await read_object(request)
    channel_id, message_id = path_id(request, "channel_id"), path_id(request, "message_id")
    thread = world.start_thread_from_message(bot, channel_id, message_id, body)
    return json_response(channel_for_bot(world, thread), 201)


async def start_thread(request: web.Request) -> web.Response:
    """A thread on no message, or a forum's post, whose answer carries the first message."""
    world, bot = world_and_bot(request)
    channel_id = path_id(request, "channel_id")
    body, files = await read_body(request)
    if world.channel_for(bot, channel_id).type is not ChannelType.FORUM:
        return json_response(channel_for_bot(world, world.start_thread(bot, channel_id, body)), 201)
    thread, message = world.start_post(bot, channel_id, body, files)
    return json_response({**channel_for_bot(world, thread), "message": message_for_bot(world, message)}, 201)


async def list_thread_members(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    channel = _visible_thread(world, bot, request)
    with_member = request.query.get("with_member") == "true"
    return json_response([_thread_member(world, channel, u, with_member) for u in channel.as_thread.members])


async def get_thread_member(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    channel = _visible_thread(world, bot, request)
    user_id = _user(request, bot)
    if user_id not in channel.as_thread.members:
        raise ApiError(*errors.UNKNOWN_MEMBER)
    return json_response(_thread_member(world, channel, user_id, request.query.get("with_member") == "true"))


async def add_thread_member(request: web.Request) -> web.Response:
    """The bot joins, or brings the user in the path."""
    world, bot = world_and_bot(request)
    channel_id, user_id = path_id(request, "channel_id"), _user(request, bot)
    if user_id == bot:
        world.join_thread(bot, channel_id)
    else:
        world.add_thread_member(bot, channel_id, user_id)
    return no_content()


async def remove_thread_member(request: web.Request) -> web.Response:
    """The bot leaves, or removes the user in the path."""
    world, bot = world_and_bot(request)
    channel_id, user_id = path_id(request, "channel_id"), _user(request, bot)
    if user_id == bot:
        world.leave_thread(bot, channel_id)
    else:
        world.remove_thread_member(bot, channel_id, user_id)
    return no_content()


async def list_active_threads(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    threads = world.active_threads(bot, path_id(request, "guild_id"))
    answer = _threads(world, bot, threads)
    return json_response(answer)


async def list_archived_threads(request: web.Request) -> web.Response:
    """Public or private ones, as the path says; the `before` of the query is a moment."""
    world, bot = world_and_bot(request)
    private = request.path.endswith("private")
    limit = query_limit(request, 50, 100)
    before = _moment(request.query.get("before"))
    threads = world.archived_threads(bot, path_id(request, "channel_id"), private=private, before=before)
    return json_response({**_threads(world, bot, threads[:limit]), "has_more": len(threads) > limit})


def _visible_thread(world: World, bot: int, request: web.Request) -> Channel:
    channel, _ = world.thread(path_id(request, "channel_id"))
    return world.channel_for(bot, channel.id)


def _user(request: web.Request, bot: int) -> int:
    return path_id(request, "user_id") if request.match_info.get("user_id", "@me") != "@me" else bot


def _threads(world: World, bot: int, threads: list[Channel]) -> JsonObject:
    mine = [thread for thread in threads if bot in thread.as_thread.members]
    return {
        "threads": [channel_for_bot(world, thread) for thread in threads],
        "members": [thread_member_view(thread, bot) for thread in mine],
        "has_more": False,
    }


def _thread_member(world: World, channel: Channel, user_id: int, with_member: bool) -> JsonObject:
    view = thread_member_view(channel, user_id)
    member = world.guild_of(channel).members.get(user_id)
    if with_member and member is not None:
        view["member"] = member_view(world.user(user_id), member)
    return view


def _moment(written: str | None) -> float | None:
    if written is None:
        return None
    try:
        return datetime.fromisoformat(written).timestamp()
    except ValueError:
        raise errors.invalid_form(("before",), "DATE_TIME_TYPE_PARSE", "Could not parse the date") from None


ROUTES = (
    web.post("/users/@me/channels", open_dm),
    web.get(_CHANNEL, get_channel, allow_head=False),
    web.patch(_CHANNEL, edit_channel),
    web.delete(_CHANNEL, delete_channel),
    web.post(f"{_CHANNEL}/messages/{{message_id}}/threads", start_thread_from_message),
    web.post(f"{_CHANNEL}/threads", start_thread),
    web.get(f"{_CHANNEL}/threads/archived/public", list_archived_threads, allow_head=False),
    web.get(f"{_CHANNEL}/threads/archived/private", list_archived_threads, allow_head=False),
    web.get(_THREAD_MEMBERS, list_thread_members, allow_head=False),
    web.get(f"{_THREAD_MEMBERS}/{{user_id}}", get_thread_member, allow_head=False),
    web.put(f"{_THREAD_MEMBERS}/{{user_id}}", add_thread_member),
    web.delete(f"{_THREAD_MEMBERS}/{{user_id}}", remove_thread_member),
    web.get("/guilds/{guild_id}/threads/active", list_active_threads, allow_head=False),
)
