"""What of an answer can be found on Discord when it has ended: which letters are lost, which code is damaged.

What a message cannot hold may be in a file, to the byte. This module knows nothing
of how the messages came to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from benchmarks.difficult import Answer, Code
from benchmarks.judge import answer_in, spelled
from tests.discord_markdown import blocks, words

_ARMED = re.compile("(?<=`)\u200b(?=`)")
_FURTHEST = 400
"""Lines of code looked through for one that is not where it should be."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What was written, and what of it is missing."""

    letters: int
    letters_lost: int
    code_lines: int
    code_lines_damaged: int
    files: int
    files_damaged: int


def balance(answer: Answer, messages: Sequence[str], files: Sequence[bytes]) -> Balance:
    """Hold the messages and files of an answer against what its author wrote."""
    is_filed = answer.text.encode() in files
    written = {answer.text.encode(), *map(_as_file, answer.code)}
    lines = [line for code in answer.code if not is_filed and _as_file(code) not in files for line in code.lines]
    return Balance(
        letters=len(spelled(answer.words)),
        letters_lost=0 if is_complete(answer, messages, files) else _lost(answer, messages),
        code_lines=sum(len(code.lines) for code in answer.code),
        code_lines_damaged=_damaged(lines, messages),
        files=len(files),
        files_damaged=sum(file not in written for file in files),
    )


def is_complete(answer: Answer, messages: Sequence[str], files: Sequence[bytes]) -> bool:
    """Whether every letter can be found."""
    expected = spelled(answer.words).letters
    found = spelled(words([answer_in(message) for message in messages])).letters
    return found == expected or (answer.text.encode() in files and expected.startswith(found))


def _as_file(code: Code) -> bytes:
    return "".join(f"{line}\n" for line in code.lines).encode()


def _lost(answer: Answer, messages: Sequence[str]) -> int:
    wanted = [spelled([word]).letters for word in answer.words]
    seen = [spelled([word]).letters for word in words([answer_in(message) for message in messages])]
    lost = 0
    for kind, first, last, start, end in SequenceMatcher(None, wanted, seen, autojunk=False).get_opcodes():
        if kind in ("delete", "replace"):
            lost += _letters_lost("".join(wanted[first:last]), "".join(seen[start:end]))
    return lost


def _letters_lost(wanted: str, seen: str) -> int:
    if wanted in seen:
        return 0
    matcher = SequenceMatcher(None, wanted, seen, autojunk=len(wanted) > _FURTHEST)
    return len(wanted) - sum(block.size for block in matcher.get_matching_blocks())


def _damaged(lines: Sequence[str], messages: Sequence[str]) -> int:
    """How many lines are not shown as code, exactly and in order; a very long one may go over several messages.

    Blank ones are missed only behind a line that is shown, for Discord shows none at the edges of a block.
    """
    seen = list(_lines_of_code(messages))
    damaged = position = 0
    is_in_step = False
    for line in lines:
        if line.strip():
            nearby = range(position, min(len(seen), position + _FURTHEST))
            position, is_in_step = next(
                ((end, True) for at in nearby if (end := _end(seen, at, line))), (position, False)
            )
            damaged += not is_in_step
        elif is_in_step and position < len(seen) and not seen[position][1]:
            is_in_step = not seen[position][0].strip()
            position += is_in_step
            damaged += not is_in_step
    return damaged


def _end(seen: Sequence[tuple[str, bool]], at: int, line: str) -> int:
    """Where the lines end that show `line` from this one on; 0 if they do not show it."""
    shown, end = seen[at][0], at + 1
    while shown != line and line.startswith(shown) and end < len(seen) and seen[end][1]:
        shown, end = shown + seen[end][0], end + 1
    return end if shown == line else 0


def _lines_of_code(messages: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Each line of code, and whether it is the first of a block: Discord shows no blank ones there."""
    for message in messages:
        for block in blocks(answer_in(message)):
            for number, line in enumerate(_ARMED.sub("", block.text).split("\n")):
                yield line, number == 0
