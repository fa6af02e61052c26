"""Decides what the bytes are that a web server sent, and in which charset, whatever it says of them.

This module knows nothing of HTML beyond where a page names its charset.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum


class Kind(StrEnum):
    """What can be read as text."""

    PAGE = "page"
    TEXT = "text"


class NotText(Exception):
    """What came is no text. The text of this error is a noun phrase, such as "a PDF"."""


_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_TEXTS = frozenset(
    f"application/{name}"
    for name in (
        *("json", "xml", "javascript", "x-javascript", "ecmascript", "typescript", "yaml", "x-yaml", "toml", "sql"),
        *("graphql", "x-sh", "x-python", "x-httpd-php", "x-ndjson", "ndjson", "jsonlines", "x-tex", "x-perl"),
        *("x-ruby", "rtf", "x-www-form-urlencoded", "mbox", "pgp-signature", "pgp-keys", "x-subrip", "x-patch"),
    )
)
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF87a", "an image"),
    (b"GIF89a", "an image"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"BZh91AY&SY", "a compressed file"),
    (b"\xfd7zXZ", "a compressed file"),
    (b"\x28\xb5\x2f\xfd", "a compressed file"),
    (b"\x7fELF", "a program"),
    (b"\x00asm", "a program"),
    (b"OggS\x00", "audio or video"),
    (b"ID3\x03", "audio or video"),
    (b"ID3\x04", "audio or video"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
)
_GROUPS = {"image": "an image", "audio": "audio", "video": "video", "font": "a font", "model": "a 3D model"}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^>]{1,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^>]{1,100}?encoding\s{0,9}=\s{0,9}["']([\w.:-]{1,40})""", re.IGNORECASE)
_MARKUP = re.compile(rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)

# Python has codecs that take quadratic time or are no charsets at all, so that a page may name only these.
_CHARSETS = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "euc-jp": "euc_jp",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "windows-949": "cp949",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "macintosh": "mac-roman",
    "ibm866": "cp866",
    "windows-874": "cp874",
    "tis-620": "cp874",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    **{f"windows-{number}": f"cp{number}" for number in (1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)},
    **{f"iso-8859-{number}": f"iso8859_{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
}
_LOOKED_AT = 4096
_MOSTLY_TEXT = 0.1


def kind_of(content_type: str, body: bytes) -> Kind:
    """What a body is, by its header and its first bytes. Raises NotText."""
    mime = content_type.partition(";")[0].strip().lower()
    head = body[:_LOOKED_AT]
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise NotText(name)
    group = mime.partition("/")[0]
    if mime == "application/pdf":
        raise NotText("a PDF")
    if group in _GROUPS and mime != "image/svg+xml":
        raise NotText(_GROUPS[group])
    if mime in _PAGES or (mime in _UNSAID and _MARKUP.match(head)):
        kind = Kind.PAGE
    elif group == "text" or mime in _TEXTS | _UNSAID or mime.endswith(("+json", "+xml", "+yaml")):
        kind = Kind.TEXT
    else:
        raise NotText("a file of a kind that is not text")
    if _is_binary(decoded(head, content_type, is_page=kind is Kind.PAGE)):
        raise NotText("a binary file")
    return kind


def decoded(body: bytes, content_type: str, *, is_page: bool) -> str:
    """The text of a body: by its byte order mark, its header, its own words, or by trying. Never fails."""
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace")
    named = _named(content_type) or _own_words(body, is_page=is_page)
    if named is not None:
        return body.decode(named, "replace")
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body)  # the last character may have been cut
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _named(content_type: str) -> str | None:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return _CHARSETS.get(value.strip().strip("\"'").lower())
    return None


def _own_words(body: bytes, *, is_page: bool) -> str | None:
    match = (_META if is_page else _XML).search(body[: _LOOKED_AT if is_page else 200])
    if match is None:
        return None
    name = _CHARSETS.get(match[1].decode("ascii", "replace").lower())
    # Bytes in which these ASCII words were found are not UTF-16, whatever the words say.
    return "utf-8" if name is not None and name.startswith("utf-16") else name


def _is_binary(text: str) -> bool:
    odd = sum(1 for char in text if char == "\ufffd" or (char < " " and char not in "\t\n\r\x0c\x1b"))
    return odd > len(text) * _MOSTLY_TEXT
