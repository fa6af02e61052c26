"""The tools a model may use in a turn, and the one way to call them.

A tool's ordinary failure becomes a result that the model reads and can act on.
This module knows nothing of any particular tool, nor of who is asked whether
one may be used.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from bot.errors import describe
from bot.messages import JsonObject, MadeFile, ToolCall, ToolResult
from bot.model import ToolSpec
from bot.tools.arguments import WrongArguments, checked, parsed
from bot.tools.results import bounded

log = logging.getLogger(__name__)

_T = TypeVar("_T")

SECONDS = 60.0
"""How long a call may take of a tool that does not say."""
LONGEST_LABEL = 120
UNEXPECTED = "The tool failed unexpectedly, and that has been logged. Go on without it, or try it once more later."
DENIED = "The person you are answering did not allow this call. Do not try it again; go on without it."
KEPT_CLOSED = (
    "Not everybody who can read this conversation can read that place, and the person you are answering did not allow "
    "reading it here. Nothing of it was read. Do not try it again; go on without it."
)

FORGOTTEN = (
    "Somebody whose words are there has asked to be forgotten since this question was asked, so they are not read for "
    "it. Go on without them."
)


class ToolFailed(Exception):
    """Read by the model: what went wrong, in words it can act on."""


@dataclass(frozen=True, slots=True)
class Asking:
    """On whose behalf tools are called. A tool reaches what this person may read, and nothing else."""

    asker_id: int
    conversation_id: int
    guild_id: int | None
    """None in direct messages."""
    turn_id: int


NOBODY = Asking(0, 0, None, 0)


@dataclass(frozen=True, slots=True)
class Output:
    """What a call gave: `text` for the model, `files` for the thread."""

    text: str
    files: tuple[MadeFile, ...] = ()
    quoted: frozenset[int] = frozenset()
    """The ids of the people whose words stand in the text."""


class Tool(Protocol):
    """One capability."""

    @property
    def spec(self) -> ToolSpec: ...

    @property
    def seconds(self) -> float:
        """How long a call may take."""
        ...

    @property
    def asks_first(self) -> bool:
        """Whether the person who asked must allow each call."""
        ...

    def label(self, arguments: JsonObject) -> str:
        """What a call is about, for the people in the thread: some words, such as a host's name."""
        ...

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        """The place that a call would read although not everybody can who can see what is answered; None for none.

        Such a call, too, must be allowed by the person who asked. Raises ToolFailed where the call would.
        """
        ...

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        """Run once, with arguments that fit the spec. Raises ToolFailed."""
        ...


class SimpleTool(Protocol):
    """A tool that wants to know of nothing but its arguments."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: JsonObject) -> str: ...


@dataclass(frozen=True, slots=True)
class Adapted:
    """A simple tool as a Tool."""

    tool: SimpleTool
    seconds: float = SECONDS
    asks_first: bool = False
    labelled: Callable[[JsonObject], str] = lambda arguments: ""

    @property
    def spec(self) -> ToolSpec:
        return self.tool.spec

    def label(self, arguments: JsonObject) -> str:
        return self.labelled(arguments)

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        return None

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        return Output(await self.tool.call(arguments))


class Consent(Protocol):
    """Asks a person whether a tool may be used."""

    async def allows(
        self, asking: Asking, name: str, about: str, arguments: JsonObject, place: int | None = None
    ) -> bool:
        """Whether the asker allows one call; False too when there was no answer in time. Never raises.

        `place` is the one that it would read although not everybody can who can see what is answered.
        """
        ...


NoteQuoted = Callable[[int, Collection[int]], Awaitable[bool]]
"""Notes of which people the words stand in what a turn's tools gave, so that it goes when they are forgotten.

