"""Draws Markdown tables, which Discord does not know: aligned for a code block, or as a list where that is too wide.

A table is drawn from all its rows, so it is held while it streams in; a very
long one is drawn in several pieces. This module knows nothing of pages.
"""

from __future__ import annotations

import re
import unicodedata

WIDEST = 64
"""Columns of the widest table that is drawn aligned.

A phone shows about 42 columns of a code block and scrolls sideways for the
rest, so up to half as much again can be read there; the desktop client shows
more, but wraps what does not fit, and a thread beside its channel is narrow.
"""
MOST_ROWS = 60
MOST_CHARACTERS = 6000

_DELIMITER = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_PIECE = re.compile(r"(?P<code>(?P<ticks>`{1,2})[^`]+(?P=ticks))|\\.|[^|\\`]+|[\\`]|(?P<border>\|)")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_MARKED = re.compile(
    r"\*\*(?P<bold>[^*]+)\*\*|`{1,2}(?P<code>[^`]+)`{1,2}|\*(?P<italic>[^*\s][^*]*)\*|\\(?P<sign>[^\w\s])"
)
_LINK = re.compile(r"\]\(|https?://|<[@#:]")


def cells(row: str) -> list[str]:
    """The cells of a row, trimmed. GFM, 'Tables': outer borders are optional, `\\|` is no border."""
    return [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(_inner(row))]


def cells_around_code(row: str) -> list[str]:
    """The cells of a row if bars within code are no borders, as models write them and GFM does not read them."""
    found = [""]
    for piece in _PIECE.finditer(_inner(row)):
        if piece["border"]:
            found.append("")
        else:
            found[-1] += piece[0]
    return [cell.strip().replace("\\|", "|") for cell in found]


def _inner(row: str) -> str:
    row = row.strip()
    if "|" not in row:
        return row
    row = row.removeprefix("|")
    return row[:-1] if row.endswith("|") and not row.endswith("\\|") else row


def is_table_start(header: str, delimiter: str) -> bool:
    """Whether two lines begin a table: a header, and a delimiter row of as many cells."""
    return bool(_DELIMITER.match(delimiter.strip())) and len(cells(header)) == len(cells(delimiter))


class Table:
    """A table being read. `header` and `delimiter` are its first two lines."""

    def __init__(self, header: str, delimiter: str) -> None:
        self._header_line, self._delimiter_line = header, delimiter
        self._header = cells(header)
        self._delimiters = cells(delimiter)
        self._rows: list[list[str]] = []
        self._drawn = [[_plain(cell) for cell in self._header]]
        self._widths = [max(1, _width(cell)) for cell in self._drawn[0]]
        self._characters = len(header)
        self._has_links = False

    @property
    def has_room(self) -> bool:
        """Whether a further row may be added; the next ones make a table of their own."""
        return len(self._rows) < MOST_ROWS and self._characters < MOST_CHARACTERS

    @property
    def fits(self) -> bool:
        """Whether it is best drawn aligned: it is narrow enough, and has no links, which are dead in a code block."""
        return not self._has_links and sum(self._widths) + 3 * (len(self._widths) - 1) <= WIDEST

    def continued(self) -> Table:
        """An empty table of the same columns, for the rows that have no room in this one."""
        return Table(self._header_line, self._delimiter_line)

    def add(self, row: str) -> None:
        """Add a row; missing cells are empty, surplus ones are dropped (GFM, 'Tables')."""
        count = len(self._header)
        found = cells(row)
        if len(found) > count and len(around := cells_around_code(row)) == count:
            found = around
        found = (found + [""] * count)[:count]
        drawn = [_plain(cell) for cell in found]
        self._rows.append(found)
        self._drawn.append(drawn)
        self._widths = [max(width, _width(cell)) for width, cell in zip(self._widths, drawn, strict=True)]
        self._characters += len(row)
        self._has_links = self._has_links or bool(_LINK.search(row))

    def draw(self) -> list[str]:
        """The aligned rows, for a code block."""
        rule = "─┼─".join("─" * width for width in self._widths)
        header, *rows = [self._aligned(row) for row in self._drawn]
        return [header, rule, *rows]

    def itemise(self) -> list[str]:
        """One list item for each row, naming the columns."""
        if not self._rows:
            return [" · ".join(f"**{_plain(name)}**" for name in self._header)]
        return [line for row in self._rows for line in self._item(row)]

    def _item(self, row: list[str]) -> list[str]:
        title = row[0].replace("**", "")
        first = f"- **{title}**" if title else "-"
        named = zip(self._header[1:], row[1:], strict=True)
        return [first, *(f"  - {name}: {_BREAK.sub(' ', cell)}" for name, cell in named if cell)]

    def _aligned(self, row: list[str]) -> str:
        drawn = [
            _pad(cell, width, delimiter)
            for cell, width, delimiter in zip(row, self._widths, self._delimiters, strict=True)
        ]
        return " │ ".join(drawn).rstrip()


def _plain(cell: str) -> str:
    """A cell without the markers that a code block would show."""
    return _MARKED.sub(_unmarked, _BREAK.sub(" ", cell))


def _unmarked(match: re.Match[str]) -> str:
    return match["bold"] or match["code"] or match["italic"] or match["sign"]


def _pad(cell: str, width: int, delimiter: str) -> str:
    space = width - _width(cell)
    if delimiter.startswith(":") and delimiter.endswith(":"):
        return " " * (space // 2) + cell + " " * (space - space // 2)
    return " " * space + cell if delimiter.endswith(":") else cell + " " * space


def _width(text: str) -> int:
    """Columns in a monospaced font: wide characters and emoji take two, combining ones and what is joined none."""
    if text.isascii():
        return len(text)
    columns, previous, joined = 0, 0, False
    for character in text:
        if character == "\ufe0f":
            columns, previous = columns + (previous == 1), 0
        elif character == "\u200d":
            joined = True
            continue
        elif not (joined or unicodedata.category(character) in ("Mn", "Me", "Cf") or _is_skin_tone(character)):
            previous = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            columns += previous
        joined = False
    return columns


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"
