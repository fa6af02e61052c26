"""Watches every HTTP request of the process to Discord, for discord.py tells nobody what its answers say of limits.

A public hook of discord.py (`http_trace`) and of aiohttp (`TraceConfig`). What is
seen goes to `Traffic`, which decides; this module knows nothing of what is sent.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from types import SimpleNamespace

import aiohttp
from yarl import URL

from bot.errors import MessageTooOld, RetryLater
from bot.render.buckets import Key, Kind, Quota
from bot.render.traffic import TICKET, Scope, Ticket, Traffic

TOO_MANY_OLD_EDITS = 30046
"""Discord's code for a message older than an hour that was edited too often lately."""

_UNKNOWN_WAIT = 10.0
"""Seconds to wait where a refusal names none."""

_OF_A_MESSAGE = re.compile(r"/channels/([0-9]{1,20})/messages(?:/([0-9]{1,20}))?")
_TYPING = re.compile(r"/channels/([0-9]{1,20})/typing")
_APART = ("/interactions/", "/webhooks/")
"""Endpoints that do not count in the global limit. Discord, 'Receiving and Responding to Interactions'."""


class Meter:
    """Reports requests under `api_url` to `traffic`, and holds back those that are too many."""

    def __init__(self, traffic: Traffic, api_url: str) -> None:
        self._traffic = traffic
        self._api_url = URL(api_url)
        self._base = self._api_url.path.rstrip("/")

    def trace(self) -> aiohttp.TraceConfig:
        """The hook for `discord.Client(http_trace=…)`."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._start)
        trace.on_request_headers_sent.append(self._sent)
        trace.on_request_end.append(self._end)
        return trace

    async def _start(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        path = context.path = self._path(params.url)
        if path is None:
            return
        ticket = TICKET.get()
        if ticket is not None and not ticket.is_used:
            ticket.is_used = True
            context.taken = ticket.taken
            return
        key = _key(ticket, params.method, path)
        context.taken, wait = self._traffic.admit(key, is_shared=not path.startswith(_APART))
        if wait > 0:
            await asyncio.sleep(wait)

    async def _sent(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        taken = getattr(context, "taken", None)
        if taken is not None:
            self._traffic.sent(taken)

    async def _end(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        path: str | None = context.path
        if path is None:
            return
        ticket = TICKET.get()
        key = _key(ticket, params.method, path)
        if params.response.status == 429:
            await self._refused(ticket, key, params.response)
        elif key is not None and (quota := quota_of(params.response.headers)) is not None:
            self._traffic.answered(key, quota)

    async def _refused(self, ticket: Ticket | None, key: Key | None, response: aiohttp.ClientResponse) -> None:
        """Learn from a 429. Raises to whoever planned the request, who knows better than to repeat what is stale."""
        self._traffic.refusals += 1
        code, seconds, scope = refusal_of(response.headers, await response.read())
        if code != TOO_MANY_OLD_EDITS:
            self._traffic.refused(key, scope, seconds)
        if ticket is None:
            return
        if code == TOO_MANY_OLD_EDITS:
            raise MessageTooOld("Discord takes hardly any edits of messages that are older than an hour.")
        raise RetryLater(seconds)

    def _path(self, url: URL) -> str | None:
        """The path below the API's address; None for requests to elsewhere, such as attachments and the gateway."""
        if url.host != self._api_url.host or url.port != self._api_url.port or not url.path.startswith(self._base):
            return None
        return url.path[len(self._base) :]


def _key(ticket: Ticket | None, method: str, path: str) -> Key | None:
    """A request's bucket: what its path says, or what was planned where the path names only a token."""
    return ticket.key if ticket is not None and path.startswith(_APART) else bucket_of(method, path)


def bucket_of(method: str, path: str) -> Key | None:
    """The bucket of a request that shows something in a channel; None for all others."""
    if method == "POST" and (typing := _TYPING.fullmatch(path)):
        return int(typing[1]), Kind.TYPING
    found = _OF_A_MESSAGE.fullmatch(path)
    if found is None:
        return None
    match method, found[2]:
        case "POST", None:
            return int(found[1]), Kind.SEND
        case "PATCH", str():
            return int(found[1]), Kind.EDIT
        case "DELETE", str():
            return int(found[1]), Kind.DELETE
        case _:
            return None


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """What an answer's headers say of its bucket; None where they say nothing, or nothing sensible."""
    try:
        return Quota(
            int(headers["X-RateLimit-Limit"]),
            int(headers["X-RateLimit-Remaining"]),
            min(3600.0, max(0.0, float(headers["X-RateLimit-Reset-After"]))),
        )
    except (KeyError, ValueError):
        return None


def refusal_of(headers: Mapping[str, str], body: bytes) -> tuple[int, float, Scope]:
    """The error code, the seconds to wait and what a 429 is about.

    The body is exact where the header Retry-After is whole seconds. Without a
    proper body the answer is not from Discord but from what stands before it, and
    bans everything.
    """
    try:
        said = json.loads(body)
        scope = Scope.EVERYTHING if said.get("global") else Scope.BUCKET
        return int(said.get("code", 0)), _bounded(float(said["retry_after"])), scope
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        pass
    try:
        return 0, _bounded(float(headers["Retry-After"])), Scope.EVERYTHING
    except (KeyError, ValueError):
        return 0, _UNKNOWN_WAIT, Scope.EVERYTHING


def _bounded(seconds: float) -> float:
    return min(3600.0, max(0.0, seconds)) if seconds == seconds else _UNKNOWN_WAIT  # NaN equals nothing
