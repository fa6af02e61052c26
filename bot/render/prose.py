"""Rewrites one line of prose into the form Discord can show, as far as it would misread or not show the line as it is.

Headings below the third level become bold, rules are drawn, formulas become
code, images links, a few HTML tags Markdown, nested quotes plain ones. A marker
without a partner is escaped, for Discord looks for one in the lines that follow,
and in their code. This module knows nothing of code blocks, tables and pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.render.found import Scan, Span
from bot.render.inline import SPOILER, OpenMarkers, disarm_backticks
from bot.render.scan import scan

_PLAIN = re.compile(r"[^*_`~|$<\\!\[\]#>+\t-]*$")
"""Nothing in such a line means anything, unless it began further up."""

_QUOTE = re.compile(r"[ \t]{0,3}>(?:[ \t]{0,3}>)*[ \t]?")
_DEEP_HEADING = re.compile(r" {0,3}#{4,6}(?=[ \t])")
_HEADING = re.compile(r" {1,3}(?=#{1,3}[ \t])")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_DRAWN_RULE = "─" * 20
_INDENT = re.compile(r"[ \t]+")
_BULLET = re.compile(r"(?P<indent> *)(?P<bullet>[-*+]|\d{1,9}[.)])(?P<space> +)(?P<box>\[[ xX]\](?= ))?")
_BLOCK_TAG = re.compile(
    r"\s*</?(?:details|div|p|center|section|article)\b[^<>]{0,200}>\s*(?=<summary|$)", re.IGNORECASE
)
_TAG = re.compile(r"<(?P<closes>/?)(?P<name>[a-zA-Z]+)[^<>]*>")
_MEANING = {
    **dict.fromkeys(("b", "strong", "summary"), ("**", "**")),
    **dict.fromkeys(("i", "em"), ("*", "*")),
    **dict.fromkeys(("s", "del", "strike"), ("~~", "~~")),
    **dict.fromkeys(("u", "ins"), ("__", "__")),
    **dict.fromkeys(("code", "kbd", "samp"), ("`", "`")),
    **dict.fromkeys(("sub", "span", "small", "mark", "font", "p", "div"), ("", "")),
    "sup": ("^", ""),
}
_HALF_LINK = re.compile(r"\[(?:[^\[\]\n]{0,100}|[^\[\]\n]{1,300}\](?:\([^()\s]{0,500})?)$")
_HALF_TAG = re.compile(r"<[/a-zA-Z@#:!&][^<>\s]{0,100}$")
_PATIENCE = 1500
"""Characters that a marker waits for its partner while its line is being written; then it is taken as plain text."""
_LEAST_PART = 500
_FAR_BACK = 12
"""Words looked back for a good end of a part."""
_WORD_END = re.compile(r"\s(?=\S)")
MARKERS = "*_~|`\\"
"""At the end of a line that is still being written these may be half of something."""


@dataclass(frozen=True, slots=True)
class Prose:
    """A line as Discord can show it (or several, if it contained breaks), and the markers open at its end."""

    text: str
    opened: OpenMarkers = ()


def rewritten(text: str, *, covered: bool = False, begins: bool = True) -> Prose | None:
    """A complete line; None if nothing of it is shown.

    `covered`: a spoiler was opened before it. `begins` is False for what follows in a very long line.
    """
    if not covered and _PLAIN.match(text):
        return Prose(text)
    if begins and _BLOCK_TAG.match(text):
        text = _BLOCK_TAG.sub("", text, count=1)
        if not text.strip():
            return None
    quote, lead, body = _beginning(text) if begins else ("", "", text)
    if begins and _RULE.match(lead + body):
        return Prose(quote + _DRAWN_RULE, ("||",) if covered else ())
    found = scan(body, ends=True, covered=covered)
    opened = tuple(span.marker for span in found.spans if span.end > len(body))
    return Prose(quote + lead + _edited(body, found, quote), opened)


def previewed(text: str, *, covered: bool = False, begins: bool = True) -> Prose:
    """A line that is still being written: what may be half a marker is held back."""
    text = _without_halves(text)
    if not covered and _PLAIN.match(text):
        return Prose(text)
    quote, lead, body = _beginning(text) if begins else ("", "", text)
    found = scan(body, ends=False, covered=covered, patience=_PATIENCE)
    if found.open_formula is not None:
        found.spans = [span for span in found.spans if span.start < found.open_formula]
        found.spans.append(Span(found.open_formula, len(body) + 1, "`"))
    opened = found.opened_at(len(body))
    return Prose(quote + lead + _edited(body, found, quote), opened)


def end_of_part(text: str, *, covered: bool = False) -> int:
    """How much of the beginning of a very long line can be read alone: up to a word, outside of any span.

    Markers that wait for their partner too long are taken as plain text, so there is always enough of it.
    """
    whole = _without_halves(text)
    found = scan(whole, ends=False, covered=covered, patience=_PATIENCE)
    found.spans = [span for span in found.spans if span.marker != SPOILER or whole[: max(0, span.start)].strip(" >")]
    waiting = [span.start for span in found.spans if span.end > len(whole)]
    if found.open_formula is not None:
        waiting.append(found.open_formula)
    end = min(waiting, default=len(whole))
    if end < _LEAST_PART:
        return len(text.rstrip("`")) or len(text)  # a run of backticks is disarmed as a whole
    words = [match.end() for match in _WORD_END.finditer(whole, end - _LEAST_PART, end)][-_FAR_BACK:]
    is_apart = (at for at in reversed(words) if not (found.splits_atom(at) or found.opened_at(at)))
    return next(is_apart, end)


def _without_halves(text: str) -> str:
    text = _without_half(text.rstrip(MARKERS), "<", _HALF_TAG)
    return _without_half(text, "[", _HALF_LINK)


def _without_half(text: str, sign: str, half: re.Pattern[str]) -> str:
    start = text.rfind(sign)
    return text[:start] if start >= 0 and half.match(text, start) else text


def _beginning(text: str) -> tuple[str, str, str]:
    """The quote's sign, the block's marker, and the rest of a line, each in Discord's form."""
    quote = ""
    if match := _QUOTE.match(text):
        quote, text = "> ", text[match.end() :]
    if match := _INDENT.match(text):
        text = match[0].expandtabs(4) + text[match.end() :]
    if match := _DEEP_HEADING.match(text):
        title = text[match.end() :].strip().rstrip("#").rstrip().replace("**", "")
        return quote, "", f"**{title}**" if title else ""
    if match := _BULLET.match(text):
        return quote, _list_marker(match), text[match.end() :]
    return quote, "", _HEADING.sub("", text, count=1)


