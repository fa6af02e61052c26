"""The small print of an answer: status, tools, notices, figures. Each is a line, ready to be shown.

Pure text. This module knows nothing of pages, and nothing of when a line is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.messages import Source, Usage

MOST_TOOL_LINES = 4
MOST_NOTICES = 4
MOST_SOURCES = 5
_MOST_NAMES = 6
LONGEST_REMARK = 300

_SPECIAL = re.compile(r"([*_~`|\\<>\[\]])")
_DATE = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d)(?=$|:)")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One use of a tool; `seconds` is None while it runs. Those of the same `step` ran at the same time."""

    name: str
    about: str
    seconds: float | None = None
    is_error: bool = False
    number: int = 0
    step: int = 0


def small(text: str) -> str:
    """One line of Discord's small print."""
    return f"-# {one_line(text)}"


def one_line(text: str, longest: int = LONGEST_REMARK) -> str:
    """`text` on one line of at most `longest` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def tool_lines(tools: Sequence[ToolUse]) -> list[str]:
    """The latest uses of tools, one a line; of earlier ones how many they were and how long they took together."""
    hidden = tools[: -MOST_TOOL_LINES or None] if len(tools) > MOST_TOOL_LINES else ()
    lines = [_tool_line(tool) for tool in tools[-MOST_TOOL_LINES:]]
    return [small(f"🔧 {_steps(hidden)} before"), *lines] if hidden else lines


def tool_summary(tools: Sequence[ToolUse]) -> list[str]:
    """What tools an answer used: one a line while they are few, else all on one; nothing when it used none."""
    if len(tools) <= MOST_TOOL_LINES:
        return [_tool_line(tool, ended=True) for tool in tools]
    counts = Counter(tool.name for tool in tools).most_common(_MOST_NAMES)
    names = ", ".join(f"{_literal(name, 60)} ×{count}" for name, count in counts)
    return [small(f"🔧 {_steps(tools)} · {names}")]


def _steps(tools: Sequence[ToolUse]) -> str:
    """How many calls there were and how long they took; of those that ran at the same time the longest counts."""
    longest: dict[int, float] = {}
    for tool in tools:
        longest[tool.step] = max(longest.get(tool.step, 0.0), tool.seconds or 0.0)
    count = f"{len(tools)} step{'s' if len(tools) > 1 else ''}"
    return f"{count} · {seconds(sum(longest.values()))}"


def source_lines(sources: Collection[Source]) -> list[str]:
    """The web pages that an answer rests on, as links, one a line."""
    hidden = len(sources) - MOST_SOURCES
    lines = [f"-# 🔗 {_link(source)}" for source in islice(sources, MOST_SOURCES)]
    return [*lines, small(f"And {hidden} more sources.")] if hidden > 0 else lines


def _link(source: Source) -> str:
    """A link that shows no preview, its title disarmed; a title that is a link itself would be none."""
    title = _literal(source.title, 80)
    return f"<{source.url}>" if not title or "://" in title else f"[{title}](<{source.url}>)"


def notice_lines(notices: Sequence[str]) -> list[str]:
    hidden = len(notices) - MOST_NOTICES
    lines = [small(notice) for notice in notices[:MOST_NOTICES]]
    return [*lines, small(f"And {hidden} more remarks.")] if hidden > 0 else lines


def figures(model: str, thinking_seconds: float, usage: Usage) -> list[str]:
    """The footer: model, seconds of thought, tokens the model wrote, cost; only what is known."""
    facts = [
        _literal(short_model(model), 80),
        f"thought {seconds(thinking_seconds)}" if thinking_seconds >= 0.5 else "",
        tokens(usage.completion_tokens) if usage.completion_tokens else "",
        dollars(usage.cost) if usage.cost is not None else "",
    ]
    known = [fact for fact in facts if fact]
    return [small(" · ".join(known))] if known else []


def short_model(model: str) -> str:
    """A model's name without its author and release date: `moonshotai/kimi-k2-20250905` is `kimi-k2`."""
    return _DATE.sub("", model.rsplit("/", 1)[-1])


def tokens(count: int) -> str:
    """`1 token`, `1,204 tokens`."""
    return "1 token" if count == 1 else f"{count:,} tokens"


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


def _tool_line(tool: ToolUse, *, ended: bool = False) -> str:
    about = f" {_literal(tool.about, 80)}" if tool.about else ""
    if tool.seconds is None:
        time = "not finished" if ended else "…"
    else:
        time = f"{'failed after ' if tool.is_error else ''}{seconds(tool.seconds)}"
    return small(f"🔧 {_literal(tool.name, 60)}{about} · {time}")


def _literal(text: str, longest: int) -> str:
    """`text` on one line, its Markdown disarmed."""
    return _SPECIAL.sub(r"\\\1", one_line(text, longest))
