"""Reading what a request of the bot says in its path, its query and its JSON body."""

from __future__ import annotations

import json

from aiohttp import web

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.faults import Faults


def no_content() -> web.Response:
    return web.Response(status=204)


async def read_json(request: web.Request) -> JsonValue:
    """The body as any JSON. Raises ApiError where it is none, or too large."""
    try:
        return json.loads(await request.read() or b"{}", parse_constant=_refuse_constant)
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(*errors.ENTITY_TOO_LARGE) from None
    except (ValueError, RecursionError):
        raise ApiError(*errors.INVALID_JSON) from None


async def read_object(request: web.Request) -> JsonObject:
    """The body as a JSON object."""
    faults = Faults()
    body = faults.mapping((), await read_json(request))
    faults.check()
    return body


def path_id(request: web.Request, name: str) -> int:
    """An id in the path. Raises ApiError as Discord does for what is not a snowflake."""
    faults = Faults()
    value = faults.snowflake((name,), request.match_info[name])
    faults.check()
    return value


def query_id(request: web.Request, name: str) -> int | None:
    """An id in the query, or None where it is not given."""
    if (given := request.query.get(name)) is None:
        return None
    faults = Faults()
    value = faults.snowflake((name,), given)
    faults.check()
    return value


def query_limit(request: web.Request, default: int, most: int) -> int:
    """`limit` in the query: from 1 to `most`."""
    given = request.query.get("limit")
    if given is None:
        return default
    faults = Faults()
    value = faults.number(("limit",), int(given) if given.isdecimal() and len(given) < 10 else given, most, 1)
    faults.check()
    return value


def _refuse_constant(name: str) -> JsonValue:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(name)
