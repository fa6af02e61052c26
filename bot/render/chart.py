"""The pictures: a conversation's window as a bar, with what each turn has cost.

Drawn on a card of its own colour, so that it reads on Discord's dark and light
themes alike, and in letters that are still large on a phone. matplotlib is
imported with the first picture, and never its pyplot, which keeps state. This
module knows nothing of where a picture goes; draw in a thread, one at a time.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.render.footer import dollars, one_line, short_model
from bot.render.window_facts import percent, short_number, turns
from bot.window import Window

WIDTH, HEIGHT, HEIGHT_WITHOUT_COSTS = 1000, 760, 590
"""Pixels. Discord shows pictures about 550 wide on a desk, and about 360 on a phone, at two or three pixels each."""

_CARD, _TEXT, _SOFT, _FREE = "#1e1f22", "#f2f3f5", "#b5bac1", "#3f4248"
_INSTRUCTIONS, _KEPT, _ANSWER, _LEFT, _CACHED = "#c4a7ff", "#58a6ff", "#ffb454", "#80848e", "#4fd18b"
_EDGE = 48
_BAR_LEFT, _BAR_RIGHT, _BAR_TOP, _BAR_HEIGHT = _EDGE, WIDTH - _EDGE, 190, 72
_MOST_LEFT_SHARE = 0.25
"""Of the bar, for what was left behind, however much it was."""
_MOST_TURNS = 30
_DPI = 100


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the bar, with its line in the legend."""

    name: str
    tokens: int
    colour: str
    hatch: str = ""


def draw_window(window: Window) -> bytes:
    """The picture as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = HEIGHT if window.total.cost else HEIGHT_WITHOUT_COSTS
    figure: Any = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor=_CARD)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    pen = _Pen(axes)
    _draw_head(pen, window)
    _draw_bar(pen, window)
    _draw_legend(pen, window)
    _draw_costs(pen, window)
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor=_CARD)
    return file.getvalue()


class _Pen:
    """Draws on axes whose unit is the pixel, counted from the top."""

    def __init__(self, axes: Any) -> None:
        self._axes = axes

    def text(self, x: float, y: float, text: str, *, size: int, colour: str = _TEXT, right: bool = False) -> None:
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

        face = _CARD if hatch else colour
        edge = colour if hatch else "none"
        self._axes.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor=edge, hatch=hatch, linewidth=0))


def _draw_head(pen: _Pen, window: Window) -> None:
    size = window.room.window
    pen.text(_EDGE, 84, f"{percent(window.used / size)} of the window used", size=50)
    about = f"about {short_number(window.used)} of {short_number(size)} tokens · {short_model(window.model)}"
    pen.text(_EDGE, 140, one_line(about, 50), size=31, colour=_SOFT)


def _parts(window: Window) -> list[_Part]:
    return [
        _Part(f"{turns(window.left_turns)} left behind", window.left_tokens, _LEFT, "////"),
        _Part("instructions", window.room.instructions, _INSTRUCTIONS),
        _Part(f"{turns(window.kept_turns)} kept", window.kept_tokens, _KEPT),
        _Part("free", window.free, _FREE),
        _Part("room for the answer", window.room.answer, _ANSWER),
    ]


def _draw_bar(pen: _Pen, window: Window) -> None:
    """What was left behind stands before the window; of what was sent last, the cached beginning is underlined."""
    left, *inside = _parts(window)
    begin = float(_BAR_LEFT)
    if left.tokens:
        share = min(_MOST_LEFT_SHARE, left.tokens / (left.tokens + window.room.window))
        width = (_BAR_RIGHT - _BAR_LEFT) * share
        pen.box(begin, _BAR_TOP, width - 10, _BAR_HEIGHT, left.colour, hatch=left.hatch)
        begin += width
    x, used = begin, 0.0
    for part, width in zip(inside, _widths([part.tokens for part in inside], _BAR_RIGHT - begin), strict=True):
        pen.box(x, _BAR_TOP, max(0.0, width - 3), _BAR_HEIGHT, part.colour)
        used += width if part.colour in (_INSTRUCTIONS, _KEPT) else 0.0
        x += width
    if window.cached_share:
        pen.box(begin, _BAR_TOP + _BAR_HEIGHT + 8, max(6.0, used * window.cached_share - 3), 14, _CACHED)


def _widths(sizes: Sequence[int], room: float, *, least: float = 9.0) -> list[float]:
    """The widths of a bar's parts: in proportion, but wide enough to be seen if there is anything to see."""
    total = sum(sizes) or 1
    widths = [max(least, room * size / total) if size else 0.0 for size in sizes]
    surplus = sum(widths) - room
    largest = max(range(len(widths)), key=widths.__getitem__)
    widths[largest] -= surplus
    return widths


def _draw_legend(pen: _Pen, window: Window) -> None:
    lines = [(f"{part.name} · {short_number(part.tokens)}", part) for part in _parts(window) if part.tokens]
    if window.last is not None:
        name = f"cached last time · {percent(window.cached_share)}"
        lines.append((name, _Part(name, 0, _CACHED)))
    for number, (text, part) in enumerate(lines):
        x, y = _EDGE + (number % 2) * 474, 350 + number // 2 * 52
        pen.box(x, y - 24, 28, 28, part.colour, hatch=part.hatch)
        pen.text(x + 40, y, text, size=28)


def _draw_costs(pen: _Pen, window: Window) -> None:
    """The latest turns' costs as columns on one scale."""
    costs = [spent.usage.cost or 0 for spent in window.spending[-_MOST_TURNS:]]
    total, top, bottom = window.total.cost, 590, 720
    said = "cost: not reported" if total is None else f"{dollars(total)} so far"
    pen.text(_EDGE, 548, said, size=34)
    if not any(costs):
        return
    highest = max(costs)
    which = "each turn" if len(window.spending) <= _MOST_TURNS else f"each of the last {_MOST_TURNS} turns"
    pen.text(WIDTH - _EDGE, 548, f"{which}, up to {dollars(highest)}", size=27, colour=_SOFT, right=True)
    step = min(60.0, (WIDTH - 2 * _EDGE) / len(costs))
    for number, spent in enumerate(costs):
        height = max(3.0, (bottom - top) * spent / highest)
        pen.box(_EDGE + number * step, bottom - height, step - 5, height, _KEPT if spent else _FREE)
