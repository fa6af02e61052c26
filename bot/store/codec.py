"""How steps and parts are written as JSON, and read back equal.

Pure. Knows nothing of tables, nor of the bytes of images and PDFs, which are kept
apart under their digests. A field that a later version adds is read from older
JSON as its default, because values are built by field name.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, assert_never

from bot.messages import Image, JsonObject, Part, Pdf, Step, Text, TextFile, ToolCall, ToolResult, Usage


def encode_part(part: Part) -> JsonObject:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case TextFile(name, text):
            return {"type": "text_file", "name": name, "text": text}
        case Image(name, media_type, width, height, size, digest):
            seen: JsonObject = {"media_type": media_type, "width": width, "height": height}
            return {"type": "image", "name": name, **seen, "size": size, "digest": digest}
        case Pdf(name, size, digest):
            return {"type": "pdf", "name": name, "size": size, "digest": digest}
        case _:
            assert_never(part)


def decode_part(body: dict[str, Any]) -> Part:
    """Raises ValueError for a type that this version does not know."""
    match body:
        case {"type": "text", "text": text}:
            return Text(text)
        case {"type": "text_file", "name": name, "text": text}:
            return TextFile(name, text)
        case {"type": "image", **fields}:
            return Image(**fields)
        case {"type": "pdf", **fields}:
            return Pdf(**fields)
        case _:
            raise ValueError(f"A stored part is of the unknown type {body.get('type')!r}.")


def encode_step(step: Step) -> JsonObject:
    """`reasoning_details` go in untouched: None stays null, which is not the same as []."""
    return {
        "model": step.model,
        "generation_id": step.generation_id,
        "reasoning": step.reasoning,
        "reasoning_details": None if step.reasoning_details is None else list(step.reasoning_details),
        "text": step.text,
        "annotations": list(step.annotations),
        "tool_calls": [asdict(call) for call in step.tool_calls],
        "tool_results": [asdict(result) for result in step.tool_results],
        "finish": step.finish,
        "usage": asdict(step.usage) if step.usage else None,
        "thinking_seconds": step.thinking_seconds,
    }


def decode_step(body: dict[str, Any]) -> Step:
    details, usage = body["reasoning_details"], body["usage"]
    nested: dict[str, Any] = {
        "reasoning_details": None if details is None else tuple(details),
        "annotations": tuple(body.get("annotations", ())),
        "tool_calls": tuple(ToolCall(**call) for call in body["tool_calls"]),
        "tool_results": tuple(map(_decode_result, body["tool_results"])),
        "usage": Usage(**usage) if usage else None,
    }
    return Step(**(body | nested))


def _decode_result(body: dict[str, Any]) -> ToolResult:
    files: dict[str, Any] = {"files": tuple(body.get("files", ()))}
    return ToolResult(**(body | files))
