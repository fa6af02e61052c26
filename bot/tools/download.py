"""Downloads a page from the public internet and from nowhere else.

Every hop is checked: its URL, every address that its name has, the address that
is connected to, and the peer of the open connection before anything is sent.
The name is looked up once; what a later look-up would say does not matter. No
proxy, cookie, credential or referrer is used. This module knows nothing of
what a page says.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from bot.tools.addresses import AddressRefused, IPAddress, Target, is_public, parse_url
from bot.tools.names import Answer, Names

ABOUT = "https://cogitor.invalid"
"""The address that the user agent names unless the operator has one; a reserved name is nobody else's."""

MAX_BODY = 2 * 1024 * 1024
MAX_REDIRECTS = 5
SECONDS = 20.0
PORTS = frozenset({80, 443, 8080, 8443})

_CONNECT_SECONDS = 6.0
_READ_SECONDS = 10.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,text/markdown,text/plain,application/json,*/*;q=0.5",
    "Accept-Language": "en,*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}


class Undelivered(Exception):
    """Read by the model: why there is no page, in a full sentence."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which addresses and ports may be connected to. Anything but the default is for tests."""

    permits: Callable[[IPAddress], bool] = is_public
    ports: frozenset[int] = PORTS
    permits_own_host: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """What a server sent in the end. `url` is where it was found; `is_whole` is False where the body was cut."""

    url: str
    content_type: str
    body: bytes
    is_whole: bool


class Downloader:
    """Downloads pages. Holds nothing between two downloads but the TLS settings."""

    def __init__(
        self,
        *,
        rule: Rule | None = None,
        lookup: Callable[[str, int], Awaitable[Answer]] | None = None,
        tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
        seconds: float = SECONDS,
        about: str = ABOUT,
    ) -> None:
        self._rule = rule or Rule()
        self._lookup = lookup or Names().lookup
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._seconds = seconds
        # A crawler asks robots.txt; this reads one page because a person asked, and says who it is.
        self._headers = {"User-Agent": f"Cogitor/0.1 (+{about}; reads single pages when asked)", **_HEADERS}

    async def get(self, url: str) -> Download:
        """Download a page, following redirects. Raises Undelivered."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(parse_url(url))
        except AddressRefused as refused:
            raise Undelivered(str(refused)) from None
        except TimeoutError:
            raise Undelivered(f"The site did not deliver the page within {self._seconds:.0f} seconds.") from None

    async def _follow(self, target: Target) -> Download:
        for _ in range(MAX_REDIRECTS + 1):
            found = await self._hop(target)
            if isinstance(found, Download):
                return found
            try:
                target = parse_url(found, base=target.url)
            except AddressRefused as refused:
                raise Undelivered(f"{target.host} redirects to where I do not go. {refused}") from None
        raise Undelivered(f"The site redirects more than {MAX_REDIRECTS} times.")

    async def _hop(self, target: Target) -> Download | str:
        """One request: the page, or where it redirects to."""
        try:
            async with (
                self._session(target, await self._addresses(target)) as session,
                session.get(yarl.URL(target.url, encoded=True), allow_redirects=False) as response,
            ):
                if response.status in _REDIRECTS and (location := response.headers.get("Location")):
                    return location
                _check_status(target, response.status)
                body, is_whole = await _body(response)
                return Download(target.url, response.headers.get("Content-Type", ""), body, is_whole)
        except _Guarded as guarded:
            raise Undelivered(str(guarded)) from None
        except aiohttp.ClientConnectorCertificateError:
            raise Undelivered(f"{target.host} has no valid certificate, so the page was not fetched.") from None
        except aiohttp.ClientSSLError:
            raise Undelivered(f"No encrypted connection to {target.host} came about.") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise Undelivered(f"{target.host} does not answer on port {target.port}.") from None
        except aiohttp.ServerTimeoutError:
            raise Undelivered(f"{target.host} stopped sending in the middle of the page.") from None
        except (aiohttp.ClientError, OSError, ValueError):  # malformed answers, and connections that break
            raise Undelivered(f"{target.host} did not send a proper answer.") from None

    async def _addresses(self, target: Target) -> Sequence[tuple[socket.AddressFamily, str]]:
        """Every address of the host, none of which is forbidden. Raises _Guarded."""
        if target.port not in self._rule.ports:
            raise _Guarded("Pages are fetched from the ports 80, 443, 8080 and 8443 only.")
        if target.address is not None:
            family = socket.AF_INET if target.address.version == 4 else socket.AF_INET6
            found = [(family, str(target.address))]
        else:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    found = await self._lookup(target.host, target.port)
            except (OSError, TimeoutError):
                raise _Guarded(f"There is no host named {target.host}.") from None
        if not found:
            raise _Guarded(f"There is no host named {target.host}.")
        if not all(self._is_permitted(address) for _, address in found):
            raise _Guarded(f"{target.host} is not an address of the public internet, so it is not fetched.")
        return found

    def _is_permitted(self, address: str) -> bool:
        try:
            return self._rule.permits(ip_address(address))
        except ValueError:
            return False

    @asynccontextmanager
    async def _session(
        self, target: Target, addresses: Sequence[tuple[socket.AddressFamily, str]]
    ) -> AsyncGenerator[aiohttp.ClientSession]:
        if self._tls is None:
            self._tls = await asyncio.to_thread(self._make_tls)
        connector = _Connector(self._is_permitted, self._rule, _Known(target, addresses), self._tls)
        async with aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS),
        ) as session:
            yield session


class _Guarded(Exception):
    """A connection that must not be made. The text is a full sentence for the model."""


class _Known(AbstractResolver):
    """Knows the addresses of one host, as they were looked up and checked."""

    def __init__(self, target: Target, addresses: Sequence[tuple[socket.AddressFamily, str]]) -> None:
        self._target = target
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.removesuffix(".") != self._target.host:
            raise OSError("another host was asked for than was checked")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for family, address in self._addresses
        ]

    async def close(self) -> None:
        pass


class _Connector(aiohttp.TCPConnector):
    """Opens connections to permitted addresses, and hands out those whose peer is one."""

    def __init__(
        self, is_permitted: Callable[[str], bool], rule: Rule, resolver: AbstractResolver, tls: ssl.SSLContext
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  # aiohttp's own annotation is partial
            resolver=resolver, use_dns_cache=False, force_close=True, ssl=tls, socket_factory=self._socket
        )
        self._is_permitted = is_permitted
        self._rule = rule

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        transport = connection.transport
        peer = None if transport is None else transport.get_extra_info("peername")
        own = None if transport is None else transport.get_extra_info("sockname")
        if not peer or not own or not self._is_fit(str(peer[0]), str(own[0])):
            connection.close()
            raise _Guarded("The connection led to an address that is not fetched from.")
        return connection

    def _socket(self, found: tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]) -> socket.socket:
        family, kind, protocol, _, address = found
        if not self._is_permitted(address[0]):
            raise OSError("this address is not connected to")
        return socket.socket(family, kind, protocol)

    def _is_fit(self, peer: str, own: str) -> bool:
        """A host that connects to itself, by whatever address, does so from that same address."""
        return self._is_permitted(peer) and (self._rule.permits_own_host or peer != own)


def _check_status(target: Target, status: int) -> None:
    if status == HTTPStatus.OK:
        return
    try:
        said = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        said = str(status)
    if status in {401, 403, 429, 451, 503}:
        raise Undelivered(f"{target.host} does not let me read this page: it answered {said}.")
    if status in {404, 410}:
        raise Undelivered(f"There is no such page: {target.host} answered {said}.")
    raise Undelivered(f"{target.host} did not send the page: it answered {said}.")


async def _body(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """A body, unpacked as it comes, and whether that is all of it."""
    inflate = _unpacking(response.headers.get("Content-Encoding", ""))
    body = bytearray()
    received = 0
    while chunk := await response.content.readany():
        received += len(chunk)
        try:
            body += chunk if inflate is None else inflate.unpack(chunk, MAX_BODY + 1 - len(body))
        except zlib.error:
            raise Undelivered("The page is compressed in a way that cannot be unpacked.") from None
        if len(body) > MAX_BODY or received > MAX_BODY:
            return bytes(body[:MAX_BODY]), False
    if inflate is not None and not inflate.is_complete:
        raise Undelivered("The page is compressed in a way that cannot be unpacked.")
    return bytes(body), True


def _unpacking(encoding: str) -> _Inflate | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Inflate(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Inflate(zlib.MAX_WBITS)
        case _:
            raise Undelivered("The page is compressed in a way that I cannot unpack.")


class _Inflate:
    """Unpacks a stream no further than it is asked to."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._stream = zlib.decompressobj(window)
        self._has_begun = False
        self.is_complete = True

    def unpack(self, chunk: bytes, most: int) -> bytes:
        """At most `most` bytes of what a chunk holds. Raises zlib.error."""
        if not self._has_begun and self._window == zlib.MAX_WBITS and chunk[0] & 0x0F != 8:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without its wrapping, as some servers send it
        self._has_begun = True
        text = self._stream.decompress(chunk, max(most, 1))
        self.is_complete = self._stream.eof
        return text
