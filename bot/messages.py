"""The nouns of a conversation: who asked what, and what the model did about it.

Pure values. This module knows nothing of Discord, HTTP or SQL; ids are plain
integers, times are Unix seconds, money is whole nanodollars (1e-9 US dollars),
so that sums stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

ReasoningDetail: TypeAlias = JsonObject
"""One item of OpenRouter's `reasoning_details`: opaque, stored and sent back as it came."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words a member wrote."""

    text: str


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text attachment, already decoded."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture. `data` is here only between its arrival and its storing, and where it is about to be sent."""

    name: str
    media_type: str
    """image/png, image/jpeg, image/gif or image/webp, as its own first bytes say."""
    width: int
    height: int
    size: int
    """Bytes."""
    digest: str
    """SHA-256 in hex: under it the bytes are kept, apart from the conversation."""
    data: bytes | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pdf:
    """A PDF; `size`, `digest` and `data` as an Image has them."""

    name: str
    size: int
    digest: str
    data: bytes | None = field(default=None, compare=False, repr=False)


Part: TypeAlias = Text | TextFile | Image | Pdf


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a member. `id` is Discord's id of the message or interaction."""

    id: int
    author_id: int
    author_name: str
    parts: tuple[Part, ...]
    at: float
    roles: tuple[int, ...] = field(default=(), compare=False, repr=False)
    """The roles that the author had then: limits may depend on them."""
    quoted: tuple[int, ...] = field(default=(), compare=False, repr=False)
    """Whose messages stand in its parts besides the author's own; here only until it is stored."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call as the model wrote it. `id` is echoed verbatim and is not unique (Kimi repeats ids)."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back, in the order of the step's calls."""

    call_id: str
    name: str
    content: str
    is_error: bool = False
    about: str = ""
    """What the call was about, in some words for people."""
    seconds: float = 0.0
    """How long the call took."""
    files: tuple[str, ...] = ()
    """The names of the files that the call made for the people in the thread."""


@dataclass(frozen=True, slots=True)
class Source:
    """A web page that an answer rests on; the title may be empty."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that a tool made, for the people in the thread."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one model request consumed.

    `reasoning_tokens` is part of `completion_tokens`, `cached_tokens` of `prompt_tokens`.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cost: int | None = None
    """Nanodollars, or None when the endpoint does not report a cost."""

    def __add__(self, other: Usage) -> Usage:
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cached_tokens + other.cached_tokens,
            sum(costs) if costs else None,
        )


@dataclass(frozen=True, slots=True)
class Spending:
    """What one turn has consumed by now: `requests` to models, all attempts and its title included."""

    turn_id: int
    requests: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Step:
    """One model request inside a turn, with everything the model gave back."""

    model: str = ""
    """The model that really answered, as the endpoint names it; empty until it is known."""
    generation_id: str | None = None
    reasoning: str = ""
    """The visible text of the reasoning, for people."""
    reasoning_details: tuple[ReasoningDetail, ...] | None = None
    """None: the field was never sent. An empty tuple is state of its own and goes back as `[]`."""
    text: str = ""
    annotations: tuple[JsonObject, ...] = ()
    """What OpenRouter notes beside the text, as received: parsed PDFs (`file`), sources (`url_citation`)."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    finish: str | None = None
    """The model's finish reason (an open set: stop, length, tool_calls, …); None while unfinished."""
    usage: Usage | None = None
    thinking_seconds: float = 0.0


class TurnStatus(StrEnum):
    """Where a turn stands. Only QUEUED and RUNNING are unfinished."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    REFUSED = "refused"
    """A limit was reached before anything was asked: no part of the history, until it is tried again."""

    @property
    def unfinished(self) -> bool:
        return self in (TurnStatus.QUEUED, TurnStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer."""

    id: int
    conversation_id: int
    question: tuple[Said, ...]
    """One message, or several sent in a burst by one member."""
    status: TurnStatus = TurnStatus.QUEUED
    steps: tuple[Step, ...] = ()
    pages: tuple[int, ...] = ()
    """Discord's ids of the messages that show the answer, in order."""
    error: str | None = None
    """The sentence that was shown when the turn failed."""
    notices: tuple[str, ...] = ()
    """Remarks shown under the answer, such as a fallback model or a trimmed history."""
    model: str | None = None
    """The model that was chosen for this turn alone; None means the conversation's."""

    @property
    def asker_id(self) -> int:
        return self.question[0].author_id

    @property
    def roles(self) -> tuple[int, ...]:
        """The roles that the asker had when they asked."""
        return self.question[0].roles

    @property
    def text(self) -> str:
        """All that the model said, as Markdown; what it said between uses of tools are paragraphs."""
        return "\n\n".join(step.text for step in self.steps if step.text)

    @property
    def reasoning(self) -> str:
        return "\n\n".join(step.reasoning for step in self.steps if step.reasoning)

    @property
    def usage(self) -> Usage:
        return sum((step.usage for step in self.steps if step.usage), Usage())


class Listen(StrEnum):
    """Which messages in a thread are for the bot."""

    ALL = "all"
    MENTIONS = "mentions"
    NOTHING = "nothing"
    """Of an answer in place of an interaction, below which nothing that is written reaches the bot."""


class ShowReasoning(StrEnum):
    """Whether the reasoning is shown above the answer, folded in a spoiler."""

    HIDDEN = "hidden"
    SPOILER = "spoiler"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread or a DM channel. `id` is that channel's id. None means: the server's default.

    An answer in place of an interaction is a conversation of its own, with the
    interaction's id, and belongs to no server: none has invited the bot there.
    """

    id: int
    guild_id: int | None
    owner_id: int
    title: str = ""
    """The name that we opened the thread with, until it is due to be renamed; empty where nothing is."""
    model: str | None = None
    effort: str | None = None
    persona: str | None = None
    listen: Listen = Listen.ALL
    show_reasoning: ShowReasoning = ShowReasoning.HIDDEN
    first_turn_id: int = 0
    """Turns with a lower id have left the context window."""
    first_whole_turn_id: int = 0
    """Turns with a lower id are sent without their images, PDFs and tools' output, which have left the window."""
    created_at: float = field(default=0.0)
    parent_id: int | None = None
    """The channel that the thread belongs to, as far as it is known."""

    @property
    def is_in_place(self) -> bool:
        """Whether it is shown in place of an interaction, by the interaction's token alone."""
        return self.listen is Listen.NOTHING
