"""What pictures are drawn with: a card, a pen that counts pixels, and the colours.

A card has its own colour, so that it reads on Discord's dark and light themes
alike; letters are to be large enough for a phone. matplotlib is imported with the
first picture, and never its pyplot, which keeps state.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

WIDTH = 1000
"""Pixels. Discord shows pictures about 550 wide on a desk, and about 360 on a phone, at two or three pixels each."""
EDGE = 48
CARD, TEXT, SOFT, EMPTY = "#1e1f22", "#f2f3f5", "#b5bac1", "#3f4248"
VIOLET, BLUE, ORANGE, GREY, GREEN = "#c4a7ff", "#58a6ff", "#ffb454", "#80848e", "#4fd18b"
_DPI = 100


class Pen:
    """Draws on axes whose unit is the pixel, counted from the top."""

    def __init__(self, axes: Any) -> None:
        self._axes = axes

    def text(self, x: float, y: float, text: str, *, size: int, colour: str = TEXT, right: bool = False) -> None:
        """Text on the line that ends at `y`; letters that the font may lack are left out."""
        plain = "".join(letter for letter in text if (letter.isprintable() and ord(letter) < 0x250) or letter in "…")
        self._axes.text(
            *(x, y, plain),
            fontsize=size * 72 / _DPI,
            color=colour,
            ha="right" if right else "left",
            va="baseline",
            parse_math=False,
        )

    def box(self, x: float, y: float, width: float, height: float, colour: str, *, hatch: str = "") -> None:
        from matplotlib.patches import Rectangle

        face = CARD if hatch else colour
        edge = colour if hatch else "none"
        self._axes.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor=edge, hatch=hatch, linewidth=0))


class Card:
    """One picture. Draw in a thread, one at a time."""

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure: Any = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=CARD)
        FigureCanvasAgg(figure)
        axes: Any = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        self._figure = figure
        self.pen = Pen(axes)

    def png(self) -> bytes:
        file = io.BytesIO()
        self._figure.savefig(file, format="png", facecolor=CARD)
        return file.getvalue()


def shares(sizes: Sequence[int], room: float, *, least: float = 9.0) -> list[float]:
    """The widths of a bar's parts: in proportion, but wide enough to be seen if there is anything to see."""
    total = sum(sizes) or 1
    widths = [max(least, room * size / total) if size else 0.0 for size in sizes]
    surplus = sum(widths) - room
    largest = max(range(len(widths)), key=widths.__getitem__)
    widths[largest] -= surplus
    return widths
