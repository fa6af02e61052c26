"""Which URLs are read and which addresses are gone to: by table, and by everything that can be written."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.tools.addresses import AddressRefused, is_public, parse_url
from bot.tools.download import Downloader, Undelivered
from bot.tools.names import Answer

PRIVATE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1"),
    *("64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:2::1"),
    *("2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "3fff::1", "5f00::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2606:4700::1111%1", "fec0::1", "ff02::1", "4000::1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.1", "168.63.129.17", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"),
    *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::200e"),
    *("2001:4860:4860::8888", "2001:200::1", "64:ff9b::8.8.8.8"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_of_the_public_internet(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_public_internet(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("text", "url", "host", "port"),
    [
        ("https://docs.python.org/3/", "https://docs.python.org/3/", "docs.python.org", 443),
        ("HTTP://Docs.Python.ORG", "http://docs.python.org/", "docs.python.org", 80),
        ("https://example.org.:443/a?b#c", "https://example.org/a?b", "example.org", 443),
        ("http://example.org:8080?q", "http://example.org:8080/?q", "example.org", 8080),
        ("http://example.org:/", "http://example.org/", "example.org", 80),
        ("https://bü.example/ü?ö=ä", "https://xn--b-eha.example/%C3%BC?%C3%B6=%C3%A4", "xn--b-eha.example", 443),
        ("https://faß.example/", "https://xn--fa-hia.example/", "xn--fa-hia.example", 443),
        ("https://a.example/wiki/C%2B%2B_(x)", "https://a.example/wiki/C%2B%2B_(x)", "a.example", 443),
        ("https://my_host.example.org/", "https://my_host.example.org/", "my_host.example.org", 443),
        ("  https://example.org/ \n", "https://example.org/", "example.org", 443),
        ("http://1.1.1.1/", "http://1.1.1.1/", "1.1.1.1", 80),
        ("http://１.１.１.１/", "http://1.1.1.1/", "1.1.1.1", 80),
        ("http://[2606:4700:0::1111]/", "http://[2606:4700::1111]/", "2606:4700::1111", 80),
    ],
)  # fmt: skip
def test_a_url_is_read_in_one_way(text: str, url: str, host: str, port: int) -> None:
    target = parse_url(text)
    assert (target.url, target.host, target.port) == (url, host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.org", "//example.org/", "/etc/passwd", "ftp://example.org/", "file:///etc/passwd", "http:/a.b"),
        *("javascript:alert(1)", "data:text/html,x", "gopher://example.org/", "view-source:http://example.org/"),
        *("http://", "http:///x", "https://?x", "http://user@example.org/", "http://user:password@example.org/"),
        *("http://example.org@127.0.0.1/", "http://127.0.0.1\\@example.org/", "http://example.org\\.evil.example/"),
        *("http://exa mple.org/", "http://example.org/a b", "http://example.org/\r\nHost: evil", "http://a\tb.example/"),
        *("http://example.org/\x00", "http://example.org\u2028/", "http://example.org/\ud800", "http://a\xa0b.c/"),
        *("http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://0x7f000001/"),
        *("http://127.0.0.1.0x1/", "http://127.0.0.01/", "http://1.2.3.4.5/", "http://256.1.1.1/", "http://1.2.3.0x/"),
        *("http://[::1", "http://::1/", "http://[::1]x/", "http://[fe80::1%25eth0]x/", "http://[1.2.3.4]/"),
        *("http://localhost/", "http://redis/", "http://LOCALHOST./", "http://a..b/", "http://.example.org/"),
        *("http://-a.example/", "http://%31%32%37.0.0.1/", "http://exa%6dple.org/", "http://example.org:0/"),
        *("http://example.org:65536/", "http://example.org:80a/", "http://example.org:-80/", "http://example.org:٨٠/"),
        *("http://" + "a" * 64 + ".example/", "http://" + "a." * 130 + "example/", "http://example.org/" + "a" * 5000),
        *("http://\u200b.example/", "http://xn--.example/\u0000", "http://127。0。0。1.", "http://a/../b"),
    ],
)  # fmt: skip
def test_a_url_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    try:
        target = parse_url(text)
    except AddressRefused as refused:
        assert str(refused).endswith(".")
    else:
        assert target.address is not None, target
        assert not is_public(target.address), target


def test_a_redirect_is_read_relative_to_the_page() -> None:
    assert parse_url("../b?c", base="https://example.org/x/y/z").url == "https://example.org/x/b?c"
    assert parse_url("//other.example/x", base="https://example.org/").url == "https://other.example/x"
    assert parse_url("?c", base="https://example.org/x").url == "https://example.org/x?c"
    with pytest.raises(AddressRefused):
        parse_url("//[bad/", base="https://example.org/")
    with pytest.raises(AddressRefused):
        parse_url("file:///etc/passwd", base="https://example.org/")


# --- nothing that can be written leads inside


def _numbers(address: ipaddress.IPv4Address) -> st.SearchStrategy[str]:
    """An IPv4 address in the forms that one or the other program understands."""
    number, parts = int(address), str(address).split(".")
    forms = [
        str(address),
        str(number),
        hex(number),
        oct(number).replace("0o", "0"),
        ".".join(hex(int(part)) for part in parts),
        ".".join(f"0{int(part):o}" for part in parts),
        f"{parts[0]}.{int(parts[1]) << 16 | int(parts[2]) << 8 | int(parts[3])}",
        ".".join("".join(chr(0xFF10 + int(digit)) for digit in part) for part in parts),
        "。".join(parts),
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}%25lo]",
        f"{address}.nip.example",
    ]
    return st.sampled_from(forms)


IPV4 = st.sampled_from([ipaddress.IPv4Address(text) for text in PRIVATE if ":" not in text]) | st.ip_addresses(v=4)
NAMES = st.sampled_from(["localhost", "localhost.localdomain", "metadata.google.internal", "rebind.example.org", "a.b"])
ODD = st.text("abc012.:@/\\[]%#?\t\r\n \x00．。①ⓛ", max_size=12)
HOSTS = st.one_of(
    IPV4.flatmap(_numbers), st.ip_addresses(v=6).map(lambda address: f"[{address}]"), NAMES, ODD,
    st.sampled_from([f"[{text}]" for text in PRIVATE if ":" in text]),
)  # fmt: skip
URLS = st.builds(
    lambda scheme, user, host, dot, port, rest: f"{scheme}{user}{host}{dot}{port}{rest}",
    st.sampled_from(["http://", "https://", "HTTP://", "http:\\\\", "http:/", "//", "ftp://", ""]),
    st.sampled_from(["", "", "", "user@", "a:b@", "example.org@", "example.org\\@", "example.org#@", "example.org?@"]),
    HOSTS,
    st.sampled_from(["", "", ".", "..", "%00", "\u200b", "\u2044"]),
    st.sampled_from(["", "", ":80", ":443", ":8080", ":22", ":0", ":6379"]),
    st.sampled_from(["", "/", "/x?y#z", "\\@127.0.0.1/"]) | ODD,
)

SOME_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _where_it_connects(url: str, answers: list[str]) -> list[str]:
    """Where a downloader with the strict rule would connect to, if names had these addresses."""
    reached: list[str] = []

    async def lookup(host: str, port: int) -> Answer:
        try:
            found = [str(ip_address(socket.inet_aton(host)))]  # as the C library reads numbers
        except (OSError, UnicodeError):
            found = answers
        return [(socket.AF_INET6 if ":" in text else socket.AF_INET, text) for text in found]

    async def connect(sock: socket.socket, address: Any) -> None:
        reached.append(address[0])
        raise OSError("this is as far as it goes")

    asyncio.get_running_loop().sock_connect = connect  # type: ignore[method-assign]
    with pytest.raises(Undelivered):
        await Downloader(lookup=lookup, tls=lambda: SOME_TLS).get(url)
    return reached


def _is_inside(text: str) -> bool:
    """Judged by another book than the one under test."""
    address = ip_address(text)
    embedded = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if embedded is None and address in ipaddress.ip_network("64:ff9b::/96"):
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if embedded is not None:
        return _is_inside(str(embedded))
    return not address.is_global or address.is_multicast or text in {"168.63.129.16", "192.88.99.1"}


@given(URLS, st.lists(st.sampled_from([*PRIVATE, *PUBLIC]) | st.ip_addresses().map(str), max_size=4))
@settings(max_examples=600)
def test_no_url_and_no_answer_of_a_name_server_leads_inside(url: str, answers: list[str]) -> None:
    reached = asyncio.run(_where_it_connects(url, answers))
    assert not [address for address in reached if _is_inside(address)]


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111"])
async def test_what_is_outside_is_gone_to(address: str) -> None:
    """Or the test above would hold for a downloader that goes nowhere."""
    assert set(await _where_it_connects("http://example.org/", [address])) == {address}
    host = f"[{address}]" if ":" in address else address
    assert set(await _where_it_connects(f"https://{host}/", [])) == {address}


@pytest.mark.parametrize("private", PRIVATE)
async def test_one_private_address_among_public_ones_is_enough_to_stay_away(private: str) -> None:
    assert await _where_it_connects("http://example.org/", ["1.1.1.1", private, "8.8.8.8"]) == []


@pytest.mark.parametrize("port", [22, 25, 81, 6379, 8081, 65535])
async def test_other_ports_are_not_gone_to(port: int) -> None:
    assert await _where_it_connects(f"http://example.org:{port}/", ["1.1.1.1"]) == []
