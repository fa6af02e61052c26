"""A model's reasoning, covered by a spoiler that nothing in it can open.

On Discord a spoiler ends at the next `||`, whether that stands in code or after
a backslash, and how it crosses blocks of Markdown differs from client to client.
So the reasoning is shown as plain text: every pipe is followed by a zero-width
space, as is every line break, so that no block begins; other markers are escaped
where they stand. Each character is disarmed on its own, which makes the work
constant and the result the same however the text was cut. What has been shown
never moves, so that it can be read while it grows; the rest is left to a file.
This module knows nothing of when it is shown.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.render.footer import seconds, small
from bot.render.inline import SPOILER, ZERO_WIDTH_SPACE, units
from bot.render.page import Page, PageFile, text_file

ROOM = 1_850
"""UTF-16 units for the disarmed text; the rest of a message is for the line above it."""

THINKING = small("💭 Thinking…")
"""Also what a message says when it is posted, so that no notification has a word of what it shows later."""

FILE_NAME = "SPOILER_reasoning.md"
"""Discord covers a file whose name begins like that (Discord, "Uploading Files")."""

_NEW_LINE = f"\n{ZERO_WIDTH_SPACE}"
_NOT_SHOWN = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Control characters, which Discord removes, so that what was apart would meet; and those that turn text around."""

_DISARMED: dict[int, str | None] = {
    **dict.fromkeys(_NOT_SHOWN, None),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    **dict.fromkeys(map(ord, "\n\u2028\u2029"), _NEW_LINE),
    **{ord(marker): f"\\{marker}" for marker in "\\*_~`<[/"},  # with the slash no link is left, and no preview of one
    **{ord(marker): f"{marker}{ZERO_WIDTH_SPACE}" for marker in "|@"},
}
_BLANK_LINES = re.compile(rf"(?:\n{ZERO_WIDTH_SPACE}[ \t]*){{3,}}")
_INVISIBLE = " \t\n\u200b\u200c\u200d\u2060\ufeff"
_LONGEST_WORD = 60
"""Characters given away at most for not ending in the middle of a word."""


class Spoiler:
    """Feed it the reasoning as it streams; `covered` is what its message shows at that moment."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._disarmed = ""
        self._growing: list[str] = []
        self._room = ROOM
        self._is_new_step = False
        self._file: PageFile | None = None
        self.has_words = False
        """Whether there is anything to be seen."""
        self.is_cut = False
        """Whether there is more than `covered` shows."""

    def add(self, text: str) -> None:
        """Add text. Work is linear in the part of `text` that is still shown."""
        if self._is_new_step and text:
            self._is_new_step = False
            self.add("\n\n")
        self._pieces.append(text)
        for start in range(0, len(text), ROOM):
            if self.is_cut:
                return
            self._take(text[start : start + ROOM])

    def end_step(self) -> None:
        """What follows is thought after a tool's result, and begins a new paragraph."""
        self._is_new_step = self._is_new_step or bool(self._pieces)

    def covered(self) -> str:
        """The reasoning behind its spoiler, in at most ROOM + 10 UTF-16 units; empty while there is nothing to see."""
        if not self.has_words:
            return ""
        if self._growing:
            self._disarmed += "".join(self._growing)
            self._growing.clear()
        shown = _BLANK_LINES.sub(_NEW_LINE * 2, self._disarmed).strip(_INVISIBLE)
        return f"{SPOILER}{ZERO_WIDTH_SPACE}{shown}{' …' if self.is_cut else ''}{ZERO_WIDTH_SPACE}{SPOILER}"

    def whole(self) -> str:
        """All of the reasoning, as the model wrote it."""
        return "".join(self._pieces)

    def page(self, status: str) -> Page:
        """The reasoning's message while it may still grow, below a line that says what is going on."""
        return Page(f"{status}\n{self.covered()}", announcement=THINKING)

    def last_page(self, thinking_seconds: float, *, with_file: bool) -> Page:
        """The reasoning's message when the turn is over; it has a file of all that it shows the beginning of."""
        line = f"💭 Thought for {seconds(thinking_seconds)}" if thinking_seconds >= 0.5 else "💭 Thought"
        if not (self.is_cut and with_file):
            return self.page(small(line))
        if self._file is None:
            self._file = text_file(FILE_NAME, self.whole())
        return replace(self.page(small(f"{line} · all of it is in the file below")), files=(self._file,))

    def _take(self, text: str) -> None:
        disarmed = text.translate(_DISARMED)
        if (size := units(disarmed)) <= self._room:
            self._show(disarmed, size)
        else:
            self._show_beginning(text)

    def _show(self, disarmed: str, size: int) -> None:
        self._growing.append(disarmed)
        self._room -= size
        self.has_words = self.has_words or bool(disarmed.strip(_INVISIBLE))

    def _show_beginning(self, text: str) -> None:
        """Show as much of `text` as there is room for, which is the last that is shown."""
        for character in text:
            disarmed = character.translate(_DISARMED)
            if (size := units(disarmed)) > self._room:
                break
            self._show(disarmed, size)
        self.is_cut = True
        shown = self._disarmed + "".join(self._growing)
        word_end = max(shown.rfind(" "), shown.rfind("\n"))
        self._disarmed = shown[:word_end] if len(shown) - word_end <= _LONGEST_WORD else shown
        self._growing.clear()
