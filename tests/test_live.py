"""The edit scheduler, driven by a loop whose time is virtual: nothing here really sleeps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import FilesRefused, MessageGone, MessageTooOld, RetryLater, ShowError
from bot.events import Answered, Noticed, StartedOver, Thought, ToolStarted
from bot.messages import TurnStatus
from bot.render.pace import Pace
from bot.render.page import Control, Page
from bot.render.traffic import Scope
from tests.live_stage import CHANNEL, FakePort, Stage, clock, end, ended, new_reply, stream, virtual

SPACING = 1.225
"""Seconds between streaming edits: five in five seconds, one of them kept."""


@virtual
async def test_a_status_line_is_sent_at_once() -> None:
    async with Stage() as stage:
        stage.show(new_reply())
        await asyncio.sleep(0.2)
        assert stage.port.log[0] == (0.0, "send", CHANNEL)
        assert stage.port.messages[100] == Page("-# 💭 Thinking…", (Control.STOP,))
        assert stage.port.replies == [5]
        assert stage.sent == [(100,)]


@virtual
async def test_an_answer_is_shown_completely() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["word "] * 900)
        assert await end(shown) == (100, 101, 102)
        assert stage.port.messages[102].controls == (Control.RETRY, Control.SOURCE)
        assert [page.controls for page in stage.port.messages.values()][:2] == [(), ()]
        assert "".join(stage.port.contents()).count("word") == 900
        assert stage.port.replies == [5, None, None]
        assert stage.sent[-1] == (100, 101, 102)


@virtual
async def test_edits_are_paced_and_never_overlap() -> None:
    """Whatever the model's speed, a channel sees about one streaming edit a second, one at a time."""
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["x "] * 900, pause=0.01)
        await end(shown)
        edits = stage.port.times("edit")[:-1]
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(edits))
        assert 7 <= len(edits) <= 10
        assert stage.port.most_in_flight == 1


@virtual
async def test_more_of_an_answer_is_wanted_shortly_before_its_next_edit_and_first_words_at_any_time() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await asyncio.sleep(1.0)
        assert shown.is_soon(clock()), "first words would be shown at once"
        await stream(shown, ["One "], pause=0.5)
        assert not shown.is_soon(clock()), "it was shown a moment ago"
        await stream(shown, ["two "], pause=0.0)
        before = len(stage.port.log)
        while not shown.is_soon(clock()):  # noqa: ASYNC110 - the time is virtual
            await asyncio.sleep(0.01)
        assert len(stage.port.log) == before
        await asyncio.sleep(0.1 + stage.port.latency)
        assert len(stage.port.log) == before + 1
        await end(shown)


@virtual
async def test_answers_in_one_channel_share_its_pace() -> None:
    async with Stage(FakePort(latency=2.5)) as stage:
        both = [stage.show(new_reply(), turn=turn) for turn in (1, 2)]
        for _ in range(200):
            for shown in both:
                shown.reply.apply(Answered("x "))
                shown.touch()
            await asyncio.sleep(0.1)
        assert stage.port.most_in_flight == 1
        edits = stage.port.times("edit")
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(edits))


@virtual
async def test_the_end_is_shown_at_once() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["x "] * 120)
        asked_at = clock()
        await end(shown)
        assert clock() - asked_at <= 3 * stage.port.latency
        assert clock() - asked_at < SPACING


@virtual
async def test_the_first_words_are_shown_at_once_however_short_ago_the_status_changed() -> None:
    """Even where the first characters show nothing yet, because their meaning depends on the next."""
    for words in (["Zebras "], ["*", "*", "Zebras"]):
        async with Stage() as stage:
            shown = stage.show(new_reply())
            await asyncio.sleep(3.2)
            assert clock() - stage.port.times("edit")[-1] < SPACING / 2
            await stream(shown, words)
            await asyncio.sleep(3 * stage.port.latency)
            assert "Zebras" in stage.port.contents()[0]


@virtual
async def test_what_the_first_words_took_early_is_made_up_for() -> None:
    """No five seconds see more than five edits, which is what Discord allows."""
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await asyncio.sleep(3.2)
        await stream(shown, ["Zebras "] * 500)
        edits = stage.port.times("edit")
        assert edits[1] - edits[0] < SPACING
        assert all(sixth - first > 5.0 for first, sixth in zip(edits, edits[5:], strict=False))


