"""Which files come with an answer, and the small print that tells of them.

Long code is attached as a file each, and an answer that is too long for its
messages as a whole. Pure: this module knows nothing of how files are sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from bot.messages import MadeFile
from bot.pieces import mend
from bot.render.fenced import Block, code_blocks
from bot.render.filenames import name_for_language, name_of_code, unique
from bot.render.footer import small
from bot.render.page import PageFile

LONG_CODE_LINES = 60
"""Code of more lines is attached as a file: about one screen, and about one message."""
LONG_CODE_CHARACTERS = 4_000
"""So is code of fewer but longer lines, for it needs several messages as well."""
MOST_FILES = 10
"""Discord, 'Create Message': attachments of a message."""
MOST_BLOCKS = 10_000
"""Code blocks that are looked at: an answer of more is a fault, and looking takes time."""
MOST_BYTES = 8 * 1024 * 1024
"""All files of a message together. Discord takes 10 MiB a file and 25 MiB a request ('Uploading Files')."""

WHOLE_ANSWER = "answer.md"

REFUSED = small("⚠️ Discord did not take the files. Press Source for the whole answer.")
"""Stands in place of the other small print when the files could not be sent."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The files of an answer. `left_out` counts the long blocks for which there was no room."""

    files: tuple[PageFile, ...] = ()
    is_whole: bool = False
    left_out: int = 0

    @property
    def small_print(self) -> list[str]:
        """What people must know of the files besides seeing them."""
        lines: list[str] = []
        if self.is_whole:
            lines.append(small(f"📄 The whole answer is in {WHOLE_ANSWER} ({size(len(self.files[0].data))})."))
        if self.left_out:
            blocks = "long code block has" if self.left_out == 1 else "long code blocks have"
            lines.append(small(f"📄 {self.left_out} more {blocks} no file of their own."))
        return lines


def attached(text: str, *, whole: bool, made: Sequence[MadeFile] = ()) -> Attached:
    """The files for a complete answer: what tools `made`, its long code and, if `whole`, all of it.

    Work is linear in `text`.
    """
    taken: set[str] = set()
    files = [whole_answer(text, taken)] if whole else []
    room = MOST_BYTES - sum(len(file.data) for file in files)
    left_out = unnamed = 0
    for file in made:
        if len(files) < MOST_FILES and len(file.data) <= room:
            files.append(PageFile(unique(file.name, taken), file.data))
            room -= len(file.data)
    for block in _long_blocks(text):
        data = mend(block.code).encode()
        if len(files) == MOST_FILES or len(data) > room:
            left_out += 1
            continue
        name = name_of_code(block.info, block.before, block.code)
        if name is None:
            unnamed += 1
            name = name_for_language(block.info, unnamed)
        files.append(PageFile(unique(name, taken), data))
        room -= len(data)
    return Attached(tuple(files), whole, left_out)


def whole_answer(text: str, taken: set[str] | None = None) -> PageFile:
    """An answer as a Markdown file, to the byte as the model wrote it; what Discord would not take is cut off."""
    data = mend(text).encode()
    if len(data) > MOST_BYTES:
        data = data[:MOST_BYTES].decode(errors="ignore").encode()
    return PageFile(unique(WHOLE_ANSWER, set() if taken is None else taken), data)


def goes_on(characters: int) -> str:
    """The small print under an excerpt while the answer still grows."""
    return small(f"✍️ Goes on: {characters // 100 * 100:,} characters so far. All of it will be in {WHOLE_ANSWER}.")


def size(count: int) -> str:
    """A number of bytes as people say it: `28 kB`, `1.2 MB`."""
    if count >= 999_500:
        return f"{count / 1_000_000:.1f} MB"
    return f"{max(1, round(count / 1000))} kB"


def _long_blocks(text: str) -> list[Block]:
    if text.count("\n") <= LONG_CODE_LINES and len(text) <= LONG_CODE_CHARACTERS:
        return []
    return [
        block
        for block in islice(code_blocks(text), MOST_BLOCKS)
        if block.lines > LONG_CODE_LINES or len(block.code) > LONG_CODE_CHARACTERS
    ]
