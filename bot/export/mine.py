"""Everything that is stored about one member as JSON that can be read back, in as many files as Discord needs.

Of what others said there is nothing in it, except what answers to the member
contain. Discord's ids are strings, as in a conversation's own archive. Pure.
"""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.export.archive import read_turn, write_turn
from bot.messages import JsonObject, JsonValue, Turn
from bot.render.page import PageFile

FORMAT = "cogitor-member"
VERSION = 1
UNREADABLE = "This is not what Cogitor stored about a member, or it is damaged."

MOST_FILES = 10
"""Files of one export; what does not fit into them is left out, the oldest first."""

_IDS = frozenset({"user_id", "guild_id", "conversation_id"})


@dataclass(frozen=True, slots=True)
class Mine:
    """What is stored about a member; `at` is when it was read, in Unix seconds."""

    user_id: int
    at: float
    turns: tuple[Turn, ...] = ()
    """What they asked, and what was answered to it, oldest first."""
    guilds: Mapping[int, int | None] = field(default_factory=dict[int, "int | None"])
    """The server of each conversation; None for direct messages."""
    usage: tuple[JsonObject, ...] = ()
    changes: tuple[JsonObject, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """The bytes of images and PDFs, by the digests under which messages name them."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An export as files, the newest turns first, and how many turns had no room in them."""

    files: tuple[PageFile, ...]
    left_out: int


def to_json(mine: Mine) -> bytes:
    """All of it as UTF-8."""
    conversations: dict[int, list[JsonValue]] = {}
    for turn in mine.turns:
        conversations.setdefault(turn.conversation_id, []).append(write_turn(turn))
    body: JsonObject = {
        "format": FORMAT,
        "version": VERSION,
        "user_id": str(mine.user_id),
        "exported_at": mine.at,
        "conversations": [
            {"id": str(number), "guild_id": _text(mine.guilds.get(number)), "turns": turns}
            for number, turns in conversations.items()
        ],
        "usage": [_with_texts(row) for row in mine.usage],
        "changes": [_with_texts(row) for row in mine.changes],
        "files": {digest: b64encode(data).decode() for digest, data in mine.files.items()},
    }
    return json.dumps(body, indent=1).encode()


def from_json(data: bytes) -> Mine:
    """Read back what `to_json` wrote. Raises ValueError, with a sentence for people, for anything else."""
    try:
        body = json.loads(data)
        if body["format"] != FORMAT or int(body["version"]) > VERSION:
            raise ValueError(UNREADABLE)
        return _read(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(UNREADABLE) from None


def pack_mine(mine: Mine, *, limit: int) -> Packed:
    """As files of at most `limit` bytes: one as it is, or else zipped ones that can each be read alone."""
    whole = to_json(mine)
    if len(whole) <= limit:
        return Packed((PageFile("my-data.json", whole),), 0)
    volumes, left_out = _volumes(mine, limit)
    names = [f"my-data-{number}.zip" for number in range(1, len(volumes) + 1)] if len(volumes) > 1 else ["my-data.zip"]
    return Packed(tuple(PageFile(name, data) for name, data in zip(names, volumes, strict=True)), left_out)


def _volumes(mine: Mine, limit: int) -> tuple[list[bytes], int]:
    """The numbers first, then the turns from the newest on, halved until each half fits."""
    packed: list[bytes] = []
    left_out = 0
    waiting: list[Mine] = [mine]
    while waiting:
        part = waiting.pop()
        volume = _zipped(to_json(part)) if len(packed) < MOST_FILES else b""
        if volume and len(volume) <= limit:
            packed.append(volume)
        elif volume and (halves := _halves(part)):
            waiting += halves
        else:
            left_out += len(part.turns)
    return packed, left_out


def _halves(mine: Mine) -> tuple[Mine, ...]:
    """Two smaller ones, the later one last; nothing where it cannot be divided any more."""
    if mine.files and len(mine.turns) <= 1:
        return (replace(mine, files={}),)
    if len(mine.turns) > 1:
        middle = len(mine.turns) // 2
        older, newer = mine.turns[:middle], mine.turns[middle:]
        first = replace(mine, turns=older, usage=(), changes=(), files=_files_of(older, mine.files))
        return first, replace(mine, turns=newer, files=_files_of(newer, mine.files))
    if mine.turns and (mine.usage or mine.changes):
        return replace(mine, usage=(), changes=()), replace(mine, turns=())
    if len(mine.usage) > 1:
        middle = len(mine.usage) // 2
        return replace(mine, usage=mine.usage[:middle], changes=()), replace(mine, usage=mine.usage[middle:])
    return ()


def _files_of(turns: Sequence[Turn], files: Mapping[str, bytes]) -> dict[str, bytes]:
    named = {getattr(part, "digest", "") for turn in turns for said in turn.question for part in said.parts}
    return {digest: data for digest, data in files.items() if digest in named}


def _zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("my-data.json", data)
    return packed.getvalue()


def _read(body: dict[str, Any]) -> Mine:
    return Mine(
        user_id=int(body["user_id"]),
        at=float(body["exported_at"]),
        turns=tuple(
            read_turn(turn, int(conversation["id"]))
            for conversation in body["conversations"]
            for turn in conversation["turns"]
        ),
        guilds={int(conversation["id"]): _number(conversation["guild_id"]) for conversation in body["conversations"]},
        usage=tuple(_with_numbers(row) for row in body["usage"]),
        changes=tuple(_with_numbers(row) for row in body["changes"]),
        files={digest: b64decode(data) for digest, data in body["files"].items()},
    )


def _with_texts(row: JsonObject) -> JsonValue:
    return {name: _text(value) if name in _IDS else value for name, value in row.items()}


def _with_numbers(row: JsonObject) -> JsonObject:
    return {name: _number(value) if name in _IDS else value for name, value in row.items()}


def _text(value: JsonValue) -> str | None:
    return None if value is None else str(value)


def _number(value: JsonValue) -> int | None:
    return None if value is None else int(str(value))
