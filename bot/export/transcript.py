"""What is exported, and how its facts read in every format that people read.

Pure. This module knows nothing of any format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from bot.messages import Conversation, Image, Part, Pdf, Said, Text, TextFile, ToolCall, Turn, TurnStatus
from bot.render.footer import dollars, seconds, short_model, tokens

ME = "Cogitor"
"""Who answers."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation with all its turns, as it was `at` a moment in Unix seconds."""

    title: str
    conversation: Conversation
    turns: tuple[Turn, ...]
    at: float


def moment(at: float) -> str:
    """A time as people read it, in UTC, for the reader's own zone is not known."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def summary(transcript: Transcript) -> str:
    """How much there is, and of when."""
    count = len(transcript.turns)
    return f"{count} {'question' if count == 1 else 'questions'} · exported {moment(transcript.at)}"


def words(said: Said) -> str:
    """What a message says in itself, as Markdown; its attachments not included."""
    return "\n\n".join(part.text for part in said.parts if isinstance(part, Text)).strip("\n")


def attachments(said: Said) -> list[str]:
    """The names of a message's attachments, each with its size."""
    return [name for part in said.parts if (name := _attachment(part))]


def speakers(turn: Turn) -> Iterator[tuple[Said, bool]]:
    """Each message of a question, and whether another speaker begins with it."""
    speaker: int | None = None
    for said in turn.question:
        yield said, said.author_id != speaker
        speaker = said.author_id


def answerer(turn: Turn) -> str:
    """Who answered, with the model that really did."""
    model = next((step.model for step in reversed(turn.steps) if step.model), "")
    return f"{ME} ({short_model(model)})" if model else ME


def figures(turn: Turn) -> str:
    """What the answer took, as far as it is known."""
    thought, usage = sum(step.thinking_seconds for step in turn.steps), turn.usage
    facts = (
        f"thought {seconds(thought)}" if thought >= 0.5 else "",
        tokens(usage.completion_tokens) if usage.completion_tokens else "",
        dollars(usage.cost) if usage.cost is not None else "",
    )
    return " · ".join(filter(None, facts))


def remarks(turn: Turn) -> list[str]:
    """What else is to be said of an answer: how it ended, unless well, and what was remarked under it."""
    match turn.status:
        case TurnStatus.DONE:
            end = ""
        case TurnStatus.QUEUED:
            end = "This question was waiting for its answer."
        case TurnStatus.RUNNING:
            end = "This answer was still being written."
        case TurnStatus.STOPPED:
            end = "This answer was stopped."
        case TurnStatus.INTERRUPTED:
            end = "This answer was interrupted."
        case TurnStatus.FAILED | TurnStatus.REFUSED:
            end = turn.error or "This answer failed."
        case _:
            assert_never(turn.status)
    return [remark for remark in (*turn.notices, end) if remark]


def arguments(call: ToolCall) -> str:
    """A call's JSON as people read it; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(call.arguments), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return call.arguments


def _attachment(part: Part) -> str:
    match part:
        case Text():
            return ""
        case TextFile(name, text):
            return f"{' '.join(name.split())} ({len(text):,} characters)"
        case Image(name, size=size) | Pdf(name, size=size):
            return f"{' '.join(name.split())} ({size:,} bytes)"
        case _:
            assert_never(part)
