"""For tests of the tool loop: a model that plays scripts, tools that do as they are told, and a turn to ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from bot.context import estimate_turn
from bot.engine import Draft, Engine
from bot.events import (
    Finished,
    ModelEvent,
    Opened,
    ReasoningDelta,
    ReplyEvent,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from bot.messages import JsonObject, Said, Text, Turn, Usage
from bot.model import ModelRequest, ToolSpec
from bot.tools import Asking, Output, Toolbox

Script = Sequence[ModelEvent | Exception]
Call = tuple[str, str, str]
"""Id, name and arguments."""

ASKING = Asking(asker_id=1, conversation_id=7, guild_id=3, turn_id=1)
ANSWER: Script = (Opened("gen-2", "a/one"), TextDelta("Done."), Finished("stop"), UsageReported(Usage(10, 2)))


def calls(*wanted: Call, thought: str = "") -> Script:
    """One step of a model that calls tools."""
    details = ({"type": "reasoning.text", "text": thought, "index": 0},) if thought else ()
    return (
        Opened("gen-1", "a/one"),
        *([ReasoningDelta(thought, details)] if thought else []),
        *(ToolCallDelta(place, id_, name, arguments) for place, (id_, name, arguments) in enumerate(wanted)),
        Finished("tool_calls"),
        UsageReported(Usage(5, 1)),
    )


@dataclass
class ScriptedModel:
    """Plays one script a request, the last one again and again, and remembers the requests."""

    scripts: list[Script]
    asked: list[ModelRequest] = field(default_factory=list)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        self.asked.append(request)
        for item in self.scripts[min(len(self.asked), len(self.scripts)) - 1]:
            if isinstance(item, Exception):
                raise item
            yield item


@dataclass
class FakeTool:
    """A tool that does whatever a test wants, and remembers its calls."""

    name: str = "look"
    does: Callable[[JsonObject], Awaitable[str]] | None = None
    gives: str = "found"
    schema: JsonObject = field(default_factory=lambda: {"type": "object"})
    seconds: float = 5.0
    asks_first: bool = False
    place: int | None = None
    quoted: frozenset[int] = frozenset()
    called: list[tuple[JsonObject, Asking]] = field(default_factory=list)

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, "Looks.", self.schema)

    def label(self, arguments: JsonObject) -> str:
        return str(arguments.get("q", ""))

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        return self.place

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        self.called.append((arguments, asking))
        return Output(await self.does(arguments) if self.does else self.gives, quoted=self.quoted)


def question(*, room: int | None = None, earlier: Sequence[Turn] = ()) -> ModelRequest:
    said = Said(1, 1, "Ada", (Text("Please look."),), 0.0)
    turns = (*earlier, Turn(9, 7, (said,)))
    taken = sum(map(estimate_turn, turns))
    return ModelRequest("a/one", "system", turns, "session", room=room, turns_tokens=taken)


async def answer(
    model: ScriptedModel,
    toolbox: Toolbox,
    draft: Draft | None = None,
    *,
    request: ModelRequest | None = None,
    keep: Callable[[], Awaitable[None]] | None = None,
) -> list[ReplyEvent]:
    """Everything that people are told of one turn."""

    async def no_sleep(_seconds: float) -> None:
        return None

    async def not_kept() -> None:
        return None

    engine = Engine(model, clock=asyncio.get_running_loop().time, sleep=no_sleep)
    events = engine.run(request or question(), toolbox, draft or Draft(), keep or not_kept)
    async with aclosing(events):
        return [event async for event in events]
