"""Which addresses of the network a page may be fetched from, and how a URL must be written.

Only the public internet: whoever writes to the bot, and every page that
redirects, may name any host, and the bot stands inside its operator's network.
This module asks no name server and opens no connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urljoin

import idna

IPAddress = IPv4Address | IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 4096

# IANA's registries of special-purpose addresses, whose entries Python 3.11's `is_global` knows only in part.
_PRIVATE_V4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and Alibaba's metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata and DNS, on a public address
        "169.254.0.0/16",  # link-local, and most clouds' metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and Oracle's metadata service
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_PRIVATE_V6 = tuple(
    ip_network(text)
    for text in (
        "2001::/23",  # Teredo, ORCHID, benchmarking and other protocols' own
        "2001:db8::/32",
        "2002::/16",  # 6to4 leads to an IPv4 address of the sender's choice
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")

_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]{0,5}))?")
_UNUSUAL = re.compile(r"[\x00-\x20\x7f-\xa0\\\ud800-\udfff\u2028\u2029\u3000]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_SAFE_IN_PATH = "%/:@!$&'()*+,;=-._~[]|"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?"


class AddressRefused(ValueError):
    """Read by the model: why this URL is not fetched, in a full sentence."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that is written well: ASCII throughout, without credentials and fragment.

    `host` is lower-case and has neither brackets nor a final dot; `address` is
    set where it is an IP address already.
    """

    url: str
    scheme: str
    host: str
    port: int
    address: IPAddress | None = None


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the public internet, so that anybody could reach it as well."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _PRIVATE_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:  # all that a host without IPv4 has to reach it
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_V6 and not any(address in network for network in _PRIVATE_V6)


def parse_url(text: str, *, base: str | None = None) -> Target:
    """Read a URL, relative to `base` if that is given. Raises AddressRefused."""
    text = text.strip(" \t\r\n")
    if len(text) > MAX_URL:
        raise AddressRefused(f"The URL is longer than {MAX_URL:,} characters.")
    if _UNUSUAL.search(text):
        raise AddressRefused("The URL contains spaces, backslashes or control characters; percent-encode them.")
    if base is not None:
        text = _joined(base, text)
    match = _URL.fullmatch(text)
    if match is None:
        if _SCHEME.match(text) and not text.lower().startswith(("http:", "https:")):
            raise AddressRefused("Only http and https URLs can be fetched.")
        raise AddressRefused("The URL must be complete, such as https://example.org/page.")
    scheme, authority, path, query = match[1].lower(), match[2], match[3], match[4] or ""
    if "@" in authority:
        raise AddressRefused("The URL contains a user name or password; leave that out.")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise AddressRefused("The URL's host or port is malformed.")
    host, address = _host(parts[1])
    port = int(parts[2]) if parts[2] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise AddressRefused("The URL's port does not exist.")
    written = f"[{host}]" if isinstance(address, IPv6Address) else host
    suffix = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
    rest = quote(path or "/", safe=_SAFE_IN_PATH) + quote(query, safe=_SAFE_IN_QUERY)
    return Target(f"{scheme}://{written}{suffix}{rest}", scheme, host, port, address)


def _joined(base: str, text: str) -> str:
    try:
        return urljoin(base, text)
    except ValueError:
        raise AddressRefused("The URL's host is malformed.") from None


def _host(text: str) -> tuple[str, IPAddress | None]:
    if text.startswith("["):
        try:
            address = IPv6Address(text[1:-1])
        except ValueError:
            raise AddressRefused("The URL's IPv6 address is malformed.") from None
        return str(address), address
    host = _ascii(text).removesuffix(".")
    if _ENDS_IN_NUMBER.fullmatch(host):
        try:
            address = ip_address(host)
        except ValueError:
            raise AddressRefused("The URL's IP address is not written in its usual form.") from None
        return str(address), address
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise AddressRefused("The URL's host name is malformed.")
    if "." not in host:
        raise AddressRefused("The URL's host is a local name; only hosts of the public internet can be fetched.")
    return host, None


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    if len(host) > 253:
        raise AddressRefused("The URL's host name is malformed.")
    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii").lower()
    except UnicodeError:  # IDNAError is one
        raise AddressRefused("The URL's host name is malformed.") from None
