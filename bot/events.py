"""What happens while a turn is answered, as two closed unions of values.

ModelEvent is what a model says; ReplyEvent is what people may see. This module
knows nothing of how either is transported or drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bot.messages import JsonObject, MadeFile, ReasoningDetail, Source, TurnStatus, Usage


@dataclass(frozen=True, slots=True)
class Opened:
    """The model's first sign of life; carries the id under which the request can be looked up."""

    generation_id: str | None
    model: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning: `text` for people (may be empty), `details` as received (None: field absent)."""

    text: str
    details: tuple[ReasoningDetail, ...] | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class TextWasReasoning:
    """All text of the answer so far was reasoning, which the model's server failed to separate."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a tool call. `index` tells parallel calls apart; id and name come once."""

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class Annotated:
    """What the endpoint notes beside the answer, as received: parsed PDFs, sources."""

    annotations: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Why the model stopped (an open set). May come more than once; usage may still follow."""

    reason: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The request's usage. The latest report replaces earlier ones."""

    usage: Usage


ModelEvent: TypeAlias = (
    Opened | ReasoningDelta | TextDelta | TextWasReasoning | ToolCallDelta | Annotated | Finished | UsageReported
)


@dataclass(frozen=True, slots=True)
class Thought:
    """More reasoning, for people."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """More of the answer, for people."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool began to work; `about` is a short public description of its input.

    Calls of the same `step` run at the same time; `number` tells all calls of a turn apart.
    """

    name: str
    about: str
    number: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """The call of this number has ended."""

    name: str
    seconds: float
    is_error: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class FilesMade:
    """A tool made files, which the answer brings along."""

    files: tuple[MadeFile, ...]


@dataclass(frozen=True, slots=True)
class Cited:
    """The answer names web pages as its sources."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class StartedOver:
    """Whatever was shown of this turn is void; what holds of it is said again."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A remark about this answer: trimmed history, a fallback model."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over. `error` is a sentence for the member when `status` is FAILED."""

    status: TurnStatus
    model: str
    usage: Usage
    thinking_seconds: float
    seconds: float
    finish: str | None = None
    error: str | None = None


ReplyEvent: TypeAlias = Thought | Answered | ToolStarted | ToolEnded | FilesMade | Cited | StartedOver | Noticed | Ended
