"""Markdown as HTML that cannot do anything: no tags of its own, no pictures, links to the web alone, code coloured.

Made by markdown-it with HTML turned off, and by Pygments. Colouring hostile code
may take minutes in one uninterruptible step, so it belongs into a process of
its own (`bot/export/apart.py`). This module knows nothing of conversations.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight, lexers
from pygments.formatters import HtmlFormatter
from pygments.util import ClassNotFound

MOST_FORMATTED = 50_000
"""Characters of one text; a longer one is shown as it was written."""
MOST_COLOURED = 20_000
"""Characters of one block of code; a longer one stays plain."""
MOST_SECONDS = 15.0
"""For all texts of a page; what is left then is shown as it was written."""

_WEB = re.compile(r"(?:https?|mailto):", re.IGNORECASE)


class Formatter:
    """Turns the Markdown of messages into HTML, one text after the other."""

    def __init__(self, *, colours: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._colours = colours
        self._clock = clock
        self._until = clock() + MOST_SECONDS
        options = {"html": False, "breaks": True, "highlight": self._coloured}
        self._markdown = MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
        self._markdown.validateLink = _is_web  # type: ignore[method-assign]  # the documented way to say which

    def format(self, text: str) -> str:
        """A text's HTML. Headings are moved two levels down, below those of the page."""
        if len(text) > MOST_FORMATTED or self._clock() > self._until:
            return plain(text)
        tokens = self._markdown.parse(text)
        for token in tokens:
            _tame(token)
        renderer: Any = self._markdown.renderer  # typed in part only
        return cast(str, renderer.render(tokens, self._markdown.options, {}))

    def block(self, code: str, language: str) -> str:
        """The HTML of a block of code."""
        return f"<pre><code>{self._coloured(code, language) or html.escape(code)}</code></pre>"

    def _coloured(self, code: str, language: str, _attributes: str = "") -> str:
        """Code with its tokens marked; empty, which leaves it plain, where that cannot be done."""
        if not self._colours or not language or len(code) > MOST_COLOURED or self._clock() > self._until:
            return ""
        known: Any = lexers  # typed in part only
        try:
            lexer = known.get_lexer_by_name(language.casefold(), stripnl=False, ensurenl=False)
        except ClassNotFound:
            return ""
        return highlight(code, lexer, HtmlFormatter[str](nowrap=True))


def plain(text: str) -> str:
    """A text as it was written, its lines wrapped."""
    return f'<pre class="wrapped">{html.escape(text)}</pre>'


def _is_web(url: str) -> bool:
    return _WEB.match(url) is not None


def _tame(token: Token) -> None:
    """Leave to a token what the page allows: no styles of its own, and links that tell nothing of where they are."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    style = token.attrs.pop("style", None)
    if isinstance(style, str):
        token.attrs["class"] = style.rpartition(":")[2]
    if token.type == "link_open":
        token.attrs["rel"] = "noopener noreferrer nofollow"
    children: Sequence[Token] = token.children or ()
    for child in children:
        _tame(child)
