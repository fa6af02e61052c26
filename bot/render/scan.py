"""Reads the inline Markdown of one line: what must stay in one piece, which spans there are, which markers are loose.

Spans are found as their author meant them (CommonMark: code before emphasis,
no emphasis inside words with `_`), for Discord pairs markers across lines and
into code. What pairs with nothing is told apart, so that it can be disarmed.
This module knows nothing of lines, fences or pages.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from bot.render.found import Scan, Span
from bot.render.inline import SPOILER

_DEEPEST = 6
"""Of more markers that wait for their partner, the oldest are taken as plain text."""

_TOKEN = re.compile(
    r"""
      \\(?:[^a-zA-Z0-9\s]|$)                                # an escape
    | `+ | \*+ | _+ | ~~+ | \|\|+ | \$\$?
    | !?\[[^\[\]\n]{0,300}\]\((?:[^()\s]|\([^()\s]{0,100}\)){1,500}(?:[ ]"[^"\n]{0,100}")?\)  # a masked link
    | </?[a-zA-Z@\#:!&t][^<>\n]{0,200}>                 # a mention, an emoji, a timestamp, an autolink, a tag
    | https?://[^\s<>*|`~]{1,500}
    | @(?:everyone|here)\b
    """,
    re.VERBOSE,
)
_CANDIDATE = re.compile(r"\\|`|\*|_|~|\||\$|\[|<|@|!\[|https?://")
"""Where a token may begin. Each alternative begins with one certain letter, so `re` passes over plain words quickly."""
_TICK_RUN = re.compile(r"`+")
_DOLLARS = re.compile(r"\$(?=[^\s$])[^$`\n]{0,200}[^\s$`\\]\$(?![\w$])")
_LOOKS_LIKE_MATH = re.compile(r"[\\_^*{]")
_MATH_ENDS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_NAME_WITH_UNDERSCORES = re.compile(r"__[a-zA-Z]\w*?__(?!\w)")


def scan(text: str, *, ends: bool, covered: bool = False, patience: int | None = None) -> Scan:
    """Read a line. If it goes on (`ends` is False), markers that may still be closed are open at its end.

    `covered`: a spoiler was opened before it. `patience`: after so many characters
    of a line that goes on, a marker does not wait for its partner any more.
    """
    waits_from = len(text) + 1 if ends else -1 if patience is None else len(text) - patience
    return _Scanner(text, ends, covered, waits_from).run()


@dataclass(slots=True)
class _Opener:
    """A run of marker characters that may begin a span; `left` of them are not used yet."""

    start: int
    end: int
    left: int
    character: str
    hides_own: bool = False
    """Whether code or a link in the span contains the marker: Discord would end the span there."""


class _Scanner:
    """One pass over a line; work is linear in its length."""

    def __init__(self, text: str, ends: bool, covered: bool, waits_from: int) -> None:
        self._text = text
        self._ends = ends
        self._found = Scan()
        self._openers: list[_Opener] = []
        self._spoiler = -1 if covered else None
        self._ticks: dict[int, list[int]] | None = None
        self._formulas_close = True
        self._waits_from = waits_from
        """What is open from here on may still be closed by what follows in the line."""

    def run(self) -> Scan:
        text, position = self._text, 0
        while candidate := _CANDIDATE.search(text, position):
            start = candidate.start()
            match = _TOKEN.match(text, start)
            if match is None:
                position = start + 1
                continue
            position = match.end()
            first = text[start]
            if first == "`":
                position = self._code(start, position)
                continue
            if first == "_" and (name := _NAME_WITH_UNDERSCORES.match(text, start)) and not self._in_word(start):
                position = name.end()
                self._found.loose += [(start, start + 2), (position - 2, position)]
            elif first in "*_~":
                self._emphasis(start, position, first)
            elif first == "|":
                self._toggle_spoiler(start, position)
            else:
                position = self._piece(start, position)
            self._found.atoms.append((start, position))
        self._finish()
        return self._found

    def _piece(self, start: int, end: int) -> int:
        """Read a formula, a link, a tag or an escape; returns where it ends."""
        text, found = self._text, self._found
        match text[start]:
            case "$" | "\\" if text[start:end] in _MATH_ENDS:
                end = self._formula(start, end)
            case "$":
                formula = _DOLLARS.match(text, start)
                if formula and _LOOKS_LIKE_MATH.search(formula[0]):
                    end = formula.end()
                    found.formulas.append((start, end))
            case "!" | "[":
                found.links.append((start, end))
            case "<":
                found.tags.append((start, end))
            case _:
                pass
        self._note_hidden(start, end)
        return end

    def _formula(self, start: int, end: int) -> int:
        closing = self._text.find(_MATH_ENDS[self._text[start:end]], end) if self._formulas_close else -1
        if closing > end and (self._text[start] != "\\" or self._text[start + 1] == "(" or self._is_math(end, closing)):
            self._found.formulas.append((start, closing + 2))
            return closing + 2
        waits = start >= self._waits_from and self._found.open_formula is None
        if closing < 0 and waits and self._text[start:end] != "\\[":
            self._found.open_formula = start
        self._formulas_close = self._formulas_close and closing >= 0
        return end

    def _is_math(self, start: int, end: int) -> bool:
        return bool(_LOOKS_LIKE_MATH.search(self._text, start, end))

    def _in_word(self, position: int) -> bool:
        return position > 0 and self._text[position - 1].isalnum()

    def _code(self, start: int, end: int) -> int:
        """Read a code span, or loose backticks; returns where reading goes on."""
        closing = self._closing_ticks(end, end - start)
        self._found.atoms.append((start, end))
        if closing is None:
            if start < self._waits_from:
                self._found.loose.append((start, end))
                return end
            self._found.spans.append(Span(start, len(self._text) + 1, self._text[start:end]))
            return len(self._text)
        self._found.spans.append(Span(start, closing + end - start, self._text[start:end]))
        self._found.atoms.append((closing, closing + end - start))
        self._note_hidden(end, closing)
        return closing + end - start

    def _closing_ticks(self, position: int, length: int) -> int | None:
        if self._ticks is None:
            self._ticks = {}
            for run in _TICK_RUN.finditer(self._text):
                self._ticks.setdefault(len(run[0]), []).append(run.start())
        runs = self._ticks.get(length, [])
        index = bisect_left(runs, position)
        return runs[index] if index < len(runs) else None

    def _note_hidden(self, start: int, end: int) -> None:
        for opener in self._openers:
            opener.hides_own = opener.hides_own or self._text.find(opener.character, start, end) >= 0

    def _emphasis(self, start: int, end: int, character: str) -> None:
        text = self._text
        before, after = text[start - 1 : start], text[end : end + 1]
        opens = (
            bool(after or not self._ends) and not after.isspace() and not (before.isalnum() and _is_punctuation(after))
        )
        closes = bool(before) and not before.isspace() and not (after.isalnum() and _is_punctuation(before))
        if character == "_":
            opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
        left = end - start
        if left > 3 or (character == "~" and left > 2):
            self._found.loose.append((start, end))
            return
        if closes:
            left = self._close_spans(start, left, character)
        if left and opens:
            if len(self._openers) == _DEEPEST:
                self._loosen(self._openers.pop(0))
            self._openers.append(_Opener(end - left, end, left, character))
        elif left and (left > 1 or not self._is_harmless(end - left, end, character)):
            self._found.loose.append((end - left, end))

    def _is_harmless(self, start: int, end: int, character: str) -> bool:
        """Whether Discord takes a single marker for plain text here, too."""
        after = self._text[end : end + 1]
        if character == "*":
            return not after or after.isspace()
        return self._in_word(start) and after.isalnum()

    def _close_spans(self, start: int, left: int, character: str) -> int:
        """Let a run close what it can; returns how many of its characters are left."""
        while left:
            index = next((at for at in reversed(range(len(self._openers))) if self._fits(at, left, character)), None)
            if index is None:
                return left
            for opener in self._openers[index + 1 :]:
                self._loosen(opener)
            del self._openers[index + 1 :]
            opener = self._openers[index]
            used = 2 if character == "~" or (left >= 2 and opener.left >= 2) else 1
            opener.left -= used
            opening = opener.start + opener.left
            if opener.hides_own:
                self._found.spoilt += [(opening, opening + used), (start, start + used)]
            elif self._is_empty(opening + used, start):
                self._found.loose += [(opening, opening + used), (start, start + used)]
            else:
                self._found.spans.append(Span(opening, start + used, character * used))
            start, left = start + used, left - used
            if not opener.left:
                self._openers.pop()
        return 0

    def _is_empty(self, start: int, end: int) -> bool:
        return not self._text[start:end].strip()

    def _fits(self, index: int, left: int, character: str) -> bool:
        opener = self._openers[index]
        return opener.character == character and (opener.left == left or opener.left == 3 or left == 3)

    def _loosen(self, opener: _Opener) -> None:
        if opener.left:
            self._found.loose.append((opener.start, opener.start + opener.left))

    def _toggle_spoiler(self, start: int, end: int) -> None:
        """A spoiler begins before a word and ends after one; over several lines only at the start of one."""
        text = self._text
        if end - start > 2:
            self._found.loose.append((start, end))
        elif self._spoiler is not None:
            self._found.spans.append(Span(self._spoiler, end, SPOILER))
            self._spoiler = None
        elif text[end : end + 1].isspace() or (self._ends and end == len(text) and text.strip() != SPOILER):
            self._found.loose.append((start, end))
        else:
            self._spoiler = start

    def _finish(self) -> None:
        beyond = len(self._text) + 1
        if self._spoiler is not None:
            at_start = not self._text[: max(0, self._spoiler)].strip(" >")
            if at_start or self._spoiler >= self._waits_from:
                self._found.spans.append(Span(self._spoiler, beyond, SPOILER))
            else:
                self._found.loose.append((self._spoiler, self._spoiler + 2))
        # Nobody opens the same twice before closing it, so of several that wait only the last may be meant.
        latest = {(opener.character, opener.left): opener for opener in self._openers}
        for opener in self._openers:
            if opener.start >= self._waits_from and latest[opener.character, opener.left] is opener:
                self._found.spans.append(Span(opener.start, beyond, opener.character * opener.left))
            elif opener.left:
                self._loosen(opener)
        self._found.loose.sort()


def _is_punctuation(character: str) -> bool:
    return bool(character) and not character.isalnum() and not character.isspace()
