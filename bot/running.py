"""The turn that is being answered, as it is sent: what of it has to leave the model's window while it grows.

What tools gave leaves first, the oldest of it before the rest, then whole earlier
turns, then whole steps: never a call without its result, and no reasoning without
its step. When something must leave then a good deal does, so that the prompt's
beginning, which providers cache byte by byte, stays the same for many steps
afterwards. Pure arithmetic over estimates; what is stored stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.context import estimate_step, estimate_turn, without_output
from bot.messages import Step, Turn
from bot.tools.results import MOST_OF_A_STEP

_KEPT_SHARE = 0.7
_LEAST_OUTPUT = 2_000
_SHARE_OF_OUTPUT = 0.4
_CHARACTERS_PER_TOKEN = 2
"""Fewer than most scripts have, so that what one step adds fits."""
_KEPT_STEPS = 1
"""The newest steps, whose output the model has not seen yet."""


class RunningTurn:
    """The turns of a conversation, the last of which is being answered, within `room` tokens (None: no limit).

    `tokens` is about how many the turns take before the answer begins.
    """

    def __init__(self, turns: Sequence[Turn], *, tokens: int, room: int | None) -> None:
        self._earlier = list(turns[:-1])
        self._question = replace(turns[-1], steps=())
        self._room = room
        self._tokens = tokens
        self._steps: list[Step] = []
        self._loads: list[int] = []
        self._light = 0
        """So many of the steps go without their tools' output."""

    @property
    def tokens(self) -> int:
        """About how many tokens all of it takes as it is sent."""
        return self._tokens

    def turns(self) -> tuple[Turn, ...]:
        return (*self._earlier, replace(self._question, steps=tuple(self._steps)))

    def add(self, step: Step) -> tuple[Step, ...]:
        """One more step is finished. Returns the steps whose tools' output has left just now."""
        self._steps.append(step)
        self._loads.append(estimate_step(step))
        self._tokens += self._loads[-1]
        if self._room is None or self._tokens <= self._room:
            return ()
        return tuple(self._shrink(int(self._room * _KEPT_SHARE)))

    def squeeze(self) -> tuple[Step, ...] | None:
        """Make it a good deal smaller, for it did not fit; None where nothing is left that could leave."""
        before = self._tokens
        lost = (*self._shrink(int(before * _KEPT_SHARE)),)
        if self._tokens == before and self._steps:
            lost = (self._steps[-1],)
            self._replace(-1, without_output(self._steps[-1]))
        return lost if self._tokens < before else None

    @property
    def most_output(self) -> int:
        """How many characters one step's results may have together, so that they leave room for others."""
        if self._room is None:
            return MOST_OF_A_STEP
        return min(MOST_OF_A_STEP, max(_LEAST_OUTPUT, int(self._room * _SHARE_OF_OUTPUT * _CHARACTERS_PER_TOKEN)))

    def _shrink(self, goal: int) -> Iterable[Step]:
        while self._tokens > goal and self._light < len(self._steps) - _KEPT_STEPS:
            step = self._steps[self._light]
            lighter = without_output(step)
            if lighter != step:
                yield step
            self._replace(self._light, lighter)
            self._light += 1
        while self._tokens > goal and self._earlier:
            self._tokens -= estimate_turn(self._earlier.pop(0))
        while self._tokens > goal and len(self._steps) > _KEPT_STEPS:
            self._steps.pop(0)
            self._tokens -= self._loads.pop(0)
            self._light = max(0, self._light - 1)

    def _replace(self, place: int, step: Step) -> None:
        load = estimate_step(step)
        self._tokens += load - self._loads[place]
        self._steps[place], self._loads[place] = step, load
