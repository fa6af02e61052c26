"""Holds what Discord shows of an answer, at every moment, against what the answer's author meant.

A message is read as Discord's client renders it (`tests/discord_markdown.py`, which
shares no code with any bot) and compared letter by letter, styles included. Exactly
the rewriting that the README promises is allowed. This module knows nothing of bots.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.difficult import TABLE, Answer
from tests.discord_markdown import shown, words

_ARMED = re.compile("(?<=`)\u200b(?=`)")
"""What stands between three backticks in code, so that Discord does not end the block there."""
_LIST_MARKER = re.compile(r"•|-|\d+\.")
"""Above code in a list these are shown, elsewhere the client draws them, so they are not compared."""
_SMALL_PRINT = re.compile(r"(?:^|\n+)(?:-# [^\n]*|<@\d+> (?:Done|This)[^\n]*)\s*$")
_DRAWN_BORDERS = str.maketrans("", "", " │─┼")
_HALF_MARKER = re.compile(r"[*_~`|\u200b]*\d*\.?[*_~`|\u200b]*")


@dataclass(frozen=True, slots=True)
class Spelled:
    """Visible letters, and the style of each. White space counts in code alone."""

    letters: str
    styles: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.letters)


def spelled(found: Iterable[tuple[str, str]]) -> Spelled:
    """Words and lines of code in letters."""
    letters: list[str] = []
    styles: list[str] = []
    for word, style in found:
        visible, kind = _read(word, style)
        letters.append(visible)
        styles += [kind] * len(visible)
    return Spelled("".join(letters), tuple(styles))


def _read(word: str, style: str) -> tuple[str, str]:
    """What counts of a word or a line of code, and its style."""
    if style == TABLE or (style == "block" and ("│" in word or "┼" in word)):
        return word.translate(_DRAWN_BORDERS), TABLE
    if style.startswith("block"):
        return _ARMED.sub("", word), style
    word = word.replace("\u200b", "")
    return "" if _LIST_MARKER.fullmatch(word) else word, style


def answer_in(message: str) -> str:
    """A message without the small print below the answer."""
    while match := _SMALL_PRINT.search(message):
        message = message[: match.start()]
    return message


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a message: anything at all, and whether code is shown as text or text as code."""

    is_broken: bool
    breaks_code: bool


_SOUND = Verdict(is_broken=False, breaks_code=False)


class Judge:
    """Knows one answer, and judges the messages that show it."""

    def __init__(self, answer: Answer) -> None:
        self.expected = spelled(answer.words)
        self._bare, self._indices = _bare(self.expected)
        self._verdicts: dict[tuple[str, bool], Verdict] = {}

    def verdict(self, message: str, *, is_final: bool) -> Verdict:
        """Judge one message alone. What its last line means may still be open unless it `is_final`."""
        message = answer_in(message)
        key = message, is_final
        if key not in self._verdicts:
            self._verdicts[key] = self._judged(message, is_final=is_final)
        return self._verdicts[key]

    def _judged(self, message: str, *, is_final: bool) -> Verdict:
        read = words([message])
        while not is_final and read and _HALF_MARKER.fullmatch(read[-1][0]):
            read = read[:-1]  # the number of an item, or a word that looks like one
        found = spelled(read)
        tail = 0 if is_final else _length_of_last_line(message)
        if self._is_sound(found, len(found) - min(tail, len(found))):
            return _SOUND
        return Verdict(is_broken=True, breaks_code=not self._has_bare(_bare(found)[0]))

    def _is_sound(self, found: Spelled, decided: int) -> bool:
        """Whether the first `decided` letters stand in the answer as they are, and the others but for markers."""
        head = Spelled(found.letters[:decided], found.styles[:decided])
        rest = _bare(Spelled(found.letters[decided:], found.styles[decided:]))[0]
        if not head.letters:
            return self._has_bare(rest)
        start = self.expected.letters.find(head.letters)
        while start >= 0:
            end = start + len(head)
            if self.expected.styles[start:end] == head.styles and self._goes_on(rest, bisect_left(self._indices, end)):
                return True
            start = self.expected.letters.find(head.letters, start + 1)
        return False

    def _goes_on(self, rest: Spelled, at: int) -> bool:
        return (
            self._bare.letters.startswith(rest.letters, at)
            and self._bare.styles[at : at + len(rest)] == rest.styles
        )  # fmt: skip

    def _has_bare(self, found: Spelled) -> bool:
        start = self._bare.letters.find(found.letters)
        while start >= 0:
            if self._goes_on(found, start):
                return True
            start = self._bare.letters.find(found.letters, start + 1)
        return False


def _bare(text: Spelled) -> tuple[Spelled, list[int]]:
    """Letters and digits alone, told apart only by whether they are code of a block; and where each one stood."""
    indices = [index for index, letter in enumerate(text.letters) if letter.isalnum()]
    styles = tuple("block" if _is_code(text.styles[index]) else "" for index in indices)
    return Spelled("".join(text.letters[index] for index in indices), styles), indices


def _is_code(style: str) -> bool:
    """Whether a letter stands in a model's own block of code; tables and formulas may be shown as they came."""
    return style.startswith("block") and style != "block latex"


def _length_of_last_line(message: str) -> int:
    visible = "".join(run.text for run in shown(message)).rstrip()
    return len("".join(visible.rpartition("\n")[2].split()))
