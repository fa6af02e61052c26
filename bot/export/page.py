"""A conversation as one HTML page that needs nothing else and looks like the conversation.

Everything that people and models wrote is escaped or formatted by
`bot/export/formatted.py`; should anything slip through, the page's own policy
lets no script run and nothing be fetched. Pure but for its style sheet, a file.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from pathlib import Path

from bot.export.formatted import Formatter, plain
from bot.export.transcript import (
    ME,
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
from bot.messages import Said, Step, ToolCall, ToolResult, Turn, TurnStatus
from bot.pieces import mend

_STYLE = Path(__file__).with_name("page.css")


def to_html(transcript: Transcript, *, colours: bool = False) -> bytes:
    """The whole page as UTF-8. With `colours` it may take very long; see `bot/export/apart.py`."""
    return mend("\n".join(_page(transcript, Formatter(colours=colours)))).encode()


def _page(transcript: Transcript, formatter: Formatter) -> Iterator[str]:
    style = _STYLE.read_text(encoding="utf-8")
    title = _line(transcript.title)
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{title}</title>"
    yield f"<style>{style}</style></head>"
    yield f'<body dir="auto"><header><h1>{title}</h1><p>{_line(summary(transcript))}</p></header><main>'
    for turn in transcript.turns:
        yield from _question(turn, formatter)
        yield from _answer(turn, formatter)
    yield "</main></body></html>\n"


def _policy(style: str) -> str:
    """Nothing but the page's own style sheet (CSP Level 3): no script, no request, no form, no frame."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _question(turn: Turn, formatter: Formatter) -> Iterator[str]:
    open_article = False
    for said, is_new_speaker in speakers(turn):
        if is_new_speaker:
            yield "</div></article>" if open_article else ""
            yield f'<article class="question">{_head(said.author_name, moment(said.at))}<div class="text" dir="auto">'
            open_article = True
        yield _said(said, formatter)
    yield "</div></article>" if open_article else ""


def _said(said: Said, formatter: Formatter) -> str:
    files = "".join(f'<p class="file">📎 {_line(name)}</p>' for name in attachments(said))
    return formatter.format(words(said)) + files


def _answer(turn: Turn, formatter: Formatter) -> Iterator[str]:
    yield f'<article class="answer">{_head(answerer(turn), figures(turn))}<div class="text" dir="auto">'
    for step in turn.steps:
        yield from _step(step, formatter)
    for remark in remarks(turn):
        failed = " failed" if turn.status is TurnStatus.FAILED and remark == turn.error else ""
        yield f'<p class="remark{failed}">{_line(remark)}</p>'
    yield "</div></article>"


def _step(step: Step, formatter: Formatter) -> Iterator[str]:
    if step.reasoning.strip():
        yield _folded("💭 Reasoning", formatter.format(step.reasoning))
    yield formatter.format(step.text)
    for position, call in enumerate(step.tool_calls):
        result = step.tool_results[position] if position < len(step.tool_results) else None
        yield _tool(call, result, formatter)


def _tool(call: ToolCall, result: ToolResult | None, formatter: Formatter) -> str:
    asked = formatter.block(arguments(call), "json")
    if result is None:
        return _folded(f"🔧 {call.name}", asked)
    return _folded(f"🔧 {call.name}{' failed' if result.is_error else ''}", asked + plain(result.content))


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{_line(title)}</summary>{body}</details>"


def _head(name: str, facts: str) -> str:
    initial = "C" if name.startswith(ME) else (name.strip()[:1].upper() or "?")
    small = f" <small>{_line(facts)}</small>" if facts else ""
    return f'<div class="face" aria-hidden="true">{_line(initial)}</div><h2><bdi>{_line(name)}</bdi>{small}</h2>'


def _line(text: str) -> str:
    """A text on one line, without any meaning to HTML."""
    return html.escape(" ".join(text.split()))
