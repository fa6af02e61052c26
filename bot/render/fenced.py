"""Finds the fenced code blocks of a complete answer, with their code exactly as the model wrote it.

Blocks are read as their author meant them (CommonMark, 'Fenced code blocks'):
any number of backticks or tildes, in lists and quotes, one nested in a Markdown
example. What contains a block is taken off its lines, and nothing else. This
module knows nothing of what Discord can show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.render.blocks import language_tag

_FENCE = re.compile(
    r"(?P<lead>[ \t>]{0,20}(?:(?:[-*+]|\d{1,9}[.)])[ \t]{1,4})?[ \t>]{0,20})"
    r"(?P<ticks>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$"
)
_QUOTE_SIGN = re.compile(r"[ \t]*> ?")
_MARKDOWN = frozenset({"markdown", "md", "mdx"})
_TAB = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its info string, the last words before it (empty right after another block), and its code.

    The code ends with a line break. `lines` is how many lines it has.
    """

    info: str
    before: str
    code: str
    lines: int


@dataclass(slots=True)
class _OpenBlock:
    """The block being read: what closes it, and what contains it."""

    info: str
    before: str
    ticks: str
    quote_signs: int
    columns: int
    """How far the block is indented, behind the signs of a quote."""
    lines: list[str] = field(default_factory=list[str])
    nested: int = 0

    def is_left_by(self, line: str) -> bool:
        """Whether the quote that contains the block is over."""
        return self.quote_signs > 0 and not line.lstrip(" \t").startswith(">")

    def is_closed_by(self, line: str) -> bool:
        """Whether this line is the block's end; counts the blocks inside a Markdown example."""
        fence = None if self.is_left_by(line) else _fence(line)
        if fence is None or not fence["ticks"].startswith(self.ticks):
            return False
        if fence["info"].strip():
            self.nested += language_tag(self.info).lower() in _MARKDOWN
            return False
        if len(fence["lead"]) > self.quote_signs * 2 + self.columns + 3:
            return False
        self.nested -= 1
        return self.nested < 0

    def add(self, line: str) -> None:
        for _ in range(self.quote_signs):
            sign = _QUOTE_SIGN.match(line)
            line = line[sign.end() :] if sign else line
        self.lines.append(_outdented(line, self.columns))

    def block(self) -> Block:
        return Block(self.info, self.before, "".join(f"{line}\n" for line in self.lines), len(self.lines))


def code_blocks(text: str) -> Iterator[Block]:
    """The code blocks of `text` in order; one that is never closed reaches to the end. Work is linear."""
    open_block: _OpenBlock | None = None
    before = ""
    for line in text.removesuffix("\n").split("\n"):
        if open_block is not None:
            is_closed = open_block.is_closed_by(line)
            if not (is_closed or open_block.is_left_by(line)):
                open_block.add(line)
                continue
            yield open_block.block()
            open_block, before = None, ""
            if is_closed:
                continue
        if fence := _fence(line):
            open_block = _opened(fence, before)
        elif line.strip():
            before = line
    if open_block is not None:
        yield open_block.block()


def _fence(line: str) -> re.Match[str] | None:
    return _FENCE.match(line) if "```" in line or "~~~" in line else None


def _opened(fence: re.Match[str], before: str) -> _OpenBlock:
    *signs, rest = fence["lead"].split(">")
    columns = len(rest.expandtabs(_TAB))
    if signs and columns:
        columns -= 1  # the space that belongs to the quote's sign
    return _OpenBlock(fence["info"].strip(), before, fence["ticks"], len(signs), columns)


def _outdented(line: str, columns: int) -> str:
    """`line` without up to `columns` of white space; a tab that is cut in two leaves spaces (CommonMark, 'Tabs')."""
    taken = 0
    for position, character in enumerate(line):
        if taken >= columns or character not in " \t":
            return " " * (taken - columns) + line[position:]
        taken += 1 if character == " " else _TAB - taken % _TAB
    return " " * (taken - columns)
