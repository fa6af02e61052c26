"""One JSON chunk of a streamed answer becomes events; a whole answer is read the same way.

Pure, and suspicious: every field may be missing, null or of a wrong type, and
unknown fields and values are ignored (OpenRouter, "API versioning"). This
module knows nothing of streams, nor of what came in other chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from bot.errors import ModelError, ModelFault
from bot.events import Annotated, Finished, ModelEvent, Opened, ReasoningDelta, TextDelta, ToolCallDelta, UsageReported
from bot.messages import JsonObject, JsonValue, Usage
from bot.openrouter import faults

_NANO = Decimal(10**9)
_MAX_COUNT = 10**12
"""Beyond any real number of tokens; also keeps what is summed up within 64 bits."""
_MAX_DOLLARS = 10**6
_THOUGHTS = frozenset({"reasoning_details", "reasoning", "reasoning_content"})
"""Where a model's reasoning may stand."""
_MAX_NAME = 256
"""Characters of an id, a model's name or a finish reason that are kept."""


def opening(chunk: JsonObject, *, model: str, generation_id: str | None) -> Opened:
    """The event that opens an answer, from its first chunk; the model asked for and the headers' id fill its gaps."""
    return Opened(_name(chunk.get("id")) or generation_id, _name(chunk.get("model")) or model)


def events(chunk: JsonObject) -> tuple[ModelEvent, ...]:
    """What one chunk says, in the order in which a model speaks: reasoning, text, tool calls, notes, finish, usage.

    Raises ModelError for an error in any of the places where one may be.
    """
    choice = _first(chunk.get("choices"))
    finish = choice.get("finish_reason")
    if finish == "error" or "error" in chunk or "error" in choice:
        _raise_error(chunk, choice)
    delta = _object(choice.get("delta") or choice.get("message"))
    said: list[ModelEvent] = []
    if not _THOUGHTS.isdisjoint(delta) and (thought := _reasoning(delta)) is not None:
        said.append(thought)
    if text := _string(delta.get("content")) or _string(delta.get("refusal")):
        said.append(TextDelta(text))
    if calls := delta.get("tool_calls"):
        said += _tool_calls(calls)
    if notes := delta.get("annotations"):
        said += _annotations(notes)
    if finish and (reason := _name(finish)):
        said.append(Finished(reason))
    if (found := chunk.get("usage") or choice.get("usage")) and (usage := _object(found)):
        said.append(UsageReported(_usage(usage)))
    return tuple(said)


def _raise_error(chunk: JsonObject, choice: JsonObject) -> None:
    # Looked for before anything else: an error may stand beside an ordinary, empty choice.
    error = chunk.get("error") or choice.get("error")
    if error:
        raise faults.from_error(error)
    if choice.get("finish_reason") == "error":
        raise ModelError(ModelFault.CUT_OFF, error_type="error", retryable=True)


def _reasoning(delta: JsonObject) -> ReasoningDelta | None:
    """The details as they came, and for people their text, or else the plain field: they repeat each other."""
    listed = delta.get("reasoning_details")
    details = tuple(item for item in listed if isinstance(item, dict)) if isinstance(listed, list) else None
    text = "".join(map(_visible, details)) if details else ""
    text = text or _string(delta.get("reasoning")) or _string(delta.get("reasoning_content"))
    return ReasoningDelta(text, details) if text or details is not None else None


def _visible(detail: JsonObject) -> str:
    return _string(detail.get("text")) + _string(detail.get("summary"))


def _tool_calls(listed: JsonValue) -> Iterator[ToolCallDelta]:
    for position, call in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(call, dict):
            continue
        function = _object(call.get("function"))
        index = call.get("index")
        yield ToolCallDelta(
            index if isinstance(index, int) else position,
            _string(call.get("id")) or None,
            _string(function.get("name")) or None,
            _string(function.get("arguments")),
        )


def _annotations(listed: JsonValue) -> Iterator[Annotated]:
    found = tuple(item for item in listed if isinstance(item, dict)) if isinstance(listed, list) else ()
    if found:
        yield Annotated(found)


def _usage(usage: JsonObject) -> Usage:
    prompt, completion = _object(usage.get("prompt_tokens_details")), _object(usage.get("completion_tokens_details"))
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_count(completion.get("reasoning_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens")),
        cost=_nanodollars(usage.get("cost")),
    )


def recorded_usage(generation: JsonObject) -> Usage | None:
    """What the record of a generation says that it consumed; None where it names no cost."""
    cost = _nanodollars(generation.get("total_cost"))
    if cost is None:
        return None
    return Usage(
        prompt_tokens=_count(generation.get("native_tokens_prompt")),
        completion_tokens=_count(generation.get("native_tokens_completion")),
        reasoning_tokens=_count(generation.get("native_tokens_reasoning")),
        cached_tokens=_count(generation.get("native_tokens_cached")),
        cost=cost,
    )


def _nanodollars(dollars: JsonValue) -> int | None:
    """US dollars as JSON gives them, in whole nanodollars: exactly what the decimal digits say, rounded once."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float) or not 0 <= dollars <= _MAX_DOLLARS:
        return None
    return int((Decimal(str(dollars)) * _NANO).quantize(Decimal(1), ROUND_HALF_UP))


def _count(value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_COUNT:
        return 0
    return int(value)


def _first(choices: JsonValue) -> JsonObject:
    return _object(choices[0]) if isinstance(choices, list) and choices else {}


def _name(value: JsonValue) -> str | None:
    return value[:_MAX_NAME] if isinstance(value, str) and value else None


def _string(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