@virtual
async def test_first_words_that_show_nothing_yet_are_waited_for_without_haste() -> None:
    """An answer whose beginning is undecided is looked at when it grows, not all the time."""
    async with Stage() as stage:
        shown = stage.show(new_reply(reasoning_model=False))
        await asyncio.sleep(1.5)
        looks = 0
        pages = shown.reply.pages

        def counted(now: float) -> tuple[Page, ...]:
            nonlocal looks
            looks += 1
            assert looks < 50, "looked at without end"
            return pages(now)

        shown.reply.pages = counted
        await stream(shown, ["*", "*"])
        await asyncio.sleep(2.0)
        assert 1 <= looks <= 4


@virtual
async def test_the_end_overtakes_streaming_answers() -> None:
    """When the process has spent its allowance, ends still go out."""
    pace = Pace(requests=6, window_seconds=3.0, kept=3)
    async with Stage(pace=pace) as stage:
        others = [stage.show(new_reply(), channel=number, turn=number) for number in range(20, 32)]
        mine = stage.show(new_reply(), turn=2, pages=(7,))
        stage.port.messages[7] = Page("old")
        for other in others:
            await stream(other, ["x "] * 5)
        mine.reply.apply(Answered("Mine."))
        asked_at = clock()
        await end(mine)
        assert clock() - asked_at <= 3 * stage.port.latency


@virtual
async def test_no_answer_starves() -> None:
    """The stalest goes first: with little to share, all are served equally often."""
    async with Stage(pace=Pace(requests=4, window_seconds=1.0, kept=0)) as stage:
        shown = [stage.show(new_reply(), channel=number, turn=number) for number in range(10)]
        stage.port.typed.clear()
        for _ in range(300):
            for one in shown:
                one.reply.apply(Answered("x "))
                one.touch()
            await asyncio.sleep(0.1)
        edits = [stage.port.kinds(number).count("edit") for number in range(10)]
        assert max(edits) - min(edits) <= 1
        assert min(edits) >= 9


@virtual
async def test_the_process_stays_within_its_allowance() -> None:
    async with Stage() as stage:
        shown = [stage.show(new_reply(), channel=number, turn=number) for number in range(80)]
        for _ in range(100):
            for one in shown:
                one.reply.apply(Answered("x "))
                one.touch()
            await asyncio.sleep(0.1)
        times = sorted([at for at, _, _ in stage.port.log] + stage.port.typed)
        busiest = max(sum(start <= at < start + 1 for at in times) for start in range(int(times[-1])))
        assert busiest <= 50
        assert len(times) >= 350


@virtual
async def test_the_smallest_allowance_still_shows_answers() -> None:
    async with Stage(pace=Pace(requests=1, window_seconds=1.0)) as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["x "] * 100, pause=0.1)
        assert stage.port.kinds().count("edit") >= 4


@virtual
async def test_only_the_time_changes_while_thinking() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        shown.reply.apply(Thought("hm"))
        shown.touch()
        await asyncio.sleep(9.5)
        assert stage.port.contents() == ["-# 💭 Thinking… 9 s"]
        assert 2 <= stage.port.kinds().count("edit") <= 4


@virtual
async def test_there_is_no_typing_where_the_status_line_comes_at_once() -> None:
    async with Stage() as stage:
        stage.show(new_reply())
        await asyncio.sleep(30)
        assert stage.port.typed == []


@virtual
async def test_typing_lasts_until_something_is_visible() -> None:
    port = FakePort(faults=[RetryLater(20.0)])
    async with Stage(port) as stage:
        stage.show(new_reply())
        await asyncio.sleep(60)
        assert port.typed == [0.5, 8.5, 16.5]
        assert len(port.messages) == 1


@virtual
async def test_nothing_is_sent_that_is_shown_already() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["Hello."])
        await asyncio.sleep(2)
        before = len(stage.port.log)
        for _ in range(50):
            shown.touch()
            await asyncio.sleep(0.5)
        assert len(stage.port.log) == before


@virtual
async def test_there_is_a_stop_button_at_every_moment_of_a_long_answer() -> None:
    """Where one page follows another, the new one has it before the old one loses it."""
    async with Stage() as stage:
        shown = stage.show(new_reply())
        streaming = asyncio.create_task(stream(shown, ["word "] * 1200))
        await asyncio.sleep(0.2)
        while not streaming.done():
            stops = [page for page in stage.port.messages.values() if Control.STOP in page.controls]
            assert 1 <= len(stops) <= 2
            await asyncio.sleep(0.01)
        assert len(stage.port.messages) == 3
        await end(shown)
        assert "".join(stage.port.contents()).count("word") == 1200


