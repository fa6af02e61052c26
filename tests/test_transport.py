"""How a response is read: at leisure, with the kernel keeping what comes meanwhile, below TLS as well."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from bot.openrouter import transport as transport_module
from bot.openrouter.rest import SILENT_SECONDS, Unread
from bot.openrouter.transport import UNREAD, Transport
from tests.certificates import certificate_for

PIECE = b"x" * 100
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Streaming:
    """A response of which the first piece was read, and the server's end of it."""

    pieces: AsyncIterator[bytes]
    unread: Unread
    server: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.server.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await self.server.drain()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - nothing tells what the kernel has
                await asyncio.sleep(0.001)


@pytest.fixture(params=["plain", "tls"])
def tls(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext | None:
    if request.param == "plain":
        return None
    certificate, key = certificate_for(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None) -> AsyncGenerator[tuple[httpx.AsyncClient, list[asyncio.StreamWriter]]]:
    """A client, and the server's end of each connection whose first request has come."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    scheme, port = "https" if tls else "http", server.sockets[0].getsockname()[1]
    client = httpx.AsyncClient(base_url=f"{scheme}://localhost:{port}", transport=Transport(trust_env=False))
    try:
        yield client, writers
    finally:
        await client.aclose()
        server.close()
        for writer in writers:
            writer.close()


@pytest.fixture
def wakes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each time that a socket was readable and looked at."""
    looked: list[object] = []
    name = "asyncio.selector_events._SelectorSocketTransport._read_ready"
    look: Callable[[Any], None] = asyncio.selector_events._SelectorSocketTransport._read_ready  # type: ignore[attr-defined]

    def noted(transport: Any) -> None:
        looked.append(transport)
        look(transport)

    monkeypatch.setattr(name, noted)
    return looked


@pytest.fixture
async def streaming(tls: ssl.SSLContext | None, wakes: list[object]) -> AsyncGenerator[Streaming]:
    async with serving(tls) as (client, writers), client.stream("GET", "/") as response:
        pieces = aiter(cast("AsyncIterable[bytes]", response.stream))
        streaming = Streaming(pieces, response.extensions[UNREAD], writers[0])
        await streaming.send(PIECE)
        assert await anext(pieces) == PIECE
        assert wakes
        wakes.clear()
        yield streaming


async def test_what_comes_between_two_reads_wakes_nobody_and_is_read_at_once(
    streaming: Streaming, wakes: list[object]
) -> None:
    await streaming.send(*[PIECE] * 50)
    await streaming.until(lambda: (streaming.unread.size() or 0) >= 50 * len(PIECE))
    assert not wakes
    read = b""
    async with asyncio.timeout(5):
        while len(read) < 50 * len(PIECE):
            read += await anext(streaming.pieces)
    assert read == 50 * PIECE


async def test_a_lot_is_taken_from_a_resting_socket(streaming: Streaming) -> None:
    async with asyncio.timeout(5):
        await streaming.send(*[PIECE] * 20_000, b"end")
        heard = b""
        while not heard.endswith(b"end"):
            heard += await anext(streaming.pieces)
    assert len(heard) == 20_000 * len(PIECE) + 3


async def test_an_end_is_known_while_the_socket_rests(streaming: Streaming) -> None:
    """TLS says it in a few bytes, which wait as any others do until they are read for the silence after them."""
    streaming.server.close()
    await streaming.until(lambda: streaming.unread.size() != 0)
    await streaming.until(lambda: streaming.unread.is_silent(SILENT_SECONDS))
    with pytest.raises(httpx.ReadError):
        async with asyncio.timeout(5):
            await anext(streaming.pieces)


@pytest.mark.parametrize("tells_silence", [True, False])
async def test_it_is_known_how_long_nothing_has_come(
    streaming: Streaming, monkeypatch: pytest.MonkeyPatch, tells_silence: bool
) -> None:
    monkeypatch.setattr(transport_module, "_TELLS_SILENCE", tells_silence and transport_module._TELLS_SILENCE)
    await streaming.send(PIECE)
    await streaming.until(lambda: (streaming.unread.size() or 0) >= len(PIECE))
    size, unread = streaming.unread.size(), streaming.unread
    assert not unread.is_silent(5.0)
    time.sleep(0.05)  # noqa: ASYNC251 - so that nothing else can happen
    assert unread.is_silent(0.04)
    assert unread.size() == size


async def test_a_connection_that_rested_is_heard_at_once_when_it_is_used_again(tls: ssl.SSLContext | None) -> None:
    async with serving(tls) as (client, writers), asyncio.timeout(5):
        for _ in range(3):
            async with client.stream("GET", "/") as response:
                pieces = aiter(cast("AsyncIterable[bytes]", response.stream))
                for _ in range(3):
                    writers[0].write(b"1\r\nx\r\n")
                    assert await anext(pieces) == b"x"
                writers[0].write(b"0\r\n\r\n")
                assert await anext(pieces, None) is None
        assert len(writers) == 1
