"""The text of an answer on its pages: all of it, or an excerpt once it is too long for them.

Keeps the whole text for the files that come with the answer. Work is constant
for each character, and beyond the excerpt nothing is laid out any more. This
module knows nothing of status lines, buttons or files.
"""

from __future__ import annotations

import io

from bot.render.inline import units
from bot.render.split import MESSAGE_LIMIT, Splitter

MOST_PAGES = 5
"""Messages that an answer may fill; of a longer one these show the beginning."""

_SLICE = 8192
"""Characters laid out at once: of a huge delta, what nobody will see is not."""
_KEPT_FREE = 300
"""Units kept free below an excerpt, so that its end does not move when the small print changes."""
_MOST_KEPT_FREE = 1500


class Body:
    """Feed it the answer as it streams."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._splitter = Splitter()
        self._pages_looked_at = 0
        self._excerpt: list[str] | None = None
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
        return self._excerpt is not None

    def feed(self, text: str) -> None:
        self._text.write(text)
        if self._excerpt is None:
            self._splitter.feed(text[:_SLICE])
            if len(self._splitter.done) > self._pages_looked_at:
                self._look_at_pages()
            if len(text) > _SLICE:
                self._feed_rest(text)

    def finish(self) -> None:
        """The answer is complete."""
        if self._excerpt is None:
            self._splitter.finish()

    def pages(self, reserve: int = 0) -> list[str]:
        """The text of each message, none of them empty; `reserve` units stay free on the last one.

        A `reserve` that leaves too little of an excerpt's last page is not kept free there.
        """
        pages = self._excerpt or self._splitter.pages(reserve)
        self.goes_on = len(pages) > MOST_PAGES
        if not self.goes_on:
            return pages
        reserve = max(reserve, _KEPT_FREE)
        return [*pages[: MOST_PAGES - 1], _shortened(pages[MOST_PAGES - 1], min(reserve, _MOST_KEPT_FREE))]

    def _feed_rest(self, text: str) -> None:
        for start in range(_SLICE, len(text), _SLICE):
            if self._excerpt is not None:
                return
            self._splitter.feed(text[start : start + _SLICE])
            self._look_at_pages()

    def _look_at_pages(self) -> None:
        """Stop laying out when it is certain that the answer does not fit."""
        self._pages_looked_at = len(self._splitter.done)
        pages = [page for page in self._splitter.done if page]
        if len(pages) > MOST_PAGES:
            self._excerpt = pages
            self._splitter = Splitter()


def _shortened(page: str, reserve: int) -> str:
    """The beginning of a page that leaves `reserve` units free."""
    if units(page) + reserve <= MESSAGE_LIMIT:
        return page
    splitter = Splitter(MESSAGE_LIMIT - reserve)
    splitter.feed(page)
    splitter.finish()
    return next(iter(splitter.pages()), "…")