@virtual
async def test_the_old_page_is_completed_as_soon_as_the_new_one_is_there() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["word "] * 700)
        [sent] = [number for number, (_, kind, _) in enumerate(stage.port.log) if kind == "send" and number]
        (sent_at, _, _), (completed_at, kind, _) = stage.port.log[sent : sent + 2]
        assert (kind, stage.port.messages[100].controls) == ("edit", ())
        assert completed_at - sent_at == pytest.approx(stage.port.latency)


@virtual
async def test_a_page_too_old_to_edit_goes_on_in_a_new_message_and_says_so() -> None:
    port = FakePort(messages={11: Page("old one"), 12: Page("old two")}, faults=[None, MessageTooOld("too old")])
    async with Stage(port) as stage:
        shown = stage.show(new_reply(), pages=(11, 12))
        await stream(shown, ["word "] * 500)
        ids = await end(shown)
        assert ids == stage.sent[-1] == tuple(port.messages)
        assert 11 not in ids
        assert 12 not in ids
        assert "".join(port.contents()).count("word") == 500
        assert "goes on here" in port.contents()[-1]


@virtual
async def test_only_pages_from_the_too_old_one_on_are_moved() -> None:
    port = FakePort()
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["word "] * 450)
        await asyncio.sleep(2)
        assert len(port.messages) == 2
        port.faults = [MessageTooOld("too old")]
        await stream(shown, ["plus "] * 10)
        assert (await end(shown))[0] == 100
        assert list(port.messages) == [100, 102]
        assert port.contents()[-1].count("plus") == 10


@virtual
async def test_with_a_token_a_message_is_edited_more_often_and_at_no_cost_to_others() -> None:
    """Both buckets are used, so its text is fresher; and it goes on while the process may ask for nothing more."""
    port = FakePort(messages={11: Page("old")}, tokens={11}, latency=0.06)
    async with Stage(port) as stage:
        shown = stage.show(new_reply(), pages=(11,))
        await stream(shown, ["x "] * 500)
        edits = sorted(port.times("edit") + port.times("token"))
        assert len(port.times("token")) >= 4
        assert len(edits) >= 11
        assert all(later - earlier >= 2.0 for earlier, later in pairwise(port.times("token")))
        stage.traffic.refused(None, Scope.EVERYTHING, 60.0)
        asked_at = clock()
        await end(shown)
        assert clock() - asked_at < 1.0
        assert port.kinds()[-1] == "token"


@virtual
async def test_an_answer_that_cannot_go_on_leaves_no_stop_button_behind() -> None:
    """Without the permission to send, messages that are there can still be edited."""
    port = FakePort()
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["word "] * 300)
        port.send_fault = ShowError("I may no longer write there.")
        await stream(shown, ["word "] * 300)
        assert [page.controls for page in port.messages.values()] == [()]
        assert len(stage.lost) == 1


@virtual
async def test_the_owner_is_told_once_that_nothing_more_can_be_shown() -> None:
    port = FakePort(faults=[None, ShowError("The thread is locked.")])
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["Hello."] * 100)
        assert [str(error) for error in stage.lost] == ["The thread is locked."]
        with pytest.raises(ShowError, match="locked"):
            await end(shown)
        assert len(stage.lost) == 1
        assert port.kinds() == ["send", "edit", "edit"]


@virtual
async def test_pages_of_an_earlier_attempt_are_reused() -> None:
    port = FakePort(messages={11: Page("old one"), 12: Page("old two"), 13: Page("old three")})
    async with Stage(port) as stage:
        shown = stage.show(new_reply(), pages=(11, 12, 13))
        await asyncio.sleep(1)
        assert port.contents() == ["-# 💭 Thinking…"]
        await stream(shown, ["New."])
        assert await end(shown) == (11,)
        assert port.contents() == ["New."]
        assert "send" not in port.kinds()
        assert port.typed == []
        assert stage.sent[-1] == (11,)


@virtual
async def test_a_page_that_is_not_needed_any_more_is_deleted_at_the_end() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["x" * 1970])
        shown.reply.apply(ToolStarted("web", "a description that does not fit below"))
        shown.touch()
        await asyncio.sleep(3)
        assert len(stage.port.messages) == 2
        shown.reply.apply(StartedOver())
        await stream(shown, ["x" * 1900])
        assert await end(shown) == (100,)
        assert len(stage.port.messages) == 1


@virtual
async def test_a_resend_never_posts_twice() -> None:
    """A send whose answer is lost is sent again under its nonce."""
    port = FakePort(lost_answers=1)
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["Once."])
        assert await end(shown) == (100,)
        assert port.kinds().count("send") == 2
        assert port.contents() == ["Once."]


