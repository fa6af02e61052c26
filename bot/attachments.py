"""What a file that came with a message becomes: text, an image, a PDF, or a reason why it cannot be used.

Judged by content, never by name or by the type that Discord tells, for both are
what the sender's machine guessed. Pure bytes; this module knows nothing of
where they come from or of which model will see them.
"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass

from bot.messages import Image, Part, Pdf, Text, TextFile
from bot.pictures import media_type, read_picture

PASTE_NAME = "message.txt"
"""What Discord's own clients call a message that was too long to send and became a file."""

LONGEST_SIDE = 8_000
"""Pixels; Anthropic refuses larger images ("Vision", image size), and with them every request of a conversation."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SPACING = "\t\n\r\f\v\b\x1b"
"""Control characters that text has: spacing, and what colours a terminal's output."""
_CONTROLS = {chr(code): None for code in range(32) if chr(code) not in _SPACING} | {"\x7f": None}
_WITHOUT_CONTROLS = str.maketrans(_CONTROLS)
_FEW, _FEWER = 10, 100
"""Of so many characters of text one may be a control character; the second where the encoding is but guessed."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a file cannot be part of a question: the end of a sentence, after "because"."""

    why: str


NO_KIND = Unusable("it is neither text, nor an image (PNG, JPEG, GIF, WebP), nor a PDF")
DAMAGED = Unusable("the image in it is damaged or not complete")
CUT_OFF = Unusable("the PDF in it is not complete")
TOO_WIDE = Unusable(f"it is an image of more than {LONGEST_SIDE:,} pixels a side")
EMPTY = Unusable("it is empty")


def read_file(name: str, data: bytes) -> Part | Unusable:
    """What a file is to a model. Text is decoded here; the bytes of images and PDFs go along."""
    if not data:
        return EMPTY
    if media_type(data) is not None:
        return _image(name, data)
    if data.startswith(b"%PDF-"):
        # The last line of every PDF (ISO 32000-1, 7.5.5); behind it may stand what other programs added.
        return Pdf(name, len(data), _digest(data), data) if b"%%EOF" in data else CUT_OFF
    text = decode(data)
    if text is None:
        return NO_KIND
    if not text.strip():
        return EMPTY
    return Text(text) if name == PASTE_NAME else TextFile(name, text)


def decode(data: bytes) -> str | None:
    """Text in the encoding that its first bytes name, in UTF-8, or in Windows' Latin; None for what is no text."""
    named = next((encoding for bom, encoding in _BOMS if data.startswith(bom)), None)
    share = _FEW
    try:
        text = data.decode(named or "utf-8")
    except UnicodeDecodeError:
        if named:
            return None
        text, share = data.decode("cp1252", "replace"), _FEWER
    controls = len(text) - len(text.translate(_WITHOUT_CONTROLS))
    return None if "\0" in text or controls * share > len(text) else text


def _image(name: str, data: bytes) -> Image | Unusable:
    picture = read_picture(data)
    if picture is None:
        return DAMAGED
    if max(picture.width, picture.height) > LONGEST_SIDE:
        return TOO_WIDE
    return Image(name, picture.media_type, picture.width, picture.height, len(data), _digest(data), data)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
