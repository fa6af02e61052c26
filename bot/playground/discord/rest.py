"""The bot's HTTP API under /api/v10: who may call, how often, what goes wrong on purpose, and how errors look.

`RestApi.application` is mounted by the server. Interactions and webhooks join as
extra routes and share all of this; their tokens are in their paths.
"""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.messages import JsonObject
from bot.playground.discord import errors, rest_channels, rest_commands, rest_guilds, rest_messages
from bot.playground.discord.errors import ApiError
from bot.playground.discord.people_http import json_response
from bot.playground.discord.rest_faults import Answer, Drop, Fault, FaultPlan, Hang, Refuse, TooMany
from bot.playground.discord.rest_limits import RateLimited, RateLimiter
from bot.playground.discord.rest_routes import GATEWAY_URL, LIMITER, START_LIMIT, WORLD
from bot.playground.discord.world import World

PREFIX = "/api/v10"
_INVALID_STATUSES = frozenset({401, 403, 429})
_UNUSED_START_LIMIT: JsonObject = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
_TOKEN_IN_PATH = ("/interactions/", "/webhooks/")


class RestApi:
    """Answers the bot. `requests`, `limited` and `invalid` count what came, for tests and benchmarks."""

    def __init__(
        self,
        world: World,
        *,
        token: str,
        clock: Callable[[], float] = time.monotonic,
        latency: Callable[[], float] | None = None,
        rate_limits: bool = True,
    ) -> None:
        """`clock` is monotonic and drives the rate limits; `latency` gives seconds to wait before each answer."""
        self.limiter = RateLimiter(clock, world.now)
        self.faults = FaultPlan()
        self.requests: Counter[tuple[str, str]] = Counter()
        """By method and route template, such as ("POST", "/channels/{channel_id}/messages")."""
        self.limited: Counter[tuple[str, str]] = Counter()
        """How many of them got a 429."""
        self.invalid = 0
        """Answers 401, 403 and 429, of which Discord allows 10,000 in ten minutes."""
        self._world = world
        self._token = token
        self._latency = latency
        self._rate_limits = rate_limits

    def application(
        self,
        gateway_url: Callable[[], str],
        extra: Iterable[web.AbstractRouteDef] = (),
        start_limit: Callable[[], JsonObject] = lambda: dict(_UNUSED_START_LIMIT),
    ) -> web.Application:
        """The application to mount with `add_subapp(PREFIX, …)`.

        `gateway_url` and `start_limit`, how often the bot may IDENTIFY, are asked
        when the bot asks. `extra` are routes relative to the prefix, of interactions
        and webhooks, which keep their own rate limits.
        """
        app = web.Application(middlewares=[self._watch, self._guard])
        app[WORLD], app[LIMITER], app[GATEWAY_URL] = self._world, self.limiter, gateway_url
        app[START_LIMIT] = start_limit
        for routes in (extra, rest_guilds.ROUTES, rest_channels.ROUTES, rest_messages.ROUTES, rest_commands.ROUTES):
            app.add_routes(routes)
        return app

    @web.middleware
    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The outermost layer: faults on purpose, counting, and errors in Discord's shape."""
        key = (request.method, _template(request))
        self.requests[key] += 1
        fault = self.faults.next(*key)
        if self._latency is not None:
            await asyncio.sleep(self._latency())
        response = await self._suffer(fault, request, handler)
        if response.status in _INVALID_STATUSES and response.headers.get("X-RateLimit-Scope") != "shared":
            self.invalid += 1
        if response.status == 429:
            self.limited[key] += 1
        if not (isinstance(fault, TooMany) and not fault.via):
            # discord.py takes a 429 without this header for a ban by Cloudflare and does not retry.
            response.headers["Via"] = "1.1 google"
        return response

    async def _suffer(self, fault: Fault | None, request: web.Request, handler: Handler) -> web.StreamResponse:
        match fault:
            case TooMany():
                limited = RateLimited(fault.retry_after, fault.scope, fault.code)
                return json_response(limited.body(), 429, limited.headers())
            case Refuse():
                return _refusal(ApiError(*fault.refusal))
            case Answer():
                if fault.after:
                    await self._answer(request, handler)
                phrase = HTTPStatus(fault.status).phrase
                return json_response({"message": f"{fault.status}: {phrase}", "code": 0}, fault.status)
            case Drop():
                if fault.after:
                    await self._answer(request, handler)
                if request.transport is not None:
                    request.transport.abort()
                return web.Response(status=500)
            case Hang(after=True):
                response = await self._answer(request, handler)
                await asyncio.sleep(fault.seconds)
                return response
            case Hang():
                await asyncio.sleep(fault.seconds)
                return await self._answer(request, handler)
            case None:
                return await self._answer(request, handler)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return _refusal(error)
        except web.HTTPNotFound:
            return _refusal(ApiError(*errors.NOT_FOUND))
        except web.HTTPMethodNotAllowed:
            return _refusal(ApiError(*errors.METHOD_NOT_ALLOWED))

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The inner layer, for known routes: the token, then the rate limits and their headers."""
        route = _template(request)
        if request.match_info.http_exception is not None:
            return await handler(request)
        if route.startswith(_TOKEN_IN_PATH):
            return await handler(request)
        if not self._authorized(request):
            raise ApiError(*errors.UNAUTHORIZED)
        if not self._rate_limits:
            return await handler(request)
        headers: dict[str, str] = {}
        try:
            headers = self.limiter.take(request.method, route, request.match_info)
            response = await self._answer(request, handler)
        except RateLimited as limited:
            headers = headers or self.limiter.peek_headers(request.method, route, request.match_info)
            response = json_response(limited.body(), 429, limited.headers())
        response.headers.update(headers)
        return response

    def _authorized(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(errors="surrogateescape"), f"Bot {self._token}".encode())


def _refusal(error: ApiError) -> web.Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(math.ceil(error.retry_after))}
    return json_response(error.body(), error.status, headers)


def _template(request: web.Request) -> str:
    """The route as documentation writes it, such as `/channels/{channel_id}/messages`; "" where there is none."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical.removeprefix(PREFIX)
