"""A model's window as a conversation fills it: what the next request takes along, and what is left free.

Pure arithmetic over `bot/context.py`, shared by the answer, which sends, and by
`/context`, which tells. This module knows nothing of how it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.context import estimate_text, fit, output_room
from bot.messages import Conversation, Said, Spending, Turn, Usage
from bot.model import ModelInfo
from bot.sight import TEXT_ONLY, Able

_NO_LIMIT = 2**62


@dataclass(frozen=True, slots=True)
class Room:
    """How a window of `window` tokens is divided before any turn is in it."""

    window: int
    instructions: int
    answer: int
    """Kept free for the answer."""

    @property
    def for_turns(self) -> int:
        return self.window - self.instructions - self.answer


@dataclass(frozen=True, slots=True)
class Window:
    """What the next request of a conversation would be; tokens are estimates, as those that decide what is sent."""

    model: str
    room: Room
    is_assumed: bool
    """Nothing is known of the model, so its window is a guess."""
    kept_turns: int
    kept_tokens: int
    left_turns: int
    left_tokens: int
    last: Usage | None = None
    """What the provider reported of the last request; None where there was none yet."""
    spending: tuple[Spending, ...] = ()
    """Of every turn, oldest first."""

    @property
    def used(self) -> int:
        return self.room.instructions + self.kept_tokens

    @property
    def free(self) -> int:
        return max(0, self.room.for_turns - self.kept_tokens)

    @property
    def cached_share(self) -> float:
        """Of the last request's prompt, between 0 and 1."""
        if self.last is None or not self.last.prompt_tokens:
            return 0.0
        return min(1.0, self.last.cached_tokens / self.last.prompt_tokens)

    @property
    def requests(self) -> int:
        return sum(spent.requests for spent in self.spending)

    @property
    def total(self) -> Usage:
        return sum((spent.usage for spent in self.spending), Usage())


def room_for(system: str, info: ModelInfo | None, *, max_output: int) -> Room:
    """How a model's window is divided. Where nothing is known of the model, a small one is assumed."""
    window = (info or ModelInfo("", "")).context_tokens
    return Room(window, estimate_text(system), output_room(window, max_output))


def look_at(
    conversation: Conversation,
    turns: Sequence[Turn],
    *,
    model: str,
    info: ModelInfo | None,
    room: Room,
    able: Able = TEXT_ONLY,
    spending: Sequence[Spending] = (),
) -> Window:
    """The window with all the `turns` of a conversation, oldest first, as the next question will find it.

    While a question is being answered or waits, that is the next one.
    """
    waiting = next((turn for turn in turns if turn.status.unfinished), None)
    asked = replace(waiting, steps=()) if waiting else _nothing_yet(conversation)
    earlier = [turn for turn in turns if turn.id < asked.id]
    sent = fit(
        [*(turn for turn in earlier if turn.id >= conversation.first_turn_id), asked],
        budget=room.for_turns,
        first_whole=conversation.first_whole_turn_id,
        able=able,
    )
    left = [turn for turn in earlier if turn.id < max(conversation.first_turn_id, sent.first_turn_id)]
    is_empty = waiting is None
    return Window(
        model=model,
        room=room,
        is_assumed=info is None,
        kept_turns=len(sent.turns) - is_empty,
        kept_tokens=sent.tokens - (_tokens([asked]) if is_empty else 0),
        left_turns=len(left),
        left_tokens=_tokens(left),
        last=_last_usage(turns),
        spending=tuple(spending),
    )


def _nothing_yet(conversation: Conversation) -> Turn:
    """The question that nobody has asked yet."""
    return Turn(_NO_LIMIT, conversation.id, (Said(_NO_LIMIT, conversation.owner_id, "", (), 0.0),))


def _tokens(turns: Sequence[Turn]) -> int:
    return fit(turns, budget=_NO_LIMIT).tokens if turns else 0


def _last_usage(turns: Sequence[Turn]) -> Usage | None:
    steps = (step for turn in reversed(turns) for step in reversed(turn.steps))
    return next((step.usage for step in steps if step.usage is not None), None)
