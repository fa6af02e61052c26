"""Routes for the bot itself, its servers and their people, and the gateway's address."""

from __future__ import annotations

from aiohttp import web

from bot.messages import JsonObject
from bot.playground.discord.people_http import json_response
from bot.playground.discord.records import Guild
from bot.playground.discord.rest_http import path_id, query_id, query_limit
from bot.playground.discord.rest_routes import GATEWAY_URL, START_LIMIT, channel_for_bot, world_and_bot
from bot.playground.discord.views import application_view, guild_view, me_view, member_view, role_view, user_view

_GUILD = "/guilds/{guild_id}"


async def get_me(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    return json_response(me_view(world.user(bot)))


async def get_user(request: web.Request) -> web.Response:
    world, _ = world_and_bot(request)
    return json_response(user_view(world.user(path_id(request, "user_id"))))


async def list_my_guilds(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    after = query_id(request, "after") or 0
    mine = [guild for guild in world.records.guilds.values() if bot in guild.members and guild.id > after]
    return json_response(
        [
            _partial_guild(guild, bot, world.permissions_in_guild(bot, guild.id))
            for guild in mine[: query_limit(request, 200, 200)]
        ]
    )


async def get_application(request: web.Request) -> web.Response:
    world, _ = world_and_bot(request)
    return json_response(application_view(world, world.application))


async def get_gateway(request: web.Request) -> web.Response:
    return json_response({"url": request.app[GATEWAY_URL]()})


async def get_gateway_bot(request: web.Request) -> web.Response:
    start_limit = request.app[START_LIMIT]()
    return json_response({"url": request.app[GATEWAY_URL](), "shards": 1, "session_start_limit": start_limit})


async def get_guild(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    guild = world.guild_for(bot, path_id(request, "guild_id"))
    view = guild_view(guild)
    if request.query.get("with_counts") in ("true", "1"):
        view |= {"approximate_member_count": len(guild.members), "approximate_presence_count": len(guild.members)}
    return json_response(view)


async def list_channels(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    guild = world.guild_for(bot, path_id(request, "guild_id"))
    return json_response([channel_for_bot(world, channel) for channel in world.channels_of(guild.id)])


async def list_roles(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    guild = world.guild_for(bot, path_id(request, "guild_id"))
    return json_response([role_view(role) for role in guild.roles.values()])


async def list_members(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    guild = world.guild_for(bot, path_id(request, "guild_id"))
    after = query_id(request, "after") or 0
    ids = sorted(user for user in guild.members if user > after)[: query_limit(request, 1, 1000)]
    return json_response([member_view(world.user(user), guild.members[user]) for user in ids])


async def get_member(request: web.Request) -> web.Response:
    world, bot = world_and_bot(request)
    guild = world.guild_for(bot, path_id(request, "guild_id"))
    user_id = path_id(request, "user_id")
    return json_response(member_view(world.user(user_id), world.member(guild.id, user_id)))


def _partial_guild(guild: Guild, bot: int, permissions: int) -> JsonObject:
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "banner": None,
        "owner": guild.owner_id == bot,
        "permissions": str(permissions),
        "features": [],
    }


ROUTES = (
    web.get("/users/@me", get_me, allow_head=False),
    web.get("/users/@me/guilds", list_my_guilds, allow_head=False),
    web.get("/users/{user_id}", get_user, allow_head=False),
    web.get("/oauth2/applications/@me", get_application, allow_head=False),
    web.get("/applications/@me", get_application, allow_head=False),
    web.get("/gateway", get_gateway, allow_head=False),
    web.get("/gateway/bot", get_gateway_bot, allow_head=False),
    web.get(_GUILD, get_guild, allow_head=False),
    web.get(f"{_GUILD}/channels", list_channels, allow_head=False),
    web.get(f"{_GUILD}/roles", list_roles, allow_head=False),
    web.get(f"{_GUILD}/members", list_members, allow_head=False),
    web.get(f"{_GUILD}/members/{{user_id}}", get_member, allow_head=False),
)
