"""Which turns of a conversation fit the model's window, and how much of each.

Pure arithmetic over estimates. Images, PDFs and tools' output leave first, then
whole turns, each time the oldest ones; and when some must leave then a good many
do, so that the beginning of the prompt, which providers cache byte by byte,
stays the same for many turns afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from bot.messages import Image, Part, Pdf, Step, Text, TextFile, ToolResult, Turn
from bot.sight import TEXT_ONLY, Able, is_shown, label

_ASCII_CHARACTERS_PER_TOKEN = 3.5
"""Code and English run at 3.5 to 4.5; the lower end keeps the estimate honest."""
_BYTES_PER_TOKEN = 3.0
"""Other scripts, by their UTF-8 length: about one token a CJK character."""
_TOKENS_PER_MESSAGE = 8
_KEPT_SHARE = 0.7
"""What is kept of the budget when something has to leave."""

_TOKENS_PER_IMAGE = 1_600
"""What Anthropic counts at most for an image ("Vision", image costs: pixels / 750, larger ones are scaled down).
OpenAI and Google count less at their usual sizes."""
_PDF_BYTES_PER_TOKEN = 20
"""Assumed: a page of 30 KB, half of it fonts and pictures, has 1,500 tokens of text."""
_TOKENS_PER_PDF = 1_500
"""The least: one page."""

MOST_IMAGES = 20
"""In one request. Of more, Anthropic wants each within 2,000 pixels a side ("Vision", image size)."""
MOST_BYTES = 15_000_000
"""Of images and PDFs in one request: 20 MB as base64, which is what the most careful of the large providers takes."""
_WORTH_SHEDDING = 400
"""Characters of a tool's output from which on its leaving saves anything to speak of."""


@dataclass(frozen=True, slots=True)
class Load:
    """What something takes of a request."""

    tokens: int = 0
    images: int = 0
    bytes: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(self.tokens + other.tokens, self.images + other.images, self.bytes + other.bytes)

    def __sub__(self, other: Load) -> Load:
        return Load(self.tokens - other.tokens, self.images - other.images, self.bytes - other.bytes)

    def within(self, room: Load) -> bool:
        return self.tokens <= room.tokens and self.images <= room.images and self.bytes <= room.bytes

    def goal(self, room: Load) -> Load:
        """What this is to be cut down to: of everything that has no room, a good deal less than the room."""
        return Load(_goal(self.tokens, room.tokens), _goal(self.images, room.images), _goal(self.bytes, room.bytes))


@dataclass(frozen=True, slots=True)
class Fit:
    """The turns to send, as they are to be sent.

    `first_turn_id` and `first_whole_turn_id` are to be remembered, so that the
    next request begins with the same bytes.
    """

    turns: tuple[Turn, ...]
    first_turn_id: int
    dropped: int
    tokens: int
    """The estimated size of the turns kept."""
    too_long: bool
    """The last turn alone does not fit."""
    first_whole_turn_id: int = 0
    """Turns with a lower id are sent without images, PDFs and tools' output."""
    lightened: int = 0
    """How many turns lost theirs just now."""


