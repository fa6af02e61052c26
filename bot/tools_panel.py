"""What `/tools` shows: which tools there are, which are on, and why some are not to be had.

Pure. This module knows nothing of how it is sent, nor of what the tools do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.panel_items import LONGEST_OPTION, MOST_OPTIONS, Button, Option, Row, Screen, Select, clipped, fitted
from bot.tools.kit import Listed

TOOLS = "tools"
"""How the ids of the panel's controls begin."""
HEAD = "**Tools**: what I may use to answer in this server"
_LONGEST_LINE = 100


def pages_of(listed: Sequence[Listed]) -> int:
    return max(1, -(-len(listed) // MOST_OPTIONS))


def on_page(listed: Sequence[Listed], page: int) -> Sequence[Listed]:
    """The tools of one page; pages beyond the last are the last."""
    page = min(max(page, 0), pages_of(listed) - 1)
    return listed[page * MOST_OPTIONS : (page + 1) * MOST_OPTIONS]


def screen(listed: Sequence[Listed], page: int = 0, *, note: str = "", remarks: Sequence[str] = ()) -> Screen:
    """The panel with one page of tools. `note` says what has just happened, `remarks` what should be known besides."""
    page = min(max(page, 0), pages_of(listed) - 1)
    shown = on_page(listed, page)
    options = tuple(
        Option(clipped(tool.name, LONGEST_OPTION), tool.name, clipped(_state(tool), LONGEST_OPTION), chosen=tool.is_on)
        for tool in shown
        if len(tool.name) <= LONGEST_OPTION
    )
    rows: list[Row] = [Select(f"{TOOLS}:set:{page}", "Choose those that are on", options, least=0, most=len(options))]
    if pages_of(listed) > 1:
        rows.append(
            (
                Button(f"{TOOLS}:page:{page - 1}", "Back", disabled=page == 0),
                Button(f"{TOOLS}:page:{page + 1}", "More", disabled=page == pages_of(listed) - 1),
            )
        )
    lines = [*([note] if note else []), HEAD, *map(_line, shown)]
    if pages_of(listed) > 1:
        lines.append(f"-# Page {page + 1} of {pages_of(listed)}")
    lines += [f"-# {clipped(remark, 200)}" for remark in remarks[:5]]
    return Screen(fitted(lines), tuple(rows))


def turned(before: Collection[str], listed: Sequence[Listed], page: int, chosen: Collection[str]) -> tuple[str, ...]:
    """The tools that are on once those `chosen` on one page are; those of other pages stay as they are."""
    there = {tool.name for tool in on_page(listed, page)}
    kept = [name for name in before if name not in there]
    return tuple(dict.fromkeys([*kept, *(tool.name for tool in listed if tool.name in there and tool.name in chosen)]))


def _line(tool: Listed) -> str:
    sign = "✅" if tool.is_on and not tool.why_not else "⚠️" if tool.is_on else "⬜"
    why = f", but not to be had: {tool.why_not}" if tool.is_on else f"; not to be had: {tool.why_not}"
    about = clipped(" ".join(tool.about.split()), _LONGEST_LINE).rstrip(".")
    asks = "; asks the member before each call" if tool.asks_first else ""
    return f"{sign} `{clipped(tool.name.replace('`', ''), 64)}` {about}{asks}{why if tool.why_not else ''}"


def _state(tool: Listed) -> str:
    return f"not to be had: {tool.why_not}" if tool.why_not else tool.about or "a tool of another server"
