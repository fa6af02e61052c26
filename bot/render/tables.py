"""Draws Markdown tables, which Discord does not know: aligned for a code block, or as a list where that is too wide.

A table is drawn from all its rows, so it is held while it streams in; a very
long one is drawn in several pieces. This module knows nothing of pages.
"""

from __future__ import annotations

import re
import unicodedata

WIDEST = 88
"""Columns that Discord's desktop client shows in a code block without wrapping."""
MOST_ROWS = 60
MOST_CHARACTERS = 6000

_DELIMITER = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_MARKED = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|`(?P<code>[^`]+)`")


def cells(row: str) -> list[str]:
    """The cells of a row, trimmed. GFM, 'Tables': outer borders are optional, `\\|` is no border."""
    row = row.strip()
    if "|" not in row:
        return [row]
    row = row.removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(row)]


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
        self._characters = len(header)

    @property
    def has_room(self) -> bool:
        return len(self._rows) < MOST_ROWS and self._characters < MOST_CHARACTERS

    @property
    def fits(self) -> bool:
        """Whether it is narrow enough to be drawn aligned."""
        widths = self._widths()
        return sum(widths) + 3 * (len(widths) - 1) <= WIDEST

    def continued(self) -> Table:
        """An empty table of the same columns, for the rows that have no room in this one."""
        return Table(self._header_line, self._delimiter_line)

    def add(self, row: str) -> None:
        """Add a row; missing cells are empty, surplus ones are dropped (GFM, 'Tables')."""
        count = len(self._header)
        self._rows.append((cells(row) + [""] * count)[:count])
        self._characters += len(row)

    def draw(self) -> list[str]:
        """The aligned rows, for a code block."""
        widths = self._widths()
        rule = "─┼─".join("─" * width for width in widths)
        header, *rows = [self._aligned(row, widths) for row in (self._header, *self._rows)]
        return [header, rule, *rows]

    def itemise(self) -> list[str]:
        """One list item for each row, naming the columns."""
        if not self._rows:
            return [" · ".join(f"**{_plain(name)}**" for name in self._header)]
        return [line for row in self._rows for line in self._item(row)]

    def _item(self, row: list[str]) -> list[str]:
        first = f"- **{_plain(row[0])}**" if row[0] else "-"
        named = zip(self._header[1:], row[1:], strict=True)
        return [first, *(f"  - {name}: {_BREAK.sub(' ', cell)}" for name, cell in named if cell)]

    def _widths(self) -> list[int]:
        columns = zip(self._header, *self._rows, strict=True)
        return [max(1, *(_width(_plain(cell)) for cell in column)) for column in columns]

    def _aligned(self, row: list[str], widths: list[int]) -> str:
        drawn = [
            _pad(_plain(cell), width, delimiter)
            for cell, width, delimiter in zip(row, widths, self._delimiters, strict=True)
        ]
        return " │ ".join(drawn).rstrip()


def _plain(cell: str) -> str:
    """A cell without the markers that a code block would show."""
    return _MARKED.sub(lambda match: match["bold"] or match["code"], _BREAK.sub(" ", cell))


def _pad(cell: str, width: int, delimiter: str) -> str:
    space = width - _width(cell)
    if delimiter.startswith(":") and delimiter.endswith(":"):
        return " " * (space // 2) + cell + " " * (space - space // 2)
    return " " * space + cell if delimiter.endswith(":") else cell + " " * space


def _width(text: str) -> int:
    """Columns in a monospaced font: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
