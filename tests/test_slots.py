"""The messages of one answer: what to do next so that they show its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from bot.render.page import Page, PageFile
from bot.render.slots import Delete, Edit, Send, Slots, Step

FILES = (PageFile("answer.md", b"all of it"),)


class Channel:
    """Carries out steps until there is nothing left to do."""

    def __init__(self, earlier: Sequence[int] = ()) -> None:
        self.slots = Slots(7, 1, None, earlier)
        self.messages: dict[int, Page | None] = dict.fromkeys(earlier)
        self.nonces: list[str] = []

    def show(self, *pages: Page, over: bool = True) -> list[Step]:
        done: list[Step] = []
        while step := self.slots.next_step(pages, over):
            assert len(done) < 20, "it never ends"
            done.append(step)
            self._carry_out(step)
        return done

    def _carry_out(self, step: Step) -> None:
        match step:
            case Send(page=page, nonce=nonce):
                assert nonce not in self.nonces
                self.nonces.append(nonce)
                message_id = 100 + len(self.nonces)
                self.messages[message_id] = page
                self.slots.sent(step, message_id)
            case Edit(message_id=message_id, page=page):
                assert self.messages[message_id] != page
                self.messages[message_id] = page
                self.slots.edited(step)
            case Delete(message_id=message_id):
                del self.messages[message_id]
                self.slots.deleted(step)
            case _:
                assert_never(step)


def test_files_follow_the_text_in_an_edit_of_their_own() -> None:
    channel = Channel()
    channel.show(Page("Half"), over=False)
    text, whole = Page("Whole."), Page("Whole.", files=FILES)
    assert channel.show(whole) == [Edit(0, 101, text), Edit(0, 101, whole)]


def test_a_message_is_first_posted_without_its_files() -> None:
    channel = Channel()
    posted, attached = channel.show(Page("Whole.", files=FILES))
    assert isinstance(posted, Send)
    assert posted.page == Page("Whole.")
    assert attached == Edit(0, 101, Page("Whole.", files=FILES))


def test_files_that_an_earlier_attempt_left_are_taken_away_with_the_first_edit() -> None:
    channel = Channel(earlier=(11,))
    assert channel.show(Page("Thinking…"), over=False) == [Edit(0, 11, Page("Thinking…"))]


def test_a_notification_is_a_new_message_even_where_an_old_one_could_be_reused() -> None:
    channel = Channel(earlier=(11, 12, 13))
    closing = Page("<@9> Done.", notifies=9)
    deleted, last_deleted, sent = channel.show(Page("Answer."), closing)[1:]
    assert [deleted, last_deleted] == [Delete(1, 12), Delete(1, 13)]
    assert isinstance(sent, Send)
    assert list(channel.messages.values()) == [Page("Answer."), closing]
    assert channel.show(Page("Answer."), closing) == []


def test_a_notification_takes_the_place_of_a_page_of_this_attempt_under_a_nonce_of_its_own() -> None:
    channel = Channel()
    channel.show(Page("One"), Page("Two"), over=False)
    channel.show(Page("One and two."), Page("<@9> Done.", notifies=9))
    assert [page.content for page in channel.messages.values() if page] == ["One and two.", "<@9> Done."]


def test_nothing_is_posted_after_a_notification_that_is_shown() -> None:
    channel = Channel()
    closing = Page("<@9> Done.", notifies=9)
    channel.show(Page("Answer."), closing)
    assert channel.show(Page("Answer, remarked upon."), closing) == [Edit(0, 101, Page("Answer, remarked upon."))]
    assert channel.slots.ids == (101, 102)
