"""The one model client: asks an OpenRouter-shaped or OpenAI-style server over HTTP and yields what it says.

Owns connections, time limits and the retries that are safe. What is asked is in
`request`, what is answered in `answer`, what goes wrong in `faults`; this module
knows nothing of conversations or of what becomes of the events.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_after_delay

from bot.errors import ModelError, ModelFault
from bot.events import ModelEvent
from bot.model import ModelRequest
from bot.openrouter.answer import AnswerReader
from bot.openrouter.catalogue import Catalogue
from bot.openrouter.http import STALE, authorization, check, transport_faults
from bot.openrouter.request import build_body, serialise
from bot.openrouter.rest import CROWD, Demand, Glances, Rest
from bot.openrouter.sse import Body, Timeouts, payloads
from bot.openrouter.transport import UNREAD
from bot.sight import has_files

_Begun: TypeAlias = tuple[ModelEvent, AsyncGenerator[ModelEvent]]

MAX_ATTEMPTS = 3
MAX_RETRY_AFTER = 30.0
"""Seconds; a server that wants us to wait longer is not asked again."""
RETRY_WINDOW = 90.0
"""Seconds after which no further attempt begins."""
_BACKOFF = 0.5
"""Seconds before the second attempt; doubled before each further one."""
_SPACING = 0.05
"""Seconds between two reads of an answer whose next words are awaited, rounded up to the next glance."""
_CROWDED_SPACING = 0.25
"""The same of more than CROWD answers, many of which wait for their turn all the time."""
_MAX_ID = 256
"""Characters of a generation's id that are kept."""
_ACCEPT = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}


class OpenRouter:
    """A Model behind an HTTP endpoint. `base_url` ends before `/chat/completions`; an empty key is not sent.

    The catalogue tells what the requested model can do and whether the endpoint
    understands OpenRouter's own parameters.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        api_key: str,
        *,
        catalogue: Catalogue,
        timeouts: Timeouts | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._key = api_key
        self._catalogue = catalogue
        self._timeouts = timeouts or Timeouts()
        self._sleep = sleep
        self._jitter = jitter
        self._now = now
        self._running = 0
        self._glances = Glances()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Ask once and yield what the model says; see `bot.model.Model.stream`."""
        content = await self._content(request)
        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(MAX_ATTEMPTS) | stop_after_delay(RETRY_WINDOW),
            wait=self._pause,
            retry=retry_if_exception(_worth_another_attempt),
            reraise=True,
        )
        try:
            begun: _Begun = await retrying(self._begin, request, content)
        except ModelError as error:
            if error.fault is ModelFault.NO_MODEL:
                self._catalogue.note_refusal(request.model, error.fallback_models)
            raise
        first, rest = begun
        async with aclosing(rest):
            yield first
            async for event in rest:
                yield event

    async def aclose(self) -> None:
        """Close the HTTP client and with it every connection."""
        await self._http.aclose()

    async def _content(self, request: ModelRequest) -> bytes:
        """The request's body; made in a thread where it has files, for whose megabytes the loop should not wait."""
        info, dialect = self._catalogue.get(request.model), self._catalogue.speaks_openrouter

        def make() -> bytes:
            return serialise(build_body(request, info, openrouter=dialect))

        return await asyncio.to_thread(make) if has_files(request.turns) else make()

    async def _begin(self, request: ModelRequest, content: bytes) -> _Begun:
        """The first event, and the others. Until the first has come, another attempt does no harm."""
        events = self._attempt(request, content)
        return await anext(events), events

    async def _attempt(self, request: ModelRequest, content: bytes) -> AsyncGenerator[ModelEvent]:
        response = await self._send(content, self._key if request.key is None else request.key.secret)
        body = Body(response, self._timeouts)
        self._running += 1
        try:
            await check(response, now=self._now())
            generation_id = response.headers.get("x-generation-id", "")[:_MAX_ID] or None
            if generation_id is not None:
                request.noted(generation_id)
            reader = AnswerReader(request.model, generation_id)
            if await body.kind() == "object":
                for event in reader.read_whole(await body.read()):
                    yield event
            else:
                demand = Demand(request.wanted)
                rest = Rest(self._glances, demand, response.extensions[UNREAD], self._spacing)
                async with aclosing(payloads(body, demand, rest)) as stream:
                    async for batch in stream:
                        for event in reader.read(batch):
                            yield event
                        if reader.done:
                            break
                await body.drain()
            for event in reader.end():
                yield event
        finally:
            self._running -= 1
            body.close()
            await response.aclose()

    def _spacing(self) -> float:
        if self._running <= CROWD:
            return _SPACING
        return max(_CROWDED_SPACING, _SPACING * self._running / CROWD)

    async def _send(self, content: bytes, key: str) -> httpx.Response:
        limits = self._timeouts
        timeout = httpx.Timeout(30.0, connect=limits.connect, read=None)  # reading is timed here, and by Body
        headers = {**_ACCEPT, **authorization(key)}
        request = self._http.build_request("POST", self._url, content=content, headers=headers, timeout=timeout)
        with transport_faults():
            async with asyncio.timeout(limits.first_byte):
                return await self._http.send(request, stream=True)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ModelError):
            if error.retry_after is not None:
                return error.retry_after
            if error.error_type == STALE and state.attempt_number == 1:
                return 0.0
        return _BACKOFF * 2 ** (state.attempt_number - 1) * (1.0 + self._jitter())


def _worth_another_attempt(error: BaseException) -> bool:
    if not isinstance(error, ModelError) or not error.retryable:
        return False
    return error.retry_after is None or error.retry_after <= MAX_RETRY_AFTER
