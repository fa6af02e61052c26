"""What reading a line of text finds in it, as values: spans, what must stay in one piece, loose markers.

This module knows nothing of how a line is read, nor of what is made of it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from bot.render.inline import OpenMarkers


@dataclass(frozen=True, slots=True)
class Span:
    """Text between two markers, which `start` and `end` include; an open one ends beyond the line."""

    start: int
    end: int
    marker: str


@dataclass(slots=True)
class Scan:
    """What was found in a line.

    `atoms` are pieces that are not to be cut, in order; `loose` are markers
    without a partner that Discord might find one for; `spoilt` are pairs around
    code that has their marker, where Discord would end the span. A formula includes its
    delimiters; `open_formula` is where one began that has not ended yet.
    """

    atoms: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    spans: list[Span] = field(default_factory=list[Span])
    loose: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    spoilt: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    formulas: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    open_formula: int | None = None
    links: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    tags: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    @property
    def needs_edits(self) -> bool:
        """Whether Discord would not show the line as it was meant; code may need that, too."""
        pieces = self.loose or self.spoilt or self.formulas or self.links or self.tags
        return bool(pieces) or self.open_formula is not None

    def opened_at(self, position: int) -> OpenMarkers:
        """The markers open at a position."""
        found = [span for span in self.spans if span.start < position < span.end]
        return tuple(span.marker for span in sorted(found, key=lambda span: (span.start, -span.end)))

    def splits_atom(self, position: int) -> bool:
        """Whether a cut here would go through something that must stay in one piece."""
        return self.atom_around(position) is not None

    def atom_around(self, position: int) -> tuple[int, int] | None:
        """The piece that a cut here would go through."""
        index = bisect_left(self.atoms, (position,)) - 1
        if index >= 0 and self.atoms[index][0] < position < self.atoms[index][1]:
            return self.atoms[index]
        return None
