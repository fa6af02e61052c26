"""Which turns of a conversation fit the model's window.

Pure arithmetic over estimates. Whole turns leave, oldest first, and when some
must leave then a good many do, so that the beginning of the prompt, which
providers cache byte by byte, stays the same for many turns afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from bot.messages import Part, Step, Text, TextFile, Turn

_ASCII_CHARACTERS_PER_TOKEN = 3.5
"""Code and English run at 3.5 to 4.5; the lower end keeps the estimate honest."""
_BYTES_PER_TOKEN = 3.0
"""Other scripts, by their UTF-8 length: about one token a CJK character."""
_TOKENS_PER_MESSAGE = 8
_KEPT_SHARE = 0.7
"""What is kept of the budget when turns have to leave."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The turns to send. `first_turn_id` is to be remembered, so that the next request begins at the same turn."""

    turns: tuple[Turn, ...]
    first_turn_id: int
    dropped: int
    tokens: int
    """The estimated size of the turns kept."""
    too_long: bool
    """The last turn alone does not fit."""


def output_room(window: int, max_output: int) -> int:
    """How many tokens to keep free for the answer: the ceiling, but never more than half of the window."""
    return min(max_output, window // 2)


def fit(turns: Sequence[Turn], *, budget: int) -> Fit:
    """Keep the newest turns that fit `budget` tokens; the last turn, which is being answered, always stays."""
    sizes = [estimate_turn(turn) for turn in turns]
    total = sum(sizes)
    start = 0
    if total > budget:
        behind = list(accumulate(sizes))
        goal = total - int(budget * _KEPT_SHARE)
        start = next((index + 1 for index, gone in enumerate(behind) if gone >= goal), len(turns))
        start = min(start, len(turns) - 1)
        total = sum(sizes[start:])
    kept = tuple(turns[start:])
    return Fit(kept, kept[0].id, start, total, too_long=total > budget)


def estimate_turn(turn: Turn) -> int:
    """About how many tokens a turn takes when it is sent."""
    asked = sum(estimate_text(_plain(part)) for said in turn.question for part in said.parts)
    return asked + _TOKENS_PER_MESSAGE + sum(map(_estimate_step, turn.steps))


def estimate_text(text: str) -> int:
    """About how many tokens a text takes; constant time for ASCII."""
    if text.isascii():
        return int(len(text) / _ASCII_CHARACTERS_PER_TOKEN) + 1
    return int(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN) + 1


def _estimate_step(step: Step) -> int:
    calls = sum(estimate_text(call.arguments) + _TOKENS_PER_MESSAGE for call in step.tool_calls)
    results = sum(estimate_text(result.content) + _TOKENS_PER_MESSAGE for result in step.tool_results)
    reasoning = estimate_text(step.reasoning) if step.reasoning else estimate_text(_opaque(step))
    return estimate_text(step.text) + reasoning + calls + results + _TOKENS_PER_MESSAGE


def _opaque(step: Step) -> str:
    return json.dumps(step.reasoning_details) if step.reasoning_details else ""


def _plain(part: Part) -> str:
    match part:
        case Text(text) | TextFile(_, text):
            return text
