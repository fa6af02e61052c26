"""Whether a text repeats what somebody said: how answers to others are found that were made of a member's words.

Pure. A model that was shown a member's question may quote it when it answers
somebody else in the same thread. Found is what names them, what repeats five of
their words in a row (or all of a shorter message), and what contains a telling
word of theirs, such as a key, an address or a long name in code, that the one
who asked did not use. What is merely about the same subject is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, cast

from bot.messages import Part, Said, Text, TextFile, Turn

RUN = 5
"""So many words of theirs in a row are a quotation."""
_SHORTEST_QUOTE = 12
"""Characters; whatever is shorter, such as "thank you", anybody may say."""
_SHORTEST_NAME = 3
_SHORTEST_TELLING = 10
_WORD = re.compile(r"\w+")
_SOLID = re.compile(r"\S+")
_EDGE = re.compile(r"^\W+|\W+$")


class Traces:
    """What one member has said in one conversation, as far as it can be recognised elsewhere."""

    def __init__(self, user_id: int) -> None:
        self._id = str(user_id)
        self._names: set[tuple[str, ...]] = set()
        self._quotes: dict[int, set[tuple[str, ...]]] = {}
        """By their number of words."""
        self._telling: set[str] = set()

    def add(self, messages: Iterable[Said]) -> None:
        """Take in what they said, the names of its files included."""
        for said in messages:
            name = _words(said.author_name)
            if sum(map(len, name)) >= _SHORTEST_NAME:
                self._names.add(name)
            for text in _texts(said.parts):
                words = _words(text)
                if len(words) >= RUN:
                    self._quotes.setdefault(RUN, set()).update(_runs(words, RUN))
                elif sum(map(len, words)) >= _SHORTEST_QUOTE:
                    self._quotes.setdefault(len(words), set()).add(words)
                self._telling |= set(_telling(text))

    def found_in(self, turns: Iterable[Turn]) -> list[Turn]:
        """Those of others' turns whose answers repeat any of it, reasoning and tools' results included."""
        return [turn for turn in turns if self._is_in_answer(turn)]

    def _is_in_answer(self, turn: Turn) -> bool:
        asked = [text for said in turn.question for text in _texts(said.parts)]
        own = {word for text in asked for word in _telling(text)}
        own_words = [_words(text) for text in asked]
        return any(self._is_in(text, own, own_words) for step in turn.steps for text in _strings(asdict(step)))

    def _is_in(self, text: str, own: set[str], own_words: list[tuple[str, ...]]) -> bool:
        if self._id in text or not self._telling.isdisjoint(set(_telling(text)) - own):
            return True
        words = _words(text)
        for name in self._names:
            if any(run == name for run in _runs(words, len(name))):
                return True
        for length, quotes in self._quotes.items():
            found = quotes.intersection(_runs(words, length))
            if found and not all(any(quote in set(_runs(asked, length)) for asked in own_words) for quote in found):
                return True
        return False


def _texts(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text(text):
                yield text
            case TextFile(name, text):
                yield name
                yield text
            case _:
                yield part.name


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


def _runs(words: tuple[str, ...], length: int) -> Iterator[tuple[str, ...]]:
    return (words[start : start + length] for start in range(len(words) - length + 1))


def _telling(text: str) -> Iterator[str]:
    """Words that are hardly anybody else's: long, and of more than letters."""
    for solid in _SOLID.findall(text.casefold()):
        word = _EDGE.sub("", solid)
        if (
            len(word) >= _SHORTEST_TELLING
            and not word.replace("-", "").replace("\u2019", "").replace("'", "").isalpha()
        ):
            yield word


def _strings(value: Any) -> Iterator[str]:
    """Every text within plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("list[Any]", value):
            yield from _strings(inner)
