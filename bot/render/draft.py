"""The page being written, and the finished ones before it.

A page is a list of lines; code blocks and inline markers are closed at its end
and reopened on the next page, so a page never depends on its neighbours. Pages
are cut where their lines overflow, at the best place that costs little room;
a page that was cut never changes again. This module knows nothing of how lines
are read from text.
"""

from __future__ import annotations

import re
from itertools import accumulate

from bot.render.blocks import Fence
from bot.render.cuts import cut_anywhere, cut_prose
from bot.render.found import Scan
from bot.render.inline import SPOILER, ZERO_WIDTH_SPACE, OpenMarkers, apart, close, prefix_within, reopen, units
from bot.render.lines import Line
from bot.render.scan import scan
from bot.render.underscores import read_underscores

_FENCE_MARK = "```"
_LEAST_ROOM = 60
"""A line of prose is not begun on a page for fewer units."""
_LOOKAHEAD = 600
"""A line whose end is not known is cut when this much of what follows is: a link there must not be missed."""

_BLANK = ("", ">")
_NEW_BLOCK = re.compile(r"\s*(?:#{1,3}\s|-#\s|[-*]\s|\d{1,9}\.\s|>)")
_PREFIX = re.compile(r"(?:> )?(?:-#\s|#{1,3}\s)?")
_HEADING = re.compile(r"#{1,3}\s|\*\*[^*]+\*\*:?$")


