"""One connection to an MCP server, by the official SDK: opening it, its tools, its calls, and how it ended.

Importing this takes a second, so it is imported when there are servers. The
SDK's own log would hold what servers say; it is turned off here. This module
knows nothing of models or of trying again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO, cast

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import get_default_environment, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp.types import CONNECTION_CLOSED, REQUEST_TIMEOUT, Implementation, Tool, ToolListChangedNotification
from pydantic import ValidationError

from bot.messages import JsonObject
from bot.tools.mcp_config import HttpServer, ServerConfig, StdioServer
from bot.tools.mcp_results import in_words

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, Transport, TransportStreams

MAX_TOOLS = 64
MAX_RESPONSE = 16 * 1024 * 1024

_MAX_PAGES = 20
_CONNECT_SECONDS = 30.0
_ANSWER_SECONDS = 10.0
_LEASH = Path(__file__).with_name("mcp_leash.py")


class ConnectionLost(Exception):
    """There is no connection, or none any more. The text is a sentence without the server's words."""


class CallFailed(Exception):
    """The server answered a call with an error. The text is the server's."""


class Connection:
    """An open connection. `lost` is set when it ends, `changed` when the server says that its tools changed."""

    def __init__(self, client: Client, lost: asyncio.Event, changed: asyncio.Event) -> None:
        self._client = client
        self.lost = lost
        self.changed = changed

    async def tools(self) -> tuple[list[Tool], bool]:
        """The first tools that the server lists, and whether those are all. Raises ConnectionLost."""
        found: list[Tool] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                for _ in range(_MAX_PAGES):
                    page = await self._client.list_tools(cursor=cursor)
                    found += page.tools[: MAX_TOOLS + 1 - len(found)]
                    cursor = page.next_cursor
                    if cursor is None or len(found) > MAX_TOOLS:
                        break
        except Exception as error:  # noqa: BLE001 - the SDK and its transports raise what they like
            raise ConnectionLost(_problem(error)) from None
        return found[:MAX_TOOLS], cursor is None and len(found) <= MAX_TOOLS

    async def call(self, name: str, arguments: JsonObject, seconds: float) -> str:
        """Call a tool. Raises CallFailed, ConnectionLost, and TimeoutError where there was no answer in time."""
        answer = asyncio.ensure_future(self._client.call_tool(name, dict(arguments), read_timeout_seconds=seconds))
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait({answer, lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ConnectionLost("It closed the connection.") if self.lost.is_set() else TimeoutError
            result = answer.result()
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                raise TimeoutError from None
            if error.code == CONNECTION_CLOSED:
                raise ConnectionLost("It closed the connection.") from None
            raise CallFailed(error.message) from None
        except (TimeoutError, ConnectionLost):
            raise
        except ValidationError:
            raise CallFailed("The answer is not what MCP prescribes.") from None
        except Exception as error:  # noqa: BLE001 - as above
            raise ConnectionLost(_problem(error)) from None
        finally:
            for task in (answer, lost):
                task.cancel()
            await asyncio.wait({answer, lost})
            if not answer.cancelled():
                answer.exception()  # looked at, even where the end of the connection counts
        text = in_words(result)
        if result.is_error:
            raise CallFailed(text)
        return text


@asynccontextmanager
async def open_connection(config: ServerConfig) -> AsyncGenerator[Connection]:
    """Connect to a server; a process that was started for it ends with the block. Raises ConnectionLost."""
    _silence()
    lost, changed = asyncio.Event(), asyncio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed.set()

    client = Client(
        _Watched(_stdio(config) if isinstance(config, StdioServer) else _http(config), lost.set),
        read_timeout_seconds=_ANSWER_SECONDS,
        message_handler=hear,
        client_info=Implementation(name="cogitor", version="0.1.0"),
        cache=None,
    )
    try:
        async with _entered(client):
            listening = asyncio.create_task(_listen(client, changed))
            try:
                yield Connection(client, lost, changed)
            finally:
                lost.set()
                listening.cancel()
                await asyncio.wait({listening})
    except Exception as error:  # noqa: BLE001 - as above, and in groups
        raise ConnectionLost(_problem(error)) from None


@asynccontextmanager
async def _entered(client: Client) -> AsyncGenerator[None]:
    """The client, within the time that a handshake may take."""
    async with asyncio.timeout(_CONNECT_SECONDS) as limit:
        async with client:
            limit.reschedule(None)
            yield


async def _listen(client: Client, changed: asyncio.Event) -> None:
    """Hear of changes from servers of the newest protocol, which tell only who asked."""
    with suppress(ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError, RuntimeError):
        async with client.listen(tools_list_changed=True) as events:
            async for _ in events:
                changed.set()


@asynccontextmanager
async def _stdio(config: StdioServer) -> AsyncGenerator[TransportStreams]:
    path = config.env.get("PATH") or get_default_environment().get("PATH")
    if shutil.which(config.command, path=path) is None:
        raise ConnectionLost("Its command was not found.")
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-I", "-S", str(_LEASH), str(os.getpid()), config.command, *config.args],
        env=dict(config.env),
        cwd=config.cwd,
        encoding_error_handler="replace",
    )
    with _error_output() as output:
        async with stdio_client(parameters, errlog=output) as streams:
            yield streams


def _error_output() -> TextIO:
    """Where servers complain to: nowhere, unless the operator asked for every detail."""
    if logging.getLogger(__name__).isEnabledFor(logging.DEBUG) and sys.__stderr__ is not None:
        return os.fdopen(os.dup(sys.__stderr__.fileno()), "w")
    return Path(os.devnull).open("w")


@asynccontextmanager
async def _http(config: HttpServer) -> AsyncGenerator[TransportStreams]:
    headers = {**config.headers, "Accept-Encoding": "identity"}
    timeout = httpx2.Timeout(_ANSWER_SECONDS, read=300.0)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, transport=_Limited()) as http,
        streamable_http_client(config.url, http_client=http) as streams,
    ):
        yield streams


