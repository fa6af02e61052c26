"""The picture of what was consumed: a column for each day or hour, and a bar of the tokens.

The columns show costs, or tokens where no cost was reported. This module knows
nothing of where a picture goes; draw in a thread, one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.footer import dollars
from bot.render.pen import BLUE, EDGE, EMPTY, GREEN, ORANGE, SOFT, VIOLET, WIDTH, Card, Pen, shares
from bot.render.usage_facts import requests, short_cost, when
from bot.render.window_facts import short_number
from bot.spending import Period, Report

HEIGHT = 820
"""Pixels."""

_TOP, _BOTTOM = 284, 520
"""Of the highest column."""
_GAP = 0.18
"""Between two columns, in columns."""
_BAR_TOP, _BAR_HEIGHT = 612, 56
_LEAST = 4.0
"""Pixels of a column in which there is hardly anything."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the bar, with its entry in the legend."""

    name: str
    tokens: int
    colour: str


def draw_usage(report: Report, title: str) -> bytes:
    """The picture as PNG. `title` says whose consumption it is, where and when."""
    card = Card(WIDTH, HEIGHT)
    _draw_head(card.pen, report, title)
    _draw_columns(card.pen, report)
    _draw_tokens(card.pen, report)
    return card.png()


def _draw_head(pen: Pen, report: Report, title: str) -> None:
    total = report.total
    pen.text(EDGE, 66, title, size=30, colour=SOFT)
    pen.text(EDGE, 130, short_cost(total), size=50)
    about = f"{requests(total.requests)} · {short_number(total.tokens)} tokens"
    pen.text(EDGE, 182, about, size=31, colour=SOFT)


def _draw_columns(pen: Pen, report: Report) -> None:
    """One column for each part of the period on one scale, the newest at the right."""
    priced = bool(report.total.usage.cost)
    heights = [(spent.usage.cost or 0) if priced else spent.tokens for spent in report.slots]
    highest = max(heights)
    what = "hour" if report.period is Period.DAY else "day"
    most = dollars(highest) if priced else f"{short_number(highest)} tokens"
    pen.text(EDGE, 252, f"{'cost' if priced else 'tokens'} each {what}, up to {most}", size=27, colour=SOFT)
    step = (WIDTH - 2 * EDGE) / (len(heights) - _GAP)
    for number, amount in enumerate(heights):
        x, width = EDGE + number * step, step * (1 - _GAP)
        pen.box(x, _BOTTOM, width, 3, EMPTY)
        if report.slots[number].requests:
            height = max(_LEAST, (_BOTTOM - _TOP) * amount / (highest or 1))
            pen.box(x, _BOTTOM - height, width, height, BLUE)
    _draw_times(pen, report)


def _draw_times(pen: Pen, report: Report) -> None:
    """When the period begins and ends, under its first and last column."""
    first, last = (when(report, report.first_slot + number) for number in (0, report.period.slots - 1))
    pen.text(EDGE, _BOTTOM + 38, f"{first} UTC", size=27, colour=SOFT)
    pen.text(WIDTH - EDGE, _BOTTOM + 38, f"{last} UTC", size=27, colour=SOFT, right=True)


def _draw_tokens(pen: Pen, report: Report) -> None:
    parts = [part for part in _parts(report) if part.tokens > 0]
    if not parts:
        return
    x = float(EDGE)
    for part, width in zip(parts, shares([part.tokens for part in parts], WIDTH - 2 * EDGE), strict=True):
        pen.box(x, _BAR_TOP, max(0.0, width - 3), _BAR_HEIGHT, part.colour)
        x += width
    for number, part in enumerate(parts):
        left, y = EDGE + (number % 2) * 474, 724 + number // 2 * 52
        pen.box(left, y - 24, 28, 28, part.colour)
        pen.text(left + 40, y, f"{part.name} · {short_number(part.tokens)}", size=28)


def _parts(report: Report) -> list[_Part]:
    usage = report.total.usage
    return [
        _Part("prompt, cached", usage.cached_tokens, GREEN),
        _Part("prompt, new", usage.prompt_tokens - usage.cached_tokens, BLUE),
        _Part("reasoning", usage.reasoning_tokens, VIOLET),
        _Part("answers", usage.completion_tokens - usage.reasoning_tokens, ORANGE),
    ]
