"""Carries httpx's requests with aiohttp, whose parser is written in C, and reads a response only when asked.

A model's stream is read at leisure: between two reads the kernel keeps what comes,
and wakes nobody for each packet, nor TLS for each record. This module knows nothing
of models, nor of when to read.
"""

from __future__ import annotations

import socket
import sys
import time
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress

import aiohttp
import httpx

from bot.openrouter.rest import MOST_BYTES

UNREAD = "unread"
"""The extension of a response that says what of it waits to be read: a `rest.Unread`."""

_KEEPALIVE_SECONDS = 30.0
_TELLS_SILENCE = sys.platform == "linux"
_LAST_DATA = slice(52, 56)
"""Where the milliseconds since then stand in the kernel's answer."""
_LOUD_BYTES = 32 * 1024
"""So much is taken from a resting socket all the same; its end and its failure are, however little it is."""


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
        stream = _Stream(response)
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=stream,
            request=request,
            extensions={UNREAD: stream},
        )

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        if self._session is not None:
            await self._session.close()


class _Stream(httpx.AsyncByteStream):
    """A response's bytes, in pieces as large as they have become by the time they are asked for. A `rest.Unread`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._resting: TransportSocket | None = None
        self._taken = 0
        self._size: int | None = 0
        self._changed_at = 0.0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self._read():
            self._taken += len(chunk)
            self._resting = self._socket()
            # Not the transport's own pausing: below TLS the socket would be read on, packet by packet.
            _wake_at(self._resting, _LOUD_BYTES)
            yield chunk
            _wake_at(self._resting, 1)

    def is_silent(self, seconds: float) -> bool:
        """See `rest.Unread`; the only question that is asked of the kernel at every glance."""
        if self._resting is None:
            return True
        try:
            return _silent_seconds(self._resting) >= seconds if _TELLS_SILENCE else self._unchanged_seconds() >= seconds
        except (OSError, ValueError):  # it was closed
            return True

    def is_much(self) -> bool:
        """See `rest.Unread`; what the kernel keeps besides is less than _LOUD_BYTES."""
        return self._response.content.total_bytes - self._taken > MOST_BYTES - _LOUD_BYTES

    def size(self) -> int | None:
        """See `rest.Unread`. Bytes that are still encrypted count as they are."""
        content, resting = self._response.content, self._resting
        if resting is None or self._response.connection is None or content.is_eof() or content.exception() is not None:
            return None
        try:
            return content.total_bytes - self._taken + _waiting_bytes(resting)
        except (OSError, ValueError):  # it was closed
            return None

    async def aclose(self) -> None:
        """Close the connection at once, unless the response was read to its end; then it can be used again."""
        _wake_at(self._resting, 1)
        self._response.release()

    def _unchanged_seconds(self) -> float:
        now, size = time.monotonic(), self.size()
        if size != self._size:
            self._size, self._changed_at = size, now
        return now - self._changed_at

    def _socket(self) -> TransportSocket | None:
        """None once the whole response has come, and the connection serves others."""
        connection = self._response.connection
        if connection is None or connection.transport is None:
            return None
        return connection.transport.get_extra_info("socket")

    async def _read(self) -> bytes:
        with _faults():
            return await self._response.content.readany()


if sys.platform == "win32":

    def _waiting_bytes(resting: TransportSocket) -> int:
        """Nothing: there a socket does not rest, so that everything is read as it comes."""
        return 0
else:
    import fcntl
    import termios

    def _waiting_bytes(resting: TransportSocket) -> int:
        """How many bytes the kernel keeps (Linux, "tcp(7)", SIOCINQ; elsewhere it has the other name)."""
        waiting = bytearray(4)
        fcntl.ioctl(resting.fileno(), termios.FIONREAD, waiting)
        return int.from_bytes(waiting, sys.byteorder)


def _silent_seconds(resting: TransportSocket) -> float:
    """How long ago the last bytes came (Linux, "tcp(7)", TCP_INFO: `tcpi_last_data_recv`); 0 from other kernels."""
    info = resting.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.stop)
    return int.from_bytes(info[_LAST_DATA], sys.byteorder) / 1000


def _wake_at(resting: TransportSocket | None, size: int) -> None:
    """Let a socket be readable when so many bytes wait, or its end (Linux, "socket(7)", SO_RCVLOWAT)."""
    if resting is not None:
        with suppress(OSError):  # it was closed
            resting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


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
