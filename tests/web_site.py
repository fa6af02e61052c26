"""A web site on this machine that says exactly what a test wants, byte for byte, and a downloader that may go there."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from bot.tools.download import Downloader, Rule
from bot.tools.names import Answer

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]
LOOPBACK = ip_address("127.0.0.1")


class Site:
    """Answers each path with what was put there; `requests` are the heads that came, as text."""

    def __init__(self) -> None:
        self.paths: dict[str, bytes | Handler] = {}
        self.requests: list[str] = []
        self.connections = 0
        self.port = 0

    def url(self, path: str = "/", host: str = "docs.example.org") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes | str, content_type: str = "text/html; charset=utf-8", *headers: str) -> None:
        self.paths[path] = answer(body, content_type, *headers)

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        self.paths[path] = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            said = self.paths.get(head.split()[1], b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            if isinstance(said, bytes):
                writer.write(said)
                await writer.drain()
            else:
                await said(writer)
        writer.close()


def answer(body: bytes | str, content_type: str = "text/html; charset=utf-8", *headers: str) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type}", f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


@asynccontextmanager
async def open_site(*, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Site]:
    site = Site()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await site.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            running.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in [*running]:
            task.cancel()
        if running:
            await asyncio.wait([*running])


def names(**addresses: str | list[str]) -> Callable[[str, int], Awaitable[Answer]]:
    """A name server that knows `docs.example.org` to be here, and what it is told (with `_` for a dot)."""
    known = {"docs.example.org": ["127.0.0.1"]}
    for name, found in addresses.items():
        known[name.replace("_", ".")] = [found] if isinstance(found, str) else found

    async def lookup(host: str, port: int) -> Answer:
        if host not in known:
            raise OSError("no such host")
        return [(socket.AF_INET6 if ":" in text else socket.AF_INET, text) for text in known[host]]

    return lookup


def visitor(site: Site, *, seconds: float = 20.0, tls: ssl.SSLContext | None = None, **addresses: str) -> Downloader:
    """A downloader that may go to 127.0.0.1 and nowhere else."""
    rule = Rule(lambda address: address == LOOPBACK, frozenset({site.port}), permits_own_host=True)
    context = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return Downloader(rule=rule, lookup=names(**addresses), tls=lambda: context, seconds=seconds)
