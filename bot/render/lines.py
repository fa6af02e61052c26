"""Reads streamed Markdown as lines, each of prose or of code, in the form Discord can show.

Discord knows one kind of code block: it begins at ``` and ends at the next ```,
wherever that is, and a list item or a quote that ends before takes it apart.
Here blocks are read as their author meant them and stand outside of lists.
Tables become drawn ones, formulas code. What a line means is decided when it is
complete, so the way the text was cut into pieces on its way makes no
difference. This module knows nothing of messages and their size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.pieces import Joint
from bot.render.blocks import Block, Fence, opened_block
from bot.render.inline import SPOILER, disarm_backticks
from bot.render.prose import end_of_part, previewed, rewritten
from bot.render.tables import Table, is_table_start

LONGEST_CODE_LINE, LONGEST_LINE = 2000, 4000
"""Characters after which a line of a block, or of prose, is handed on in parts: whoever splits sees no further."""

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_NOT_SHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Controls, and what turns the direction of text so that code reads other than it is."""
_BREAKS = re.compile("[\u2028\u2029]")
_UNDECIDED = re.compile(
    r"[\s>#*+_~`|=:-]*$"  # only signs so far
    r"|[\s>]*(?:[-*+]|\d{1,9}[.)]?)?\s*(?:`{3,}[^`]*|~{3,}.*)?$"  # a fence, or a list marker
    r"|\s*\|(?!\|)"  # a row of a table
    r"|[\s>]*(?:\$\$|\\\[)[^$]*$"  # a displayed formula
)
_QUOTE = re.compile(r"[ \t]{0,3}>(?:[ \t]{0,3}>)*[ \t]?")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of prose, or of code when it has a fence.

    `ends` is False when the rest of the line follows; `covered` is True when a
    spoiler is open at its end.
    """

    text: str
    fence: Fence | None = None
    ends: bool = True
    covered: bool = False


class LineReader:
    """Feed it text as it comes; it gives back the lines that are decided, and shows the rest as far as is safe."""

    def __init__(self) -> None:
        self._partial = ""
        self._joint = Joint()
        self._waits = False
        """Whether half a character is held back."""
        self._continues = False
        self._covered = False
        self._block: Block | None = None
        self._table: Table | None = None
        self._table_is_quoted = False
        self._header: str | None = None

    def feed(self, text: str) -> list[Line]:
        """Read more; returns the lines that are now decided. Work is linear in `text`."""
        if text.isprintable() and not self._waits:  # no line ends, and nothing needs cleaning: most pieces
            self._partial += text
            return self._in_parts() if len(self._partial) > LONGEST_CODE_LINE else []
        if self._waits or _UNFIT.search(text):
            text = self._cleaned(text)
        found: list[Line] = []
        *complete, rest = text.split("\n")
        for piece in complete:
            self._partial += piece
            found += self._in_parts()
            line, self._partial = self._partial, ""
            found += self._complete(line)
        self._partial += rest
        return found + self._in_parts()

    def finish(self) -> list[Line]:
        """Read the end of the text."""
        partial, self._partial = self._partial, ""
        found = self._complete(partial) if partial or self._continues else []
        self._block = None
        return found + self._decide()

    def preview(self) -> list[Line]:
        """What is not decided yet, as it is best shown now."""
        partial = self._partial
        if self._block:
            return self._previewed_code(self._block, partial)
        found: list[Line] = []
        if self._table:
            found = self._drawn(self._table)
        elif self._header is not None and not _UNDECIDED.match(self._header):
            found = self._prose(self._header)
        if self._continues or (partial and not _UNDECIDED.match(partial)):
            prose = previewed(partial, covered=self._covered, begins=not self._continues)
            found += _lines(prose.text, SPOILER in prose.opened, ends=False)
        return found

    def _previewed_code(self, block: Block, partial: str) -> list[Line]:
        code = block.code(partial)
        if code is None or not code.strip(" \t`~\\]$"):
            return []
        return [Line(disarm_backticks(code), block.fence, ends=False, covered=self._covered)]

    def _cleaned(self, text: str) -> str:
        """The text without what cannot be sent or should not be shown."""
        whole = self._joint.join(text)
        self._waits = self._joint.is_waiting
        return _BREAKS.sub("\n", _NOT_SHOWN.sub("", whole))

    def _in_parts(self) -> list[Line]:
        """Hand on a line that has grown too long, but for its last part."""
        if len(self._partial) <= (LONGEST_CODE_LINE if self._block else LONGEST_LINE):
            return []
        found = [] if self._continues else self._decide()
        found += self._parts_of_code(self._block) if self._block else self._parts_of_prose()
        self._continues = True
        return found

    def _parts_of_code(self, block: Block) -> list[Line]:
        partial = self._partial if self._continues else block.code(self._partial) or ""
        found: list[Line] = []
        start = 0
        while len(partial) - start > LONGEST_CODE_LINE:
            part = partial[start : start + LONGEST_CODE_LINE]
            part = part.rstrip("`") or part  # a run of backticks is disarmed as a whole
            found.append(Line(disarm_backticks(part), block.fence, ends=False, covered=self._covered))
            start += len(part)
        self._partial = partial[start:]
        return found

    def _parts_of_prose(self) -> list[Line]:
        found: list[Line] = []
        start = 0
        while len(self._partial) - start > LONGEST_LINE:
            part = self._partial[start : start + LONGEST_LINE]
            part = part[: end_of_part(part, covered=self._covered)]
            found += self._read_part(part, begins=not (start or self._continues), ends=False)
            start += len(part)
        self._partial = self._partial[start:]
        return found

    def _read_part(self, text: str, *, begins: bool = False, ends: bool = True) -> list[Line]:
        """A line of prose, or a part of a very long one."""
        prose = rewritten(text, covered=self._covered, begins=begins)
        if prose is None:
            return []
        self._covered = SPOILER in prose.opened
        return _lines(prose.text, self._covered, ends=ends)

    def _complete(self, text: str) -> list[Line]:
        if self._continues:
            self._continues = False
            if self._block is None:
                return self._read_part(text)
            return [Line(disarm_backticks(text), self._block.fence, covered=self._covered)]
        if self._block:
            return self._read_code(self._block, text)
        if self._table:
            row = self._row(text)
            if row is not None:
                return self._read_row(self._table, row)
        elif self._header is not None and "-" in text and (delimiter := self._row(text)) is not None:
            header = self._row(self._header) or ""
            if is_table_start(header, delimiter):
                self._table, self._header = Table(header, delimiter), None
                return []
        return (self._decide() if self._table or self._header is not None else []) + self._read_prose(text)

    def _row(self, text: str) -> str | None:
        """A line as a row of the table being read, None if it cannot be one."""
        quote = _QUOTE.match(text)
        if "|" not in text or bool(quote) != self._table_is_quoted:
            return None
        return text[quote.end() :] if quote else text

    def _decide(self) -> list[Line]:
        """Give up waiting for more of a table."""
        table, header = self._table, self._header
        self._table = self._header = None
        if table:
            return self._drawn(table)
        return self._read_part(header, begins=True) if header is not None else []

    def _read_prose(self, text: str) -> list[Line]:
        if ("`" in text or "~" in text or "$" in text or "\\[" in text) and (opened := opened_block(text)):
            self._block, first = opened
            found = [Line("•" if self._block.marker in "-*+" else self._block.marker)] if self._block.marker else []
            return found + (self._read_code_line(self._block, first) if first else [])
        if "|" in text:
            self._header = text
            self._table_is_quoted = bool(_QUOTE.match(text))
            return []
        return self._read_part(text, begins=True)

    def _prose(self, text: str) -> list[Line]:
        prose = rewritten(text, covered=self._covered)
        return _lines(prose.text, SPOILER in prose.opened) if prose else []

    def _read_code(self, block: Block, text: str) -> list[Line]:
        code = block.code(text)
        if code is None:
            self._block = None  # the quote is over, and its code block with it
            return self._read_prose(text)
        return self._read_code_line(block, code)

    def _read_code_line(self, block: Block, code: str) -> list[Line]:
        if block.ended_by(code):
            self._block = None
            return []
        last = block.last_of_formula(code)
        if last is not None:
            self._block, code = None, last
            if not code:
                return []
        return [Line(disarm_backticks(code), block.fence, covered=self._covered)]

    def _read_row(self, table: Table, row: str) -> list[Line]:
        found: list[Line] = []
        if not table.has_room:
            found = self._drawn(table)
            self._table = table = table.continued()
        table.add(row)
        return found

    def _drawn(self, table: Table) -> list[Line]:
        if table.fits:
            fence = Fence(quoted=self._table_is_quoted)
            return [Line(disarm_backticks(row), fence, covered=self._covered) for row in table.draw()]
        quote = "> " if self._table_is_quoted else ""
        return [line for row in table.itemise() for line in self._prose(quote + row)]


def _lines(text: str, covered: bool, *, ends: bool = True) -> list[Line]:
    """Prose as lines; there are several where it contained breaks."""
    if "\n" not in text:
        return [Line(text, None, ends, covered)]
    *first, last = text.split("\n")
    return [*(Line(line, covered=covered) for line in first), Line(last, None, ends, covered)]
