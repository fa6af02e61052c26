"""An export as a file that Discord takes: named for the conversation, and packed where it is too large.

Pure bytes. This module knows nothing of conversations.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile

from bot.errors import ForUser
from bot.render.files import size
from bot.render.page import PageFile

_LONGEST_STEM = 60


def pack(title: str, extension: str, data: bytes, *, limit: int) -> PageFile:
    """A file of at most `limit` bytes, zipped only if it must be. Raises ForUser where even that is too large."""
    name = f"{stem(title)}.{extension}"
    if len(data) <= limit:
        return PageFile(name, data)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    if packed.tell() <= limit:
        return PageFile(f"{name}.zip", packed.getvalue())
    raise ForUser(
        f"This conversation is too large to send: {size(len(data))}, packed {size(packed.tell())}, and Discord takes "
        f"{size(limit)} here. Try another format; `markdown` is the smallest."
    )


def stem(title: str) -> str:
    """A file name out of a title: small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_STEM].strip("-") or "conversation"
