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
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_after_delay

from bot.errors import ModelError, ModelFault
from bot.events import ModelEvent
from bot.model import ModelRequest
from bot.openrouter import faults
from bot.openrouter.answer import AnswerReader
from bot.openrouter.catalogue import Catalogue
from bot.openrouter.request import build_body, serialise
from bot.openrouter.sse import Body, Timeouts, payloads

_Begun: TypeAlias = tuple[ModelEvent, AsyncGenerator[ModelEvent]]

MAX_ATTEMPTS = 3
MAX_RETRY_AFTER = 30.0
"""Seconds; a server that wants us to wait longer is not asked again."""
RETRY_WINDOW = 90.0
"""Seconds after which no further attempt begins."""
_BACKOFF = 0.5
"""Seconds before the second attempt; doubled before each further one."""

_STALE = "no_response_at_all"
"""The connection closed before any answer: most often an old one that the server had just given up."""

_HEADERS = {
    # A compressed stream could neither be shown as it comes nor be limited in size.
    "Accept-Encoding": "identity",
    "User-Agent": "Cogitor",
    # OpenRouter, "App attribution": it needs an address, and a reserved one is nobody else's.
    "HTTP-Referer": "https://cogitor.invalid",
    "X-OpenRouter-Title": "Cogitor",
    "X-OpenRouter-Categories": "general-chat,programming-app",
}


def build_http() -> httpx.AsyncClient:
    """An HTTP client fit for long streams; whoever builds it closes it.

    Redirects are not followed, so that the key goes nowhere but where the
    operator said.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=30.0)
    # A proxy from the environment is for the outside world, never for a model on this machine.
    direct: dict[str, httpx.AsyncBaseTransport | None] = {
        "all://localhost": None,
        "all://127.0.0.1": None,
        "all://[::1]": None,
    }
    return httpx.AsyncClient(headers=_HEADERS, follow_redirects=False, limits=limits, timeout=30.0, mounts=direct)


def is_openrouter(base_url: str) -> bool:
    """Whether the URL is OpenRouter's own."""
    host = urlsplit(base_url).hostname or ""
    return host == "openrouter.ai" or host.endswith(".openrouter.ai")


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
        self._key = api_key.strip()
        self._is_openrouter = is_openrouter(base_url)
        self._catalogue = catalogue
        self._timeouts = timeouts or Timeouts()
        self._sleep = sleep
        self._jitter = jitter
        self._now = now

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Ask once and yield what the model says; see `bot.model.Model.stream`."""
        dialect = self._is_openrouter or self._catalogue.speaks_openrouter
        content = serialise(build_body(request, self._catalogue.get(request.model), openrouter=dialect))
        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(MAX_ATTEMPTS) | stop_after_delay(RETRY_WINDOW),
            wait=self._pause,
            retry=retry_if_exception(_worth_another_attempt),
            reraise=True,
        )
        begun: _Begun = await retrying(self._begin, request.model, content)
        first, rest = begun
        async with aclosing(rest):
            yield first
            async for event in rest:
                yield event

    async def aclose(self) -> None:
        """Close the HTTP client and with it every connection."""
        await self._http.aclose()

    async def _begin(self, model: str, content: bytes) -> _Begun:
        """The first event, and the others. Until the first has come, another attempt does no harm."""
        events = self._attempt(model, content)
        try:
            return await anext(events), events
        except BaseException:
            await events.aclose()
            raise

    async def _attempt(self, model: str, content: bytes) -> AsyncGenerator[ModelEvent]:
        response = await self._send(content)
        try:
            await self._check(response)
            body = Body(response, self._timeouts)
            reader = AnswerReader(model, response.headers.get("x-generation-id"))
            if await body.kind() == "object":
                for event in reader.read_whole(await body.read()):
                    yield event
            else:
                async with aclosing(payloads(body, self._timeouts)) as stream:
                    async for payload in stream:
                        for event in reader.read(payload):
                            yield event
                        if reader.done:
                            break
                await body.drain()
            for event in reader.end():
                yield event
        finally:
            await response.aclose()

    async def _send(self, content: bytes) -> httpx.Response:
        limits = self._timeouts
        timeout = httpx.Timeout(30.0, connect=limits.connect, read=limits.first_byte)
        request = self._http.build_request("POST", self._url, content=content, headers=self._headers(), timeout=timeout)
        try:
            return await self._http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol):
            raise ModelError(ModelFault.UNREACHABLE, retryable=True) from None
        except httpx.TimeoutException:
            raise ModelError(ModelFault.TIMEOUT, error_type="no_response", retryable=True) from None
        except httpx.TransportError:
            raise ModelError(ModelFault.UNREACHABLE, error_type=_STALE, retryable=True) from None

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if self._key:
            if not (self._key.isascii() and self._key.isprintable()):
                raise ModelError(ModelFault.BAD_KEY, error_type="malformed_key")
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    async def _check(self, response: httpx.Response) -> None:
        """Raise what a response says that is not a success, or not readable."""
        if response.status_code != HTTPStatus.OK:
            body = await self._read_error(response)
            raise faults.from_response(response.status_code, response.headers, body, now=self._now())
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ModelError(ModelFault.GARBLED, error_type="compressed")

    async def _read_error(self, response: httpx.Response) -> bytes:
        """The beginning of an error's body, as far as it comes; the status alone says enough without it."""
        body = b""
        try:
            async with asyncio.timeout(self._timeouts.connect):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) >= faults.MAX_BODY:
                        break
        except (TimeoutError, httpx.TransportError):
            pass
        return body

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ModelError):
            if error.retry_after is not None:
                return error.retry_after
            if error.error_type == _STALE and state.attempt_number == 1:
                return 0.0
        return _BACKOFF * 2 ** (state.attempt_number - 1) * (1.0 + self._jitter())


def _worth_another_attempt(error: BaseException) -> bool:
    if not isinstance(error, ModelError) or not error.retryable:
        return False
    return error.retry_after is None or error.retry_after <= MAX_RETRY_AFTER
