"""How the store changes what was said: edits, deletions and forks, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.messages import Conversation, JsonObject, Said, Step, Text, TextFile, Turn, TurnStatus, Usage
from bot.store import Store, tables
from bot.store.codec import encode_step
from bot.store.history import Forgotten, Forked, Leftover
from tests.databases import Queries, execute, fill, rows
from tests.paying import pay

pytest_plugins = ["tests.database_fixtures"]

THREAD = Conversation(id=2**62, guild_id=10, owner_id=20, created_at=100.0, parent_id=77)
STEP = Step(model="moon/kimi", text="An answer.", finish="stop", usage=Usage(100, 50, 30, 10, 2_100_000))
CONTENTS = (tables.turns, tables.said, tables.steps, tables.pages, tables.unshown)


def said(message_id: int, text: str = "Why?", *, at: float | None = None) -> Said:
    return Said(message_id, 20, "Ann", (Text(text),), float(message_id) if at is None else at)


async def asked(store: Store, *message_ids: int, conversation_id: int = THREAD.id) -> Turn:
    """A question of one message, or of a burst."""
    first, *more = message_ids
    turn = await store.ask(conversation_id, said(first))
    for message_id in more:
        assert turn is not None
        turn = await store.ask_more(turn.id, said(message_id))
    assert turn is not None
    return turn


async def answered(store: Store, *message_ids: int, pages: tuple[int, ...] = (), step: Step = STEP) -> Turn:
    turn = await asked(store, *message_ids)
    await pay(store, turn.id, THREAD, step.usage or Usage())
    await store.finish(turn.id, TurnStatus.DONE, [step], error=None, notices=["One."])
    await store.save_pages(turn.id, pages)
    return await known(store, turn.id)


async def known(store: Store, turn_id: int) -> Turn:
    turn = await store.turn(turn_id)
    assert turn is not None
    return turn


@pytest.fixture(autouse=True)
async def thread(store: Store) -> Conversation:
    return await store.add_conversation(THREAD)


class TestEdits:
    async def test_an_edit_changes_the_question_and_nothing_else(self, store: Store) -> None:
        turn = await answered(store, 1, 2, pages=(900,))
        parts = (Text("How?"), TextFile("b.c", "int x;"))
        edited = await store.edit_said(2, parts)
        assert edited == replace(turn, question=(said(1), replace(said(2), parts=parts)))
        assert await store.turn(turn.id) == edited

    async def test_an_edit_to_the_same_words_is_none(self, store: Store) -> None:
        await asked(store, 1)
        assert await store.edit_said(1, said(1).parts) is None

    async def test_an_unknown_message_cannot_be_edited(self, store: Store) -> None:
        assert await store.edit_said(404, ()) is None


class TestDeletedMessages:
    async def test_a_message_leaves_the_rest_of_its_burst(self, store: Store) -> None:
        turn = await asked(store, 1, 2)
        left = replace(turn, question=(said(2),))
        assert await store.forget_messages([1]) == Forgotten(changed=(left,))
        assert await store.turn(turn.id) == left

    async def test_a_turn_without_a_question_goes_with_its_answer(self, store: Store, database_url: str) -> None:
        turn = await answered(store, 1, 2, pages=(900, 901))
        assert await store.forget_messages([1, 2]) == Forgotten(gone=(Leftover(turn.id, THREAD.id, (900, 901)),))
        for table in CONTENTS:
            assert await rows(database_url, table) == []
        assert await store.leftovers() == [Leftover(turn.id, THREAD.id, (900, 901))]
        await store.clear_leftovers(turn.id)
        assert await store.leftovers() == []

    async def test_what_an_answer_cost_stays_in_the_ledger(self, store: Store, database_url: str) -> None:
        await answered(store, 1)
        await store.forget_messages([1])
        assert [row["cost"] for row in await rows(database_url, tables.usage)] == [2_100_000]

    async def test_an_answer_goes_with_the_last_of_its_pages(self, store: Store) -> None:
        turn = await answered(store, 1, pages=(900, 901))
        assert await store.forget_messages([900]) == Forgotten()
        assert await store.turn(turn.id) == replace(turn, pages=(901,))
        assert await store.forget_messages([901]) == Forgotten(gone=(Leftover(turn.id, THREAD.id, ()),))
        assert await store.leftovers() == []

    async def test_the_pages_of_a_running_answer_do_not_matter(self, store: Store) -> None:
        turn = await asked(store, 1)
        await store.begin(turn.id)
        await store.save_pages(turn.id, [900])
        assert await store.forget_messages([900]) == Forgotten()
        assert (await known(store, turn.id)).status is TurnStatus.RUNNING

    async def test_a_purge_takes_questions_and_pages_of_many_turns_at_once(self, store: Store) -> None:
        first = await answered(store, 1, pages=(900, 901))
        second = await asked(store, 2, 3)
        third = await answered(store, 4, pages=(904,))
        found = await store.forget_messages([404, 901, 1, 904, 3])
        assert found.changed == (replace(second, question=(said(2),)),)
        assert found.gone == (Leftover(first.id, THREAD.id, (900,)), Leftover(third.id, THREAD.id, ()))
        assert await store.leftovers() == [Leftover(first.id, THREAD.id, (900,))]

    async def test_a_burst_deleted_one_by_one_at_once_leaves_no_turn(self, store: Store) -> None:
        await asked(store, *range(1, 9))
        found = await asyncio.gather(*(store.forget_messages([number]) for number in range(1, 9)))
        assert sum(len(one.gone) for one in found) == 1
        assert await store.turns(THREAD.id) == []

    async def test_an_unknown_message_changes_nothing(self, store: Store) -> None:
        turn = await answered(store, 1, pages=(900,))
        assert await store.forget_messages([404]) == Forgotten()
        assert await store.turns(THREAD.id) == [turn]

    async def test_a_turn_is_taken_back_once(self, store: Store) -> None:
        turn = await answered(store, 1, pages=(900,))
        left = Leftover(turn.id, THREAD.id, (900,))
        assert await store.forget_turn(turn.id) == left
        assert await store.forget_turn(turn.id) is None
        assert await store.leftovers() == [left]

    async def test_a_leftover_that_people_delete_is_none(self, store: Store) -> None:
        turn = await answered(store, 1, pages=(900,))
        await store.forget_turn(turn.id)
        await store.forget_messages([900])
        assert await store.leftovers() == []

    async def test_what_is_taken_back_has_still_been_heard(self, store: Store) -> None:
        """Its message may still be on Discord, and must not look like one that came meanwhile."""
        await answered(store, 3)
        turn = await answered(store, 4, 5)
        seen = await answered(store, 6, pages=(900,))
        await store.forget_turn(turn.id)
        assert [newest for _, newest in await store.conversations_seen_since(0.0)] == [6]
        await store.forget_messages([900])
        assert [newest for _, newest in await store.conversations_seen_since(0.0)] == [6]
        assert await store.turn(seen.id) is None


class TestDeletedChannels:
    async def test_a_thread_leaves_nothing_but_the_ledger(self, store: Store, database_url: str) -> None:
        await answered(store, 1, pages=(900,))
        gone = await answered(store, 2, pages=(901,))
        await store.forget_turn(gone.id)
        assert await store.forget_channel(THREAD.id) == [THREAD.id]
        for table in (*CONTENTS, tables.conversations, tables.leftovers):
            assert await rows(database_url, table) == []
        assert len(await rows(database_url, tables.usage)) == 2

    async def test_a_channel_takes_its_threads_along_and_no_others(self, store: Store) -> None:
        for number, parent in ((5, 77), (6, 78), (7, None)):
            await store.add_conversation(replace(THREAD, id=number, parent_id=parent))
        assert sorted(await store.forget_channel(77)) == [5, THREAD.id]
        assert [await store.conversation(number) is not None for number in (5, 6, 7)] == [False, True, True]

    async def test_messages_and_their_thread_may_be_deleted_at_the_same_moment(self, store: Store) -> None:
        for number in range(1, 7):
            await answered(store, number, pages=(900 + number,))
        await asyncio.gather(
            *(store.forget_messages([number, 907 - number]) for number in range(1, 7)), store.forget_channel(THREAD.id)
        )
        assert await store.turns(THREAD.id) == []


class TestUnshown:
    async def test_a_finished_turn_is_unshown_until_it_is_noted_as_shown(self, store: Store) -> None:
        turn = await asked(store, 1)
        await store.begin(turn.id)
        assert await store.unshown() == []
        await store.finish(turn.id, TurnStatus.DONE, [STEP], error=None, notices=[])
        await store.finish(turn.id, TurnStatus.DONE, [STEP], error=None, notices=[])
        assert [one.id for one in await store.unshown()] == [turn.id]
        await store.note_shown(turn.id)
        assert await store.unshown() == []

    async def test_a_turn_that_is_asked_again_is_not_among_them(self, store: Store) -> None:
        turn = await answered(store, 1)
        await store.requeue(turn.id)
        assert await store.unshown() == []


class TestForks:
    FORK = replace(THREAD, id=5, owner_id=21, model="a/b", created_at=200.0)

    async def test_a_fork_has_the_same_turns_in_the_same_order(self, store: Store) -> None:
        details: tuple[JsonObject, ...] = ({"type": "reasoning.encrypted", "data": "\ud83d\0", "index": 2, "x": 1.0},)
        step = replace(STEP, reasoning_details=details)
        turns = [await answered(store, number, number + 1, step=step, pages=(900 + number,)) for number in (9, 3, 5)]
        assert await store.fork(THREAD.id, self.FORK) == Forked(3, 0)
        copies = await store.turns(5)
        assert await store.conversation(5) == self.FORK
        assert [copy.id for copy in copies] == sorted({copy.id for copy in copies} - {turn.id for turn in turns})
        for copy, turn in zip(copies, turns, strict=True):
            assert [one.id < 0 for one in copy.question] == [True, True]
            question = tuple(replace(one, id=was.id) for one, was in zip(copy.question, turn.question, strict=True))
            assert replace(copy, id=turn.id, conversation_id=THREAD.id, question=question, pages=turn.pages) == turn
        assert await store.turns(THREAD.id) == turns

    async def test_bodies_are_copied_as_they_are_written(self, store: Store, database_url: str) -> None:
        await answered(store, 1, step=replace(STEP, reasoning_details=({"b": 1, "a": [2.0, None]},)))
        await store.fork(THREAD.id, self.FORK)
        first, second = await rows(database_url, tables.steps)
        assert first["body"] == second["body"]
        assert list(second["body"]["reasoning_details"][0]) == ["b", "a"]
        assert len(await rows(database_url, tables.usage)) == 1

    async def test_messages_of_the_same_moment_keep_their_order(self, store: Store) -> None:
        turn = await store.ask(THREAD.id, said(1, "one", at=7.0))
        assert turn is not None
        for number, text in ((2, "two"), (3, "three")):
            await store.ask_more(turn.id, said(number, text, at=7.0))
        await store.finish(turn.id, TurnStatus.DONE, [], error=None, notices=[])
        await store.fork(THREAD.id, self.FORK)
        await store.fork(5, replace(self.FORK, id=6))
        [again] = await store.turns(6)
        assert [one.parts for one in again.question] == [(Text("one"),), (Text("two"),), (Text("three"),)]

    async def test_what_is_unfinished_is_left_out_and_counted(self, store: Store) -> None:
        await answered(store, 1)
        running = await asked(store, 2)
        await store.begin(running.id)
        await asked(store, 3)
        assert await store.fork(THREAD.id, self.FORK) == Forked(1, 2)
        assert len(await store.turns(5)) == 1

    async def test_the_window_begins_at_the_same_turn(self, store: Store) -> None:
        turns = [await answered(store, number) for number in (1, 2, 3)]
        await store.leave_behind(THREAD.id, before_turn=turns[1].id)
        await store.fork(THREAD.id, replace(self.FORK, first_turn_id=turns[1].id))
        fork = await store.conversation(5)
        copies = await store.turns(5)
        assert fork is not None
        assert fork.first_turn_id == copies[1].id

    async def test_a_deleted_message_goes_from_forks_and_their_forks_too(self, store: Store) -> None:
        await answered(store, 1)
        kept = await answered(store, 2)
        await store.fork(THREAD.id, self.FORK)
        await store.fork(5, replace(self.FORK, id=6))
        found = await store.forget_messages([1])
        assert [one.channel_id for one in found.gone] == [THREAD.id, 5, 6]
        assert [len(await store.turns(place)) for place in (THREAD.id, 5, 6)] == [1, 1, 1]
        assert (await store.turns(6))[0].steps == kept.steps

    async def test_an_edit_and_a_deleted_thread_do_not_reach_the_fork(self, store: Store) -> None:
        await answered(store, 1)
        await store.fork(THREAD.id, self.FORK)
        await store.edit_said(1, (Text("Other."),))
        await store.forget_channel(THREAD.id)
        [copy] = await store.turns(5)
        assert copy.question[0].parts == said(1).parts

    async def test_nothing_is_forked_from_an_unknown_thread(self, store: Store) -> None:
        assert await store.fork(404, self.FORK) is None
        assert await store.conversation(5) is None

    async def test_copies_were_never_sent_so_nothing_is_newest_there(self, store: Store) -> None:
        await answered(store, 1)
        await store.fork(THREAD.id, self.FORK)
        assert [newest for one, newest in await store.conversations_seen_since(150.0) if one.id == 5] == [5]

    async def test_thousands_of_turns_take_as_many_queries_as_one(self, store: Store, database_url: str) -> None:
        ids = range(1, 3001)
        turn = {"conversation_id": THREAD.id, "status": "done", "attempt": 1}
        question = {"author_id": 20, "author_name": "Ann", "at": 1.0}
        await fill(database_url, tables.turns, [{"id": 5000 + n, "notices": [str(n)]} | turn for n in ids])
        texts = [{"parts": [{"type": "text", "text": str(n)}]} for n in ids]
        asked_in = [{"id": n, "turn_id": 5000 + n} | question | texts[n - 1] for n in ids]
        await fill(database_url, tables.said, asked_in)
        bodies = [encode_step(replace(STEP, text=str(n))) for n in ids]
        await fill(
            database_url, tables.steps, [{"turn_id": 5000 + n, "position": 0, "body": bodies[n - 1]} for n in ids]
        )
        if "postgresql" in database_url:
            await execute(database_url, "SELECT setval('turns_id_seq', 9000)")  # the numbers above were chosen by hand
        await store.add_conversation(replace(THREAD, id=1))
        await store.fork(1, replace(THREAD, id=2))
        with Queries() as for_none:
            await store.fork(1, replace(THREAD, id=3))
        with Queries() as for_many:
            assert await store.fork(THREAD.id, self.FORK) == Forked(3000, 0)
        assert len(for_many) <= len(for_none) + 1
        copies = await store.turns(5)
        assert [(copy.notices, copy.question[0].parts, copy.text) for copy in copies] == [
            ((str(n),), (Text(str(n)),), str(n)) for n in ids
        ]
