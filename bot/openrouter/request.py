"""The JSON body of a chat completion request.

Pure and deterministic: equal requests make equal bytes. How turns become
messages is in `history`; this module knows nothing of HTTP.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain, islice
from secrets import token_hex

from bot.context import estimate_text, estimate_turn
from bot.effort import allowed
from bot.guild import DataPolicy
from bot.messages import JsonObject, JsonValue, Turn
from bot.model import ModelInfo, ModelRequest, ToolSpec
from bot.openrouter.history import build_messages
from bot.openrouter.replay import is_kimi, needs_silence
from bot.pieces import mend
from bot.sight import Able, abilities

_MIN_OUTPUT = 1_024
"""Tokens; asking for less where the window seems full would end every answer in its reasoning."""
_MAX_SESSION_ID = 256
_DATA_KEYS = frozenset({"url", "file_data"})
"""Where a part of a message has its data URL, which `history` makes and nobody else."""
_MAX_MODELS = 3
"""OpenRouter refuses more: "'models' array must have 3 items or fewer"; further ones are for the caller to try."""


def build_body(request: ModelRequest, info: ModelInfo | None, *, openrouter: bool) -> JsonObject:
    """The body for `request`. `openrouter` says whether the server understands OpenRouter's own parameters.

    What changes from turn to turn stands at the end: a body begins with the
    whole of the body before, up to the end of its messages.
    """
    able = abilities(info, parses_pdfs=openrouter)
    body: JsonObject = {"model": request.model}
    if openrouter and request.fallbacks:
        names = dict.fromkeys((request.model, *request.fallbacks))
        body["models"] = [*islice(names, _MAX_MODELS)]
    if openrouter:
        body["session_id"] = request.session_id[:_MAX_SESSION_ID]
        body["usage"] = {"include": True}
        body |= _provider(request.data_policy)
    body["stream"] = True
    body["stream_options"] = {"include_usage": True}
    reasoning = _reasoning(request, info, openrouter=openrouter)
    if reasoning:
        body["reasoning"] = reasoning
    turns = request.turns
    if openrouter and info is not None and not info.uses_tools:
        turns = tuple(map(_without_tools, turns))
    elif tools := _tools(request, openrouter=openrouter):
        body["tools"] = tools
    body["messages"] = list[JsonValue](
        build_messages(request.system, turns, request.model, name_speakers=request.name_speakers, able=able)
    )
    body["max_tokens"] = _max_tokens(request, info, able)
    if "tools" in body and not request.may_call:
        body["tool_choice"] = "none"
    return body


def serialise(body: JsonObject) -> bytes:
    """The body as compact UTF-8, in the order of its keys.

    Images and PDFs are put in afterwards: base64 needs no escaping, and looking
    through megabytes of it for characters that do would hold up everything else.
    """
    mark = token_hex(16)  # nothing that people write can be equal to it
    light, data = _set_aside(body, mark)
    content = mend(json.dumps(light, ensure_ascii=False, separators=(",", ":"))).encode()
    first, *others = content.split(mark.encode()) if data else [content]
    return b"".join((first, *chain.from_iterable(zip(data, others, strict=True))))


def _set_aside(body: JsonObject, mark: str) -> tuple[JsonObject, list[bytes]]:
    """The body with `mark` in place of each data URL, and these in order."""
    data: list[bytes] = []

    def lighter(part: JsonValue, key: str = "") -> JsonValue:
        match part:
            case str() if key in _DATA_KEYS:
                data.append(part.encode())
                return mark
            case dict():
                return {inner: lighter(value, inner) for inner, value in part.items()}
            case _:
                return part

    def message(value: JsonValue) -> JsonValue:
        if isinstance(value, dict) and isinstance(parts := value.get("content"), list):
            return {**value, "content": [lighter(part) for part in parts]}
        return value

    messages = body.get("messages")
    return ({**body, "messages": list(map(message, messages))} if isinstance(messages, list) else body), data


def _provider(policy: DataPolicy) -> JsonObject:
    """To whom a conversation may be sent (OpenRouter, "Provider Routing"); nothing where to anybody."""
    match policy:
        case DataPolicy.ANY:
            return {}
        case DataPolicy.NO_TRAINING:
            return {"provider": {"data_collection": "deny"}}
        case DataPolicy.ZERO_RETENTION:
            return {"provider": {"data_collection": "deny", "zdr": True}}


def _reasoning(request: ModelRequest, info: ModelInfo | None, *, openrouter: bool) -> JsonObject:
    """The `reasoning` parameter; empty where none may be sent (OpenRouter, "Reasoning tokens")."""
    if info is None:
        # Nothing is known: OpenRouter drops what a model does not support, other servers may refuse it.
        effort = allowed(request.effort, None, request.max_effort)
        return {} if effort == "none" or not openrouter else _effort(effort)
    if not info.reasons or needs_silence(request.turns[-1].steps, request.model):
        return {}
    must = info.must_reason or (is_kimi(info.id) and "thinking" in info.id)
    efforts = [effort for effort in info.efforts if not (must and effort == "none")]
    effort = allowed(request.effort if request.effort in efforts else None, info, request.max_effort)
    return _effort(effort if effort in efforts else None)


def _without_tools(turn: Turn) -> Turn:
    """A turn for a model that takes no tools: what was said stays, calls go, and with them the reasoning about them."""
    steps = (
        replace(step, tool_calls=(), tool_results=(), reasoning="", reasoning_details=None) if step.tool_calls else step
        for step in turn.steps
    )
    return replace(turn, steps=tuple(steps))


def _effort(effort: str | None) -> JsonObject:
    return {"enabled": True} if effort is None else {"effort": effort}


def _max_tokens(request: ModelRequest, info: ModelInfo | None, able: Able) -> int:
    """The ceiling for the answer: what is asked for, what the model can, and what its window still holds.

    Providers count it against the window and refuse what does not fit.
    """
    if info is None:
        return request.max_output_tokens
    ceiling = min(request.max_output_tokens, info.max_output_tokens or request.max_output_tokens)
    prompt = estimate_text(request.system) + sum(estimate_turn(turn, able) for turn in request.turns)
    prompt += sum(estimate_text(json.dumps(tool.parameters) + tool.description) for tool in request.tools)
    return min(ceiling, max(info.context_tokens - prompt, _MIN_OUTPUT))


def _tools(request: ModelRequest, *, openrouter: bool) -> list[JsonValue]:
    """What the model may call: our own tools, and OpenRouter's search, which OpenRouter runs itself."""
    searching: JsonObject = {"type": "openrouter:web_search", "parameters": {"max_results": 5, "max_uses": 5}}
    return [*map(_tool, request.tools), *([searching] if openrouter and request.searches_web else [])]


def _tool(tool: ToolSpec) -> JsonValue:
    function: JsonObject = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}
