"""The files that a program left behind, made fit for a thread: few, small, of harmless kinds, with plain names.

Pure. What a file is called and what it says it is comes from the program, and is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

MOST_FILES = 8
MOST_FILES_BYTES = 8 << 20
"""Of all files together. Discord takes 10 MB a message."""

_PICTURES = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".gif": b"GIF8",
    ".webp": b"RIFF",
    ".pdf": b"%PDF-",
    ".xlsx": b"PK\x03\x04",
}
"""Kinds with their first bytes: people's programs open them without asking."""
_TEXTS = re.compile(
    r"\.(bib|c|cfg|cpp|css|csv|diff|dot|go|h|hpp|ics|ini|java|json|jsonl|kt|log|lua|md|patch|py|r|rs|rst|sql|srt|"
    r"swift|tex|toml|ts|tsv|txt|xml|yaml|yml)"
)
_MOST_NAME = 60


@dataclass(frozen=True, slots=True)
class ProducedFile:
    """A file for the thread. The name is of letters, digits, dot, dash and underscore, and unique among its like."""

    name: str
    data: bytes = field(repr=False)


def produced(
    files: Sequence[tuple[str, bytes]], left: Sequence[str] = ()
) -> tuple[tuple[ProducedFile, ...], tuple[str, ...]]:
    """What may go to the thread, and a line for each file that may not. `left` did not fit in number or size."""
    kept: list[ProducedFile] = []
    lines: list[str] = []
    room = MOST_FILES_BYTES
    for path, data in files:
        name = _plain(path, {file.name.lower() for file in kept})
        fault = _fault(name, data)
        if fault is None and (len(kept) >= MOST_FILES or len(data) > room):
            fault = _TOO_MUCH
        if fault is None:
            kept.append(ProducedFile(name, data))
            room -= len(data)
        else:
            lines.append(f"{name}: {fault}")
    lines += [f"{_plain(path, set())}: {_TOO_MUCH}" for path in left]
    return tuple(kept), tuple(lines[:MOST_FILES])


_TOO_MUCH = f"more than {MOST_FILES} files or {MOST_FILES_BYTES >> 20} MB together are not sent"


def _plain(path: str, taken: set[str]) -> str:
    """A name without folders or anything that a file system, Discord or a reader could take for more than a name."""
    whole = PurePosixPath(path)
    suffix = re.sub(r"[^a-z0-9.]", "", whole.suffix.lower())[:12]
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", whole.stem).strip("._-")[: _MOST_NAME - len(suffix)] or "file"
    name, number = f"{stem}{suffix}", 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def _fault(name: str, data: bytes) -> str | None:
    suffix = PurePosixPath(name).suffix
    if not data:
        return "it is empty"
    start = _PICTURES.get(suffix)
    if start is not None:
        return None if data.startswith(start) else f"its content is not what {suffix} promises"
    if not _TEXTS.fullmatch(suffix):
        return "only pictures, PDF, XLSX and text files are sent"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    return "it is not text" if "\0" in text else None
