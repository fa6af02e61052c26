"""A conversation's window in words: for those who read, and for those to whom a picture is read out.

Pure text; the same facts as in the picture (`bot/render/chart.py`).
"""

from __future__ import annotations

from bot.render.footer import dollars, one_line, short_model
from bot.window import Window


def short_number(count: int) -> str:
    """A number as it fits into a picture: `950`, `12.3k`, `262k`, `1.0M`, `2.5B`."""
    if count < 1_000:
        return str(count)
    if count < 99_950:
        return f"{count / 1_000:.1f}k"
    if count < 999_500:
        return f"{count / 1_000:.0f}k"
    return f"{count / 1_000_000:.1f}M" if count < 999_950_000 else f"{count / 1_000_000_000:.1f}B"


def percent(share: float) -> str:
    """A share as people say it; what is more than nothing is never 0 %, nor what lacks something 100 %."""
    whole = round(share * 100)
    whole = max(1, whole) if share > 0 else whole
    return f"{min(99, whole) if share < 1 else whole} %"


def turns(count: int) -> str:
    return f"{count:,} {'turn' if count == 1 else 'turns'}"


def cost(window: Window) -> str:
    """What the conversation has cost by now."""
    total = window.total
    known = "not reported by the model's server" if total.cost is None else dollars(total.cost)
    return f"{known}, {window.requests:,} {'request' if window.requests == 1 else 'requests'} to models"


def facts(window: Window) -> list[tuple[str, str]]:
    """Every fact of the window with its name, in order."""
    room, last = window.room, window.last
    size = f"{room.window:,} tokens{' (assumed, for nothing is known of this model)' if window.is_assumed else ''}"
    found = [
        ("Model", f"{one_line(short_model(window.model), 80)}, a window of {size}"),
        ("Used", f"about {window.used:,} tokens ({percent(window.used / room.window)}): {_parts(window)}"),
        ("Left behind", f"{turns(window.left_turns)}, about {window.left_tokens:,} tokens")
        if window.left_turns
        else None,
        ("Kept free for the answer", f"{room.answer:,} tokens; {window.free:,} more are free"),
        ("Last request", _last(window)) if last is not None else None,
        ("Cost so far", cost(window)),
    ]
    return [fact for fact in found if fact is not None]


def alt_text(window: Window) -> str:
    """The picture for those who cannot see it."""
    said = "; ".join(f"{name}: {fact}" for name, fact in facts(window))
    return f"A bar that shows how full the model's window is, and the cost of each turn. {said}."


def _parts(window: Window) -> str:
    return f"instructions {window.room.instructions:,}, {turns(window.kept_turns)} {window.kept_tokens:,}"


def _last(window: Window) -> str:
    last = window.last
    if last is None:
        return "none yet"
    return (
        f"{last.prompt_tokens:,} tokens, {last.cached_tokens:,} of them ({percent(window.cached_share)}) from the cache"
    )
