"""Which Discord message shows which page of one answer, and what to do next so that all show the right one.

Pure bookkeeping. This module knows nothing of time, and nothing of how a step
is carried out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.render.page import Page


@dataclass(frozen=True, slots=True)
class Send:
    """Post `page` as the next message. The same nonce again must not post it twice."""

    page: Page
    nonce: str
    reply_to: int | None


@dataclass(frozen=True, slots=True)
class Edit:
    """Let message `index` show `page`."""

    index: int
    message_id: int
    page: Page


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove message `index`, or one left behind, which shows nothing of the answer any more."""

    index: int | None
    message_id: int


Step: TypeAlias = Send | Edit | Delete


@dataclass(slots=True)
class _Slot:
    message_id: int
    shown: Page | None
    """None: unknown, for it was posted by an earlier attempt."""
    is_gone: bool = False


class Slots:
    """The messages of one answer, in order. `pages` are those of an earlier attempt, which may be reused."""

    def __init__(self, channel_id: int, turn_id: int, reply_to: int | None, pages: Sequence[int]) -> None:
        self.channel_id = channel_id
        self.turn_id = turn_id
        self._reply_to = reply_to
        self._attempt = tuple(pages)
        self._slots = [_Slot(message_id, None) for message_id in pages]
        self._has_resent = False
        self._moves = 0
        self._left_behind: list[int] = []
        self._last = 0

    @property
    def ids(self) -> tuple[int, ...]:
        """The messages that exist, in order."""
        return tuple(slot.message_id for slot in self._slots if not slot.is_gone)

    def next_step(self, pages: Sequence[Page], over: bool, *, sends_first: bool = False) -> Step | None:
        """The first thing to do so that the messages show `pages`; None when they do.

        With `sends_first` a new page is posted before the others are brought up
        to date: the Stop button is on the new one before it leaves the old one.
        Messages of an earlier attempt that are not needed are deleted at once,
        those of this one only when it is over: the answer may still grow. A
        page's files follow its text, in an edit of their own.
        """
        self._last = len(pages) - 1
        shown = len(self._slots)
        if sends_first and shown < len(pages):
            return self._send(pages[shown])
        for slot, (index, page) in zip(self._slots, enumerate(pages), strict=False):
            if slot.is_gone or slot.shown == page:
                continue
            if page.notifies is not None:
                return Delete(index, slot.message_id)  # an edit would notify nobody
            is_text_shown = slot.shown is not None and slot.shown.content == page.content
            # The words first: an upload may take long, or fail.
            return Edit(index, slot.message_id, page if is_text_shown else _without_files(page))
        if shown < len(pages):
            return self._send(pages[shown])
        return self._clear_away(len(pages), over)

    def _send(self, page: Page) -> Send:
        index = len(self._slots)
        reply_to = self._reply_to if index == 0 else None
        return Send(_without_files(_announced(page)), self._nonce(index, page), reply_to)

    def _clear_away(self, wanted: int, over: bool) -> Delete | None:
        """Remove a message that is not wanted any more."""
        if self._left_behind:
            return Delete(None, self._left_behind[-1])
        for index in range(len(self._slots) - 1, wanted - 1, -1):
            slot = self._slots[index]
            if not slot.is_gone and (over or slot.shown is None):
                return Delete(index, slot.message_id)
        return None

    def sent(self, step: Send, message_id: int) -> None:
        self._slots.append(_Slot(message_id, step.page))

    def edited(self, step: Edit) -> None:
        self._slots[step.index].shown = step.page

    def without_controls(self) -> Edit | None:
        """What takes the buttons off the last message, for an answer that cannot go on below it; None if none are."""
        if not self._slots or (shown := self._slots[-1].shown) is None or not shown.controls:
            return None
        return Edit(len(self._slots) - 1, self._slots[-1].message_id, replace(shown, controls=()))

    def deleted(self, step: Delete) -> None:
        if step.index is None:
            self._left_behind.remove(step.message_id)
        else:
            del self._slots[step.index]

    def move(self, step: Edit) -> None:
        """The step's message cannot be edited any more: what it and those after it show is posted anew below."""
        for slot in self._slots[step.index :]:
            if not slot.is_gone:
                self._left_behind.append(slot.message_id)
        del self._slots[step.index :]
        self._moves += 1

    def lose(self, step: Step) -> bool:
        """The step's message was deleted by somebody. Returns False if the answer should not be posted again.

        An earlier page stays deleted, for it cannot be put back in its place.
        The last one moves to the next message, or is posted anew, once.
        """
        match step:
            case Delete():
                self.deleted(step)
                return True
            case Edit(index=index) if index < self._last:
                self._slots[index].is_gone = True
                return True
            case Edit(index=index) if index < len(self._slots) - 1 or not self._has_resent:
                self._has_resent = self._has_resent or index == len(self._slots) - 1
                del self._slots[index]
                return True
            case _:
                return False

    def _nonce(self, index: int, page: Page) -> str:
        """Equal for equal attempts, even after a restart. Discord, 'Create Message': at most 25 characters."""
        fact = f"{self.turn_id}:{self._attempt}:{index}:{self._has_resent}:{self._moves}:{page.notifies}"
        return hashlib.blake2s(fact.encode(), digest_size=12).hexdigest()


def _announced(page: Page) -> Page:
    """The page as it is first posted: people are notified of that text, and of no later edit."""
    if page.announcement is None:
        return page
    return replace(page, content=page.announcement, announcement=None)


def _without_files(page: Page) -> Page:
    return replace(page, files=()) if page.files else page
