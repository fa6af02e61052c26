"""Routes for application commands, global ones and those of a server."""

from __future__ import annotations

from aiohttp import web

from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.people_http import json_response
from bot.playground.discord.rest_http import no_content, path_id, read_json, read_object
from bot.playground.discord.rest_routes import world_and_bot
from bot.playground.discord.views import command_view
from bot.playground.discord.world import World

_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"


async def list_commands(request: web.Request) -> web.Response:
    world, guild_id = _place(request)
    return json_response([command_view(command) for command in world.commands(guild_id)])


async def get_command(request: web.Request) -> web.Response:
    world, guild_id = _place(request)
    return json_response(command_view(world.command(path_id(request, "command_id"), guild_id)))


async def put_commands(request: web.Request) -> web.Response:
    world, guild_id = _place(request)
    commands = world.put_commands(await read_json(request), guild_id)
    return json_response([command_view(command) for command in commands])


async def create_command(request: web.Request) -> web.Response:
    world, guild_id = _place(request)
    command, created = world.put_command(await read_object(request), guild_id)
    return json_response(command_view(command), 201 if created else 200)


async def edit_command(request: web.Request) -> web.Response:
    world, guild_id = _place(request)
    body = await read_object(request)
    return json_response(command_view(world.edit_command(path_id(request, "command_id"), body, guild_id)))


async def delete_command(request: web.Request) -> web.Response:
    world, guild_id = _place(request)
    world.delete_command(path_id(request, "command_id"), guild_id)
    return no_content()


def _place(request: web.Request) -> tuple[World, int | None]:
    """The world, and the server whose commands are meant (None: the global ones)."""
    world, bot = world_and_bot(request)
    if path_id(request, "application_id") != world.application.id:
        raise ApiError(*errors.UNKNOWN_APPLICATION)
    if "guild_id" not in request.match_info:
        return world, None
    return world, world.guild_for(bot, path_id(request, "guild_id")).id


ROUTES = tuple(
    route
    for base in (_GLOBAL, _GUILD)
    for route in (
        web.get(base, list_commands, allow_head=False),
        web.put(base, put_commands),
        web.post(base, create_command),
        web.get(f"{base}/{{command_id}}", get_command, allow_head=False),
        web.patch(f"{base}/{{command_id}}", edit_command),
        web.delete(f"{base}/{{command_id}}", delete_command),
    )
)
