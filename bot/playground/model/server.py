"""The stand-in as an HTTP server on this machine: OpenRouter's endpoints, and a record of what was asked.

Knows aiohttp and nothing of Discord or of the bot; what is said comes from the
script, how it looks on the wire from `wire.py`, what goes wrong from `faults.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Self, assert_never

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.messages import JsonObject
from bot.playground.model import faults
from bot.playground.model.catalogue import listing
from bot.playground.model.pace import Pace
from bot.playground.model.plan import Plan, Planner
from bot.playground.model.record import RecordedRequest, generation
from bot.playground.model.refusals import Refusal, with_status
from bot.playground.model.request import parse_request
from bot.playground.model.script import Script, load_script
from bot.playground.model.wire import Abort, Action, Send, Wait, Wire

LABEL = "Stand-in model (scripted)"
"""What people are told about who answers."""

BAD_KEY = "bad-key"
"""A key that is refused as unknown from the start; any other text is accepted."""
BROKE_KEY = "broke-key"
"""A key without credit."""
MANAGEMENT_KEY = "management-key"
"""A key that manages keys and cannot ask."""

_LARGEST_BODY = 32 * 1024 * 1024
_KEPT_REQUESTS = 200
_KEPT_BYTES = 64 * 1024 * 1024
_SHUTDOWN_SECONDS = 0.05


class ModelServer:
    """The stand-in model: an async context manager that serves while it is entered.

    `speed` multiplies the natural speed of the script's scenes; infinity sends without
    waiting. `port` 0 takes a free one. Clock and sleep may be replaced together.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=_KEPT_REQUESTS)
        """The latest requests to POST /chat/completions, oldest first; bounded in number and in bytes."""
        self.label = LABEL
        self.revoked: set[str] = {BAD_KEY}
        """Keys that are refused as unknown; change it to revoke one."""
        self.broke: set[str] = {BROKE_KEY}
        """Keys without credit; change it to let one run out."""
        self.key_facts: dict[str, JsonObject] = {}
        """What GET /key says of a key that is unlike the others."""
        self._planner = Planner(script or load_script())
        self._host, self._port = host, port
        self._speed = speed
        self._random = Random(seed)  # noqa: S311 - unevenness of a stand-in, nothing secret
        self._clock, self._sleep = clock, sleep
        self._answered = 0
        self._closing = False
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where the API is, as OPENROUTER_BASE_URL wants it; known once the server is entered."""
        return f"http://{self._host}:{self._port}/api/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[_errors_as_json], client_max_size=_LARGEST_BODY)
        app.router.add_post("/api/v1/chat/completions", self._complete)
        app.router.add_get("/api/v1/models", self._models)
        app.router.add_get("/api/v1/key", self._key)
        app.router.add_get("/api/v1/generation", self._generation)
        # Cancelling the handler is what notices a client that leaves while nothing is being written.
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._port = int(runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        if self._runner is not None:
            await self._runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response(listing(self._clock()))

    async def _key(self, request: web.Request) -> web.Response:
        key = self._checked_key(request)
        facts = _key_facts(broke=key in self.broke, manages=key == MANAGEMENT_KEY)
        return web.json_response({"data": facts | self.key_facts.get(key, {})})

    async def _generation(self, request: web.Request) -> web.Response:
        self._checked_key(request)
        wanted = request.query.get("id", "")
        record = next((record for record in self.requests if record.generation_id == wanted), None)
        body = generation(record) if record else None
        if body is None:
            raise _not_found(f"Generation {wanted[:64]} not found")
        return web.json_response(body)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        key = self._checked_key(request)
        record = RecordedRequest(await request.read(), self._clock(), self._next_id(), key)
        self._remember(record)
        try:
            if key in self.broke:
                raise with_status(402, "", (), 0)
            if key == MANAGEMENT_KEY:
                raise Refusal(403, {"code": 403, "message": "Management keys cannot be used for inference"})
            plan = self._planner.plan(parse_request(record.raw))
            record.scene, record.model, record.reply = plan.scene.name, plan.model, plan.reply
            return await self._answer(request, plan, record)
        except Refusal as refusal:
            record.status = refusal.status
            raise
        except (asyncio.CancelledError, ConnectionResetError):
            record.cancelled = not self._closing
            raise
        finally:
            record.ended_at = self._clock()
            record.ended.set()

    async def _answer(self, request: web.Request, plan: Plan, record: RecordedRequest) -> web.StreamResponse:
        wire = Wire(record.generation_id, int(record.at), plan.model)
        headers = {"X-Generation-Id": record.generation_id}
        page = faults.page(plan.fault) if plan.fault else None
        if page is not None:
            record.status = page.status
            return web.Response(status=page.status, body=page.body, content_type=page.content_type, headers=headers)
        kind = "text/event-stream" if plan.request.stream else "application/json"
        response = web.StreamResponse(headers=headers | {"Content-Type": kind, "Cache-Control": "no-cache"})
        await self._perform(_actions(plan, wire), request, response, plan, record)
        return response

    async def _perform(
        self,
        actions: Iterator[Action],
        request: web.Request,
        response: web.StreamResponse,
        plan: Plan,
        record: RecordedRequest,
    ) -> None:
        """Do the actions at the plan's pace until they end or the client goes."""
        pace = Pace(plan.reply.speed, self._speed, clock=self._clock, sleep=self._sleep, random=self._random)
        for action in actions:
            match action:
                case Send(data, tokens):
                    await pace.after(tokens)
                    if not response.prepared:
                        await response.prepare(request)
                        record.status = 200
                    await response.write(data)
                    self._count(record, tokens)
                case Wait(seconds):
                    await pace.wait(seconds)
                case Abort():
                    if request.transport is not None:
                        request.transport.abort()
                    return
                case _:
                    assert_never(action)

    def _checked_key(self, request: web.Request) -> str:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Refusal(401, {"code": 401, "message": "No auth credentials found"})
        if key.strip() in self.revoked:
            raise with_status(401, "", (), 0)
        return key.strip()

    def _remember(self, record: RecordedRequest) -> None:
        self.requests.append(record)
        while len(self.requests) > 1 and sum(len(kept.raw) for kept in self.requests) > _KEPT_BYTES:
            self.requests.popleft()

    def _count(self, record: RecordedRequest, tokens: int) -> None:
        if tokens and record.first_token_at is None:
            record.first_token_at = self._clock()
        record.tokens_sent += tokens

    def _next_id(self) -> str:
        self._answered += 1
        return f"gen-{int(self._clock())}-standin{self._answered:08d}"


