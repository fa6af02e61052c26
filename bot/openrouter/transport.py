"""Carries httpx's requests with aiohttp, whose parser is written in C, and reads a response only when asked.

A model's stream is read at leisure: between two reads nothing is taken from the
socket, so what comes meanwhile costs no wake-up for each packet, and what was
not asked for stays with its sender. This module knows nothing of models.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager

import aiohttp
import httpx

_KEEPALIVE_SECONDS = 30.0


class Transport(httpx.AsyncBaseTransport):
    """A transport for `httpx.AsyncClient`. Raises httpx's own exceptions.

    `trust_env` allows a proxy that the environment names.
    """

    def __init__(self, *, trust_env: bool) -> None:
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; returns as soon as the response's headers have come. Redirects are not followed."""
        if self._session is None:
            self._session = _open_session(trust_env=self._trust_env)
        timeout = request.extensions.get("timeout", {})
        content = await request.aread()
        with _faults():
            response = await self._session.request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                skip_auto_headers=("Content-Type",),
                data=content or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=timeout.get("connect"), sock_read=timeout.get("read")),
            )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Stream(response), request=request)

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        if self._session is not None:
            await self._session.close()


class _Stream(httpx.AsyncByteStream):
    """A response's bytes, in pieces as large as they have become by the time they are asked for."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self._read():
            # The socket alone rests: aiohttp's own pausing also stops its parser, which then gives one chunk a read.
            socket = self._response.connection.transport if self._response.connection else None
            if socket is None:  # everything has come already
                yield chunk
                continue
            socket.pause_reading()
            try:
                yield chunk
            finally:
                socket.resume_reading()

    async def aclose(self) -> None:
        """Close the connection at once, unless the response was read to its end; then it can be used again."""
        self._response.release()

    async def _read(self) -> bytes:
        with _faults():
            return await self._response.content.readany()


def _open_session(*, trust_env: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0,  # every running answer holds a connection, and how many may run is decided elsewhere
        keepalive_timeout=_KEEPALIVE_SECONDS,
        ssl=httpx.create_ssl_context(),
    )
    return aiohttp.ClientSession(
        connector=connector, trust_env=trust_env, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    )


@contextmanager
def _faults() -> Generator[None]:
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except (aiohttp.ClientError, OSError, RuntimeError) as error:  # aiohttp says the last of a closed connection
        raise httpx.ReadError(str(error)) from error
