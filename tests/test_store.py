"""What the store remembers, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from bot.deciding import Off
from bot.errors import ForUser
from bot.messages import (
    Conversation,
    JsonObject,
    JsonValue,
    Listen,
    Said,
    ShowReasoning,
    Step,
    Text,
    TextFile,
    ToolCall,
    ToolResult,
    Turn,
    TurnStatus,
    Usage,
)
from bot.store import Store, tables
from bot.store.codec import encode_step
from tests.databases import Clock, Queries, fill, rows
from tests.paying import pay

pytest_plugins = ["tests.database_fixtures"]

THREAD = Conversation(id=2**62, guild_id=10, owner_id=20, created_at=100.0)
STEP = Step(model="moon/kimi", text="An answer.", finish="stop", usage=Usage(100, 50, 30, 10, 2_100_000))


def said(message_id: int, text: str = "Why?", *, at: float | None = None, author_id: int = 20) -> Said:
    return Said(message_id, author_id, "Ann", (Text(text),), float(message_id) if at is None else at)


@pytest.fixture
async def thread(store: Store) -> Conversation:
    return await store.add_conversation(THREAD)


@pytest.fixture
async def turn(store: Store, thread: Conversation) -> Turn:
    turn = await store.ask(thread.id, said(1))
    assert turn is not None
    return turn


class TestConversations:
    async def test_every_field_comes_back(self, store: Store) -> None:
        full = Conversation(
            id=7,
            guild_id=None,
            owner_id=2**60,
            title="NUL \0, half \ud83d, 終わり 🎉",
            model="a/b",
            effort="high",
            persona="Be \0 kind.",
            listen=Listen.MENTIONS,
            show_reasoning=ShowReasoning.SPOILER,
            first_turn_id=12,
            created_at=1764000000.125,
            parent_id=2**60 + 1,
        )
        assert await store.add_conversation(full) == full
        assert await store.conversation(7) == full

    async def test_an_unknown_one_is_none(self, store: Store) -> None:
        assert await store.conversation(404) is None

    async def test_the_first_writer_wins(self, store: Store, thread: Conversation) -> None:
        assert await store.add_conversation(replace(thread, title="Another")) == thread

    async def test_each_choice_is_set_and_cleared_without_touching_another(
        self, store: Store, thread: Conversation
    ) -> None:
        await store.set_model(thread.id, "a/b")
        await store.set_effort(thread.id, "high")
        await store.set_show_reasoning(thread.id, ShowReasoning.SPOILER)
        await store.set_listen(thread.id, Listen.MENTIONS)
        await store.leave_behind(thread.id, before_turn=9)
        changed = replace(thread, model="a/b", effort="high", show_reasoning=ShowReasoning.SPOILER, first_turn_id=9)
        assert await store.conversation(thread.id) == replace(changed, listen=Listen.MENTIONS)
        await store.set_model(thread.id, None)
        await store.set_effort(thread.id, None)
        assert await store.conversation(thread.id) == replace(changed, listen=Listen.MENTIONS, model=None, effort=None)

    async def test_a_choice_does_not_bring_a_forgotten_one_back(self, store: Store, thread: Conversation) -> None:
        await store.forget_channel(thread.id)
        await store.set_model(thread.id, "a/b")
        assert await store.conversation(thread.id) is None

    async def test_forgetting_leaves_nothing_but_the_ledger(self, store: Store, turn: Turn, database_url: str) -> None:
        await pay(store, turn.id, THREAD, Usage(1, 2, 0, 0, 3))
        await store.finish(turn.id, TurnStatus.DONE, [STEP], error=None, notices=[])
        await store.save_pages(turn.id, [900])
        await store.forget_channel(turn.conversation_id)
        for table in (tables.conversations, tables.turns, tables.said, tables.steps, tables.pages):
            assert await rows(database_url, table) == []
        assert len(await rows(database_url, tables.usage)) == 1


class TestConversationsSeenSince:
    async def test_gives_the_newest_question_of_each_recent_one(self, store: Store) -> None:
        for number in (1, 2):
            await store.add_conversation(replace(THREAD, id=number, created_at=0.0))
        await store.ask(1, said(11, at=50.0))
        await store.ask(1, said(12, at=60.0))
        await store.ask(2, said(21, at=40.0))
        assert [(c.id, newest) for c, newest in await store.conversations_seen_since(45.0)] == [(1, 12)]
        assert [(c.id, newest) for c, newest in await store.conversations_seen_since(40.0)] == [(1, 12), (2, 21)]
        assert await store.conversations_seen_since(60.5) == []

    async def test_counts_from_itself_where_nothing_was_asked_yet(self, store: Store, thread: Conversation) -> None:
        assert await store.conversations_seen_since(100.0) == [(thread, thread.id)]


class TestAsking:
    async def test_a_question_waits_as_it_was_said(self, store: Store, thread: Conversation) -> None:
        question = Said(2**61, 2**59, "A\0nn", (Text("Why \0?"), TextFile("a.py", "\ud800")), 5.25)
        turn = await store.ask(thread.id, question)
        assert turn is not None
        assert turn == Turn(turn.id, thread.id, (question,))
        assert await store.turn(turn.id) == turn
        assert await store.turns(thread.id) == [turn]

    async def test_a_known_message_is_not_asked_again(self, store: Store, turn: Turn) -> None:
        assert await store.ask(turn.conversation_id, said(1, "Other words")) is None
        assert await store.turns(turn.conversation_id) == [turn]

    async def test_of_many_at_once_exactly_one_is_asked(self, store: Store, thread: Conversation) -> None:
        asked = await asyncio.gather(*(store.ask(thread.id, said(1)) for _ in range(20)))
        [turn] = [turn for turn in asked if turn is not None]
        assert await store.turns(thread.id) == [turn]

    async def test_nothing_is_asked_in_a_forgotten_thread(self, store: Store) -> None:
        assert await store.ask(404, said(1)) is None

    async def test_ids_grow_and_are_never_used_twice(self, store: Store, turn: Turn) -> None:
        """The ledger still speaks of a deleted turn."""
        await store.forget_messages([1])
        again = await store.ask(turn.conversation_id, said(2))
        assert again is not None
        assert again.id > turn.id

    async def test_a_burst_becomes_one_question_in_order_of_writing(self, store: Store, turn: Turn) -> None:
        late = await store.ask_more(turn.id, said(3))
        assert late is not None
        assert await store.ask_more(turn.id, said(2)) == replace(turn, question=(said(1), said(2), said(3)))

    async def test_a_known_message_is_not_added_again(self, store: Store, turn: Turn) -> None:
        other = await store.ask(turn.conversation_id, said(2))
        assert other is not None
        assert await store.ask_more(turn.id, said(2)) is None
        assert await store.turns(turn.conversation_id) == [turn, other]

    async def test_nothing_is_added_to_a_turn_that_is_gone(self, store: Store, turn: Turn) -> None:
        await store.forget_messages([1])
        assert await store.ask_more(turn.id, said(2)) is None
        assert await store.turn_of_message(2) is None


class TestAnswering:
    async def test_a_finished_turn_comes_back_whole(self, store: Store, turn: Turn) -> None:
        steps = (
            Step(
                model="moon/kimi",
                generation_id="gen-1",
                reasoning="Hm.",
                reasoning_details=({"type": "reasoning.text", "index": 0, "signature": None},),
                tool_calls=(ToolCall("functions.f:0", "f", '{"a": 1'), ToolCall("functions.f:0", "f", "")),
                tool_results=(ToolResult("functions.f:0", "f", "no", is_error=True),),
                finish="tool_calls",
                usage=Usage(1, 2, 3, 4, None),
                thinking_seconds=1.5,
            ),
            STEP,
        )
        await store.begin(turn.id)
        await store.finish(turn.id, TurnStatus.FAILED, steps, error="It \0 broke.", notices=["One.", "Two."])
        assert await store.turn(turn.id) == replace(
            turn, status=TurnStatus.FAILED, steps=steps, error="It \0 broke.", notices=("One.", "Two.")
        )

    async def test_absent_and_empty_reasoning_details_differ(self, store: Store, turn: Turn) -> None:
        steps = (Step(reasoning_details=None), Step(reasoning_details=()))
        await store.save_steps(turn.id, 0, steps)
        stored = await store.turn(turn.id)
        assert stored is not None
        assert [step.reasoning_details for step in stored.steps] == [None, ()]

    async def test_a_draft_is_overwritten_as_it_grows(self, store: Store, turn: Turn) -> None:
        await store.begin(turn.id)
        await store.save_steps(turn.id, 0, [STEP, Step(text="So")])
        await store.save_steps(turn.id, 1, [Step(text="So far"), Step(text="And")])
        stored = await store.turn(turn.id)
        assert stored is not None
        assert [step.text for step in stored.steps] == ["An answer.", "So far", "And"]

    async def test_a_step_that_is_being_written_is_replaced_and_leaves_the_others(
        self, store: Store, turn: Turn
    ) -> None:
        await store.save_steps(turn.id, 0, [STEP])
        await store.save_drafts([(turn.id, 1, Step(text="So"))])
        await store.save_drafts([(turn.id, 1, Step(text="So \0 far", reasoning_details=()))])
        stored = await store.turn(turn.id)
        assert stored is not None
        assert stored.steps == (STEP, Step(text="So \0 far", reasoning_details=()))

    async def test_steps_of_several_turns_are_written_together_without_those_of_turns_that_are_gone(
        self, store: Store, thread: Conversation
    ) -> None:
        asked = [await store.ask(thread.id, said(number)) for number in (1, 2, 3)]
        first, gone, last = [turn.id for turn in asked if turn is not None]
        await store.forget_messages({2})
        await store.save_drafts([(last, 0, Step(text="C")), (gone, 0, Step(text="B")), (first, 0, Step(text="A"))])
        stored = [await store.turn(turn) for turn in (first, gone, last)]
        assert [turn and [step.text for step in turn.steps] for turn in stored] == [["A"], None, ["C"]]

    async def test_writing_steps_does_not_wait_for_who_deletes_one_of_their_turns(self, postgres_url: str) -> None:
        """Both may want the same turns in different orders; SQLite has one writer, so nobody holds only some."""
        store = await Store.open(postgres_url)
        deleter = await asyncpg.connect(postgres_url)
        try:
            await store.add_conversation(Conversation(5, 1, 1))
            asked = [await store.ask(5, said(number)) for number in (1, 2)]
            kept, deleted = [turn.id for turn in asked if turn is not None]
            async with asyncio.timeout(10), deleter.transaction():
                await deleter.execute("DELETE FROM turns WHERE id = $1", deleted)
                await store.save_drafts([(deleted, 0, STEP), (kept, 0, STEP)])
                await deleter.execute("DELETE FROM turns WHERE id = $1", kept)
            assert await store.turn(kept) is None
        finally:
            await deleter.close()
            await store.close()

    async def test_a_draft_that_started_over_leaves_no_old_steps(self, store: Store, turn: Turn) -> None:
        await store.save_steps(turn.id, 0, [STEP, STEP, STEP])
        await store.save_steps(turn.id, 1, [Step(text="New")])
        stored = await store.turn(turn.id)
        assert stored is not None
        assert stored.steps == (STEP, Step(text="New"))

    async def test_beginning_again_keeps_the_old_answer_until_there_is_some_of_the_new_one(
        self, store: Store, turn: Turn
    ) -> None:
        await store.finish(turn.id, TurnStatus.FAILED, [STEP, STEP], error="It broke.", notices=["One."])
        await store.save_pages(turn.id, [900])
        await store.begin(turn.id)
        begun = replace(turn, status=TurnStatus.RUNNING, pages=(900,))
        assert await store.turn(turn.id) == replace(begun, steps=(STEP, STEP))
        await store.save_steps(turn.id, 0, [Step(text="New")])
        assert await store.turn(turn.id) == replace(begun, steps=(Step(text="New"),))

    async def test_pages_keep_their_order_and_are_replaced(self, store: Store, turn: Turn) -> None:
        await store.save_pages(turn.id, [903, 901, 902])
        await store.save_pages(turn.id, [902, 903, 904])
        stored = await store.turn(turn.id)
        assert stored is not None
        assert stored.pages == (902, 903, 904)
        await store.save_pages(turn.id, [])
        assert await store.turn(turn.id) == turn

    async def test_a_page_more_is_added_to_those_that_are_known(self, store: Store, turn: Turn) -> None:
        await store.save_pages(turn.id, [903])
        await store.add_page(turn.id, 1, 901)
        await store.add_page(turn.id, 2, 902)
        await store.add_page(turn.id, 2, 902)
        stored = await store.turn(turn.id)
        assert stored is not None
        assert stored.pages == (903, 901, 902)

    async def test_a_turn_is_found_by_its_question_and_its_pages(self, store: Store, turn: Turn) -> None:
        await store.ask_more(turn.id, said(2))
        await store.save_pages(turn.id, [900, 901])
        stored = await store.turn(turn.id)
        assert [await store.turn_of_message(number) for number in (1, 2, 900, 901)] == [stored] * 4
        assert await store.turn_of_message(902) is None

    async def test_what_comes_for_a_turn_that_is_gone_is_dropped(
        self, store: Store, turn: Turn, database_url: str
    ) -> None:
        await store.forget_channel(turn.conversation_id)
        await store.begin(turn.id)
        await store.save_steps(turn.id, 0, [STEP])
        await store.save_drafts([(turn.id, 0, STEP)])
        await store.save_pages(turn.id, [900])
        await store.add_page(turn.id, 1, 901)
        await store.finish(turn.id, TurnStatus.DONE, [STEP], error=None, notices=[])
        assert await store.turn(turn.id) is None
        assert await rows(database_url, tables.steps) == []
        assert await rows(database_url, tables.pages) == []


class TestStatus:
    async def test_unfinished_turns_are_found_oldest_first(self, store: Store, thread: Conversation) -> None:
        asked = [await store.ask(thread.id, said(number)) for number in range(1, 7)]
        ids = [turn.id for turn in asked if turn is not None]
        await store.begin(ids[1])
        for turn_id, status in zip(
            ids[2:], (TurnStatus.DONE, TurnStatus.STOPPED, TurnStatus.INTERRUPTED, TurnStatus.FAILED), strict=True
        ):
            await store.finish(turn_id, status, [], error=None, notices=[])
        assert [(turn.id, turn.status) for turn in await store.unfinished()] == [
            (ids[0], TurnStatus.QUEUED),
            (ids[1], TurnStatus.RUNNING),
        ]

    async def test_a_finished_turn_is_queued_again_once(self, store: Store, turn: Turn) -> None:
        await store.finish(turn.id, TurnStatus.DONE, [STEP], error=None, notices=[])
        assert sorted(await asyncio.gather(*(store.requeue(turn.id) for _ in range(5)))) == [False] * 4 + [True]
        assert [turn.status for turn in await store.unfinished()] == [TurnStatus.QUEUED]

    async def test_a_running_or_unknown_turn_is_not_queued_again(self, store: Store, turn: Turn) -> None:
        await store.begin(turn.id)
        assert not await store.requeue(turn.id)
        assert not await store.requeue(404)


class TestHistory:
    async def test_is_cut_at_the_turn_asked_for(self, store: Store, thread: Conversation) -> None:
        asked = [await store.ask(thread.id, said(number)) for number in range(1, 4)]
        await store.add_conversation(replace(THREAD, id=1))
        await store.ask(1, said(99))
        assert asked[1] is not None
        assert await store.turns(thread.id, since=asked[1].id) == asked[1:]

    async def test_ends_with_the_last_turn(self, store: Store, thread: Conversation) -> None:
        assert await store.last_turn(thread.id) is None
        asked = [await store.ask(thread.id, said(number)) for number in (9, 8)]
        assert await store.last_turn(thread.id) == asked[1]

    async def test_knows_what_comes_next(self, store: Store, thread: Conversation) -> None:
        asked = [await store.ask(thread.id, said(number)) for number in (9, 8)]
        assert asked[0] is not None
        assert asked[1] is not None
        assert await store.next_turn(thread.id, after=asked[0].id) == asked[1]
        assert await store.next_turn(thread.id, after=asked[1].id) is None

    async def test_takes_as_many_queries_for_300_turns_as_for_one(
        self, store: Store, thread: Conversation, database_url: str
    ) -> None:
        ids = range(1, 301)
        turn = {"conversation_id": thread.id, "status": "done", "attempt": 1, "notices": []}
        question = {"author_id": 20, "author_name": "Ann", "parts": [], "at": 1.0}
        step = {"position": 0, "body": encode_step(STEP)}
        await fill(database_url, tables.turns, [{"id": number} | turn for number in ids])
        await fill(database_url, tables.said, [{"id": number, "turn_id": number} | question for number in ids])
        await fill(database_url, tables.steps, [{"turn_id": number} | step for number in ids])
        await fill(database_url, tables.pages, [{"id": number, "turn_id": number, "position": 0} for number in ids])
        with Queries() as for_one:
            assert len(await store.turns(thread.id, since=300)) == 1
        with Queries() as for_many:
            turns = await store.turns(thread.id)
        assert [(turn.id, turn.question[0].id, turn.steps, turn.pages) for turn in turns] == [
            (number, number, (STEP,), (number,)) for number in ids
        ]
        assert len(for_many) == len(for_one) > 0


class TestLedger:
    async def test_has_a_row_for_each_request_with_what_it_consumed(
        self, store: Store, turn: Turn, clock: Clock, database_url: str
    ) -> None:
        clock.now = 1_234.5
        await store.begin(turn.id)
        await pay(store, turn.id, THREAD, Usage(100, 50, 30, 10, 2_100_000))
        await pay(store, turn.id, THREAD, Usage(5, 6, 0, 0, None), model="local")
        first, second = await rows(database_url, tables.usage)
        assert first | {"id": 0} == {
            "id": 0,
            "turn_id": turn.id,
            "attempt": 1,
            "step": 0,
            "conversation_id": turn.conversation_id,
            "guild_id": 10,
            "user_id": 20,
            "model": "moon/kimi",
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "reasoning_tokens": 30,
            "cached_tokens": 10,
            "cost": 2_100_000,
            "at": 1_234.5,
            "key_id": "",
            "is_question": True,
            "pending": False,
            "generation_id": None,
        }
        assert (second["step"], second["model"], second["cost"]) == (1, "local", None)
        assert not second["is_question"]

    async def test_counts_every_attempt_as_a_question(self, store: Store, turn: Turn, database_url: str) -> None:
        for _ in range(2):
            await store.begin(turn.id)
            await pay(store, turn.id, THREAD, Usage())
            await store.finish(turn.id, TurnStatus.DONE, [STEP], error=None, notices=[])
        ledger = await rows(database_url, tables.usage)
        assert [(row["attempt"], row["is_question"]) for row in ledger] == [(1, True), (2, True)]


class TestSmallThings:
    async def test_notes_are_kept_by_key(self, store: Store) -> None:
        assert await store.note("commands") is None
        await store.set_note("commands", "one")
        await store.set_note("commands", "two \0")
        await store.set_note("other", "")
        assert (await store.note("commands"), await store.note("other")) == ("two \0", "")

    async def test_guild_settings_are_kept_by_guild(self, store: Store) -> None:
        assert await store.guild_settings(1) is None
        await store.save_guild_settings(1, {"persona": None, "roles": [1, {"a": 2.5}]})
        await store.save_guild_settings(2, {})
        await store.save_guild_settings(1, {"persona": "\0"})
        assert (await store.guild_settings(1), await store.guild_settings(2)) == ({"persona": "\0"}, {})


async def test_everything_is_there_after_a_restart(database_url: str) -> None:
    store = await Store.open(database_url)
    await store.add_conversation(THREAD)
    turn = await store.ask(THREAD.id, said(1))
    await store.close()
    store = await Store.open(database_url)
    try:
        assert await store.conversation(THREAD.id) == THREAD
        assert await store.turns(THREAD.id) == [turn]
    finally:
        await store.close()


async def test_two_admins_changing_settings_at_once_lose_nothing_and_every_change_is_in_the_audit_log(
    store: Store,
) -> None:
    await asyncio.gather(
        *(store.change_settings(1, 10 + n, lambda now, n=n: {f"s{n}": n, "last": now.get("last")}) for n in range(8))
    )
    assert await store.guild_settings(1) == {f"s{n}": n for n in range(8)}
    entries = await store.audit(1, n=20)
    assert sorted((entry.user_id, entry.what, entry.before, entry.after) for entry in entries) == [
        (10 + n, f"s{n}", None, n) for n in range(8)
    ]
    assert [entry.id for entry in entries] == sorted((entry.id for entry in entries), reverse=True)
    assert await store.audit(1, before=entries[0].id, n=1) == entries[1:2]
    assert await store.change_settings(1, 10, lambda _: {"s0": None, "s1": 1}) == {f"s{n}": n for n in range(1, 8)}
    assert [(entry.what, entry.before, entry.after) for entry in await store.audit(1, n=1)] == [("s0", 0, None)]


async def test_a_limit_that_is_off_is_stored_as_null_and_told_apart_from_one_that_is_not_stored(store: Store) -> None:
    assert await store.change_settings(1, 10, lambda _: {"limit": 5}) == {"limit": 5}
    for _ in range(2):
        assert await store.change_settings(1, 10, lambda _: {"limit": Off.OFF}) == {"limit": None}
    assert await store.guild_settings(1) == {"limit": None}
    assert await store.change_settings(1, 10, lambda _: {"limit": None}) == {}
    changes = [(entry.before, entry.after) for entry in await store.audit(1)]
    assert changes == [("off", None), (5, "off"), (None, 5)]


async def test_a_decision_that_fails_changes_nothing_and_is_in_no_log(store: Store) -> None:
    def fails(_: JsonObject) -> dict[str, JsonValue]:
        raise ForUser("No.")

    await store.change_settings(1, 10, lambda _: {"limit": 5})
    with pytest.raises(ForUser):
        await store.change_settings(1, 10, fails)
    assert await store.guild_settings(1) == {"limit": 5}
    assert len(await store.audit(1)) == 1


async def test_the_audit_log_is_read_page_by_page_in_both_directions(store: Store) -> None:
    for n in range(7):
        await store.enter_audit(1, 10, f"what{n}")
    await store.enter_audit(2, 10, "elsewhere")
    newest = await store.audit(1, n=3)
    older = await store.audit(1, before=newest[-1].id, n=3)
    assert [entry.what for entry in older] == ["what3", "what2", "what1"]
    assert await store.audit(1, after=older[0].id, n=3) == newest
    assert await store.audit(1, after=newest[0].id) == []
