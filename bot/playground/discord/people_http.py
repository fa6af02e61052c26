"""Reading request bodies and writing JSON, as Discord does both.

Everything from outside is limited in size and time. It knows nothing of what
the bodies mean.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping

from aiohttp import BodyPartReader, web

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.errors import ENTITY_TOO_LARGE, INVALID_JSON, ApiError
from bot.playground.discord.form_message import Upload
from bot.playground.discord.limits import REQUEST_BYTES

_BODY_SECONDS = 60.0
_CHUNK = 64 * 1024
_FILE_FIELD = re.compile(r"files\[(\d{1,2})\]")


def json_response(body: JsonValue, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON with the bare content type: some clients compare it to the letter."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(body=text.encode(), status=status, content_type="application/json", headers=headers)


async def read_body(request: web.Request) -> tuple[JsonObject, list[Upload]]:
    """A request's JSON object and files (Discord, "Uploading Files"). Raises ApiError where it is not one."""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            if request.content_type == "multipart/form-data":
                return await _read_multipart(request)
            return _object(await request.read()), []
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(*ENTITY_TOO_LARGE) from None
    except (TimeoutError, ValueError, RecursionError):
        raise ApiError(*INVALID_JSON) from None


async def _read_multipart(request: web.Request) -> tuple[JsonObject, list[Upload]]:
    body: JsonObject = {}
    files: list[Upload] = []
    left = REQUEST_BYTES
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise ApiError(*INVALID_JSON)
        data = await _read_part(part, left)
        left -= len(data)
        if part.name == "payload_json":
            body = _object(data)
        elif field := _FILE_FIELD.fullmatch(part.name or ""):
            kind = part.headers.get("Content-Type", "")
            files.append(Upload(int(field[1]), part.filename or "unknown", kind, data))
    return body, files


async def _read_part(part: BodyPartReader, most: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        data += chunk
        if len(data) > most:
            raise ApiError(*ENTITY_TOO_LARGE)
    return bytes(data)


def _object(data: bytes) -> JsonObject:
    if not data.strip():
        return {}
    body: JsonValue = json.loads(data)
    if not isinstance(body, dict):
        raise ApiError(*INVALID_JSON)
    return body