def output_room(window: int, max_output: int) -> int:
    """How many tokens to keep free for the answer: the ceiling, but never more than half of the window."""
    return min(max_output, window // 2)


def fit(turns: Sequence[Turn], *, budget: int, first_whole: int = 0, able: Able = TEXT_ONLY) -> Fit:
    """Keep the newest turns that fit `budget` tokens; the last turn, which is being answered, always stays.

    Earlier turns below `first_whole` lost their images, PDFs and tools' output before.
    """
    room = Load(budget, MOST_IMAGES, MOST_BYTES)
    kept = [lighten(turn, able) if turn.id < first_whole else turn for turn in turns[:-1]]
    kept.append(_within(turns[-1], room, able))
    loads = [_load(turn, able) for turn in kept]
    total = _sum(loads)
    goal, lightened = total.goal(room), 0
    for place, turn in enumerate(kept[:-1]):
        if total.within(goal):
            break
        lighter = lighten(turn, able)
        if lighter is not turn:
            load = _load(lighter, able)
            total += load - loads[place]
            kept[place], loads[place] = lighter, load
            first_whole, lightened = turn.id + 1, lightened + 1
    start = 0 if total.within(room) else _start(loads, total, goal)
    total = _sum(loads[start:])
    return Fit(
        tuple(kept[start:]),
        kept[start].id,
        start,
        total.tokens,
        too_long=total.tokens > budget,
        first_whole_turn_id=first_whole,
        lightened=lightened,
    )


def _sum(loads: Sequence[Load]) -> Load:
    return Load(
        sum(load.tokens for load in loads), sum(load.images for load in loads), sum(load.bytes for load in loads)
    )


def _goal(taken: int, room: int) -> int:
    return int(room * _KEPT_SHARE) if taken > room else room


def _start(loads: Sequence[Load], total: Load, goal: Load) -> int:
    """The first of the turns that make no more than `goal`; the last one stays whatever it makes."""
    start = 0
    while start < len(loads) - 1 and not total.within(goal):
        total -= loads[start]
        start += 1
    return start


def lighten(turn: Turn, able: Able) -> Turn:
    """The turn without the images and PDFs that the model is shown, and without tools' output; itself if it has none.

    Each leaves a line in its place. What the model cannot be shown takes no room, and stays what it is.
    """
    lighter = turn
    if any(is_shown(part, able) for said in turn.question for part in said.parts):
        question = (
            replace(said, parts=tuple(_lighter_part(part, able) for part in said.parts)) for said in turn.question
        )
        lighter = replace(lighter, question=tuple(question))
    if any(step.annotations or step.tool_results for step in turn.steps):
        steps = tuple(map(_lighter_step, turn.steps))
        lighter = replace(lighter, steps=steps) if steps != turn.steps else lighter
    return lighter


def _lighter_part(part: Part, able: Able) -> Part:
    match part:
        case Image(name) if able.images:
            return Text(f"[image {label(name)}, which is no longer shown]")
        case Pdf(name) if able.pdfs:
            return Text(f"[PDF {label(name)}, which is no longer shown]")
        case _:
            return part


def _lighter_step(step: Step) -> Step:
    if not (step.annotations or step.tool_results):
        return step
    return replace(without_output(step), annotations=())


def without_output(step: Step) -> Step:
    """The step without what its tools gave; each call keeps a result, which says how much there was."""
    return replace(step, tool_results=tuple(map(_lighter_result, step.tool_results)))


def _lighter_result(result: ToolResult) -> ToolResult:
    if len(result.content) < _WORTH_SHEDDING:
        return result
    return replace(result, content=f"[{len(result.content):,} characters, no longer shown]")


def _within(turn: Turn, room: Load, able: Able) -> Turn:
    """The turn being answered with no more images and bytes than a request may have; its oldest ones leave."""
    left, surplus = room, False
    question = list(turn.question)
    for place in reversed(range(len(question))):
        parts = list(question[place].parts)
        for at in reversed(range(len(parts))):
            part = parts[at]
            if is_shown(part, able):
                taken = replace(_file_load(part, able), tokens=0)
                surplus = surplus or not taken.within(left)
                left -= taken
                parts[at] = _lighter_part(part, able) if surplus else part
        question[place] = replace(question[place], parts=tuple(parts))
    return replace(turn, question=tuple(question)) if surplus else turn


def estimate_turn(turn: Turn, able: Able = TEXT_ONLY) -> int:
    """About how many tokens a turn takes when it is sent."""
    return _load(turn, able).tokens


def _load(turn: Turn, able: Able) -> Load:
    """What a turn takes; most parts are text, and so cost one addition here."""
    tokens, others = _TOKENS_PER_MESSAGE + sum(map(estimate_step, turn.steps)), Load()
    for said in turn.question:
        for part in said.parts:
            if isinstance(part, Text | TextFile):
                tokens += estimate_text(part.text)
            else:
                others += _file_load(part, able)
    return Load(tokens + others.tokens, others.images, others.bytes)


def _file_load(file: Image | Pdf, able: Able) -> Load:
    named = Load(estimate_text(file.name) + _TOKENS_PER_MESSAGE)
    match file:
        case Image(size=size):
            return Load(_TOKENS_PER_IMAGE, 1, size) if able.images else named
        case Pdf(size=size):
            return Load(max(_TOKENS_PER_PDF, size // _PDF_BYTES_PER_TOKEN), 0, size) if able.pdfs else named
        case _:
            assert_never(file)


def estimate_text(text: str) -> int:
    """About how many tokens a text takes; constant time for ASCII."""
    if text.isascii():
        return int(len(text) / _ASCII_CHARACTERS_PER_TOKEN) + 1
    return int(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN) + 1


def estimate_step(step: Step) -> int:
    """About how many tokens a step takes when it is sent."""
    calls = sum(estimate_text(call.arguments) + _TOKENS_PER_MESSAGE for call in step.tool_calls)
    results = sum(estimate_text(result.content) + _TOKENS_PER_MESSAGE for result in step.tool_results)
    reasoning = estimate_text(step.reasoning) if step.reasoning else estimate_text(_opaque(step))
    return estimate_text(step.text) + reasoning + calls + results + _TOKENS_PER_MESSAGE


def _opaque(step: Step) -> str:
    return json.dumps(step.reasoning_details) if step.reasoning_details else ""
