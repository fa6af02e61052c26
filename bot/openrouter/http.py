"""HTTP as every request to the model's server needs it: the client, the key, and what failures mean.

This module knows nothing of what is asked or answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from bot.errors import ModelError, ModelFault
from bot.openrouter import faults
from bot.openrouter.transport import Transport

STALE = "no_response"
"""The error type of a connection that closed before any answer: most often an old one that was just given up."""

_TIMEOUT = 30.0
_ERROR_TIMEOUT = 5.0
_MAX_JSON = 32 * 2**20

_HEADERS = {
    # A compressed stream could neither be shown as it comes nor be limited in size.
    "Accept-Encoding": "identity",
    "User-Agent": "Cogitor",
    # OpenRouter, "App attribution": it needs an address, and a reserved one is nobody else's.
    "HTTP-Referer": "https://cogitor.invalid",
    "X-OpenRouter-Title": "Cogitor",
    "X-OpenRouter-Categories": "general-chat,programming-app",
}


def open_http(base_url: str) -> httpx.AsyncClient:
    """An HTTP client fit for long streams from the server at `base_url`; whoever opens it closes it.

    Redirects are not followed, so that the key goes nowhere but where the
    operator said. A proxy from the environment is for the outside world, never
    for a model on this machine.
    """
    host = urlsplit(base_url).hostname or ""
    local = host in ("localhost", "::1") or host.startswith("127.")
    return httpx.AsyncClient(
        headers=_HEADERS,
        follow_redirects=False,
        timeout=_TIMEOUT,
        transport=Transport(trust_env=not local),
    )


def is_openrouter(base_url: str) -> bool:
    """Whether the URL is OpenRouter's own."""
    host = urlsplit(base_url).hostname or ""
    return host == "openrouter.ai" or host.endswith(".openrouter.ai")


def authorization(key: str) -> dict[str, str]:
    """The header that carries the key; none for an empty one. Raises ModelError for what no header can carry."""
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelError(ModelFault.BAD_KEY, error_type="malformed_key")
    return {"Authorization": f"Bearer {key}"} if key else {}


@contextmanager
def transport_faults() -> Generator[None]:
    """Raise what goes wrong before a response has come as ModelError."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol):
        raise ModelError(ModelFault.UNREACHABLE, retryable=True) from None
    except (TimeoutError, httpx.TimeoutException):
        raise ModelError(ModelFault.TIMEOUT, error_type="no_response_in_time", retryable=True) from None
    except httpx.TransportError:
        raise ModelError(ModelFault.UNREACHABLE, error_type=STALE, retryable=True) from None


async def check(response: httpx.Response, *, now: float) -> None:
    """Raise ModelError for a response that is no success, or that cannot be read. `now` is Unix time."""
    if response.status_code != HTTPStatus.OK:
        raise faults.from_response(response.status_code, response.headers, await _read_error(response), now=now)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ModelError(ModelFault.GARBLED, error_type="compressed")


async def get_json(http: httpx.AsyncClient, url: str, key: str) -> bytes:
    """The body of a JSON resource. Raises ModelError."""
    body = bytearray()
    with transport_faults():
        async with asyncio.timeout(_TIMEOUT), http.stream("GET", url, headers=authorization(key)) as response:
            await check(response, now=time.time())
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_JSON:
                    raise ModelError(ModelFault.GARBLED, error_type="too_large")
    return bytes(body)


async def _read_error(response: httpx.Response) -> bytes:
    """The beginning of an error's body, as far as it comes; the status alone says enough without it."""
    body = bytearray()
    with suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(_ERROR_TIMEOUT):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= faults.MAX_BODY:
                    break
    return bytes(body)
