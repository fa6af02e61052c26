"""What a stored turn went through, as the events that were shown while it ran.

So a turn read back from the database looks as it did live. This module knows
nothing of pages, nor of how turns are stored.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.annotations import citations
from bot.events import Answered, Cited, Ended, Noticed, ReplyEvent, Thought, ToolEnded, ToolStarted
from bot.messages import Step, Turn


def events_of(turn: Turn, model: str) -> Iterable[ReplyEvent]:
    """The events that a stored turn went through, as far as its pages depend on them."""
    calls = 0
    for number, step in enumerate(turn.steps):
        yield from _events_of_step(step, number, calls)
        calls += len(step.tool_calls)
    yield from (Noticed(notice) for notice in turn.notices)
    if not turn.status.unfinished:
        yield Ended(
            turn.status,
            model,
            turn.usage,
            thinking_seconds=sum(step.thinking_seconds for step in turn.steps),
            seconds=0.0,
            finish=turn.steps[-1].finish if turn.steps else None,
            error=turn.error,
        )


def _events_of_step(step: Step, number: int, calls: int) -> Iterable[ReplyEvent]:
    """What one step went through, before which there were so many `calls`."""
    if step.reasoning:
        yield Thought(step.reasoning)
    if step.text:
        yield Answered(step.text)
    if sources := citations(step.annotations):
        yield Cited(sources)
    for place, call in enumerate(step.tool_calls):
        result = step.tool_results[place] if place < len(step.tool_results) else None
        yield ToolStarted(call.name, result.about if result else "", calls + place, number)
    for place, result in enumerate(step.tool_results):
        yield ToolEnded(result.name, result.seconds, result.is_error, calls + place)