def _actions(plan: Plan, wire: Wire) -> Iterator[Action]:
    if not plan.request.stream:
        return faults.play_whole(plan.fault, wire, plan.reply)
    return faults.play(plan.fault, wire, plan.reply) if plan.fault else wire.stream(plan.reply)


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send every refusal, aiohttp's own included, in OpenRouter's envelope."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)
    except ConnectionResetError:  # the client has left; nobody reads this
        return web.Response()
    except web.HTTPException as error:
        body: JsonObject = {"error": {"code": error.status, "message": error.reason}}
        return web.json_response(body, status=error.status)


def _not_found(message: str) -> Refusal:
    return Refusal(404, {"code": 404, "message": message})


def _key_facts(*, broke: bool, manages: bool) -> JsonObject:
    limit = 10.0
    usages = ("usage", "usage_daily", "usage_weekly", "usage_monthly")
    return {
        "label": "playground",
        "limit": limit,
        "limit_remaining": 0.0 if broke else limit,
        "limit_reset": None,
        "include_byok_in_limit": False,
        **dict.fromkeys(usages, limit if broke else 0.0),
        **dict.fromkeys((f"byok_{name}" for name in usages), 0.0),
        "is_free_tier": False,
        "is_management_key": manages,
        "is_provisioning_key": manages,
        "creator_user_id": None,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "deprecated"},
    }
