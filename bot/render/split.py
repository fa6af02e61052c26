"""Splits streamed Markdown into Discord messages, each of which renders well on its own at every moment.

This module knows nothing of Discord's API, nothing of how lines are read from
text, and nothing of how they fill pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.draft import Draft
from bot.render.lines import LineReader

MESSAGE_LIMIT = 2000
"""Discord, 'Create Message': the longest content."""


class Splitter:
    """Feed it the answer as it streams; `pages` is what its messages should show at that moment.

    `limit` is the size of a message in UTF-16 units, at least 400.
    """

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self._reader = LineReader()
        self._draft = Draft(limit)

    def feed(self, text: str) -> None:
        """Add text. Work is linear in `text`, however long the answer is already."""
        if lines := self._reader.feed(text):
            for line in lines:
                self._draft.add(line)

    def finish(self) -> None:
        """The answer is complete: decide whatever waited for more."""
        for line in self._reader.finish():
            self._draft.add(line)
        self._draft.is_complete = True

    @property
    def done(self) -> Sequence[str]:
        """The pages that never change any more, in order. An empty one is not shown."""
        return self._draft.done

    def pages(self, reserve: int = 0) -> list[str]:
        """The text of each message, none of them empty. `reserve` units stay free on the last one.

        Pages before the one being written never change. Work is linear in the
        size of a page.
        """
        draft = self._draft.fork()
        for line in self._reader.preview():
            draft.add(line)
        draft.shrink(reserve)
        return [page for page in (*self._draft.done, *draft.done, draft.text()) if page]
