"""What kind of picture some bytes are, how large it is, and whether it is whole.

Reads the headers of PNG, JPEG, GIF and WebP, the kinds that models take
(OpenRouter, "Image inputs"), and decodes no pixels. Providers refuse a whole
request for one damaged image, and would refuse every later one of its
conversation; so what is cut off or altered is found here. Pure bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from struct import unpack_from
from typing import TypeAlias

_Size: TypeAlias = tuple[int, int]

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a frame header; the three left out are tables in the same range (ITU T.81, table B.1)."""
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole picture; sides in pixels."""

    media_type: str
    width: int
    height: int


def media_type(data: bytes) -> str | None:
    """What the first bytes promise, or None where they promise no picture that models take."""
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(_JPEG):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def read_picture(data: bytes) -> Picture | None:
    """The picture, or None where it is none or is not whole. Work is linear in the bytes."""
    kind = media_type(data)
    if kind is None:
        return None
    try:
        size = _READERS[kind](data)
    except (struct.error, IndexError):
        return None  # it ends where more was promised
    return None if size is None or 0 in size else Picture(kind, *size)


def _png(data: bytes) -> _Size | None:
    """PNG, 5.2 and 11.2.1: chunks with checksums, of which IHDR is the first, IDAT has the pixels, IEND ends."""
    at, size, has_pixels = len(_PNG), None, False
    while True:
        length, kind = unpack_from(">I4s", data, at)
        (checksum,) = unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(memoryview(data)[at + 4 : at + 8 + length]) != checksum:
            return None
        if kind == b"IHDR":
            size = unpack_from(">II", data, at + 8)
        elif size is None:
            return None
        elif kind == b"IEND":
            return size if has_pixels else None
        has_pixels = has_pixels or kind == b"IDAT"
        at += 12 + length


def _jpeg(data: bytes) -> _Size | None:
    """ITU T.81, annex B: segments up to the scan, then the scan up to the end marker."""
    at, size = 2, None
    while True:
        if data[at] != 0xFF:
            return None
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker in _JPEG_BARE:
            continue
        (length,) = unpack_from(">H", data, at)
        if marker in _JPEG_FRAMES:
            height, width = unpack_from(">HH", data, at + 3)
            size = width, height
        elif marker == 0xDA:
            return size if data.find(b"\xff\xd9", at + length) > 0 else None
        at += length


def _gif(data: bytes) -> _Size | None:
    """GIF89a, sections 18 to 24: extensions, and the first image with all of its blocks."""
    width, height, flags = unpack_from("<HHB", data, 6)
    at = 13 + _colours(flags)
    while data[at] == 0x21:
        at = _after_blocks(data, at + 2)
    if data[at] != 0x2C:
        return None
    _after_blocks(data, at + 11 + _colours(data[at + 9]))
    return width, height


def _colours(flags: int) -> int:
    """The bytes of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while length := data[at]:
        at += 1 + length
    return at + 1


def _webp(data: bytes) -> _Size | None:
    """RFC 9649, section 2.3 to 2.7: the first chunk tells the size, in one of three ways."""
    length, kind = unpack_from("<I4x4s", data, 4)
    if len(data) < length + 8:
        return None
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return (width, height) if len(data) > 30 else None
    if kind == b"VP8L":
        mark, bits = unpack_from("<BI", data, 20)
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) if mark == 0x2F else None
    if kind == b"VP8 ":
        start, width, height = unpack_from("<3x3sHH", data, 20)
        return (width & 0x3FFF, height & 0x3FFF) if start == b"\x9d\x01\x2a" else None
    return None


_READERS: dict[str, Callable[[bytes], _Size | None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
