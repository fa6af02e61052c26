"""What a panel consists of: its text and its rows of controls, within what Discord takes.

Pure values. This module knows nothing of what a panel is about, nor of how it is
sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

MOST_OPTIONS = 25
"""Options of one select, and values that can be chosen in it (Discord, "Component Reference")."""
LONGEST_OPTION = 100
LONGEST_TEXT = 2_000
LONGEST_TYPED = 4_000


class Style(Enum):
    PLAIN = auto()
    MAIN = auto()
    DANGER = auto()


class Places(Enum):
    """Which channels may be chosen."""

    ALL = auto()
    FORUMS = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Button:
    id: str
    label: str
    style: Style = Style.PLAIN
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    label: str
    value: str
    description: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """A choice among options of our own."""

    id: str
    prompt: str
    options: tuple[Option, ...]
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class ChannelSelect:
    """A choice among a server's channels."""

    id: str
    prompt: str
    places: Places
    chosen: tuple[int, ...] = ()
    most: int = MOST_OPTIONS


@dataclass(frozen=True, slots=True)
class RoleSelect:
    """A choice among a server's roles."""

    id: str
    prompt: str
    chosen: tuple[int, ...] = ()
    least: int = 0
    most: int = MOST_OPTIONS


Row: TypeAlias = tuple[Button, ...] | Select | ChannelSelect | RoleSelect


@dataclass(frozen=True, slots=True)
class Screen:
    """What one message shows; at most five rows."""

    text: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One field to type into."""

    id: str
    title: str
    label: str
    text: str
    prompt: str = ""
    """Stands in the field while it is empty."""
    is_long: bool = False
    longest: int = LONGEST_TYPED


def clipped(text: str, longest: int) -> str:
    """A text that is no longer than it may be; what was left out is told by an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def fitted(lines: Iterable[str]) -> str:
    """As many lines as one message takes."""
    text = ""
    for line in lines:
        if len(text) + len(line) + 3 > LONGEST_TEXT:
            return f"{text}…"
        text += f"{line}\n"
    return text.rstrip("\n")
