"""Turns become the `messages` of a chat completion.

Pure and deterministic: a turn always becomes the same messages, so that each
request begins with the bytes of the one before and providers find their cache.
Images and PDFs go as data, for Discord's links to them expire after a day
(Discord, "Signed Attachment CDN URLs") while the conversation goes on. This
module knows nothing of a request's other parameters.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import assert_never

from bot.annotations import parsed_files
from bot.messages import Image, JsonObject, JsonValue, Part, Pdf, Said, Step, Text, TextFile, ToolCall, ToolResult, Turn
from bot.openrouter.replay import reasoning_fields
from bot.sight import Able, label

_MAX_NAME = 32
_NOTHING_SAID = "(an empty message)"
"""Several providers refuse an empty user message."""


def build_messages(
    system: str, turns: Iterable[Turn], model: str, *, name_speakers: bool, able: Able
) -> list[JsonObject]:
    """All messages, for `model`. The last turn ends with its question or with its last tools' results.

    `able` says what can be shown to the model; in place of what cannot stands a line that names it.
    """
    messages: list[JsonObject] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        messages.append({"role": "user", "content": _content(turn.question, name_speakers, able)})
        for step in turn.steps:
            messages += _step_messages(step, model, able)
    while messages and messages[-1]["role"] == "assistant":
        messages.pop()
    return messages


def _content(burst: tuple[Said, ...], name_speakers: bool, able: Able) -> JsonValue:
    """The question's text; where images or PDFs are shown, in parts, the text first (OpenRouter, "Image inputs")."""
    text = _question(burst, name_speakers, able)
    shown = [item for said in burst for part in said.parts for item in _shown(part, able)]
    return [{"type": "text", "text": text}, *shown] if shown else text


def _question(burst: tuple[Said, ...], name_speakers: bool, able: Able) -> str:
    """Several messages sent in a burst are one; a speaker is named where a speaker begins."""
    lines: list[str] = []
    speaker: int | None = None
    for said in burst:
        words = "\n\n".join(filter(None, (_part(part, able) for part in said.parts)))
        if name_speakers and said.author_id != speaker:
            words = f"[{_speaker(said.author_name)}] {words}".rstrip()
            speaker = said.author_id
        lines.append(words)
    question = "\n".join(lines)
    return question if question.strip() else _NOTHING_SAID


def _speaker(name: str) -> str:
    """A display name that can neither break the line nor the brackets."""
    return _one_line(name.replace("[", "").replace("]", ""))[:_MAX_NAME].strip() or "member"


def _one_line(name: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def _part(part: Part, able: Able) -> str:
    match part:
        case Text(text):
            return text
        case TextFile(name, text):
            return _file(name, text)
        case Image(name):
            return f"[image {label(name)}{_aside(part, able.images, 'see')}]"
        case Pdf(name):
            return f"[PDF {label(name)}{_aside(part, able.pdfs, 'read')}]"
        case _:
            assert_never(part)


def _aside(file: Image | Pdf, is_able: bool, verb: str) -> str:
    if not is_able:
        return f", which you cannot {verb}"
    return ", which is gone" if file.data is None else ""


def _shown(part: Part, able: Able) -> Iterator[JsonValue]:
    match part:
        case Image(media_type=media_type, data=bytes(data)) if able.images:
            yield {"type": "image_url", "image_url": {"url": _data_url(media_type, data)}}
        case Pdf(name, data=bytes(data)) if able.pdfs:
            file: JsonObject = {"filename": label(name), "file_data": _data_url("application/pdf", data)}
            yield {"type": "file", "file": file}
        case _:
            return


def _data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode()}"


def _file(name: str, text: str) -> str:
    """A file as a fenced block that nothing inside it can close."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    shown = _one_line(name.replace("`", "")) or "file"
    body = text.removesuffix("\n")
    return f"Attached file `{shown}`:\n{fence}\n{body}\n{fence}"


def _step_messages(step: Step, model: str, able: Able) -> Iterator[JsonObject]:
    answered = list(_answered(step))
    calls = tuple(call for call, _ in answered)
    # Bedrock and Moonshot refuse a blank text beside tool calls, hence null.
    text = step.text if step.text.strip() else None
    if text is None and not calls:
        return
    message: JsonObject = {"role": "assistant", "content": text}
    message |= reasoning_fields(step, model, calls)
    if able.pdfs and (parsed := parsed_files(step.annotations)):
        message["annotations"] = list[JsonValue](parsed)
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    yield message
    for call, result in answered:
        yield {"role": "tool", "tool_call_id": call.id, "content": result.content}


def _answered(step: Step) -> Iterator[tuple[ToolCall, ToolResult]]:
    """Each call that has its result; paired by order, for ids repeat."""
    results = iter(step.tool_results)
    result = next(results, None)
    for call in step.tool_calls:
        if result is not None and result.call_id == call.id:
            yield call, result
            result = next(results, None)


def _call(call: ToolCall) -> JsonValue:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call.name)[:64] or "unknown"
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": _arguments(call.arguments)}}


def _arguments(arguments: str) -> str:
    """The arguments verbatim where they are a JSON object: one malformed call would spoil every later request."""
    if not arguments.strip():
        return "{}"
    try:
        whole = isinstance(_STRICT.decode(arguments), dict)
    except (ValueError, RecursionError):
        whole = False
    return arguments if whole else json.dumps({"malformed": arguments}, ensure_ascii=False)


def _refuse(constant: str) -> None:
    """NaN and Infinity are not JSON, though Python reads them."""
    raise ValueError(constant)


_STRICT = json.JSONDecoder(parse_constant=_refuse)
"""Made once, for every call of a long turn is looked at again for each request."""
