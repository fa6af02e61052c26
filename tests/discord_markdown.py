"""What Discord's desktop client makes of the text of one message: a judge for whatever is sent there.

Written from what is known of the client (the parser LyricLy/parse-discord, which
was fitted to it by hand), not from Cogitor's renderer, with which it shares no
code. The traits that matter: the leftmost match wins, whatever it swallows; a
block ends at the next three backticks; emphasis and code reach over lines and
into blocks; a list item or a quote that ends takes a block in it apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

Words: TypeAlias = list[tuple[str, str]]


@dataclass(frozen=True)
class Run:
    """A piece of visible text, and how it looks: `bold`, `code`, `block`, `list` and so on."""

    text: str
    styles: frozenset[str]
    tag: str = ""


_INLINE = r"""
  (?P<escape>\\[^A-Za-z0-9\s])
| ```(?:(?P<tag>[a-zA-Z0-9_+.-]*)\n)?(?P<block>.*?[^\n].*?)```
| \*\*(?P<bold>(?:\\.|[^\\])+?)\*\*(?!\*)
| __(?P<underline>(?:\\.|[^\\])+?)__(?!_)
| \*(?!\s)(?P<italic>(?:\\.|\*\*|[^*\\])+?)(?<!\s)[ ]{0,2}\*(?!\*)
| _(?P<italic_too>(?:\\.|__|[^_\\])+?)_(?![a-zA-Z0-9_])
| ~~(?P<struck>.+?)~~(?!_)
| \|\|(?P<spoiler>.+?)\|\|
| (?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)
| <(?P<mention>@!?\d+|\#\d+|@&\d+|t:-?\d+(?::[tTdDfFR])?|a?:\w+:\d+)>
| (?P<url>https?://[^\s<]+[^<.,:;"'\]\s])
| <(?P<bare_url>[^:\ >]+:/[^\ >]+)>
| \[(?P<link>(?:\[[^\]]*\]|[^\[\]])*[^\[]*?)\]\(\s*<?https?://(?:\([^)]*\)|[^\s\\()]|\\[^\n])*?>?(?:\s+['"].*?['"])?\s*\)
"""
_SUBTEXT = r"| ^-\#[ ]+(?!-\#)(?P<subtext>[^\n]+)\n?"
_HEADING = r"| ^(?P<marks>\#{1,3})\s+(?!\#)(?P<heading>[^\n]*)\n?"
_QUOTE = r"| (?P<quote>(?:^[ ]*>[ ][^\n]*(?:\n|\Z))+) | ^[ ]*>>>[ ](?P<rest>.*)"
_LIST = r"| ^[ ]*(?P<items>(?:(?:[*-]|\d+\.)[ ]+(?:\n(?![ ]?(?:[*-]|\d+\.)[ ]))?[^\n]*(?:\n[ ]{2}[^\n]*)*\n?[ ]?)+)"
_ITEM = re.compile(r"([*-]|\d+\.)( +)((?:\n(?! ?(?:[*-]|\d+\.) ))?[^\n]*(?:\n {2}[^\n]*)*)\n? ?", re.S)


def _compiled(*, headings: bool, quotes: bool, lists: bool) -> re.Pattern[str]:
    source = _INLINE + _SUBTEXT + _HEADING * headings + _QUOTE * quotes + _LIST * lists
    return re.compile(source, re.X | re.S | re.M)


_RULES = {
    (in_list, in_quote): _compiled(headings=not in_list, quotes=not in_quote, lists=True)
    for in_list in (False, True)
    for in_quote in (False, True)
}
_STYLES = ("bold", "underline", "italic", "italic_too", "struck", "spoiler", "subtext", "heading", "link")


def shown(message: str) -> list[Run]:
    """The visible text of a message, in order."""
    return list(_runs(message.strip(), frozenset(), "\n"))


def blocks(message: str) -> list[Run]:
    """The code blocks of a message; the text is what is inside."""
    return [run for run in shown(message) if "block" in run.styles]


def words(messages: list[str]) -> Words:
    """Every visible word of some messages with its inline style, and every line of code with its tag."""
    return [word for message in messages for word in _words(message)]


@lru_cache(maxsize=64)
def _words(message: str) -> Words:
    found: Words = []
    for style, runs in groupby(shown(message), key=_inline_style):
        if "block" in style:
            found += [(line, style) for run in runs for line in run.text.split("\n") if line.strip()]
        else:
            found += [(word, style) for word in "".join(run.text for run in runs).split()]
    return found


def _inline_style(run: Run) -> str:
    if "block" in run.styles:
        return f"block {run.tag}".strip()
    return " ".join(sorted(run.styles - {"list", "quote", "heading", "subtext"}))


def _runs(text: str, styles: frozenset[str], before: str) -> Iterator[Run]:
    """`before` is the character in front of the text: blocks begin only after a line break."""
    lead = "" if before == "\n" else "\x00"
    text, position = lead + text, len(lead)
    rules = _RULES["list" in styles, "quote" in styles]
    while match := rules.search(text, position):
        if match.start() > position:
            yield Run(text[position : match.start()], styles)
        yield from _matched(match, text, styles)
        position = match.end()
    if position < len(text):
        yield Run(text[position:], styles)


def _matched(match: re.Match[str], text: str, styles: frozenset[str]) -> Iterator[Run]:
    groups = match.groupdict()
    before = text[match.start() - 1 : match.start()] or "\n"
    for style in _STYLES:
        if groups.get(style) is not None:
            name = style.removesuffix("_too")
            yield from _runs(groups[style], styles | {name}, before if name != "subtext" else " ")
            return
    if groups["block"] is not None:
        yield Run(groups["block"].strip("\n"), styles | {"block"}, groups["tag"] or "")
    elif groups["code"] is not None:
        yield Run(groups["code"], styles | {"code"})
    elif groups["escape"] is not None:
        yield Run(groups["escape"][1:], styles)
    elif groups.get("quote") is not None:
        inner = "\n".join(re.sub(r"^ *> ", "", line) for line in groups["quote"].rstrip("\n").split("\n"))
        yield from _runs(inner, styles | {"quote"}, "\n")
        yield Run("\n", styles)
    elif groups.get("rest") is not None:
        yield from _runs(groups["rest"], styles | {"quote"}, "\n")
    elif groups.get("items") is not None:
        for item in _ITEM.finditer(groups["items"]):
            width = len(item[1]) + len(item[2])
            yield from _runs(re.sub(rf"^ {{1,{width}}}", "", item[3], flags=re.M), styles | {"list"}, "\n")
            yield Run("\n", styles)
    else:
        yield Run(match[0], styles | ({"mention"} if groups["mention"] else set()))
