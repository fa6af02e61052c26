"""The tools `read_thread` and `search_messages`: what people wrote in the thread before, or elsewhere in the server.

Only what the person who asked may read, which `Shelves` decides. What people
wrote is handed over as material, never as anybody's instruction. This module
knows nothing of Discord.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.messages import JsonObject
from bot.model import ToolSpec
from bot.tools import Asking, Output, ToolFailed
from bot.tools.marked import marked, new_mark
from bot.tools.shelves import MOST_MESSAGES, Excerpt, Shelves, Spot, Written, one_line, read_spot, told

WHOSE = "what people wrote there"
SEARCHED = 500
"""Messages of each place that are looked through."""
MOST_FOUND = 25
_LONGEST_FOUND = 600
_LONGEST_WORDS = 200
_USUAL = 50

_CHANNEL: JsonObject = {
    "type": "string",
    "description": "The channel or thread: its id or a link to it. Left out: this conversation's own.",
}

_READ = ToolSpec(
    name="read_thread",
    description=(
        "Read messages of this Discord thread that you do not have, such as those from before you joined it, or of "
        "another channel or thread of the same server. Works only where the person who asked you may read; they are "
        "asked first where not everybody here may. Each message comes with its id, time, author and the names of its "
        "attachments."
    ),
    parameters={
        "type": "object",
        "properties": {
            "channel": _CHANNEL,
            "before": {"type": "string", "description": "Read what was written before this message: its id or link."},
            "after": {"type": "string", "description": "Read what was written after this message: its id or link."},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_MESSAGES,
                "description": f"How many messages; {_USUAL} when left out.",
            },
        },
        "additionalProperties": False,
    },
)

_SEARCH = ToolSpec(
    name="search_messages",
    description=(
        f"Search the newest {SEARCHED} messages of a channel or thread for words; without a channel, those of this "
        "conversation and of the channel it is in. All words must occur, in any order; capitals do not matter. Works "
        "only where the person who asked you may read; they are asked first where not everybody here may."
    ),
    parameters={
        "type": "object",
        "properties": {
            "words": {"type": "string", "description": "The words to look for, such as: timeout postgres"},
            "channel": _CHANNEL,
        },
        "required": ["words"],
        "additionalProperties": False,
    },
)


class ReadThread:
    """The tool `read_thread`."""

    seconds = 30.0
    asks_first = False
    spec = _READ

    def __init__(self, shelves: Shelves, *, mark: Callable[[], str] = new_mark) -> None:
        self._shelves = shelves
        self._mark = mark

    def label(self, arguments: JsonObject) -> str:
        return "another channel" if _text(arguments, "channel") else ""

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        return await self._shelves.closed(asking, _wanted(arguments))

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        """The messages, oldest first. Raises ToolFailed."""
        forwards, limit = bool(_text(arguments, "after")), arguments.get("limit")
        n = limit if isinstance(limit, int) else _USUAL
        excerpt = await self._shelves.excerpt(asking, _wanted(arguments), after=forwards, n=n)
        return Output(_shown(excerpt, self._mark(), forwards=forwards), quoted=_authors(excerpt.messages))


class SearchMessages:
    """The tool `search_messages`."""

    seconds = 45.0
    asks_first = False
    spec = _SEARCH

    def __init__(self, shelves: Shelves, *, mark: Callable[[], str] = new_mark) -> None:
        self._shelves = shelves
        self._mark = mark

    def label(self, arguments: JsonObject) -> str:
        return one_line(_text(arguments, "words") or "")

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        spot = read_spot(_text(arguments, "channel"))
        return await self._shelves.closed(asking, spot, around=spot.channel_id is None)

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        """The newest messages that have all the words. Raises ToolFailed."""
        words = (_text(arguments, "words") or "")[:_LONGEST_WORDS].casefold().split()
        if not words:
            raise ToolFailed("Give at least one word to look for.")
        spot = read_spot(_text(arguments, "channel"))
        places = await self._shelves.recent(asking, Spot(spot.channel_id), most=SEARCHED)
        parts: list[str] = []
        quoted: frozenset[int] = frozenset()
        looked = sum(len(place.messages) for place in places)
        for place in places:
            found = [message for message in place.messages if _has(message, words)][-MOST_FOUND:]
            parts += [f"In {place.place}:", *map(_found, found)] if found else []
            quoted |= _authors(found)
        names = ", ".join(place.place for place in places)
        head = f"{looked:,} messages were looked through, in {names}."
        if not parts:
            return Output(f"{head} None of them has all of these words.")
        return Output(marked([head], WHOSE, "\n".join(parts), self._mark()), quoted=quoted)


def _shown(excerpt: Excerpt, mark: str, *, forwards: bool) -> str:
    messages = excerpt.messages
    if not messages:
        return f"There are no {'newer' if forwards else 'older'} messages in {excerpt.place}."
    head = [f"{len(messages)} messages of {excerpt.place}, oldest first."]
    if excerpt.more:
        edge, side = (messages[-1], "after") if forwards else (messages[0], "before")
        head.append(f"There are more: read on with {side}={edge.id}.")
    return marked(head, WHOSE, "\n".join(map(told, messages)), mark)


def _authors(messages: Sequence[Written]) -> frozenset[int]:
    return frozenset(message.author_id for message in messages if message.author_id is not None)


def _has(message: Written, words: Sequence[str]) -> bool:
    text = " ".join((message.author, message.text, *(file.name for file in message.files))).casefold()
    return all(word in text for word in words)


def _found(message: Written) -> str:
    line = told(message)
    return line if len(line) <= _LONGEST_FOUND else f"{line[:_LONGEST_FOUND]}…"


def _wanted(arguments: JsonObject) -> Spot:
    """Where `read_thread` shall read. Raises ToolFailed."""
    before, after = _text(arguments, "before"), _text(arguments, "after")
    if before and after:
        raise ToolFailed("Give before or after, not both.")
    return read_spot(_text(arguments, "channel"), before or after)


def _text(arguments: JsonObject, name: str) -> str | None:
    value = arguments.get(name)
    return value if isinstance(value, str) else None
