"""What the stand-in makes of the images and PDFs of a request.

It looks at no picture and parses no PDF: it checks that they are what they claim
to be, and notes each PDF as OpenRouter does ("PDF inputs"), so that a client can
show that it need not be parsed again. This module knows nothing of sockets.
"""

from __future__ import annotations

import base64
import hashlib
import re

from bot.messages import JsonObject
from bot.pictures import read_picture
from bot.playground.model.refusals import bad_request
from bot.playground.model.request import ChatMessage, ChatRequest, ContentPart

TOKENS_AN_IMAGE = 1_000
TOKENS_A_PDF = 500
_DATA_URL = re.compile(r"data:([\w./+-]+);base64,([A-Za-z0-9+/]+=*)")


def check_files(messages: list[ChatMessage]) -> None:
    """Raise the Refusal for the first image or PDF that is none."""
    for part in (part for message in messages for part in message.parts):
        if part.image_url is not None and part.image_url.url.startswith("data:"):
            kind, data = _opened(part.image_url.url)
            picture = read_picture(data)
            if picture is None or picture.media_type != kind:
                raise bad_request("The image data you provided does not represent a valid image", "invalid_image")
        if part.file is not None and not _opened(part.file.file_data)[1].startswith(b"%PDF-"):
            raise bad_request(f"Failed to parse {part.file.filename}", "invalid_request")


def without_data(part: ContentPart) -> ContentPart:
    """The part as the prompt counts it: short, but another one for another file."""
    if part.image_url is not None:
        return part.model_copy(update={"image_url": part.image_url.model_copy(update={"url": _digest(part)})})
    if part.file is not None:
        return part.model_copy(update={"file": part.file.model_copy(update={"file_data": _digest(part)})})
    return part


def file_tokens(messages: list[ChatMessage]) -> int:
    """What images and PDFs take of the prompt."""
    parts = [part for message in messages for part in message.parts]
    images = sum(part.image_url is not None for part in parts)
    return images * TOKENS_AN_IMAGE + sum(part.file is not None for part in parts) * TOKENS_A_PDF


def parsed_now(request: ChatRequest) -> tuple[JsonObject, ...]:
    """Notes on the PDFs that had to be parsed for this request, for no note on them was sent along."""
    sent = [note.get("file") for message in request.messages for note in message.annotations]
    known = {str(file.get("hash")) for file in sent if isinstance(file, dict)}
    files = [part.file for message in request.messages for part in message.parts if part.file is not None]
    found = {hashlib.sha256(file.file_data.encode()).hexdigest(): file.filename for file in files}
    return tuple(_note(digest, name) for digest, name in found.items() if digest not in known)


def _note(digest: str, name: str) -> JsonObject:
    content: JsonObject = {"type": "text", "text": f'<file name="{name}">\nThe stand-in parses nothing.\n</file>'}
    return {"type": "file", "file": {"hash": digest, "name": name, "content": [content]}}


def _opened(url: str) -> tuple[str, bytes]:
    """A data URL's type and bytes; neither where it is none."""
    found = _DATA_URL.fullmatch(url)
    return (found[1], base64.b64decode(found[2])) if found else ("", b"")


def _digest(part: ContentPart) -> str:
    return hashlib.sha256(part.model_dump_json().encode()).hexdigest()