class Draft:
    """The page being written, and the finished ones before it."""

    def __init__(self, limit: int) -> None:
        self.done: list[str] = []
        self.is_complete = False
        self._capacity = limit + 1
        """Each line is counted with the line break after it, and the last one has none."""
        self._slack = self._capacity
        """What cuts may still give away in all: less than one page, so that never more than one is added."""
        self._scanned: tuple[Line, bool, Scan] | None = None
        """The line that was read last, whether a spoiler covers it, and what was found: it is asked for repeatedly."""
        self._start([])

    def fork(self) -> Draft:
        """A copy to try something on; its `done` begins anew."""
        copy = object.__new__(Draft)
        copy.done, copy.is_complete = [], self.is_complete
        copy._capacity, copy._slack, copy._cost = self._capacity, self._slack, self._cost
        copy._lines, copy._costs, copy._drawn = self._lines.copy(), self._costs.copy(), self._drawn.copy()
        copy._scanned = self._scanned
        copy._fence, copy._blank, copy._waiting = self._fence, self._blank.copy(), self._waiting.copy()
        return copy

    def add(self, line: Line) -> None:
        if self._lines and not self._lines[-1].ends and self._lines[-1].fence is line.fence:
            *before, last = self._lines
            self._start(before)
            line = Line(last.text + apart(last.text, line.text) + line.text, line.fence, line.ends, line.covered)
        self._append(line)
        seen_enough = self._capacity if line.ends else self._capacity + _LOOKAHEAD
        while self._cost + self._closing() > seen_enough:
            self._cut(self._capacity)

    def shrink(self, reserve: int) -> None:
        """Let the page fit, with `reserve` units free on the last one."""
        capacity = self._capacity - reserve
        while self._cost + self._closing() > capacity:
            if self._lines[0].fence and capacity < self._costs[0] <= self._capacity:
                self.done.append(self.text())  # a line of code is not cut for this
                self._start([])
            else:
                self._cut(capacity)

    def text(self) -> str:
        """The page as one message."""
        return self._closed(self._opened_at_end())

    def _closed(self, opened: OpenMarkers) -> str:
        drawn = self._drawn
        if self._fence and not self._blank:
            drawn = [*drawn, f"{self._fence.prefix}{_FENCE_MARK}"]
        text = close("\n".join(_without_blank_edges(drawn)), opened)
        return _without_empty_end(text) if opened else text

    def _start(self, lines: list[Line]) -> None:
        self._lines: list[Line] = []
        self._costs: list[int] = []
        self._cost = 0
        self._drawn: list[str] = []
        self._fence: Fence | None = None
        self._blank: list[str] = []
        self._waiting: list[tuple[int, int, int]] = []
        """Underscores that what follows may make risky: their line, drawn line and position."""
        for line in lines:
            self._append(line)

    def _append(self, line: Line) -> None:
        fence, cost = line.fence, 1
        if fence is not self._fence:
            if self._fence and not self._blank:
                self._drawn.append(f"{self._fence.prefix}{_FENCE_MARK}")
            self._fence, self._blank = fence, []
            if fence:
                cost += units(fence.tag) + 2 * (len(fence.prefix) + len(_FENCE_MARK) + 1)
                self._blank = [f"{fence.prefix}{_FENCE_MARK}{fence.tag}"]
        if "_" in line.text:
            line = self._guarded(line)
        cost += units(line.text)
        if fence is None:
            self._drawn.append(line.text)
        else:
            cost += len(fence.prefix)
            self._draw_code(fence.prefix + line.text, line.text)
        self._lines.append(line)
        self._costs.append(cost)
        self._cost += cost

    def _guarded(self, line: Line) -> Line:
        """The line with its risky underscores escaped; the one before it that became risky is escaped, too."""
        found = read_underscores(line.text, is_code=line.fence is not None)
        if found is None:
            return line
        if found.closes_earlier:
            for index, drawn, position in reversed(self._waiting):
                self._escape(index, drawn, position)
        if found.ends_earlier:
            self._waiting = []
        text = line.text
        for position in reversed(found.risky):
            text = _escaped(text, position)
        here = (len(self._lines), len(self._drawn))
        self._waiting += [(*here, position + len(found.risky)) for position in found.waiting]
        return Line(text, line.fence, line.ends, line.covered) if found.risky else line

    def _escape(self, index: int, drawn: int, position: int) -> None:
        line = self._lines[index]
        text = _escaped(line.text, position)
        self._lines[index], self._drawn[drawn] = Line(text, None, line.ends, line.covered), text
        self._costs[index] += 1
        self._cost += 1

    def _draw_code(self, drawn: str, text: str) -> None:
        """Discord shows a block of blank lines as its own backticks, so its first line waits for a visible one."""
        if self._blank and not text.strip():
            self._blank.append(drawn)
            return
        self._drawn += [*self._blank, drawn] if self._blank else (drawn,)
        self._blank = []

    def _closing(self) -> int:
        opened = self._opened_at_end()
        return units("".join(opened)) + len(opened) if opened else 0

    def _opened_at_end(self) -> OpenMarkers:
        if not self._lines:
            return ()
        line = self._lines[-1]
        if line.ends or line.fence:
            return (SPOILER,) if line.covered and not self.is_complete else ()
        return self._scan(len(self._lines) - 1).opened_at(len(line.text))

    def _scan(self, index: int) -> Scan:
        line, covered = self._lines[index], index > 0 and self._lines[index - 1].covered
        if self._scanned is None or self._scanned[0] is not line or self._scanned[1] is not covered:
            self._scanned = (line, covered, scan(line.text, ends=line.ends, covered=covered))
        return self._scanned[2]

    def _cut(self, capacity: int) -> None:
        """Finish the page at the best place within `capacity`, and begin the next with what remains."""
        index, position = self._best_cut(capacity)
        head, rest = self._lines[:index], self._lines[index:]
        covered = bool(head) and head[-1].covered
        opened: OpenMarkers = (SPOILER,) if covered else ()
        if position:
            opened = opened if rest[0].fence else self._scan(index).opened_at(position)
            before, after = _cut_line(rest[0], position, opened)
            head.append(before)
            rest[0] = after
        elif covered:
            rest = _reopened(rest)
        self._start(head)
        self.done.append(self._closed(opened))
        self._start(_without_blank_beginning(rest))

    def _best_cut(self, capacity: int) -> tuple[int, int]:
        """The line to cut at, and the position in it; 0 is before the line.

        Between blocks, else between lines, as long as little room is given
        away; else within the line, unless that is a line of code that would fit
        on a page.
        """
        ends = list(accumulate(self._costs))
        if self._lines[-1].ends and self._lines[-1].covered:
            capacity -= len(SPOILER) + 1
        fits = sum(end <= capacity for end in ends)
        fits = min(fits, len(ends) - 1)
        line = self._lines[fits]
        room = capacity - 1 - (ends[fits - 1] if fits else 0) - (self._costs[fits] - 1 - units(line.text))
        divisible = line.fence is None or self._costs[fits] > self._capacity
        least_waste = 0 if divisible and fits else room
        slack = max(0, self._slack - self._capacity // 2) // 2
        for index in range(fits, 0, -1):
            waste = capacity - ends[index - 1] - least_waste
            if waste > slack:
                break
            if _is_block_end(self._lines, index):
                self._slack -= max(0, waste)
                return index, 0
        waste = capacity - ends[fits - 1] if fits else capacity
        if fits and divisible and waste <= slack:
            self._slack -= waste
            return fits, 0
        if fits and (not divisible or room < _LEAST_ROOM):
            return fits, 0
        return self._cut_within(fits, line, room, slack)

    def _cut_within(self, index: int, line: Line, room: int, slack: int) -> tuple[int, int]:
        if line.fence:
            position = cut_anywhere(line.text, prefix_within(line.text, room))
        else:
            position = cut_prose(line.text, room, slack, self._scan(index))
        if index and (position <= len(_prefix(line.text)) or self._breaks_a_first_piece(index, position)):
            return index, 0
        self._slack -= max(0, room - units(line.text[:position]))
        return index, max(1, position)

    def _breaks_a_first_piece(self, index: int, position: int) -> bool:
        """Whether a cut goes through what a line begins with, such as a link, though it would fit on a page."""
        line = self._lines[index]
        around = None if line.fence else self._scan(index).atom_around(position)
        return around is not None and around[0] == 0 and units(line.text[: around[1]]) < self._capacity


def _escaped(text: str, position: int) -> str:
    return f"{text[:position]}\\{text[position:]}"


def _cut_line(line: Line, position: int, opened: OpenMarkers) -> tuple[Line, Line]:
    before, after = line.text[:position], line.text[position:]
    if line.fence:
        return Line(before, line.fence, covered=line.covered), Line(after, line.fence, line.ends, line.covered)
    prefix, after = _prefix(line.text), after.lstrip()
    while opened and after.startswith(opened[-1]):  # its end is on the page before already
        after, opened = after[len(opened[-1]) :].lstrip(), opened[:-1]
    if not opened and not prefix and _NEW_BLOCK.match(after):
        after = ZERO_WIDTH_SPACE + after  # these words began no block where they stood
    return Line(before.rstrip()), Line(prefix + reopen(after, opened), None, line.ends, line.covered)


def _reopened(lines: list[Line]) -> list[Line]:
    """The first lines of a page that begins in a spoiler."""
    kept = next((index for index, line in enumerate(lines) if line.fence or line.text.strip()), len(lines))
    lines = lines[kept:]
    if not lines or lines[0].fence:
        return [Line(SPOILER, covered=True), *lines]
    first = lines[0]
    prefix = _prefix(first.text)
    text = prefix + reopen(first.text[len(prefix) :], (SPOILER,))
    return [Line(text, None, first.ends, first.covered), *lines[1:]]


def _without_blank_beginning(lines: list[Line]) -> list[Line]:
    kept = next((index for index, line in enumerate(lines) if line.fence or line.text.strip()), len(lines))
    return lines[kept:]


def _without_blank_edges(drawn: list[str]) -> list[str]:
    """Discord strips blank lines around a message, and would show the sign of a blank line of a quote there."""
    first, last = 0, len(drawn)
    while first < last and drawn[first].strip() in _BLANK:
        first += 1
    while first < last and drawn[last - 1].strip() in _BLANK:
        last -= 1
    return drawn[first:last] if last - first < len(drawn) else drawn


def _without_empty_end(text: str) -> str:
    """A text without last lines that are quote signs and the like alone: behind their markers nothing has come yet."""
    lines = text.split("\n")
    while lines and (not lines[-1].strip() or _PREFIX.fullmatch(f"{lines[-1].strip()} ")):
        lines.pop()
    return "\n".join(lines)


def _is_block_end(lines: list[Line], index: int) -> bool:
    """Whether a page may well end before this line."""
    before, after = lines[index - 1], lines[index]
    if before.fence is after.fence:
        is_end = not before.text.strip() or (not before.fence and bool(_HEADING.match(after.text)))
    else:
        is_end = True
    return is_end and not _introduces(lines, index)


def _introduces(lines: list[Line], index: int) -> bool:
    """Whether the last words before this line belong to what follows: a heading, or a colon."""
    for line in reversed(lines[max(0, index - 3) : index]):
        if line.fence:
            return False
        if line.text.strip():
            return bool(_HEADING.match(line.text)) or line.text.rstrip().endswith(":")
    return False


def _prefix(text: str) -> str:
    """What must stand at the start of each line that continues `text`: quote signs, small print, a heading."""
    match = _PREFIX.match(text)
    return match[0] if match else ""