class _Limited(httpx2.AsyncHTTPTransport):
    """Gives no response more room than it may have."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.DecodingError("a compressed response was not asked for")
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Counted(response.stream),
            extensions=response.extensions,
        )


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream | httpx2.AsyncByteStream) -> None:
        if not isinstance(stream, httpx2.AsyncByteStream):
            raise TypeError("an asynchronous transport has asynchronous streams")
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_RESPONSE
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError("the response is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Watched(AbstractAsyncContextManager["TransportStreams"]):
    """A transport that tells when its server has nothing more to say."""

    def __init__(self, transport: Transport, tell: Callable[[], None]) -> None:
        self._transport = transport
        self._tell = tell

    async def __aenter__(self) -> TransportStreams:
        read, write = await self._transport.__aenter__()
        return _WatchedStream(read, self._tell), write

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._tell()
        return await self._transport.__aexit__(exc_type, exc_value, traceback)


class _WatchedStream:
    def __init__(self, stream: ReadStream[SessionMessage | Exception], tell: Callable[[], None]) -> None:
        self._stream = stream
        self._tell = tell

    async def receive(self) -> SessionMessage | Exception:
        try:
            return await self._stream.receive()
        except Exception:
            self._tell()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> ReadStream[SessionMessage | Exception]:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self._stream.__anext__()
        except (Exception, StopAsyncIteration):
            self._tell()
            raise

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc_val, exc_tb)


def _silence() -> None:
    """Keep servers' words and addresses out of our log, at every level."""
    for name in ("mcp", "client", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _problem(error: BaseException) -> str:
    """What went wrong, in a sentence without anything that the server said."""
    match _first(error):
        case ConnectionLost():
            return str(error)
        case TimeoutError() | httpx2.TimeoutException():
            return "It did not answer in time."
        case MCPError(code=code):
            return _CODES.get(code, "It answered with an error.")
        case ValidationError():
            return "It does not speak MCP."
        case httpx2.ConnectError():
            return "Nothing answers at its address."
        case OSError():
            return "It could not be started or reached."
        case other:
            return f"The connection failed ({type(other).__name__})."


def _first(error: BaseException) -> BaseException:
    """The error itself, or the first of a group's."""
    if isinstance(error, BaseExceptionGroup):
        return _first(cast(BaseExceptionGroup[BaseException], error).exceptions[0])
    return error


_CODES: Mapping[int, str] = {
    CONNECTION_CLOSED: "It closed the connection.",
    REQUEST_TIMEOUT: "It did not answer in time.",
}