@virtual
async def test_nonces_tell_attempts_and_pages_apart() -> None:
    port = FakePort()
    async with Stage(port) as stage:
        first = stage.show(new_reply())
        await stream(first, ["word "] * 500)
        pages = await end(first)
        again = stage.show(new_reply(), pages=pages[:1])
        await stream(again, ["word "] * 500)
        assert len({*pages, *await end(again)}) == 3
        assert len(port.nonces) == 3


@virtual
async def test_trouble_is_survived_and_nothing_is_lost() -> None:
    faults: list[Exception | None] = [ConnectionResetError(), None, OSError("x"), TimeoutError(), RetryLater(3.0)]
    port = FakePort(faults=[*faults, None, None, OSError("x")])
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        await stream(shown, [f"{number} " for number in range(300)])
        await end(shown)
        assert port.contents() == [" ".join(map(str, range(300)))]


@virtual
async def test_pauses_grow_while_discord_is_down() -> None:
    port = FakePort(faults=[OSError("down") for _ in range(8)])
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        await end(shown)
        times = port.times("send")
        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert pauses == sorted(pauses)
        assert pauses[0] < 1
        assert pauses[-1] > 20


@virtual
async def test_discord_that_stays_down_is_given_up() -> None:
    port = FakePort(faults=[OSError("down") for _ in range(200)])
    async with Stage(port) as stage:
        with pytest.raises(ShowError, match="could not be reached"):
            await end(stage.show(new_reply()))
        assert 600 < clock() < 700


@virtual
async def test_an_outage_that_ended_does_not_count() -> None:
    outage = [OSError("down") for _ in range(18)]
    port = FakePort(faults=[*outage, None, *outage])
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        shown.reply.apply(Answered("word " * 500))
        await end(shown)
        assert clock() > 700
        assert len(port.messages) == 2


@virtual
async def test_a_request_that_hangs_is_tried_again() -> None:
    port = FakePort(latency=0.1)
    async with Stage(port) as stage:
        shown = stage.show(new_reply())
        await asyncio.sleep(0.5)
        port.latency = 500.0
        await stream(shown, ["Hello."])
        await asyncio.sleep(2)
        port.latency = 0.1
        await end(shown)
        assert port.contents() == ["Hello."]
        assert clock() < 40


@virtual
async def test_what_discord_refuses_ends_the_reply_and_no_other() -> None:
    port = FakePort(faults=[ShowError("I may not write here.")])
    async with Stage(port) as stage:
        refused = stage.show(new_reply())
        await asyncio.sleep(0.2)
        with pytest.raises(ShowError, match="may not write"):
            await end(refused)
        await end(stage.show(new_reply(), turn=2))
        assert len(port.messages) == 1


@virtual
async def test_a_fault_of_the_port_ends_the_reply_and_no_other() -> None:
    port = FakePort(faults=[RuntimeError("a defect")])
    async with Stage(port) as stage:
        with pytest.raises(RuntimeError, match="a defect"):
            await end(stage.show(new_reply()))
        await end(stage.show(new_reply(), turn=2))


@virtual
async def test_a_deleted_answer_is_posted_anew_once() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["Hello."])
        await asyncio.sleep(2)
        stage.port.messages.clear()
        await stream(shown, [" World."])
        await asyncio.sleep(3)
        assert stage.port.contents() == ["Hello. World."]
        assert stage.sent[-1] == (101,)
        stage.port.messages.clear()
        with pytest.raises(MessageGone):
            await end(shown)


@virtual
async def test_a_deleted_earlier_page_stays_deleted() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await stream(shown, ["word "] * 500)
        await end(shown)
        del stage.port.messages[100]
        reply = new_reply()
        reply.apply(Answered("other " * 400))
        reply.apply(ended())
        again = stage.show(reply, turn=2, pages=(100, 101))
        assert await again.finished() == (101,)
        assert len(stage.port.messages) == 1


@virtual
async def test_a_deleted_message_of_an_earlier_attempt_is_passed_over() -> None:
    port = FakePort(messages={12: Page("old two")})
    async with Stage(port) as stage:
        shown = stage.show(new_reply(), pages=(11, 12))
        await stream(shown, ["Hello."])
        assert await end(shown) == (12,)
        assert port.contents() == ["Hello."]


@virtual
async def test_a_notice_after_the_end_is_still_shown() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        shown.reply.apply(Answered("Hello."))
        await end(shown)
        await asyncio.sleep(5)
        shown.reply.apply(Noticed("One more thing."))
        shown.touch()
        await shown.finished()
        assert stage.port.contents() == ["Hello.\n-# One more thing."]


