"""Reads streamed Markdown as lines, each of prose or of code, in the form Discord can show.

Discord knows one kind of code block: it begins at ``` and ends at the next ```,
wherever that is. Here blocks are read as their author meant them (CommonMark:
any number of backticks or tildes, in lists and quotes), and what Discord would
misread inside them is disarmed. Headings below the third level become bold,
tables become drawn ones. What a line means is decided when it is complete, so
the way the text was cut into pieces on its way makes no difference. This module
knows nothing of messages and their size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.render.inline import disarm_backticks
from bot.render.tables import Table, cells, is_table_start

LONGEST_LINE = 2000
"""Characters after which a line is handed on in parts: whoever splits needs to see no further."""

_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_FENCE = re.compile(
    r"(?P<lead>[ \t>]{0,20}(?:(?:[-*+]|\d{1,9}[.)])[ \t]{1,4})?[ \t>]{0,20})"
    r"(?P<ticks>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<info>.*)$"
)
_TAG = re.compile(r"[a-zA-Z0-9_+.-]+(?![#\w])")
_TAGS_WITHOUT_SHARP = {"c#": "csharp", "f#": "fsharp", "q#": "qsharp", "j#": "java"}
_NESTING_TAGS = frozenset({"markdown", "md", "mdx"})
_DEEP_HEADING = re.compile(r" {0,3}#{4,6}(?=[ \t])")
_HEADING = re.compile(r" {1,3}(?=#{1,3}[ \t])")
_LONG_TICKS = re.compile(r"(?<!`)(?P<ticks>`{3,})(?!`)(?P<code>[^`]+)(?P=ticks)(?!`)")
_UNDECIDED = re.compile(r"[\s>#*+_~`|=:-]*$|\s*`{3,}[^`]*$|\s*~{3,}.*$|\s*\|(?!\|)")
_MARKER_CHARACTERS = "*_~|`\\"


@dataclass(frozen=True, slots=True, eq=False)
class Fence:
    """A code block; two blocks are never equal. `tag` is its language as Discord takes it, or empty.

    `lead` stands before the opening backticks (a list marker, a quote's sign),
    `indent` before them wherever the block is reopened or closed.
    """

    tag: str = ""
    lead: str = ""
    indent: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of prose, or of code when it has a fence. `ends` is False when the rest of the line follows."""

    text: str
    fence: Fence | None = None
    ends: bool = True


@dataclass(slots=True)
class _OpenBlock:
    """The code block being read: what closes it, and what its lines belong to."""

    fence: Fence
    ticks: str
    quoted: bool
    depth: int = 0

    def ended_by(self, text: str) -> bool:
        """Whether this line of the block is its end; counts blocks inside a Markdown example."""
        match = _FENCE.match(text)
        if not match or match["ticks"][0] != self.ticks[0] or len(match["ticks"]) < len(self.ticks):
            return False
        if match["info"]:
            self.depth += self.fence.tag.lower() in _NESTING_TAGS
            return False
        if len(match["lead"]) > len(self.fence.indent) + 3:
            return False
        self.depth -= 1
        return self.depth < 0


class LineReader:
    """Feed it text as it comes; it gives back the lines that are decided, and shows the rest as far as is safe."""

    def __init__(self) -> None:
        self._partial: list[str] = []
        self._partial_length = 0
        self._continues = False
        self._block: _OpenBlock | None = None
        self._table: Table | None = None
        self._header: str | None = None

    def feed(self, text: str) -> list[Line]:
        """Read more; returns the lines that are now decided. Work is linear in `text`."""
        found: list[Line] = []
        *complete, rest = _cleaned(text).split("\n")
        for piece in complete:
            found += self._extend(piece)
            found += self._complete(self._take_partial())
        return found + self._extend(rest)

    def finish(self) -> list[Line]:
        """Read the end of the text."""
        found = self._complete(self._take_partial()) if self._partial or self._continues else []
        self._block = None
        return found + self._decide()

    def preview(self) -> list[Line]:
        """What is not decided yet, as it is best shown now."""
        partial = "".join(self._partial)
        if self._block:
            waits = not partial.strip(" \t>`~")
            return [] if waits else [Line(disarm_backticks(partial), self._block.fence, ends=False)]
        found: list[Line] = []
        if self._table:
            found = _drawn(self._table)
        elif self._header is not None and not _UNDECIDED.match(self._header):
            found = [Line(_prose(self._header))]
        shown = partial.rstrip(_MARKER_CHARACTERS)
        if shown and (self._continues or not _UNDECIDED.match(partial)):
            found.append(Line(_prose(shown), ends=False))
        return found

    @property
    def _fence(self) -> Fence | None:
        return self._block.fence if self._block else None

    def _extend(self, piece: str) -> list[Line]:
        """Add to the partial line; a line that grows too long is handed on in parts."""
        self._partial.append(piece)
        self._partial_length += len(piece)
        if self._partial_length <= LONGEST_LINE:
            return []
        partial, found = self._take_partial(), [] if self._continues else self._decide()
        self._continues = True
        start = 0
        while len(partial) - start > LONGEST_LINE:
            part = partial[start : start + LONGEST_LINE]
            part = part.rstrip("`") or part  # a run of backticks is disarmed as a whole
            found.append(Line(disarm_backticks(part), self._fence, ends=False))
            start += len(part)
        self._partial, self._partial_length = [partial[start:]], len(partial) - start
        return found

    def _take_partial(self) -> str:
        text = "".join(self._partial)
        self._partial, self._partial_length = [], 0
        return text

    def _complete(self, text: str) -> list[Line]:
        if self._continues:
            self._continues = False
            return [Line(disarm_backticks(text), self._fence)]
        if self._block:
            return self._read_code(self._block, text)
        if self._table:
            if "|" in text:
                return self._read_row(self._table, text)
            return self._decide() + self._read_prose(text)
        if self._header is not None and is_table_start(self._header, text):
            self._table, self._header = Table(self._header, text), None
            return []
        return self._decide() + self._read_prose(text)

    def _decide(self) -> list[Line]:
        """Give up waiting for more of a table."""
        table, header = self._table, self._header
        self._table = self._header = None
        if table:
            return _drawn(table)
        return [Line(_prose(header))] if header is not None else []

    def _read_prose(self, text: str) -> list[Line]:
        match = _FENCE.match(text)
        if match:
            self._block = _opened(match)
            return []
        if len(cells(text)) > 1 and not text.lstrip().startswith(">"):
            self._header = text
            return []
        return [Line(_prose(text))]

    def _read_code(self, block: _OpenBlock, text: str) -> list[Line]:
        if block.quoted and not text.lstrip().startswith(">"):
            self._block = None  # the quote is over, and its code block with it
            return self._read_prose(text)
        if block.ended_by(text):
            self._block = None
            return []
        return [Line(disarm_backticks(text), block.fence)]

    def _read_row(self, table: Table, text: str) -> list[Line]:
        found: list[Line] = []
        if not table.has_room:
            found = _drawn(table)
            self._table = table = table.continued()
        table.add(text)
        return found


def _cleaned(text: str) -> str:
    return _LONE_SURROGATE.sub("\ufffd", _NOT_SHOWN.sub("", text))


def _opened(match: re.Match[str]) -> _OpenBlock:
    lead = match["lead"]
    indent = re.sub(r"[^ \t>]", " ", lead)
    return _OpenBlock(Fence(language_tag(match["info"]), lead, indent), match["ticks"], ">" in lead)


def language_tag(info: str) -> str:
    """The language of a fence's info string as Discord takes it ([a-zA-Z0-9_+.-]), or nothing.

    A tag that Discord would print as a line of code is replaced by its common
    alias (`f#` by `fsharp`) or left out.
    """
    first = info.split(maxsplit=1)[0].lstrip("{.") if info.strip() else ""
    if first.lower() in _TAGS_WITHOUT_SHARP:
        return _TAGS_WITHOUT_SHARP[first.lower()]
    match = _TAG.match(first)
    return match[0][:40] if match else ""


def _prose(text: str) -> str:
    heading = _DEEP_HEADING.match(text)
    if heading:
        title = text[heading.end() :].strip().rstrip("#").rstrip().replace("**", "")
        text = f"**{title}**" if title else ""
    return disarm_backticks(_LONG_TICKS.sub(r"``\g<code>``", _HEADING.sub("", text)))


def _drawn(table: Table) -> list[Line]:
    if table.fits:
        fence = Fence()
        return [Line(disarm_backticks(row), fence) for row in table.draw()]
    return [Line(_prose(row)) for row in table.itemise()]
