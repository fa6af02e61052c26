"""The small print of an answer: status, tools, notices, figures. Each is a line, ready to be shown.

Pure text. This module knows nothing of pages, and nothing of when a line is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import Usage

MOST_TOOL_LINES = 4
MOST_NOTICES = 4
LONGEST_REMARK = 300

_SPECIAL = re.compile(r"([*_~`|\\<>\[\]])")
_DATE = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d)(?=$|:)")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One use of a tool; `seconds` is None while it runs."""

    name: str
    about: str
    seconds: float | None = None
    is_error: bool = False


def small(text: str) -> str:
    """One line of Discord's small print."""
    return f"-# {one_line(text)}"


def one_line(text: str, longest: int = LONGEST_REMARK) -> str:
    """`text` on one line of at most `longest` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def tool_lines(tools: Sequence[ToolUse]) -> list[str]:
    """The latest uses of tools, one a line; earlier ones are only counted."""
    hidden = len(tools) - MOST_TOOL_LINES
    lines = [_tool_line(tool) for tool in tools[-MOST_TOOL_LINES:]]
    return [small(f"🔧 {hidden} more before"), *lines] if hidden > 0 else lines


def tool_summary(tools: Sequence[ToolUse]) -> list[str]:
    """Which tools an answer used, as one line; nothing when it used none."""
    if not tools:
        return []
    counts = Counter(tool.name for tool in tools)
    names = (f"{_literal(name, 60)} ×{count}" if count > 1 else _literal(name, 60) for name, count in counts.items())
    return [small(f"🔧 {', '.join(names)}")]


def notice_lines(notices: Sequence[str]) -> list[str]:
    hidden = len(notices) - MOST_NOTICES
    lines = [small(notice) for notice in notices[:MOST_NOTICES]]
    return [*lines, small(f"And {hidden} more remarks.")] if hidden > 0 else lines


def figures(model: str, thinking_seconds: float, usage: Usage) -> list[str]:
    """The footer: model, seconds of thought, tokens the model wrote, cost; only what is known."""
    facts = [
        _literal(short_model(model), 80),
        f"thought {seconds(thinking_seconds)}" if thinking_seconds >= 0.5 else "",
        f"{usage.completion_tokens:,} tokens" if usage.completion_tokens else "",
        dollars(usage.cost) if usage.cost is not None else "",
    ]
    known = [fact for fact in facts if fact]
    return [small(" · ".join(known))] if known else []


def short_model(model: str) -> str:
    """A model's name without its author and release date: `moonshotai/kimi-k2-20250905` is `kimi-k2`."""
    return _DATE.sub("", model.rsplit("/", 1)[-1])


def seconds(value: float) -> str:
    """A duration as people say it: `0.8 s`, `12 s`, `3 min 5 s`."""
    if value < 1:
        return f"{max(value, 0):.1f} s"
    whole = round(value)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def dollars(nanodollars: int) -> str:
    """An amount with two significant digits, from one dollar on with cents."""
    amount = nanodollars / 1e9
    if amount >= 1:
        return f"${amount:,.2f}"
    if amount >= 0.1:
        return f"${amount:.2f}"
    if amount < 0.00001:
        return "<$0.00001" if nanodollars > 0 else "$0"
    amount = float(f"{amount:.2g}")
    digits = next(places for places in range(2, 8) if amount >= 10.0 ** (1 - places))
    return f"${amount:.{digits}f}"


def _tool_line(tool: ToolUse) -> str:
    about = f" {_literal(tool.about, 80)}" if tool.about else ""
    time = "…" if tool.seconds is None else f"{'failed after ' if tool.is_error else ''}{seconds(tool.seconds)}"
    return small(f"🔧 {_literal(tool.name, 60)}{about} · {time}")


def _literal(text: str, longest: int) -> str:
    """`text` on one line, its Markdown disarmed."""
    return _SPECIAL.sub(r"\\\1", one_line(text, longest))