def _list_marker(match: re.Match[str]) -> str:
    bullet = "-" if match["bullet"] == "+" else match["bullet"]
    box = match["box"]
    if not box:
        return f"{match['indent']}{bullet}{match['space']}"
    return f"{match['indent']}{bullet}{match['space']}{'☐' if box == '[ ]' else '☑'}"


def _edited(text: str, found: Scan, quote: str) -> str:
    """The line with everything replaced that Discord would misread; `quote` begins each further line."""
    if not found.needs_edits and "`" not in text:
        return text
    edits, code = _tag_edits(text, found.tags, quote)
    for start, end in found.formulas:
        width = 2 if text[start + 1] in "$([" else 1
        edits.append((start, end, _as_code(text[start + width : end - width].strip())))
    for start, end in found.links:
        if text[start] == "!":
            edits.append((start, end, _image(text[start:end])))
    edits += _code_edits(text, found.spans)
    edits += [(start, end, "") for start, end in found.spoilt]
    if found.open_formula is not None:
        edits.append((found.open_formula, found.open_formula + 2, "`"))
    for start, end in found.loose:
        if not any(first < start < last for first, last in code):
            edits.append((start, end, "".join(f"\\{character}" for character in text[start:end])))
    return _applied(text, edits)


def _applied(text: str, edits: list[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, new in sorted(edits):
        pieces += [text[done:start], new]
        done = end
    return "".join([*pieces, text[done:]])


def _code_edits(text: str, spans: list[Span]) -> list[tuple[int, int, str]]:
    """Code between three and more backticks, or with that many in it, for Discord would begin a block there."""
    edits: list[tuple[int, int, str]] = []
    for span in spans:
        width = len(span.marker)
        if span.marker[0] != "`":
            continue
        if span.end > len(text):
            if width > 2:
                edits.append((span.start, span.start + width, "``"))
        elif width > 2 or "```" in text[span.start + width : span.end - width]:
            edits.append((span.start, span.end, _as_code(text[span.start + width : span.end - width])))
    return edits


def _as_code(content: str) -> str:
    content = disarm_backticks(content)
    if "`" not in content:
        return f"`{content}`"
    return f"``{' ' * content.startswith('`')}{content}{' ' * content.endswith('`')}``"


def _image(text: str) -> str:
    return text[text.index("](") + 2 : -1] if text.startswith("![](") else text[1:]


def _tag_edits(
    text: str, tags: list[tuple[int, int]], quote: str
) -> tuple[list[tuple[int, int, str]], list[tuple[int, int]]]:
    """Markdown for the tags that come in pairs in this line, and which parts of it are code.

    A break that stands between spaces is only spoken of.
    """
    edits: list[tuple[int, int, str]] = []
    code: list[tuple[int, int]] = []
    opened: list[tuple[int, int, str]] = []
    for start, end in tags:
        match = _TAG.fullmatch(text, start, end)
        name = match["name"].lower() if match else ""
        if name == "br" and (not text[end:].strip() or not text[start - 1 : start].isspace()):
            edits.append((start, end, f"\n{quote}" if text[end:].strip() else ""))
        if not match or name not in _MEANING:
            continue
        if not match["closes"]:
            opened.append((start, end, name))
        elif opened and opened[-1][2] == name:
            first, last, _ = opened.pop()
            edits += [(first, last, _MEANING[name][0]), (start, end, _MEANING[name][1])]
            if _MEANING[name][0] == "`":
                code.append((first, end))
    return edits, code
