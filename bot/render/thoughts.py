"""What a model thought and did for one answer, as Markdown for one reader: behind the Reasoning button.

Each step's reasoning is followed by the tools it called, with their whole input
and output. Pure; this module knows nothing of buttons or private messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.messages import Step, ToolCall, ToolResult, Turn
from bot.render.footer import one_line, seconds, short_model, small
from bot.render.inline import ZERO_WIDTH_SPACE, units
from bot.render.page import PageFile, text_file
from bot.render.split import MESSAGE_LIMIT, Splitter

MOST_PAGES = 3
"""Messages that are read one after the other; what needs more is a file below its beginning."""
_MOST_READ = 4 * MESSAGE_LIMIT
"""Characters that are looked at to make messages of them."""
_ROOM_FOR_HEAD = 300
_PIPES = re.compile(r"(?P<code>`[^`\n]+`)|\|\|")


@dataclass(frozen=True, slots=True)
class Thoughts:
    """What to show: messages in order, and a file of everything if they hold the beginning only."""

    pages: tuple[str, ...]
    file: PageFile | None = None


def thoughts(turn: Turn) -> Thoughts | None:
    """A turn's thoughts so far; None where there are none."""
    parts = [part for step in turn.steps for part in _parts(step)]
    if not parts:
        return None
    head = small(" · ".join(filter(None, _facts(turn))))
    if sum(map(len, parts)) <= _MOST_READ:
        pages = _pages(head, parts)
        if len(pages) <= MOST_PAGES:
            return Thoughts(tuple(pages))
    beginning = f"{head} · all of it is in the file below\n{_beginning(parts)}"
    return Thoughts((beginning,), text_file("reasoning.md", "\n\n".join(parts)))


def _facts(turn: Turn) -> Iterator[str]:
    model = next((step.model for step in reversed(turn.steps) if step.model), "")
    duration = sum(step.thinking_seconds for step in turn.steps)
    yield "💭 Still thinking; this is what there is so far" if turn.status.unfinished else "💭 Reasoning"
    yield one_line(short_model(model), 80)
    yield seconds(duration) if duration >= 0.5 else ""


def _parts(step: Step) -> Iterator[str]:
    """A step as pieces of Markdown, none of which depends on what stands before it."""
    if step.reasoning.strip():
        yield step.reasoning.strip("\n")
    for position, call in enumerate(step.tool_calls):
        result = step.tool_results[position] if position < len(step.tool_results) else None
        yield _use(call, result)


def _use(call: ToolCall, result: ToolResult | None) -> str:
    name = one_line(call.name.replace("`", ""), 80)
    asked = f"**🔧 `{name or '?'}`** was called with\n{_block(_indented(call.arguments), 'json')}"
    if result is None:
        return f"{asked}\nIt has not answered yet."
    return f"{asked}\n{'and failed with' if result.is_error else 'and answered'}\n{_block(result.content)}"


def _indented(arguments: str) -> str:
    """JSON as people read it; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return arguments


def _block(text: str, tag: str = "") -> str:
    """A code block that nothing inside it can close."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{tag}\n{text or '(nothing)'}\n{fence}"


def _pages(head: str, parts: list[str]) -> list[str]:
    """The parts as messages, each of which renders on its own; short ones share a message."""
    pages = _split(f"{head}\n{parts[0]}", MESSAGE_LIMIT)
    for part in parts[1:]:
        for page in _split(part, MESSAGE_LIMIT):
            if units(pages[-1]) + 1 + units(page) <= MESSAGE_LIMIT:
                pages[-1] += f"\n{page}"
            else:
                pages.append(page)
    return pages


def _beginning(parts: list[str]) -> str:
    """What fits into one message, with room for a line above."""
    return next(iter(_split("\n\n".join(parts)[:_MOST_READ], MESSAGE_LIMIT - _ROOM_FOR_HEAD)), "")


def _split(text: str, limit: int) -> list[str]:
    """Markdown as messages."""
    splitter = Splitter(limit)
    splitter.feed(_unhidden(text))
    splitter.finish()
    return splitter.pages()


def _unhidden(text: str) -> str:
    """The text with pipes outside of code that hide nothing: in a reasoning they mean "or"."""
    lines: list[str] = []
    is_code = False
    for line in text.split("\n"):
        if line.lstrip(" \t>").startswith(("```", "~~~")):
            is_code = not is_code
        lines.append(line if is_code else _PIPES.sub(lambda found: found["code"] or f"|{ZERO_WIDTH_SPACE}|", line))
    return "\n".join(lines)
