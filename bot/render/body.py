"""The text of an answer on its pages: all of it, or an excerpt once it is too long for them.

Keeps the whole text for the files that come with the answer. Work is constant
for each character, and beyond the excerpt nothing is laid out any more. This
module knows nothing of status lines, buttons or files.
"""

from __future__ import annotations

import io

from bot.render.inline import is_visible, units
from bot.render.split import MESSAGE_LIMIT, Splitter

MOST_PAGES = 5
"""Messages that an answer may fill; of a longer one these show the beginning."""

_SLICE = 8192
"""Characters laid out at once: of a huge delta, what nobody will see is not."""
_MOST_LAID_OUT = 100_000
"""Characters that are laid out at most: of those that fill no messages even so, hardly any can be seen."""
_KEPT_FREE = 300
"""Units kept free below an excerpt, so that its end does not move when the small print changes."""
_MOST_KEPT_FREE = 1500


class Body:
    """Feed it the answer as it streams."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._splitter = Splitter()
        self._pages_looked_at = self._laid_out = 0
        self._excerpt: list[str] | None = None
        self._is_complete = False
        self._is_visible = False
        """Whether there is anything to see in the text, even if Discord can show nothing of it."""
        self.goes_on = False
        """Whether `pages` last gave less than everything."""

    @property
    def text(self) -> str:
        """All that was fed."""
        return self._text.getvalue()

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._text.tell()

    @property
    def is_cut(self) -> bool:
        """Whether it is certain that the answer is too long, so that it is not laid out any more."""
        return self._excerpt is not None and self._is_visible

    def feed(self, text: str) -> None:
        self._text.write(text)
        self._is_visible = self._is_visible or is_visible(text)
        start = 0
        while self._excerpt is None and start < len(text):
            part = text[start : start + _SLICE]
            start += _SLICE
            self._splitter.feed(part)
            self._laid_out += len(part)
            if len(self._splitter.done) > self._pages_looked_at or self._laid_out > _MOST_LAID_OUT:
                self._look_at_pages()

    def finish(self) -> None:
        """The answer is complete."""
        self._is_complete = True
        if self._excerpt is None:
            self._splitter.finish()

    def pages(self, reserve: int = 0) -> list[str]:
        """The text of each message, none of them empty; `reserve` units stay free on the last one.

        A `reserve` that leaves too little of an excerpt's last page is not kept free there.
        """
        if not self._is_visible:
            return []
        pages = self._splitter.pages(reserve) if self._excerpt is None else self._excerpt
        is_hidden = self._is_complete and not pages
        self.goes_on = len(pages) > MOST_PAGES or self._excerpt is not None or is_hidden
        if not (pages and self.goes_on):
            return pages
        reserve = max(reserve, _KEPT_FREE)
        *first, last = pages[:MOST_PAGES]
        return [*first, _shortened(last, min(reserve, _MOST_KEPT_FREE))]

    def _look_at_pages(self) -> None:
        """Stop laying out when it is certain that the answer does not fit, or shows next to nothing."""
        self._pages_looked_at = len(self._splitter.done)
        pages = [page for page in self._splitter.done if page]
        if len(pages) > MOST_PAGES:
            self._excerpt = pages
        elif self._laid_out > _MOST_LAID_OUT:
            self._excerpt = self._splitter.pages()
        if self._excerpt is not None:
            self._splitter = Splitter()


def _shortened(page: str, reserve: int) -> str:
    """The beginning of a page that leaves `reserve` units free."""
    if units(page) + reserve <= MESSAGE_LIMIT:
        return page
    splitter = Splitter(MESSAGE_LIMIT - reserve)
    splitter.feed(page)
    splitter.finish()
    return next(iter(splitter.pages()), "…")
