"""Puts what an MCP tool answered into words. Pictures, sounds and files are told of, not shown.

This module knows nothing of connections.
"""

from __future__ import annotations

import json

from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from bot.readable.invisible import in_one_line, visible

MAX_CHARS = 20_000


def in_words(result: CallToolResult) -> str:
    """The answer as text, at most a little longer than MAX_CHARS."""
    pieces: list[str] = []
    length = 0
    for block in result.content:
        piece = _described(block)
        pieces.append(piece)
        length += len(piece)
        if length > MAX_CHARS:
            break
    if not pieces and result.structured_content is not None:
        pieces.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = visible("\n".join(pieces))
    if len(text) > MAX_CHARS:
        return text[:MAX_CHARS] + "\n[The answer is longer; the rest was left out.]"
    return text or "[The tool answered nothing.]"


def _described(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text[: MAX_CHARS + 1]
        case ImageContent():
            return f"[An image, {_size(block.data)} of {_word(block.mime_type)}, which cannot be shown here.]"
        case AudioContent():
            return f"[Audio, {_size(block.data)} of {_word(block.mime_type)}, which cannot be played here.]"
        case ResourceLink():
            kind = f" ({_word(block.mime_type)})" if block.mime_type else ""
            return f"[A resource named {_word(block.name)}{kind} at {_word(str(block.uri))}.]"
        case EmbeddedResource():
            return _embedded(block.resource)


def _embedded(resource: TextResourceContents | BlobResourceContents) -> str:
    where = _word(str(resource.uri))
    if isinstance(resource, TextResourceContents):
        return f"[A resource at {where}:]\n{resource.text[: MAX_CHARS + 1]}"
    kind = _word(resource.mime_type or "unknown kind")
    return f"[A file, {_size(resource.blob)} of {kind}, at {where}, which cannot be read here.]"


def _word(text: str) -> str:
    return in_one_line(text, 300)


def _size(base64: str) -> str:
    size = len(base64) * 3 // 4
    return f"{size} bytes" if size < 10_000 else f"{size // 1024} KiB"
