"""A conversation as one Markdown document, readable as text and as any viewer draws it.

What people and models wrote stands as they wrote it; where a text would take in
what follows it, such as an unclosed code block, its end is added. Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.export.transcript import (
    Transcript,
    answerer,
    arguments,
    attachments,
    figures,
    moment,
    remarks,
    speakers,
    summary,
    words,
)
from bot.messages import Step, ToolCall, ToolResult, Turn
from bot.pieces import mend

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_MOST_PARSED = 100_000
"""Characters of a text whose Markdown is looked at; a longer one is closed in a fence as a whole."""


def to_markdown(transcript: Transcript) -> bytes:
    """The whole conversation as UTF-8."""
    return mend("\n\n".join(_blocks(transcript)) + "\n").encode()


def _blocks(transcript: Transcript) -> Iterator[str]:
    yield f"# {_literal(transcript.title)}"
    yield f"*{summary(transcript)}*"
    for turn in transcript.turns:
        yield from _question(turn)
        yield from _answer(turn)


def _question(turn: Turn) -> Iterator[str]:
    for said, is_new_speaker in speakers(turn):
        if is_new_speaker:
            yield f"## {_literal(said.author_name)} · {moment(said.at)}"
        if text := words(said):
            yield contained(text)
        yield from (f"📎 {_literal(name)}" for name in attachments(said))


def _answer(turn: Turn) -> Iterator[str]:
    if turn.steps:
        yield f"## {' · '.join(filter(None, (_literal(answerer(turn)), figures(turn))))}"
    for step in turn.steps:
        yield from _step(step)
    yield from (f"*{_literal(remark)}*" for remark in remarks(turn))


def _step(step: Step) -> Iterator[str]:
    if step.reasoning.strip():
        yield _folded("💭 Reasoning", fenced(step.reasoning))
    if step.text.strip():
        yield contained(step.text.strip("\n"))
    for position, call in enumerate(step.tool_calls):
        yield _tool(call, step.tool_results[position] if position < len(step.tool_results) else None)


def _tool(call: ToolCall, result: ToolResult | None) -> str:
    asked = fenced(arguments(call), "json")
    if result is None:
        return _folded(f"🔧 {call.name}", asked)
    return _folded(f"🔧 {call.name}{' failed' if result.is_error else ''}", f"{asked}\n\n{fenced(result.content)}")


def _folded(title: str, body: str) -> str:
    """Something that viewers show on request. Its body is fenced, so that nothing in it ends the fold."""
    return f"<details>\n<summary>{html.escape(' '.join(title.split()))}</summary>\n\n{body}\n\n</details>"


def fenced(text: str, language: str = "") -> str:
    """A text as a code block that nothing inside it can close."""
    fence = "`" * (max(map(len, re.findall(r"`{3,}", text)), default=2) + 1)
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"


def contained(text: str) -> str:
    """A text as it is, if what follows it is not taken in by it; else with its end added, or fenced as a whole."""
    if len(text) > _MOST_PARSED:
        return fenced(text)
    last = _last_block(text)
    if last.tag == "h2":
        return text
    closed = f"{text}\n{last.markup or '-->'}"
    return closed if _last_block(closed).tag == "h2" else fenced(text)


def _last_block(text: str) -> Token:
    """The heading that is put after a text, or the block of the text that takes it in."""
    return _parser().parse(f"{text}\n\n## end")[-1]


@cache
def _parser() -> MarkdownIt:
    """Blocks alone are of interest."""
    return MarkdownIt("commonmark").disable("inline")


def _literal(text: str) -> str:
    """A text on one line, without any meaning to Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
