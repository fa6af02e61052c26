"""The tool `read_attachment`: pages through text files of the conversation, however large they are.

What came with a question within the server's limits is in the conversation
already; this reads what is larger, older, or on somebody else's message, anew
from where it is. This module knows nothing of Discord.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from bot.attachments import decode
from bot.messages import JsonObject
from bot.model import ToolSpec
from bot.tools import Asking, Output, ToolFailed
from bot.tools.marked import marked, new_mark
from bot.tools.shelves import Attached, Shelves, Spot, kilobytes, one_line, read_spot

PAGE = 20_000
"""Characters of one result."""
MOST_BYTES = 25 * 1024 * 1024
_KEPT_FILES = 4
_KEPT_SECONDS = 600.0
_NAMED = 20

_SPEC = ToolSpec(
    name="read_attachment",
    description=(
        f"Read a text file that is attached to a message, {PAGE:,} characters at a time: one that was too large to be "
        "given to you, or an older one. Files of this conversation are found by name; for those of another message "
        "give its id or link."
    ),
    parameters={
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The file's name, such as server.log"},
            "message": {
                "type": "string",
                "description": "The message it is attached to: its id or a link. Left out: the newest of that name.",
            },
            "offset": {
                "type": "integer",
                "minimum": 0,
                "description": "The character to begin at, as an earlier result named it; 0 or left out for the start.",
            },
        },
        "required": ["name"],
        "additionalProperties": False,
    },
)


class ReadAttachment:
    """The tool. Texts are kept for ten minutes, so that reading on loads nothing again; who may read is asked anew."""

    seconds = 45.0
    asks_first = False
    spec = _SPEC

    def __init__(
        self,
        shelves: Shelves,
        *,
        clock: Callable[[], float] = time.monotonic,
        mark: Callable[[], str] = new_mark,
    ) -> None:
        self._shelves = shelves
        self._clock = clock
        self._mark = mark
        self._kept: OrderedDict[int, tuple[float, str]] = OrderedDict()

    def label(self, arguments: JsonObject) -> str:
        return one_line(str(arguments.get("name", "")))

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        return await self._shelves.closed(asking, _wanted(arguments))

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        """One page of the file. Raises ToolFailed."""
        name, start, spot = str(arguments["name"]), arguments.get("offset"), _wanted(arguments)
        file = _chosen(await self._shelves.files(asking, spot), name)
        text = self._at_hand(file)
        if text is None:
            text = await self._load(asking, spot, file)
            self._keep(file, text)
        page = _page(file, text, start if isinstance(start, int) else 0, self._mark())
        return Output(page, quoted=frozenset(() if file.author_id is None else (file.author_id,)))

    async def _load(self, asking: Asking, spot: Spot, file: Attached) -> str:
        if file.size > MOST_BYTES:
            raise ToolFailed(f"{one_line(file.name)} has {kilobytes(file.size)}, more than can be read.")
        data = await self._shelves.load(asking, spot, file, most=MOST_BYTES)
        text = await asyncio.to_thread(decode, data)
        if text is None:
            raise ToolFailed(f"{one_line(file.name)} is no text, so it cannot be read this way.")
        return text

    def _at_hand(self, file: Attached) -> str | None:
        now = self._clock()
        self._kept = OrderedDict((id_, kept) for id_, kept in self._kept.items() if now - kept[0] < _KEPT_SECONDS)
        return self._kept[file.id][1] if file.id in self._kept else None

    def _keep(self, file: Attached, text: str) -> None:
        self._kept[file.id] = (self._clock(), text)
        while len(self._kept) > _KEPT_FILES:
            self._kept.popitem(last=False)


def _wanted(arguments: JsonObject) -> Spot:
    """Where the file is. Raises ToolFailed."""
    message = arguments.get("message")
    return read_spot(None, message if isinstance(message, str) else None)


def _chosen(files: Sequence[Attached], name: str) -> Attached:
    """The first of the files that has this name. Raises ToolFailed, which names those that there are."""
    wanted = name.strip().casefold()
    found = next((file for file in files if file.name.casefold() == wanted), None)
    if found is not None:
        return found
    names = ", ".join(dict.fromkeys(one_line(file.name) for file in files[:_NAMED]))
    there = f"There are: {names}." if names else "There are no attachments."
    raise ToolFailed(f"There is no attachment named {name[:120]!r}. {there}")


def _page(file: Attached, text: str, start: int, mark: str) -> str:
    if start >= len(text) and text:
        raise ToolFailed(f"{one_line(file.name)} ends at character {len(text):,}.")
    end = min(len(text), start + PAGE)
    head = [f"Characters {start:,} to {end:,} of {len(text):,} of {one_line(file.name)}."]
    if end < len(text):
        head.append(f"Read on with offset={end}.")
    return marked(head, "what the file says", text[start:end], mark)
