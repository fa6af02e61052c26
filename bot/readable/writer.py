"""Lays out running text, headings, lists, code and tables as lines that read like Markdown.

It is told what comes, in order, and knows nothing of HTML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_CHARS = 1_000_000
"""Of one page; far more than anybody reads on to."""

_DEEPEST = 12
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
_TICKS = re.compile(r"`+")


class Full(Exception):
    """The text has become as long as it may be; what is written is kept."""


@dataclass(slots=True)
class _Sink:
    """Running text that is being collected."""

    pieces: list[str] = field(default_factory=list[str])


class Writer:
    """Collects a page. `capture` and `captured` take running text apart, for links and cells."""

    def __init__(self, limit: int = MAX_CHARS) -> None:
        self._lines: list[str] = []
        self._left = limit
        self._sinks = [_Sink()]
        self._prefixes: list[str] = []
        self._marker = ""

    def say(self, text: str) -> None:
        """Running text, in which white space means one space."""
        if text:
            self._sinks[-1].pieces.append(_SPACE.sub(" ", text))

    def code(self, text: str) -> None:
        """A few words of code within running text."""
        text = " ".join(text.split())
        if text:
            ticks = _longer_than_any(text, least=1)
            pad = " " if text.startswith("`") or text.endswith("`") else ""
            self.say(f"{ticks}{pad}{text}{pad}{ticks}")

    def line_break(self) -> None:
        self._sinks[-1].pieces.append(" " if self._captures else "\n")

    def block(self, *, apart: bool = True) -> None:
        """End a paragraph; `apart` leaves an empty line after it. Within captured text it is a space."""
        if self._captures:
            self._sinks[-1].pieces.append(" ")
            return
        text = "".join(self._sinks[0].pieces)
        self._sinks[0].pieces.clear()
        for line in text.split("\n"):
            if line.strip():
                self._write(" ".join(line.split()))
        if apart:
            self.gap()

    def gap(self) -> None:
        """An empty line, unless there is one already or an item has just begun."""
        if self._captures:
            return
        if self._lines and self._lines[-1].strip() and not self._marker:
            self._put("")

    def heading(self, level: int, text: str) -> None:
        self.block()
        if self._captures:
            self.say(text)
        elif text:
            self._write("#" * level + " " + text)
            self.gap()

    def fence(self, code: str, language: str) -> None:
        """A block of code, unaltered and not indented, whatever it stands in."""
        self.block()
        if self._captures:
            self.code(code)
            return
        self._settle_marker()
        ticks = _longer_than_any(code, least=3)
        for line in (ticks + language, code, ticks, ""):
            self._put(line)

    def row(self, cells: list[str], *, is_first: bool) -> None:
        """A row of a table; a rule stands below the first."""
        if self._captures:
            self.say(" ".join(cells) + " ")
            return
        self._write("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        if is_first:
            self._write("|" + "---|" * len(cells))

    def indent(self, prefix: str, marker: str = "") -> None:
        """What follows stands behind `prefix`, its first line behind `marker` instead."""
        self.block(apart=False)
        self._settle_marker()
        self._prefixes.append(prefix)
        self._marker = "" if self._captures else marker

    def outdent(self) -> None:
        self.block(apart=False)
        self._marker = ""
        self._prefixes.pop()

    def capture(self) -> None:
        self._sinks.append(_Sink())

    def captured(self) -> str:
        """What was said since `capture`, in one line; a space at an end is kept as it was."""
        return _SPACE.sub(" ", "".join(self._sinks.pop().pieces))

    def text(self) -> str:
        """Everything written so far, without empty lines at its ends and with never two of them together."""
        try:
            while self._captures:
                self.say(self.captured())
            self.block()
        except Full:  # as before
            self._sinks = [_Sink()]
        return "\n".join(self._lines).strip("\n")

    @property
    def _captures(self) -> bool:
        return len(self._sinks) > 1

    def _write(self, line: str) -> None:
        prefixes = self._prefixes[:_DEEPEST]
        head = "".join(prefixes)
        if self._marker:
            head = "".join(prefixes[:-1]) + self._marker
            self._marker = ""
        self._put((head + line).rstrip())

    def _settle_marker(self) -> None:
        """An item that begins with something else than text still shows that it begins."""
        if self._marker:
            self._write("")

    def _put(self, lines: str) -> None:
        self._lines.append(lines[: max(self._left, 0)])
        self._left -= len(lines) + 1
        if self._left < 0:
            raise Full


def _longer_than_any(text: str, *, least: int) -> str:
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    return "`" * (longest + 1 if longest >= least else least)
