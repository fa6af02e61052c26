"""Folds what a model says, event by event, into one Step.

Constant work per event: pieces are collected and joined only when a snapshot is
asked for. Reasoning details are merged so that they can be sent back as the
model made them. This module knows nothing of where events come from, of HTTP
or of JSON chunks, nor of where a Step is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.annotations import Annotations
from bot.errors import ModelError, ModelFault
from bot.events import (
    Annotated,
    Finished,
    ModelEvent,
    Opened,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    ToolCallDelta,
    UsageReported,
)
from bot.messages import ReasoningDetail, Step, ToolCall, Usage
from bot.pieces import Growing, mend
from bot.reasoning import DetailMerger

MAX_CHARACTERS = 8_000_000
"""Text, reasoning and arguments of one step together; far beyond any real answer."""
MAX_TOOL_CALLS = 128


class StepAssembler:
    """Folds ModelEvents into a Step.

    Memory is bounded: `apply` raises ModelError(GARBLED) for the event that
    would pass one of the limits above, and keeps what came before it, so that a
    snapshot still gives the answer up to there.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._room = MAX_CHARACTERS
        self._opened = Opened(None, "")
        self._text = Growing()
        self._reasoning = Growing()
        self._details: DetailMerger | None = None
        self._annotations = Annotations()
        self._calls: list[_Call] = []
        self._call_at: dict[int, _Call] = {}
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._text_since: float | None = None
        self._thinking_since: float | None = None
        self._thinking_until: float | None = None

    def apply(self, event: ModelEvent) -> None:
        """Take one more event. Raises ModelError(GARBLED) beyond the limits."""
        match event:
            case Opened():
                self._opened = event
            case ReasoningDelta(text, details):
                self._think(text, details)
            case TextDelta(text):
                self._spend(len(text))
                self._text.add(text)
                if text:
                    self._end_thinking()
                    self._text_since = self._clock() if self._text_since is None else self._text_since
            case TextWasReasoning():
                self._rethink()
            case ToolCallDelta():
                self._call(event)
                self._end_thinking()
            case Annotated(annotations):
                self._annotations.add(annotations)
            case Finished(reason):
                self._finish = reason or self._finish
                self._end_thinking()
            case UsageReported(usage):
                self._usage = usage

    def snapshot(self) -> Step:
        """The step as far as it has come; always encodable as UTF-8."""
        calls = tuple(call.build(position) for position, call in enumerate(self._calls))
        # Some hosts end with "stop" although they called tools (OpenRouter, "Tool calling"; seen with Kimi).
        finish = "tool_calls" if calls and self._finish == "stop" else self._finish
        return Step(
            model=mend(self._opened.model),
            generation_id=None if self._opened.generation_id is None else mend(self._opened.generation_id),
            reasoning=self._reasoning.join(),
            reasoning_details=None if self._details is None else self._details.merged(),
            text=self._text.join(),
            annotations=self._annotations.kept(),
            tool_calls=calls,
            finish=None if finish is None else mend(finish),
            usage=self._usage,
            thinking_seconds=self._thought_for(),
        )

    def _think(self, text: str, details: tuple[ReasoningDetail, ...] | None) -> None:
        self._spend(len(text))
        self._reasoning.add(text)
        if (text or details) and self._thinking_since is None:
            self._thinking_since = self._clock()
        if details is None:
            return
        if self._details is None:
            self._details = DetailMerger()
        for detail in details:
            self._details.add(detail)

    def _rethink(self) -> None:
        self._reasoning.add(self._text.join())
        self._text = Growing()
        if self._thinking_since is None:
            self._thinking_since = self._text_since
        self._thinking_until = self._clock()

    def _end_thinking(self) -> None:
        if self._thinking_since is not None and self._thinking_until is None:
            self._thinking_until = self._clock()

    def _thought_for(self) -> float:
        if self._thinking_since is None:
            return 0.0
        until = self._clock() if self._thinking_until is None else self._thinking_until
        return max(0.0, until - self._thinking_since)

    def _call(self, delta: ToolCallDelta) -> None:
        call = self._call_at.get(delta.index)
        if call is None or call.differs(delta):
            if len(self._calls) >= MAX_TOOL_CALLS:
                raise _too_much("tool_calls")
            call = _Call()
            self._calls.append(call)
            self._call_at[delta.index] = call
        self._spend(len(delta.arguments) + len(delta.id or "") + len(delta.name or ""))
        call.add(delta)

    def _spend(self, characters: int) -> None:
        if characters > self._room:
            raise _too_much("characters")
        self._room -= characters


class _Call:
    """A tool call being written."""

    __slots__ = ("_arguments", "_id", "_name")

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._arguments = Growing()

    def differs(self, delta: ToolCallDelta) -> bool:
        """Whether the delta begins another call: some hosts give every parallel call the same index."""
        if delta.id and self._id:
            return delta.id != self._id
        return bool(delta.name and self._name and delta.name != self._name)

    def add(self, delta: ToolCallDelta) -> None:
        self._id = self._id or delta.id or ""
        self._name = self._name or delta.name or ""
        self._arguments.add(delta.arguments)

    def build(self, position: int) -> ToolCall:
        # A result must name its call, so a call without an id is given one.
        return ToolCall(mend(self._id) or f"call_{position}", mend(self._name), self._arguments.join())


def _too_much(what: str) -> ModelError:
    return ModelError(ModelFault.GARBLED, error_type=f"too_many_{what}")
