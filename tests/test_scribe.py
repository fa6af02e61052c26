"""Running answers are written down together, soon after they are shown, and never after they have ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
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
    """An answer that is being written while it is entered."""

    def __init__(self, shelf: Shelf, scribe: Scribe, turn_id: int) -> None:
        self._saving = Saving(cast("Store", shelf), turn_id, asyncio.sleep)
        self._draft = Draft()
        self._assembler = StepAssembler()
        self._draft.write(self._assembler)
        self._written = scribe.writing(self._saving, self._draft)

    async def __aenter__(self) -> None:
        await self._written.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self._written.__aexit__(None, None, None)

    async def begin(self) -> None:
        """Save the first words, which take the place of an earlier answer."""
        self.add("So ")
        await self._saving.now(self._draft)

    def add(self, text: str) -> None:
        self._assembler.apply(TextDelta(text))
        self._draft.version += 1


@asynccontextmanager
async def desk(answers: int) -> AsyncGenerator[tuple[Shelf, Scribe, list[Writing]]]:
    """A scribe that is closed in the end, and answers that are not being written yet."""
    shelf = Shelf()
    scribe = Scribe(cast("Store", shelf))
    yield shelf, scribe, [Writing(shelf, scribe, number) for number in range(1, answers + 1)]
    await scribe.aclose()


@virtual
async def test_all_that_came_since_the_last_beat_is_written_in_one_go() -> None:
    async with desk(3) as (shelf, _, [first, second, third]):
        async with first, second, third:
            for answer in (first, second, third):
                answer.add("So ")
            await asyncio.sleep(1.1 * BEAT_SECONDS)
            assert shelf.batches == [[1], [2], [3]], "the first line of each takes the place of an earlier answer"
            shelf.batches.clear()
            first.add("far.")
            second.add("far.")
            await asyncio.sleep(6 * BEAT_SECONDS)
            assert shelf.batches == [[1, 2]], "what has not changed is not written again"
        assert shelf.text == {1: "So far.", 2: "So far.", 3: "So "}


@virtual
async def test_what_goes_out_to_people_is_written_a_moment_later_with_what_else_does() -> None:
    async with desk(2) as (shelf, scribe, [first, second]):
        await first.begin()
        await second.begin()
        shelf.batches.clear()
        async with first, second:
            first.add("far, ")
            scribe.hurry()
            await asyncio.sleep(GATHER_SECONDS / 2)
            second.add("far, ")
            scribe.hurry()
            await asyncio.sleep(GATHER_SECONDS)
            assert shelf.batches == [[1, 2]]
            first.add("so good.")
            scribe.hurry()
            await asyncio.sleep(2 * GATHER_SECONDS)
            assert shelf.batches == [[1, 2], [1]]


@virtual
async def test_what_the_database_refuses_is_written_at_a_later_beat() -> None:
    async with desk(1) as (shelf, _, [answer]), answer:
        answer.add("First, ")
        await asyncio.sleep(1.1 * BEAT_SECONDS)
        shelf.is_broken = True
        answer.add("second.")
        await asyncio.sleep(3 * BEAT_SECONDS)
        assert shelf.text == {1: "First, "}
        shelf.is_broken = False
        await asyncio.sleep(BEAT_SECONDS)
        assert shelf.text == {1: "First, second."}


@virtual
async def test_an_answer_ends_only_when_what_is_being_written_of_it_has_been() -> None:
    """Otherwise an old draft could be written over its end."""
    async with desk(1) as (shelf, _, [answer]):
        await answer.begin()

        async def run() -> None:
            async with answer:
                answer.add("far.")
                shelf.takes.clear()
                await asyncio.sleep(1.1 * BEAT_SECONDS)

        running = asyncio.create_task(run())
        await asyncio.sleep(5 * BEAT_SECONDS)
        assert not running.done()
        shelf.takes.set()
        await running
        assert shelf.text == {1: "So far."}


@virtual
async def test_an_answer_that_ends_while_another_is_being_written_is_not_written_afterwards() -> None:
    async with desk(2) as (shelf, _, [slow, quick]), slow:
        async with quick:
            slow.add("slowly")
            quick.add("quickly")
            shelf.takes.clear()
            await asyncio.sleep(1.1 * BEAT_SECONDS)
        shelf.takes.set()
        await asyncio.sleep(BEAT_SECONDS)
        assert shelf.text == {1: "slowly"}


@virtual
async def test_an_answer_that_ended_before_the_beat_is_not_written() -> None:
    async with desk(2) as (shelf, _, [long, short]), long:
        async with short:
            short.add("So far.")
        long.add("On.")
        await asyncio.sleep(2 * BEAT_SECONDS)
        assert shelf.text == {1: "On."}


@virtual
async def test_closing_waits_for_nothing_where_nothing_runs() -> None:
    async with desk(1) as (_, scribe, [answer]):
        async with answer:
            pass
        async with asyncio.timeout(BEAT_SECONDS / 2):
            await scribe.aclose()
            await scribe.aclose()
