"""What an endpoint notes beside an answer, gathered from a stream and given back to it.

A PDF that OpenRouter has parsed comes as such a note, and sending it back spares
the parsing (OpenRouter, "PDF inputs", reusing annotations). Everything in a note
stays as it was received. Notes only save work, so that what is too much is left
out instead of failing the answer. This module knows nothing of requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from bot.messages import JsonObject, JsonValue, Source
from bot.pieces import mend

MAX_CHARACTERS = 4_000_000
"""The notes of one step together; the text of some thousand pages."""
MAX_ANNOTATIONS = 256
_MAX_NESTING = 64

_LINK = re.compile(r"https?://[^\s<>()\[\]|`\\]{3,400}", re.IGNORECASE)
"""A link that Discord shows as one and that nothing in it can end early."""
_LONGEST_TITLE = 80


class Annotations:
    """The notes of one step, in the order in which they came; exact repeats count once."""

    def __init__(self) -> None:
        self._room = MAX_CHARACTERS
        self._kept: list[JsonObject] = []

    def add(self, annotations: Iterable[JsonObject]) -> None:
        for annotation in annotations:
            if len(self._kept) >= MAX_ANNOTATIONS or _nests(annotation, _MAX_NESTING):
                return
            written = mend(json.dumps(annotation, ensure_ascii=False))
            whole: JsonObject = json.loads(written)
            if len(written) <= self._room and whole not in self._kept:
                self._room -= len(written)
                self._kept.append(whole)

    def kept(self) -> tuple[JsonObject, ...]:
        return tuple(self._kept)


def parsed_files(annotations: Iterable[JsonObject]) -> list[JsonObject]:
    """Those that hold a parsed file."""
    return [annotation for annotation in annotations if annotation.get("type") == "file"]


def citations(annotations: Iterable[JsonObject]) -> tuple[Source, ...]:
    """The web pages that an answer names as its sources, each once; what is no plain link is left out."""
    found: dict[str, Source] = {}
    for annotation in annotations:
        cited = annotation.get("url_citation")
        if annotation.get("type") != "url_citation" or not isinstance(cited, dict):
            continue
        url, title = cited.get("url"), cited.get("title")
        if isinstance(url, str) and _LINK.fullmatch(url):
            name = " ".join(title.split())[:_LONGEST_TITLE] if isinstance(title, str) else ""
            found.setdefault(url, Source(url, name))
    return tuple(found.values())


def _nests(value: JsonValue, levels: int) -> bool:
    """Whether a value is nested more deeply than so many levels, and could perhaps not be written again."""
    match value:
        case list() | dict():
            inner = value if isinstance(value, list) else value.values()
            return not levels or any(_nests(item, levels - 1) for item in inner)
        case _:
            return False
