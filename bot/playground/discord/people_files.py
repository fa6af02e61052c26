"""The page's own files, and the attachments that people and the bot have sent.

What people uploaded is never run by a browser: only plain images are shown in
place, everything else is a download. It knows nothing of who asks.
"""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.interactions_uploads import Uploads
from bot.playground.discord.records import Attachment
from bot.playground.discord.state import State

_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self' ws:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILE_POLICY = "default-src 'none'; sandbox"
_SHOWN_IN_PLACE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_PAGE_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
"""Fixed here: what a machine's own table says of .js differs, and a browser refuses a script of another type."""
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; charset=[\w-]+)?", re.ASCII)


class PageFiles:
    """The files below `root`; none at all where it is None."""

    def __init__(self, root: Path | None) -> None:
        self._root = None if root is None else root.resolve()

    async def index(self, _: web.Request) -> web.StreamResponse:
        return self._file("index.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        return self._file(request.match_info["path"])

    def _file(self, name: str) -> web.StreamResponse:
        path = None if self._root is None else (self._root / name).resolve()
        if self._root is None or path is None or not path.is_relative_to(self._root) or not path.is_file():
            raise ApiError(*errors.NOT_FOUND)
        headers = {
            "Content-Type": _PAGE_TYPES.get(path.suffix, "application/octet-stream"),
            "Content-Security-Policy": _PAGE_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }
        return web.FileResponse(path, headers=headers)


def attachment_response(state: State, uploads: Uploads, channel_id: int, attachment_id: int) -> web.Response:
    """An attachment's bytes. Raises ApiError where there is none."""
    attachment = uploads.find(attachment_id) or _sent(state, channel_id, attachment_id)
    if attachment is None:
        raise ApiError(*errors.NOT_FOUND)
    kind = attachment.content_type if _MEDIA_TYPE.fullmatch(attachment.content_type) else "application/octet-stream"
    shown = kind in _SHOWN_IN_PLACE
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'{"inline" if shown else "attachment"}; filename="{attachment.filename}"',
        "Content-Security-Policy": _FILE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=attachment.data, headers=headers)


def _sent(state: State, channel_id: int, attachment_id: int) -> Attachment | None:
    messages = [*state.records.messages.get(channel_id, {}).values(), *state.records.ephemeral.values()]
    found = (item for message in messages for item in message.attachments if item.id == attachment_id)
    return next(found, None)
