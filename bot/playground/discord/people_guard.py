"""Keeps strangers out of the server: other machines' names, and other sites' pages.

A page from elsewhere could reach a server on loopback through the person's own
browser; its Host or Origin gives it away. It knows nothing of what is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from bot.playground.discord.people_http import json_response

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@web.middleware
async def own_page_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse a request whose Host is not loopback, or whose Origin is not this very server."""
    if _hostname(request.host) not in _LOOPBACK:
        return _refused("The playground is served to this machine only: open it by its 127.0.0.1 address.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return _refused("This request comes from another site's page; the playground serves its own page only.")
    return await handler(request)


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _refused(message: str) -> web.Response:
    return json_response({"message": message, "code": 0}, 403)
