"""Routes for messages, reactions and typing."""

from __future__ import annotations

from aiohttp import web

from bot.playground.discord.faults import Faults
from bot.playground.discord.people_http import json_response, read_body
from bot.playground.discord.rest_http import no_content, path_id, query_id, query_limit, read_object
from bot.playground.discord.rest_routes import message_for_bot, world_and_bot
from bot.playground.discord.views import user_view

_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"
_REACTIONS = f"{_MESSAGE}/reactions"


async def list_messages(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    messages = world.history(
        bot,
        path_id(request, "channel_id"),
        before=query_id(request, "before"),
        after=query_id(request, "after"),
        around=query_id(request, "around"),
        limit=query_limit(request, 50, 100),
    )
    return json_response([message_for_bot(world, message) for message in messages])


async def get_message(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    message = world.get_message(bot, path_id(request, "channel_id"), path_id(request, "message_id"))
    return json_response(message_for_bot(world, message))


async def create_message(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    body, files = await read_body(request)
    message = world.create_message(bot, path_id(request, "channel_id"), body, files)
    return json_response(message_for_bot(world, message))


async def edit_message(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    body, files = await read_body(request)
    channel_id, message_id = path_id(request, "channel_id"), path_id(request, "message_id")
    return json_response(message_for_bot(world, world.edit_message(bot, channel_id, message_id, body, files)))


async def delete_message(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    world.delete_message(bot, path_id(request, "channel_id"), path_id(request, "message_id"))
    return no_content()


async def bulk_delete(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    body = await read_object(request)
    faults = Faults()
    listed = enumerate(faults.items(("messages",), body.get("messages"), 100, 2))
    ids = [faults.snowflake(("messages", index), item) for index, item in listed]
    faults.check()
    world.delete_messages(bot, path_id(request, "channel_id"), ids)
    return no_content()


async def start_typing(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    world.type_in(bot, path_id(request, "channel_id"))
    return no_content()


async def add_reaction(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    world.add_reaction(bot, *_reaction(request))
    return no_content()


async def remove_reaction(request: web.Request) -> web.Response:
    """Of the bot itself, or of the user in the path."""
    world, bot = world_and_bot(request)
    user_id = path_id(request, "user_id") if "user_id" in request.match_info else None
    world.remove_reaction(bot, *_reaction(request), user_id)
    return no_content()


async def clear_reactions(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    channel_id, message_id = path_id(request, "channel_id"), path_id(request, "message_id")
    world.clear_reactions(bot, channel_id, message_id, request.match_info.get("emoji"))
    return no_content()


async def list_reactions(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    after = query_id(request, "after") or 0
    users = [user for user in world.reacting_users(bot, *_reaction(request)) if user.id > after]
    return json_response([user_view(user) for user in users[: query_limit(request, 25, 100)]])


def _reaction(request: web.Request) -> tuple[int, int, str]:
    return path_id(request, "channel_id"), path_id(request, "message_id"), request.match_info["emoji"]


ROUTES = (
    web.get(_MESSAGES, list_messages, allow_head=False),
    web.post(_MESSAGES, create_message),
    web.post(f"{_MESSAGES}/bulk-delete", bulk_delete),
    web.get(_MESSAGE, get_message, allow_head=False),
    web.patch(_MESSAGE, edit_message),
    web.delete(_MESSAGE, delete_message),
    web.delete(_REACTIONS, clear_reactions),
    web.get(f"{_REACTIONS}/{{emoji}}", list_reactions, allow_head=False),
    web.delete(f"{_REACTIONS}/{{emoji}}", clear_reactions),
    web.put(f"{_REACTIONS}/{{emoji}}/@me", add_reaction),
    web.delete(f"{_REACTIONS}/{{emoji}}/@me", remove_reaction),
    web.delete(f"{_REACTIONS}/{{emoji}}/{{user_id}}", remove_reaction),
    web.post("/channels/{channel_id}/typing", start_typing),
)
