"""The calls of one turn: runs those of a step at the same time, counts them, and notices a model that goes in circles.

Results are matched to calls by their place, for ids repeat. This module knows
nothing of models or of any particular tool.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bot.events import FilesMade, ReplyEvent, ToolEnded, ToolStarted
from bot.messages import MadeFile, Step, ToolCall, ToolResult
from bot.tools import Toolbox
from bot.tools.results import MOST_OF_A_STEP, together

MOST_RUNS = 3
"""So often one and the same call is run in a turn, as long as the model is still shown what it gave."""
MOST_IDLE_STEPS = 3
"""After so many steps in a row of which no call was run, the model is asked for its answer."""
MOST_FILES = 10
MOST_FILE_BYTES = 8 * 1024 * 1024
"""Of all that tools make in one turn; what one message of Discord's takes."""
_AT_ONCE = 8

NONE_LEFT = "No tool calls are left for this question, so this one was not run. Answer now with what you have."
LAST = "\n\n[No tool calls are left for this question. Answer now with what you have, and say what is missing.]"
AS_ABOVE = "This is the same call as another one of this step; see its result."
AGAIN = "You have made this very call {} before in this turn. Do not make it again."
NOT_AGAIN = (
    "You have made this very call {} before in this turn, so it was not run again. "
    "Use the results you have, or change the arguments."
)


class Calls:
    """What a turn's model calls, from the first call to the last.

    `clock` counts seconds; `most_output` is how many characters one step's results may have together.
    """

    def __init__(self, tools: Toolbox, clock: Callable[[], float], *, most_output: int = MOST_OF_A_STEP) -> None:
        self._tools = tools
        self._most_output = most_output
        self._clock = clock
        self._steps = 0
        self._idle = 0
        self._runs: Counter[tuple[str, str]] = Counter()
        self._files: list[MadeFile] = []
        self.made = 0
        """How many calls there were, those included that were not run."""

    @property
    def allowed(self) -> int:
        """How many calls the turn may take."""
        return self._tools.max_calls

    @property
    def are_left(self) -> bool:
        return self.made < self.allowed and not self.go_in_circles

    @property
    def go_in_circles(self) -> bool:
        """Whether the model keeps making calls that are not run any more."""
        return self._idle >= MOST_IDLE_STEPS

    def forget(self, steps: Iterable[Step]) -> None:
        """The model is not shown any more what these steps' calls gave: it may well make them again."""
        for step in steps:
            for call in step.tool_calls:
                self._runs.pop(_key(call), None)

    async def run(self, calls: Sequence[ToolCall], tell: Callable[[ReplyEvent], None]) -> tuple[ToolResult, ...]:
        """Run the calls of one step, and tell what happens as it happens. Results are in the order of the calls."""
        refusals = self._refusals(calls)
        self._idle = self._idle + 1 if all(refusals) else 0
        free = asyncio.Semaphore(_AT_ONCE)
        first, step = self.made, self._steps
        self.made, self._steps = first + len(calls), step + 1

        async def one(place: int, call: ToolCall) -> ToolResult:
            about = self._tools.about(call)
            async with free:
                tell(ToolStarted(call.name, about, first + place, step))
                result, files = await self._one(call, refusals[place])
                if files:
                    tell(FilesMade(files))
                tell(ToolEnded(call.name, result.seconds, result.is_error, first + place))
            return replace(result, about=about, files=tuple(file.name for file in files))

        results = await asyncio.gather(*(one(place, call) for place, call in enumerate(calls)))
        contents = together([result.content for result in results], self._most_output)
        if not self.are_left:
            contents[-1] += LAST
        return tuple(replace(result, content=content) for result, content in zip(results, contents, strict=True))

    def _refusals(self, calls: Sequence[ToolCall]) -> list[str]:
        """Why each of a step's calls is not run; empty for those that are."""
        refusals: list[str] = []
        keys = [_key(call) for call in calls]
        for place, key in enumerate(keys):
            if self.go_in_circles or self.made + place >= self.allowed:
                refusals.append(NONE_LEFT)
            elif key in keys[:place]:
                refusals.append(AS_ABOVE)
            elif self._runs[key] >= MOST_RUNS:
                refusals.append(NOT_AGAIN.format(_times(self._runs[key])))
            else:
                refusals.append("")
        return refusals

    async def _one(self, call: ToolCall, refusal: str) -> tuple[ToolResult, tuple[MadeFile, ...]]:
        if refusal:
            return ToolResult(call.id, call.name, refusal, is_error=True), ()
        key, began = _key(call), self._clock()
        runs = self._runs[key]
        self._runs[key] += 1
        result, output = await self._tools.call(call)
        kept = tuple(filter(self._has_room, output.files))
        notes = [AGAIN.format(_times(runs))] if runs else []
        if len(kept) < len(output.files):
            left = ", ".join(file.name for file in output.files if file not in kept)
            notes.append(f"Not posted after all, for one answer takes {MOST_FILES} files of 8 MB together: {left}.")
        content = "".join([result.content, *(f"\n\n[{note}]" for note in notes)])
        return replace(result, content=content, seconds=self._clock() - began), kept

    def _has_room(self, file: MadeFile) -> bool:
        """Whether the answer takes one more file, which it has then taken."""
        taken = sum(len(other.data) for other in self._files)
        fits = len(self._files) < MOST_FILES and taken + len(file.data) <= MOST_FILE_BYTES
        self._files += [file] if fits else []
        return fits


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _key(call: ToolCall) -> tuple[str, str]:
    """The same for calls that are the same, however their arguments are written."""
    try:
        return call.name, json.dumps(json.loads(call.arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return call.name, call.arguments
