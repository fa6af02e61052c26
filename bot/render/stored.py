"""What a stored turn went through, as the events that were shown while it ran.

So a turn read back from the database looks as it did live. This module knows
nothing of pages, nor of how turns are stored.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.events import Answered, Ended, Noticed, ReplyEvent, Thought, ToolEnded, ToolStarted
from bot.messages import Step, Turn


def events_of(turn: Turn, model: str) -> Iterable[ReplyEvent]:
    """The events that a stored turn went through, as far as its pages depend on them."""
    for step in turn.steps:
        yield from _events_of_step(step)
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


def _events_of_step(step: Step) -> Iterable[ReplyEvent]:
    if step.reasoning:
        yield Thought(step.reasoning)
    if step.text:
        yield Answered(step.text)
    for call in step.tool_calls:
        yield ToolStarted(call.name, "")
    for result in step.tool_results:
        yield ToolEnded(result.name, 0.0, result.is_error)
