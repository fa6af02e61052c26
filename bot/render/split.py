"""Splits streamed Markdown into Discord messages, each of which renders well on its own at every moment.

A page is a list of lines; code blocks and inline markers are closed at its end
and reopened on the next page, so a page never depends on its neighbours. Pages
are cut where their lines overflow, at the best place that costs little room;
a page that was cut never changes again. This module knows nothing of Discord's
API, and nothing of how lines are read from text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, groupby

from bot.render.inline import (
    SPOILER,
    OpenMarkers,
    close,
    cut_anywhere,
    cut_prose,
    opened_after,
    prefix_within,
    reopen,
    units,
)
from bot.render.lines import Fence, Line, LineReader

MESSAGE_LIMIT = 2000
"""Discord, 'Create Message': the longest content."""

_FENCE_MARK = "```"
_CLOSERS = 16
"""Units kept free on each page: no more inline markers than that can be open at once."""
_LEAST_ROOM = 60
"""A line of prose is not begun on a page for fewer units."""
_LOOKAHEAD = 600
"""A line whose end is not known is cut when this much of what follows is: a link there must not be missed."""
_SLACK_SHARE = 4
"""A cut may give away this fraction of the slack that is left; all cuts together give away less than one page."""

_TICKS = ("`", "``")
_NEW_BLOCK = re.compile(r"\s*(?:$|#{1,3}\s|-#\s|[-*+]\s|\d{1,9}[.)]\s|>)")
_PREFIX = re.compile(r"\s{0,20}(?:>\s){0,5}(?:-#\s|#{1,3}\s)?")
_HEADING = re.compile(r"#{1,3}\s|\*\*[^*]+\*\*:?$")


class Splitter:
    """Feed it the answer as it streams; `pages` is what its messages should show at that moment.

    `limit` is the size of a message in UTF-16 units, at least 400.
    """

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self._reader = LineReader()
        self._draft = _Draft(limit - _CLOSERS)

    def feed(self, text: str) -> None:
        """Add text. Work is linear in `text`, however long the answer is already."""
        for line in self._reader.feed(text):
            self._draft.add(line)

    def finish(self) -> None:
        """The answer is complete: decide whatever waited for more."""
        for line in self._reader.finish():
            self._draft.add(line)

    @property
    def done(self) -> Sequence[str]:
        """The pages that never change any more, in order. An empty one is not shown."""
        return self._draft.done

    def pages(self, reserve: int = 0) -> list[str]:
        """The text of each message, none of them empty. `reserve` units stay free on the last one.

        Pages before the one being written never change. Work is linear in the
        size of a page.
        """
        draft = self._draft.fork()
        for line in self._reader.preview():
            draft.add(line)
        draft.shrink(reserve)
        return [page for page in (*self._draft.done, *draft.done, draft.text()) if page]


class _Draft:
    """The page being written, and the finished ones before it."""

    def __init__(self, capacity: int) -> None:
        self.done: list[str] = []
        self._capacity = capacity
        self._slack = capacity
        self._start([], None)

    def fork(self) -> _Draft:
        """A copy to try something on; its `done` begins anew."""
        copy = _Draft(self._capacity)
        copy._slack, copy._reopened = self._slack, self._reopened
        copy._lines, copy._costs, copy._cost = self._lines.copy(), self._costs.copy(), self._cost
        return copy

    def add(self, line: Line) -> None:
        if self._lines and not self._lines[-1].ends and self._lines[-1].fence is line.fence:
            self._cost -= self._costs.pop()
            line = Line(self._lines.pop().text + line.text, line.fence, line.ends)
        self._append(line)
        seen_enough = self._capacity if line.ends else self._capacity + _LOOKAHEAD
        while self._cost > seen_enough:
            self._cut(self._capacity)

    def shrink(self, reserve: int) -> None:
        """Let the page fit, with `reserve` units free on the last one."""
        capacity = self._capacity - reserve
        while self._cost > capacity:
            if self._lines[0].fence and capacity < self._costs[0] <= self._capacity:
                self.done.append(self.text())  # a line of code is not cut for this
                self._start([], None)
            else:
                self._cut(capacity)

    def text(self) -> str:
        return _rendered(self._lines, self._reopened)

    def _start(self, lines: list[Line], reopened: Fence | None) -> None:
        self._lines: list[Line] = []
        self._costs: list[int] = []
        self._cost = 0
        self._reopened = reopened
        for line in lines:
            self._append(line)

    def _append(self, line: Line) -> None:
        cost = _cost(line, self._lines[-1].fence if self._lines else None)
        self._lines.append(line)
        self._costs.append(cost)
        self._cost += cost

    def _cut(self, capacity: int) -> None:
        """Finish the page at the best place within `capacity`, and begin the next with what remains."""
        index, position = self._best_cut(capacity)
        head, rest = self._lines[:index], self._lines[index:]
        opened = _opened_at_end(head)
        if position:
            before, after = _cut_line(rest[0], position, opened)
            head.append(before)
            rest[0] = after
        else:
            rest = _carried_on(rest, opened)
        self.done.append(_rendered(head, self._reopened))
        self._start(rest, head[-1].fence if head else None)

    def _best_cut(self, capacity: int) -> tuple[int, int]:
        """The line to cut at, and the position in it; 0 is before the line.

        Between blocks, else between lines, as long as little room is given
        away; else within the line, unless that is a line of code that would fit
        on a page.
        """
        ends = list(accumulate(self._costs))
        fits = sum(end <= capacity for end in ends)
        line = self._lines[fits]
        room = capacity - (ends[fits - 1] if fits else 0) - (self._costs[fits] - units(line.text))
        divisible = line.fence is None or not line.ends or self._costs[fits] > self._capacity
        least_waste = 0 if divisible and fits else room
        slack = max(0, self._slack) // _SLACK_SHARE
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
            position = cut_prose(line.text, room, slack, _opened_before(line, _opened_at_end(self._lines[:index])))
        if index and position <= len(_prefix(line.text)):
            return index, 0
        self._slack -= max(0, room - units(line.text[:position]))
        return index, max(1, position)


def _cost(line: Line, fence_before: Fence | None) -> int:
    cost = units(line.text) + 1
    if line.fence and line.fence is not fence_before:
        cost += units(line.fence.lead + line.fence.tag + line.fence.indent) + 2 * (len(_FENCE_MARK) + 1)
    return cost


def _rendered(lines: list[Line], reopened: Fence | None) -> str:
    """The lines as one message; `reopened` is the code block that began on an earlier page."""
    drawn: list[str] = []
    for fence, run in groupby(lines, key=lambda line: line.fence):
        texts = [line.text for line in run]
        if fence is None:
            drawn += texts
        elif any(text.strip() for text in texts):  # Discord shows an empty block as its own backticks
            lead = fence.indent if fence is reopened else fence.lead
            drawn += [f"{lead}{_FENCE_MARK}{fence.tag}", *texts, f"{fence.indent}{_FENCE_MARK}"]
    return close("\n".join(drawn).strip("\n"), _opened_at_end(lines))


def _opened_at_end(lines: list[Line]) -> OpenMarkers:
    """The inline markers that are open after these lines."""
    opened: OpenMarkers = ()
    for line in lines:
        opened = _opened_before(line, opened)
        if line.fence is None:
            opened = opened_after(line.text, opened)
        if line.ends:
            opened = tuple(marker for marker in opened if marker not in _TICKS)
    return opened


def _opened_before(line: Line, opened: OpenMarkers) -> OpenMarkers:
    """What is still open where `line` begins: only spoilers reach beyond a block."""
    if opened and (line.fence or _NEW_BLOCK.match(line.text)):
        return (SPOILER,) if SPOILER in opened else ()
    return opened


def _cut_line(line: Line, position: int, opened: OpenMarkers) -> tuple[Line, Line]:
    before, after = line.text[:position], line.text[position:]
    if line.fence:
        return Line(before, line.fence), Line(after, line.fence, line.ends)
    opened = opened_after(before, _opened_before(line, opened))
    after = _prefix(line.text) + reopen(after.lstrip(), opened)
    return Line(before.rstrip(), ends=False), Line(after, None, line.ends)


def _carried_on(lines: list[Line], opened: OpenMarkers) -> list[Line]:
    """The first lines of a page, with what was `opened` before them open again."""
    kept = next((index for index, line in enumerate(lines) if line.fence or line.text.strip()), len(lines))
    for line in lines[: kept + 1]:
        opened = _opened_before(line, opened)
    lines = lines[kept:]
    if not opened:
        return lines
    if not lines or lines[0].fence:
        return [Line("".join(opened), ends=False), *lines]
    first = lines[0]
    prefix = _prefix(first.text)
    return [Line(prefix + reopen(first.text[len(prefix) :], opened), None, first.ends), *lines[1:]]


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
