"""Running answers are written down together, soon after they are shown, and never after they have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from bot.assemble import StepAssembler
from bot.engine import Draft
from bot.events import TextDelta
from bot.messages import Step
from bot.saving import Saving
from bot.scribe import BEAT_SECONDS, GATHER_SECONDS, Scribe
from bot.store import Store
from tests.live_stage import virtual


class Shelf:
    """Keeps what is saved, in place of the store, and how it came."""

    def __init__(self) -> None:
        self.text: dict[int, str] = {}
        self.batches: list[list[int]] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.is_broken = False

    async def save_steps(self, turn_id: int, first: int, steps: Sequence[Step]) -> None:
        await self._take([turn_id])
        self.text[turn_id] = "".join(step.text for step in steps)

    async def save_drafts(self, drafts: Sequence[tuple[int, int, Step]]) -> None:
        await self._take([turn_id for turn_id, _, _ in drafts])
        self.text |= {turn_id: step.text for turn_id, _, step in drafts}

    async def _take(self, turns: list[int]) -> None:
        await self.takes.wait()
        if self.is_broken:
            raise OSError("the disk is full")
        self.batches.append(turns)


class Writing:
    """An answer that is being written."""

    def __init__(self, shelf: Shelf, turn_id: int) -> None:
        self.saving = Saving(cast("Store", shelf), turn_id, asyncio.sleep)
        self.draft = Draft()
        self._assembler = StepAssembler()
        self.draft.write(self._assembler)

    def add(self, text: str) -> None:
        self._assembler.apply(TextDelta(text))
        self.draft.version += 1


@virtual
async def test_all_that_came_since_the_last_beat_is_written_in_one_go() -> None:
    shelf = Shelf()
    scribe, answers = Scribe(cast("Store", shelf)), [Writing(shelf, number) for number in (1, 2, 3)]
    async with (
        scribe.writing(answers[0].saving, answers[0].draft),
        scribe.writing(answers[1].saving, answers[1].draft),
        scribe.writing(answers[2].saving, answers[2].draft),
    ):
        for answer in answers:
            answer.add("So ")
        await asyncio.sleep(1.1 * BEAT_SECONDS)
        assert sorted(shelf.batches) == [[1], [2], [3]], "the first line of each takes the place of an earlier answer"
        shelf.batches.clear()
        for answer in answers[:2]:
            answer.add("far.")
        await asyncio.sleep(BEAT_SECONDS)
        await asyncio.sleep(5 * BEAT_SECONDS)
        assert shelf.batches == [[1, 2]], "what has not changed is not written again"
    assert shelf.text == {1: "So far.", 2: "So far.", 3: "So "}
    await scribe.aclose()


@virtual
async def test_what_goes_out_to_people_is_written_a_moment_later_with_what_else_does() -> None:
    shelf = Shelf()
    scribe, answers = Scribe(cast("Store", shelf)), [Writing(shelf, number) for number in (1, 2)]
    for answer in answers:
        answer.add("So ")
        await answer.saving.now(answer.draft)
    shelf.batches.clear()
    async with (
        scribe.writing(answers[0].saving, answers[0].draft),
        scribe.writing(answers[1].saving, answers[1].draft),
    ):
        answers[0].add("far, ")
        scribe.hurry()
        await asyncio.sleep(GATHER_SECONDS / 2)
        answers[1].add("far, ")
        scribe.hurry()
        await asyncio.sleep(GATHER_SECONDS)
        assert shelf.batches == [[1, 2]]
        answers[0].add("so good.")
        scribe.hurry()
        await asyncio.sleep(2 * GATHER_SECONDS)
        assert shelf.batches == [[1, 2], [1]]
    await scribe.aclose()


@virtual
async def test_what_the_database_refuses_is_written_at_a_later_beat() -> None:
    shelf = Shelf()
    scribe, answer = Scribe(cast("Store", shelf)), Writing(shelf, 1)
    async with scribe.writing(answer.saving, answer.draft):
        answer.add("First, ")
        await asyncio.sleep(1.1 * BEAT_SECONDS)
        shelf.is_broken = True
        answer.add("second.")
        await asyncio.sleep(3 * BEAT_SECONDS)
        assert shelf.text == {1: "First, "}
        shelf.is_broken = False
        await asyncio.sleep(BEAT_SECONDS)
        assert shelf.text == {1: "First, second."}
    await scribe.aclose()


@virtual
async def test_an_answer_ends_only_when_what_is_being_written_of_it_has_been() -> None:
    """Otherwise an old draft could be written over its end."""
    shelf = Shelf()
    scribe, answer = Scribe(cast("Store", shelf)), Writing(shelf, 1)
    answer.add("First, ")
    await answer.saving.now(answer.draft)

    async def run() -> None:
        async with scribe.writing(answer.saving, answer.draft):
            answer.add("second.")
            shelf.takes.clear()
            await asyncio.sleep(1.1 * BEAT_SECONDS)

    running = asyncio.create_task(run())
    await asyncio.sleep(5 * BEAT_SECONDS)
    assert not running.done()
    shelf.takes.set()
    await running
    assert shelf.text == {1: "First, second."}
    await scribe.aclose()


@virtual
async def test_an_answer_that_ends_while_another_is_being_written_is_not_written_afterwards() -> None:
    shelf = Shelf()
    scribe, first, second = Scribe(cast("Store", shelf)), Writing(shelf, 1), Writing(shelf, 2)
    async with scribe.writing(first.saving, first.draft):
        async with scribe.writing(second.saving, second.draft):
            first.add("slowly")
            second.add("quickly")
            shelf.takes.clear()
            await asyncio.sleep(1.1 * BEAT_SECONDS)
        shelf.takes.set()
        await asyncio.sleep(BEAT_SECONDS)
    assert shelf.text == {1: "slowly"}
    await scribe.aclose()


@virtual
async def test_nothing_is_written_between_two_beats_of_an_answer_that_has_ended() -> None:
    shelf = Shelf()
    scribe, answer, other = Scribe(cast("Store", shelf)), Writing(shelf, 1), Writing(shelf, 2)
    async with scribe.writing(other.saving, other.draft):
        async with scribe.writing(answer.saving, answer.draft):
            answer.add("So far.")
        other.add("On.")
        await asyncio.sleep(2 * BEAT_SECONDS)
    assert shelf.text == {2: "On."}
    await scribe.aclose()


@virtual
async def test_closing_waits_for_nothing_where_nothing_runs() -> None:
    shelf = Shelf()
    scribe, answer = Scribe(cast("Store", shelf)), Writing(shelf, 1)
    async with scribe.writing(answer.saving, answer.draft):
        pass
    async with asyncio.timeout(BEAT_SECONDS / 2):
        await scribe.aclose()
        await scribe.aclose()
