"""A model that dictates answers: each its own, in uneven tokens, and in pieces of bytes that end anywhere.

A piece may end inside an event, a character's bytes or an escape; a token inside a
character, as models cut them. This module knows nothing of Discord, nor of what
the answers say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

from benchmarks.metronome import END, LAST_CHUNK, Metronome, chunk, event

_FURTHEST = 60
"""Bytes by which a piece may end too early or too late, which is about a quarter of an event."""


class Dictation(Metronome):
    """Serves the answers of `streams`, by the question's own words (`benchmark 007`), a piece at each beat."""

    def __init__(self, streams: Mapping[str, Sequence[bytes]], rate: float) -> None:
        super().__init__((), rate, len(streams))
        self._streams = streams

    @property
    def is_over(self) -> bool:
        """Whether every answer has been sent to its end."""
        return len(self.answers) == len(self._streams) and all(
            answering.ended.is_set() for answering in self.answers.values()
        )

    def pieces_for(self, question: str) -> Sequence[bytes]:
        return self._streams[question]


def dictated(random: Random, text: str, *, longest: int = 8) -> list[bytes]:
    """The pieces in which an answer is written, about as many as it has tokens, of up to `longest` UTF-16 units."""
    ascii_only = random.random() < 0.5
    events = [
        event({"content": token}, None, ascii_only=ascii_only)
        for token in _tokens(random, text, longest, halves=ascii_only)
    ]
    body = b"".join([*events, END])
    ends, end = [0], 0
    for sent in events:
        end += len(sent)
        ends.append(min(len(body), max(ends[-1], end + random.randint(-_FURTHEST, _FURTHEST))))
    pieces = [chunk(body[start:end]) for start, end in pairwise(ends) if end > start]
    return [*pieces, chunk(body[ends[-1] :]) + LAST_CHUNK]


def _tokens(random: Random, text: str, longest: int, *, halves: bool) -> list[str]:
    """The text in pieces; with `halves` a character beyond U+FFFF may be cut in two, which only escapes can write."""
    letters = list(text)
    if halves:
        units = text.encode("utf-16-le")
        letters = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    tokens: list[str] = []
    position = 0
    while position < len(letters):
        size = random.randint(1, longest)
        tokens.append("".join(letters[position : position + size]))
        position += size
    return tokens
