"""Puts right what a model's server sent through the wrong door: reasoning in the answer, tool calls in the text.

A stage between a model's events and their fold. What people see, and what goes
back as the assistant's words, is cleaned; `reasoning_details` pass untouched,
for providers check them byte by byte. Which marks leak is in `marks`; this
module knows nothing of where events come from or go to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from bot.events import ModelEvent, ReasoningDelta, TextDelta, TextWasReasoning, ToolCallDelta
from bot.marks import AllWasAside, Aside, Found, MarkReader, Words

_FIRST_INDEX = 1_000_000
"""The index of the first call found in the text; far from those that a server gives to calls of its own."""


class Leaks:
    """Cleans the events of one model request. `offered` are the names of the tools it may call."""

    def __init__(self, offered: Iterable[str] = ()) -> None:
        self._offered = frozenset(offered)
        self._answer = MarkReader()
        self._thoughts = MarkReader(is_thought=True)
        self._calls_came = False
        self._came_separately = False

    @property
    def has_found(self) -> bool:
        """Whether anything was taken out or moved, so that nothing may be left of the answer."""
        return self._answer.has_found or self._thoughts.has_found

    def apply(self, event: ModelEvent) -> Sequence[ModelEvent]:
        """What really happened. Work is linear in the event's text; most events pass as they are."""
        match event:
            case TextDelta():
                if self._answer.is_plain(event.text):
                    return (event,)
                return [*self._words(self._answer.feed(event.text))]
            case ReasoningDelta(text, details):
                if not text or self._thoughts.is_plain(text):
                    return (event,)
                self._answer.may_end_unopened = False
                self._came_separately = True
                cleaned = _joined(self._thoughts.feed(text))
                return (ReasoningDelta(cleaned, details),) if cleaned or details is not None else ()
            case ToolCallDelta():
                self._calls_came = True
                return (*self._rest_of_thought(), event)
            case _:
                return (event,)

    def end(self) -> Sequence[ModelEvent]:
        """What was held back."""
        return [*self._words(self._answer.finish()), *self._rest_of_thought()]

    def calls(self) -> Sequence[ToolCallDelta]:
        """The calls of known tools that stood in the text; nothing where the server told of calls itself."""
        if self._calls_came:
            return ()
        leaked = dict.fromkeys((*self._thoughts.calls, *self._answer.calls))
        known = (call for call in leaked if call.name in self._offered)
        return [
            ToolCallDelta(_FIRST_INDEX + number, call.id or None, call.name, call.arguments)
            for number, call in enumerate(known)
        ]

    def _words(self, found: Iterable[Found]) -> Iterator[ModelEvent]:
        for item in found:
            match item:
                case Words(text):
                    if not text.isspace():
                        yield from self._rest_of_thought()
                    yield TextDelta(text)
                case Aside(text):
                    if self._came_separately:
                        text = f"\n\n{text}"
                        self._came_separately = False
                    if thought := _joined(self._thoughts.feed(text)):
                        yield ReasoningDelta(thought)
                case AllWasAside():
                    yield TextWasReasoning()
                case _:
                    assert_never(item)

    def _rest_of_thought(self) -> Iterator[ModelEvent]:
        if thought := _joined(self._thoughts.finish()):
            yield ReasoningDelta(thought)


def _joined(found: Iterable[Found]) -> str:
    """The words of a reasoning, which has nothing else."""
    return "".join(item.text for item in found if isinstance(item, Words))