False where one of them has asked for that already: it must not be kept then.
"""


async def noted_nowhere(turn_id: int, user_ids: Collection[int]) -> bool:
    """Where nothing is kept nobody need be forgotten."""
    return True


class Toolbox:
    """The tools of one turn, by name. An empty toolbox is what a model without tools gets.

    `note_quoted` is awaited before the model is given what quotes people; `max_calls` is how many calls the turn may
    take; `searches_web` tells whether the model's server may search the web for it.
    """

    def __init__(
        self,
        tools: Iterable[Tool] = (),
        *,
        asking: Asking = NOBODY,
        consent: Consent | None = None,
        note_quoted: NoteQuoted = noted_nowhere,
        max_calls: int = 50,
        searches_web: bool = False,
    ) -> None:
        self._tools: Mapping[str, Tool] = {tool.spec.name: tool for tool in tools}
        self._asking = asking
        self._consent = consent
        self._note_quoted = note_quoted
        self.max_calls = max_calls
        self.searches_web = searches_web
        self._working: set[asyncio.Task[Any]] = set()
        """Calls that run, those included that were given up and have not noticed yet."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    def about(self, call: ToolCall) -> str:
        """What a call is about, in some words for people; empty where that cannot be told."""
        tool = self._tools.get(call.name)
        if tool is None:
            return ""
        try:
            return tool.label(checked(parsed(call.arguments), tool.spec))[:LONGEST_LABEL]
        except Exception:  # noqa: BLE001 - whatever is wrong with the arguments is told when the call is made
            return ""

    async def call(self, call: ToolCall) -> tuple[ToolResult, Output]:
        """Run one call. Everything that went wrong comes back as an error result, never as an exception.

        Cancelling this gives the tool up at once, whether it takes notice or not.
        """
        try:
            output = await self._call(call)
        except (ToolFailed, WrongArguments) as error:
            return ToolResult(call.id, call.name, bounded(str(error)), is_error=True), Output("")
        except Exception as error:  # noqa: BLE001 - the edge of one call: the model is told, the turn goes on
            log.error("the tool %s failed: unexpected %s", call.name[:64], describe(error))
            return ToolResult(call.id, call.name, UNEXPECTED, is_error=True), Output("")
        return ToolResult(call.id, call.name, bounded(output.text)), output

    async def _call(self, call: ToolCall) -> Output:
        tool = self._tools.get(call.name)
        if tool is None:
            raise ToolFailed(self._unknown(call.name))
        arguments = checked(parsed(call.arguments), tool.spec)
        place = await self._in_time(tool, tool.closed_place(arguments, self._asking))
        if (tool.asks_first or place is not None) and not await self._is_allowed(call, arguments, place):
            raise ToolFailed(DENIED if place is None else KEPT_CLOSED)
        output = await self._in_time(tool, tool.call(arguments, self._asking))
        if output.quoted and not await self._note_quoted(self._asking.turn_id, output.quoted):
            raise ToolFailed(FORGOTTEN)
        return output

    async def _is_allowed(self, call: ToolCall, arguments: JsonObject, place: int | None) -> bool:
        if self._consent is None:
            return False
        return await self._consent.allows(self._asking, call.name, self.about(call), arguments, place)

    async def _in_time(self, tool: Tool, does: Coroutine[Any, Any, _T]) -> _T:
        """Let a tool work within its time. One that does not notice that it was cancelled is not waited for."""
        work = asyncio.create_task(does)
        self._working.add(work)
        work.add_done_callback(self._done)
        try:
            await asyncio.wait({work}, timeout=tool.seconds)
        finally:
            if not work.done():
                work.cancel()
        if not work.done() or work.cancelled():
            raise ToolFailed(f"The tool did not finish within {tool.seconds:.0f} seconds.")
        return work.result()

    def _done(self, work: asyncio.Task[Any]) -> None:
        self._working.discard(work)
        if not work.cancelled():
            work.exception()  # looked at, for nobody may be waiting any more

    def _unknown(self, name: str) -> str:
        if not self._tools:
            return "There are no tools here. Answer without them."
        return f"There is no tool named {name[:64]!r}. There are: {', '.join(self._tools)}."