@virtual
async def test_closing_lets_ends_be_shown_first() -> None:
    stage = Stage()
    shown = stage.show(new_reply())
    await stream(shown, ["Half an"])
    shown.reply.apply(ended(TurnStatus.INTERRUPTED))
    shown.touch()
    await stage.live.aclose()
    assert stage.port.contents() == ["Half an\n-# ⚡ Interrupted by a restart."]


@virtual
async def test_closing_ends_all_waiting_and_leaves_no_task() -> None:
    stage = Stage(FakePort(latency=100.0))
    shown = stage.show(new_reply())
    waiting = asyncio.create_task(shown.finished())
    await asyncio.sleep(1)
    await stage.live.aclose()
    with pytest.raises(ShowError, match="shutting down"):
        await waiting
    with pytest.raises(ShowError, match="shutting down"):
        await end(stage.show(new_reply(), turn=2))
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_a_caller_that_stops_waiting_stops_nothing() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await shown.finished()
        await stream(shown, ["Hello."])
        await end(shown)
        assert stage.port.contents() == ["Hello."]


@virtual
async def test_touching_starts_no_task() -> None:
    async with Stage() as stage:
        shown = stage.show(new_reply())
        await asyncio.sleep(1)
        before = len(asyncio.all_tasks())
        for _ in range(1000):
            shown.reply.apply(Answered("x"))
            shown.touch()
        assert len(asyncio.all_tasks()) == before


@virtual
async def test_messages_that_cannot_be_noted_are_shown_all_the_same() -> None:
    async def on_sent(ids: tuple[int, ...]) -> None:
        raise RuntimeError("the database is full")

    async with Stage() as stage:
        shown = stage.live.open(CHANNEL, 1, new_reply(), reply_to=None, on_sent=on_sent)
        await stream(shown, ["Hello."])
        assert await end(shown) == (100,)
        assert stage.port.contents() == ["Hello."]


FAULTS = st.sampled_from([None, None, None, OSError("x"), TimeoutError(), RetryLater(2.5), ConnectionResetError()])


@settings(max_examples=60, deadline=None)
@given(st.lists(FAULTS, max_size=25), st.lists(st.integers(1, 900), max_size=12), st.sampled_from([0.01, 0.4, 3.0]))
def test_whatever_discord_does_the_end_is_shown(
    faults: list[Exception | None], sizes: list[int], latency: float
) -> None:
    """Trouble in any order loses nothing, posts nothing twice and never overlaps requests for one answer."""

    @virtual
    async def run() -> None:
        port = FakePort(latency=latency, faults=faults)
        async with Stage(port) as stage:
            shown = stage.show(new_reply())
            await stream(shown, ["w" * size + " " for size in sizes], pause=0.3)
            ids = await end(shown)
            assert ids == tuple(port.messages) == stage.sent[-1]
            assert list(port.messages.values()) == list(shown.reply.pages(clock()))
            assert port.most_in_flight == 1

    run()


LONG_ANSWER = "Some ordinary words in a row. " * 500


@dataclass
class UploadPort(FakePort):
    """Raises `upload_faults` for the next edits that carry files, in order."""

    upload_faults: list[Exception] = field(default_factory=list)

    async def edit(
        self, channel_id: int, message_id: int, page: Page, *, turn_id: int, with_token: bool = False
    ) -> None:
        if page.files and self.upload_faults:
            self.faults.insert(0, self.upload_faults.pop(0))
        await super().edit(channel_id, message_id, page, turn_id=turn_id, with_token=with_token)


async def last_page_after(*upload_faults: Exception, pace: Pace | None = None) -> Page:
    """What the last message of a long answer shows in the end when its upload meets these faults."""
    port = UploadPort(upload_faults=list(upload_faults))
    async with Stage(port, pace) as stage:
        shown = stage.show(new_reply())
        await stream(shown, [LONG_ANSWER])
        assert len(await end(shown)) == 5
    return list(port.messages.values())[-1]


@virtual
async def test_files_that_discord_refuses_leave_the_text_and_a_word_about_them() -> None:
    last = await last_page_after(FilesRefused("Discord refused the files."))
    assert last.files == ()
    assert "Discord did not take the files." in last.content


@virtual
async def test_an_upload_is_tried_again_with_the_same_bytes() -> None:
    (file,) = (await last_page_after(RetryLater(2.0), OSError(), TimeoutError())).files
    assert file.data.decode() == LONG_ANSWER


@virtual
async def test_an_upload_that_fails_for_long_is_given_up_and_spoken_of() -> None:
    last = await last_page_after(*[OSError()] * 8, pace=Pace(give_up_seconds=30))
    assert last.files == ()
    assert "Discord did not take the files." in last.content
