"""What a stored turn went through, as the events that were shown while it ran.

So a turn read back from the database looks as it did live, but for the files that
tools had made: those are not stored, and it says so. This module knows nothing of
pages, nor of how turns are stored.
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
    # Once, also where an answer was kept whose remarks had it already.
    yield from map(Noticed, dict.fromkeys((*turn.notices, *lost_files(turn))))
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


def lost_files(turn: Turn) -> tuple[str, ...]:
    """The remark on the files that its tools had made for people; none where they made none."""
    made = (name for step in turn.steps for result in step.tool_results for name in result.files)
    match [f"`{name}`" for name in dict.fromkeys(made)]:
        case []:
            return ()
        case [name]:
            files, it = f"A file that a tool had made is lost: {name}.", "it"
        case names:
            files, it = f"Files that tools had made are lost: {', '.join(names)}.", "them"
    return (f"{files} I keep {it} only while I answer, so please ask for {it} again.",)


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
