"""The picture of a conversation's window: a bar, with what each turn has cost.

This module knows nothing of where a picture goes; draw in a thread, one at a
time.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.footer import dollars, one_line, short_model
from bot.render.pen import BLUE, EDGE, EMPTY, GREEN, GREY, ORANGE, SOFT, VIOLET, WIDTH, Card, Pen, shares
from bot.render.window_facts import percent, short_number, turns
from bot.window import Window

HEIGHT, HEIGHT_WITHOUT_COSTS = 760, 590
"""Pixels."""

_FREE, _INSTRUCTIONS, _KEPT, _ANSWER, _LEFT, _CACHED = EMPTY, VIOLET, BLUE, ORANGE, GREY, GREEN
_BAR_LEFT, _BAR_RIGHT, _BAR_TOP, _BAR_HEIGHT = EDGE, WIDTH - EDGE, 190, 72
_MOST_LEFT_SHARE = 0.25
"""Of the bar, for what was left behind, however much it was."""
_MOST_TURNS = 30


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the bar, with its line in the legend."""

    name: str
    tokens: int
    colour: str
    hatch: str = ""


def draw_window(window: Window) -> bytes:
    """The picture as PNG."""
    card = Card(WIDTH, HEIGHT if window.total.cost else HEIGHT_WITHOUT_COSTS)
    _draw_head(card.pen, window)
    _draw_bar(card.pen, window)
    _draw_legend(card.pen, window)
    _draw_costs(card.pen, window)
    return card.png()


def _draw_head(pen: Pen, window: Window) -> None:
    size = window.room.window
    pen.text(EDGE, 84, f"{percent(window.used / size)} of the window used", size=50)
    about = f"about {short_number(window.used)} of {short_number(size)} tokens · {short_model(window.model)}"
    pen.text(EDGE, 140, one_line(about, 50), size=31, colour=SOFT)


def _parts(window: Window) -> list[_Part]:
    return [
        _Part(f"{turns(window.left_turns)} left behind", window.left_tokens, _LEFT, "////"),
        _Part("instructions", window.room.instructions, _INSTRUCTIONS),
        _Part(f"{turns(window.kept_turns)} kept", window.kept_tokens, _KEPT),
        _Part("free", window.free, _FREE),
        _Part("room for the answer", window.room.answer, _ANSWER),
    ]


def _draw_bar(pen: Pen, window: Window) -> None:
    """What was left behind stands before the window; of what was sent last, the cached beginning is underlined."""
    left, *inside = _parts(window)
    begin = float(_BAR_LEFT)
    if left.tokens:
        share = min(_MOST_LEFT_SHARE, left.tokens / (left.tokens + window.room.window))
        width = (_BAR_RIGHT - _BAR_LEFT) * share
        pen.box(begin, _BAR_TOP, width - 10, _BAR_HEIGHT, left.colour, hatch=left.hatch)
        begin += width
    x, used = begin, 0.0
    for part, width in zip(inside, shares([part.tokens for part in inside], _BAR_RIGHT - begin), strict=True):
        pen.box(x, _BAR_TOP, max(0.0, width - 3), _BAR_HEIGHT, part.colour)
        used += width if part.colour in (_INSTRUCTIONS, _KEPT) else 0.0
        x += width
    if window.cached_share:
        pen.box(begin, _BAR_TOP + _BAR_HEIGHT + 8, max(6.0, used * window.cached_share - 3), 14, _CACHED)


def _draw_legend(pen: Pen, window: Window) -> None:
    lines = [(f"{part.name} · {short_number(part.tokens)}", part) for part in _parts(window) if part.tokens]
    if window.last is not None:
        name = f"cached last time · {percent(window.cached_share)}"
        lines.append((name, _Part(name, 0, _CACHED)))
    for number, (text, part) in enumerate(lines):
        x, y = EDGE + (number % 2) * 474, 350 + number // 2 * 52
        pen.box(x, y - 24, 28, 28, part.colour, hatch=part.hatch)
        pen.text(x + 40, y, text, size=28)


def _draw_costs(pen: Pen, window: Window) -> None:
    """The latest turns' costs as columns on one scale."""
    costs = [spent.usage.cost or 0 for spent in window.spending[-_MOST_TURNS:]]
    total, top, bottom = window.total.cost, 590, 720
    said = "cost: not reported" if total is None else f"{dollars(total)} so far"
    pen.text(EDGE, 548, said, size=34)
    if not any(costs):
        return
    highest = max(costs)
    which = "each turn" if len(window.spending) <= _MOST_TURNS else f"each of the last {_MOST_TURNS} turns"
    pen.text(WIDTH - EDGE, 548, f"{which}, up to {dollars(highest)}", size=27, colour=SOFT, right=True)
    step = min(60.0, (WIDTH - 2 * EDGE) / len(costs))
    for number, spent in enumerate(costs):
        height = max(3.0, (bottom - top) * spent / highest)
        pen.box(EDGE + number * step, bottom - height, step - 5, height, _KEPT if spent else _FREE)
