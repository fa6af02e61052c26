"""Which reasoning of an earlier step goes back to which model.

Pure. Reasoning goes back to the family that made it exactly as it was received;
what another family signed or encrypted is left out, for it would refuse the
whole request (OpenRouter, "Preserving reasoning"). This module knows nothing of
the rest of a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.messages import JsonObject, ReasoningDetail, Step, ToolCall

_SIGNING_AUTHORS = frozenset({"anthropic", "google", "openai", "x-ai"})
"""Their models accept no reasoning but what they themselves signed or encrypted."""


def family(model: str) -> tuple[str, str]:
    """Author and first word of a model's name: what stays the same over versions, dates and variants.

    >>> family("~moonshotai/kimi-latest") == family("moonshotai/kimi-k2.5-0127:free")
    True
    """
    author, _, name = model.removeprefix("~").lower().rpartition("/")
    word = re.match(r"[a-z]*", name)
    return author, word[0] if word and word[0] else name


def is_kimi(model: str) -> bool:
    return "kimi" in model.lower()


def is_gemini(model: str) -> bool:
    return family(model) == ("google", "gemini")


def needs_silence(steps: Sequence[Step], model: str) -> bool:
    """Whether a model must not be asked to reason after these steps of the running turn.

    Claude would refuse the request: while it reasons, "a final assistant message
    must start with a thinking block", and a call that another model made, before
    Claude took over, has none that Claude accepts.
    """
    author = family(model)[0]
    last = next((step for step in reversed(steps) if step.tool_calls), None)
    return author == "anthropic" and last is not None and not _replayed(last, model, complete=True)


def reasoning_fields(step: Step, model: str, calls: tuple[ToolCall, ...]) -> JsonObject:
    """The fields that carry a step's reasoning in the assistant message for `model`, which holds `calls`."""
    details = _replayed(step, model, complete=len(calls) == len(step.tool_calls))
    if not details and calls and is_gemini(model):
        details = (_unproven(calls[0]),)
    fields: JsonObject = {} if details is None else {"reasoning_details": list(details)}
    if not details and step.reasoning and _may_be_text(step, model):
        fields["reasoning"] = step.reasoning
    elif not details and calls and is_kimi(model):
        # Moonshot answers 400 "reasoning_content is missing in assistant tool call message" without it.
        fields["reasoning_content"] = ""
    return fields


def _replayed(step: Step, model: str, *, complete: bool) -> tuple[ReasoningDetail, ...] | None:
    """The details exactly as stored, or None. Providers check the sequence, so it is all or nothing."""
    details = step.reasoning_details
    if details is None or family(step.model) != family(model):
        return None
    whole = complete and not any(map(_unsigned, details))
    return details if whole or all(map(_plain, details)) else None


def _unproven(call: ToolCall) -> ReasoningDetail:
    """What Gemini wants to see beside a tool call that it did not make itself.

    It answers 400 where the first call of a step has no signature, and accepts this
    one for history from elsewhere (Google, "Thought signatures"; in this form Roo Code
    sends it through OpenRouter).
    """
    return {
        "type": "reasoning.encrypted",
        "data": "skip_thought_signature_validator",
        "id": call.id,
        "format": "google-gemini-v1",
        "index": 0,
    }


def _may_be_text(step: Step, model: str) -> bool:
    """Whether the reasoning may go back as mere text: the model takes raw text, and this is nothing else."""
    if not all(map(_plain, step.reasoning_details or ())):
        return False
    return family(step.model) == family(model) or family(model)[0] not in _SIGNING_AUTHORS


def _plain(detail: ReasoningDetail) -> bool:
    """Raw text that any model which takes raw text may read."""
    return (
        detail.get("type") == "reasoning.text"
        and detail.get("format") in (None, "unknown")
        and detail.get("signature") is None
    )


def _unsigned(detail: ReasoningDetail) -> bool:
    """Claude's text without its signature, as an interrupted answer leaves it: refused as "Invalid signature"."""
    anthropic = detail.get("format") == "anthropic-claude-v1"
    return anthropic and detail.get("type") == "reasoning.text" and detail.get("signature") is None
