"""Whom a message is for: the rules by which Cogitor joins in or keeps quiet.

A pure table of decisions over a few facts. This module knows nothing of how the
facts were found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from bot.messages import Listen

ASIDE = "//"
"""A message that starts with this is for the people in the thread only."""


class Place(Enum):
    """Where a message was written."""

    DM = auto()
    CHANNEL = auto()
    CONVERSATION = auto()  # a thread that already is one of our conversations
    OTHER_THREAD = auto()
    NEW_POST = auto()  # the first message of a post in a forum that the admins listed


class Verdict(Enum):
    """What to do about a message."""

    IGNORE = auto()
    ANSWER = auto()
    OPEN_THREAD = auto()
    JOIN_THREAD = auto()


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a message before anything is done about it."""

    place: Place
    text: str = ""
    from_bot: bool = False
    is_system: bool = False
    """A line Discord itself wrote, such as "Ada renamed the thread"."""
    mentions_us: bool = False
    replies_to_us: bool = False
    replies_to_other: bool = False
    begins_with_other: bool = False
    """The text begins by mentioning somebody else."""
    listen: Listen = Listen.ALL

    @property
    def calls_us(self) -> bool:
        """Whether it is expressly for us, so that its author waits for some answer."""
        return self.mentions_us or self.replies_to_us


def verdict(heard: Heard) -> Verdict:
    """Decide; a mention always wins over what would make the message somebody else's."""
    if heard.from_bot or heard.is_system:
        return Verdict.IGNORE
    match heard.place:
        case Place.CHANNEL:
            return Verdict.OPEN_THREAD if heard.mentions_us else Verdict.IGNORE
        case Place.OTHER_THREAD:
            return Verdict.JOIN_THREAD if heard.mentions_us else Verdict.IGNORE
        case Place.DM:
            return Verdict.IGNORE if heard.text.startswith(ASIDE) else Verdict.ANSWER
        case Place.NEW_POST:
            return Verdict.IGNORE if heard.text.startswith(ASIDE) else Verdict.ANSWER
        case Place.CONVERSATION:
            return Verdict.ANSWER if _meant_for_us(heard) else Verdict.IGNORE


def _meant_for_us(heard: Heard) -> bool:
    if heard.text.startswith(ASIDE):
        return False
    if heard.calls_us:
        return True
    if heard.listen is not Listen.ALL:
        return False
    return not (heard.replies_to_other or heard.begins_with_other)
