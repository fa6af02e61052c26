"""How the store forgets members, quiet conversations and departed servers, on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.messages import (
    Conversation,
    Image,
    JsonObject,
    Said,
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
from bot.store.erasure import NOBODY, Job
from tests.databases import Clock, execute, rows
from tests.paying import pay

pytest_plugins = ["tests.database_fixtures"]

BEN, ADA = 777_000_111_222, 888_000_333_444
GUILD = 10
THREAD = Conversation(2**62, GUILD, BEN, title="canary title", created_at=100.0, parent_id=77)
CANARY = "canary-words"
FILE = b"canary-file" * 500
PEOPLE = ("user_id", "author_id", "owner_id", "persona_by")


def said(message_id: int, who: int = BEN, text: str = CANARY, at: float = 500.0) -> Said:
    return Said(message_id, who, "Canary Ben" if who == BEN else "Ada", (Text(f"{text} {message_id}"),), at)


def step(text: str) -> Step:
    call = ToolCall("1", "web_fetch", f'{{"query":"{text}"}}')
    result = ToolResult("1", "web_fetch", text)
    details: tuple[JsonObject, ...] = ({"type": "reasoning.text", "text": text},)
    return Step("m", None, text, details, text, (), (call,), (result,), "stop", Usage(1, 2, 0, 0, 5))


async def answered(
    store: Store, question: Said, text: str = f"so you said {CANARY}", *, thread: int = THREAD.id, page: int = 0
) -> Turn:
    turn = await store.ask(thread, question)
    assert turn is not None
    await store.begin(turn.id)
    conversation = await store.conversation(thread)
    assert conversation is not None
    await pay(store, turn.id, conversation, Usage(1, 2, 0, 0, 5), user_id=question.author_id)
    await store.finish(turn.id, TurnStatus.DONE, [step(text)], error=None, notices=[f"could not read {text}"])
    await store.save_pages(turn.id, [page or turn.id + 10_000])
    return turn


async def everything(database_url: str) -> dict[str, list[dict[str, Any]]]:
    return {table.name: await rows(database_url, table) for table in tables.metadata.sorted_tables}


async def forget(store: Store, job: Job) -> list[int]:
    """All that the store can do at once; returns the turns that are gone."""
    await store.begin_forgetting(job.user_id, job.asked_at)
    gone: list[int] = []
    for conversation_id in await store.conversations_with(job):
        while (erased := await store.erase_said(job, conversation_id)).messages:
            gone += [left.turn_id for left in erased.gone]
    await store.erase_traces(job)
    while await store.erase_from_ledger(job, before=job.asked_at + 1):
        pass
    await store.end_forgetting(job)
    return gone


@pytest.fixture(autouse=True)
async def thread(store: Store) -> Conversation:
    return await store.add_conversation(THREAD)


class TestForgettingAMember:
    async def test_no_table_has_their_words_or_their_id_and_others_keep_theirs(
        self, store: Store, database_url: str, clock: Clock
    ) -> None:
        picture = Image("canary.png", "image/png", 1, 1, len(FILE), "d", FILE)
        words = replace(said(1), parts=(Text(CANARY), TextFile("canary.txt", CANARY), picture))
        await answered(store, words)
        others = await answered(store, said(2, ADA, "hers"), "for Ada")
        await store.fork(THREAD.id, replace(THREAD, id=2**62 + 1, owner_id=ADA))
        dm = await store.add_conversation(Conversation(55, None, BEN, created_at=200.0))
        await answered(store, said(3), thread=dm.id)
        await store.set_persona(THREAD.id, CANARY, by=BEN)
        await store.note_quote(3, 77, 9_001)
        await store.change_settings(GUILD, BEN, lambda _: {"model": "x"})
        await store.set_key(GUILD, BEN, "k", b"sealed")
        clock.now = 1_100.0

        gone = await forget(store, Job(BEN, 1_050.0))

        assert len(gone) == 3
        left = await everything(database_url)
        assert str(BEN) not in str(left)
        assert "canary" not in str(left).casefold()
        assert [row["turn_id"] for row in left["steps"]] == [others.id, max(row["id"] for row in left["turns"])]
        assert [row["author_id"] for row in left["said"]] == [ADA, ADA]
        assert [row["user_id"] for row in left["usage"]] == [NOBODY, ADA, NOBODY]
        assert [row["conversation_id"] for row in left["usage"]] == [THREAD.id, THREAD.id, NOBODY]
        assert sum(row["cost"] for row in left["usage"]) == 15
        assert {row["id"]: row["owner_id"] for row in left["conversations"]} == {THREAD.id: NOBODY, 2**62 + 1: ADA}
        assert [row["user_id"] for row in left["audit"]] == [NOBODY, NOBODY]
        assert [(row["user_id"], row["sealed"]) for row in left["server_keys"]] == [(NOBODY, b"sealed")]
        assert {row["id"] for row in left["leftovers"]} == {10_001, 10_000 + 5, 9_001}

    async def test_every_column_that_names_a_person_is_known_here(self) -> None:
        """A new one has to be forgotten as well; the test above is to be made to see it."""
        named = {
            (table.name, column.name)
            for table in tables.metadata.sorted_tables
            for column in table.columns
            if column.name in PEOPLE or column.name.endswith(("_by", "user", "author", "owner"))
        }
        assert named == {
            ("conversations", "owner_id"),
            ("conversations", "persona_by"),
            ("said", "author_id"),
            ("usage", "user_id"),
            ("tallies", "user_id"),
            ("running", "user_id"),
            ("server_keys", "user_id"),
            ("audit", "user_id"),
            ("forgetting", "user_id"),
            ("quoted", "user_id"),
        }

    async def test_what_they_say_afterwards_is_new(self, store: Store) -> None:
        await answered(store, said(1, at=500.0))
        later = await answered(store, said(2, at=900.0))
        await forget(store, Job(BEN, 600.0))
        assert [turn.id for turn in await store.turns(THREAD.id)] == [later.id]
        conversation = await store.conversation(THREAD.id)
        assert conversation is not None
        assert conversation.owner_id == BEN

    async def test_the_ledger_keeps_their_name_for_their_limits_and_no_longer(
        self, store: Store, database_url: str, clock: Clock
    ) -> None:
        clock.now = 1_000.0
        await answered(store, said(1))
        clock.now = 2_000.0
        await answered(store, said(2))
        cut = await store.ask(THREAD.id, said(3))
        assert cut is not None
        job = Job(BEN, 2_500.0)
        while (await store.erase_said(job, THREAD.id)).messages:
            pass
        clock.now = 2_600.0  # what was on its way when it was cut
        await pay(store, cut.id, THREAD, Usage(1, 1), user_id=BEN)
        new = await answered(store, said(4, at=3_000.0))
        assert await store.erase_from_ledger(job, before=1_500.0) == 1
        assert [row["user_id"] for row in await rows(database_url, tables.usage)] == [NOBODY, BEN, BEN, BEN]
        while await store.erase_from_ledger(job, before=9_000.0):
            pass
        ledger = {row["turn_id"]: row["user_id"] for row in await rows(database_url, tables.usage)}
        assert [user for turn, user in ledger.items() if turn != new.id] == [NOBODY] * 3
        assert ledger[new.id] == BEN

    async def test_a_turn_of_several_people_keeps_the_others_words_and_loses_its_answer(self, store: Store) -> None:
        turn = await answered(store, said(1), page=900)
        await store.ask_more(turn.id, said(2, ADA, "hers", at=501.0))
        erased = await store.erase_said(Job(BEN, 600.0), THREAD.id)
        assert (erased.messages, erased.gone, [left.pages for left in erased.answers]) == (1, (), [(900,)])
        [kept] = await store.turns(THREAD.id)
        assert ([each.author_id for each in kept.question], kept.steps, kept.pages) == ([ADA], (), ())
        assert kept.status is TurnStatus.INTERRUPTED
        # The message that showed it is deleted on Discord, which must not take Ada's words along.
        assert (await store.forget_messages({900})).gone == ()
        assert await store.turn(turn.id) == kept
        assert await store.leftovers() == []

    async def test_what_others_quote_goes_with_its_answer_and_their_own_words_stay(
        self, store: Store, database_url: str
    ) -> None:
        hers = replace(said(1, ADA, "hers"), quoted=(BEN, ADA))
        turn = await answered(store, replace(hers, parts=(Text(CANARY), *hers.parts)), page=900)
        await store.fork(THREAD.id, replace(THREAD, id=2**62 + 1))
        assert (await store.held(BEN)).quoted == 2
        job, done = Job(BEN, 600.0), 0
        while (erased := await store.erase_quoted(job, lambda parts: tuple(parts[1:]))) is not None:
            done += 1
        assert done == 2
        assert erased is None
        kept = await store.turn(turn.id)
        assert kept is not None
        assert ([part for each in kept.question for part in each.parts], kept.steps) == ([Text("hers 1")], ())
        left = await everything(database_url)
        assert CANARY not in str({name: left[name] for name in ("said", "steps", "turns")})
        assert left["quoted"] == []

    async def test_what_tools_quoted_goes_with_the_answer_even_where_a_part_of_the_question_was_deleted(
        self, store: Store, database_url: str
    ) -> None:
        turn = await answered(store, said(1, ADA, "hers"), page=900)
        await store.ask_more(turn.id, said(2, ADA, "hers too", at=501.0))
        assert await store.note_quoted(turn.id, {BEN, ADA})
        assert await store.note_quoted(turn.id, {BEN})
        assert [(await store.held(who)).quoted for who in (BEN, ADA)] == [1, 0]
        await store.fork(THREAD.id, replace(THREAD, id=2**62 + 1))
        assert (await store.held(BEN)).quoted == 2
        await store.forget_messages({1})
        void: set[int] = set()
        while (erased := await store.erase_quoted(Job(BEN, 600.0), lambda parts: tuple(parts))) is not None:
            void |= {one.id for one in erased.void}
        assert len(void) == 2
        left = await everything(database_url)
        assert (left["steps"], left["quoted"]) == ([], [])
        assert [str(row["parts"]) for row in left["said"]].count("[{'type': 'text', 'text': 'hers too 2'}]") == 2

    async def test_of_a_turn_that_is_being_answered_the_steps_go_at_once(self, store: Store) -> None:
        turn = await store.ask(THREAD.id, said(1, ADA, "hers"))
        assert turn is not None
        await store.begin(turn.id)
        await store.note_quoted(turn.id, {BEN})
        await store.save_steps(turn.id, 0, [step(CANARY)])
        erased = await store.erase_quoted(Job(BEN, 600.0), lambda parts: tuple(parts))
        assert erased is not None
        assert erased.grown == (await store.turn(turn.id),)
        assert erased.grown[0].steps == ()

    async def test_whoever_asked_to_be_forgotten_after_a_question_is_not_quoted_in_its_answer(
        self, store: Store, database_url: str
    ) -> None:
        before = await answered(store, said(1, ADA, "hers", at=500.0))
        after = await answered(store, said(2, ADA, "hers", at=700.0))
        await store.begin_forgetting(BEN, 600.0)
        assert not await store.note_quoted(before.id, {BEN, 5})
        assert await rows(database_url, tables.quoted) == []
        assert await store.note_quoted(after.id, {BEN})
        assert await store.note_quoted(10**9, {BEN})
        assert [row["said_id"] for row in await rows(database_url, tables.quoted)] == [2]

    async def test_an_unfinished_turn_of_several_people_is_handed_back_to_be_asked_anew(self, store: Store) -> None:
        turn = await store.ask(THREAD.id, said(1))
        assert turn is not None
        await store.ask_more(turn.id, said(2, ADA, "hers", at=501.0))
        erased = await store.erase_said(Job(BEN, 600.0), THREAD.id)
        assert [each.author_id for grown in erased.grown for each in grown.question] == [ADA]

    async def test_messages_that_were_forgotten_are_not_taken_for_missed_ones(self, store: Store) -> None:
        await answered(store, said(2**61))
        await answered(store, said(5, ADA, "hers"))
        await forget(store, Job(BEN, 600.0))
        [(_, newest)] = await store.conversations_seen_since(0.0)
        assert newest == 2**61

    async def test_a_long_history_goes_in_short_transactions(self, store: Store, database_url: str) -> None:
        for number in range(1, 60):
            await store.ask(THREAD.id, said(number))
        first = await store.erase_said(Job(BEN, 600.0), THREAD.id)
        assert first.messages == len(first.gone) == 20
        assert len(await rows(database_url, tables.said)) == 39

    async def test_a_job_is_known_until_it_is_done_and_asked_again_it_stays(self, store: Store) -> None:
        await store.begin_forgetting(BEN, 5.0)
        await store.begin_forgetting(BEN, 6.0)
        await store.end_forgetting(Job(BEN, 5.0))
        assert await store.being_forgotten() == [Job(BEN, 6.0)]
        await store.end_forgetting(Job(BEN, 6.0))
        assert await store.being_forgotten() == []

    async def test_a_fork_knows_who_wrote_its_persona(self, store: Store, database_url: str) -> None:
        await store.set_persona(THREAD.id, CANARY, by=ADA)
        await store.fork(THREAD.id, replace(THREAD, id=2**62 + 1, owner_id=BEN, persona=CANARY))
        await store.erase_traces(Job(ADA, 600.0))
        assert [row["persona"] for row in await rows(database_url, tables.conversations)] == [None, None]


class TestWithdrawnAnswers:
    async def test_others_answers_are_found_some_at_a_time_and_withdrawn(self, store: Store) -> None:
        first = await answered(store, said(1))
        hers = [await answered(store, said(number, ADA, "hers"), page=number) for number in range(2, 30)]
        job = Job(BEN, 600.0)
        some = await store.answers_to_others(job, THREAD.id, after=first.id)
        rest = await store.answers_to_others(job, THREAD.id, after=some[-1].id)
        assert [turn.id for turn in (*some, *rest)] == [turn.id for turn in hers]
        left = await store.withdraw_answers([hers[0].id])
        assert [(each.pages, each.channel_id) for each in left] == [((2,), THREAD.id)]
        turn = await store.turn(hers[0].id)
        assert turn is not None
        assert (turn.steps, turn.pages, turn.notices, len(turn.question)) == ((), (), (), 1)


class TestTheFile:
    async def test_nothing_that_was_forgotten_is_left_in_the_file_or_its_log(self, sqlite_url: str) -> None:
        store = await Store.open(sqlite_url, clock=Clock())
        await store.add_conversation(THREAD)
        for number in range(1, 400):
            who = (BEN, ADA)[number % 2]
            text = f"{CANARY} " * (number % 40) if who == BEN else "hers " * (number % 50)
            turn = await store.ask(THREAD.id, said(number * 7919 % 400, who, text))
            assert turn is not None
            if number % 5 == 0:
                await store.save_drafts([(turn.id, 0, step(text))])
                await store.finish(turn.id, TurnStatus.DONE, [step(text[:300])], error=None, notices=())
        await forget(store, Job(BEN, 2_000.0))
        assert await store.scrub()
        file = Path(sqlite_url.removeprefix("sqlite:///"))
        raw = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
        assert b"hers" in raw
        assert b"canary" not in raw.lower()
        assert str(BEN).encode() not in raw
        assert BEN.to_bytes(6, "big") not in raw
        await store.close()


class TestQuietConversations:
    async def test_a_conversation_is_quiet_when_nothing_was_said_or_waits(self, store: Store) -> None:
        await answered(store, said(1, at=500.0))
        assert await store.quiet_conversations(500.0) == []
        assert await store.quiet_conversations(501.0) == [THREAD.id]
        assert await store.quiet_conversations(501.0, guild_id=GUILD + 1) == []
        await store.ask(THREAD.id, said(2, at=400.0))
        assert await store.quiet_conversations(501.0) == []

    async def test_it_goes_in_short_transactions_with_all_that_belongs_to_it(
        self, store: Store, database_url: str
    ) -> None:
        for number in range(1, 46):
            await answered(store, said(number))
        rounds = 0
        while await store.erase_conversation(THREAD.id, quiet_since=501.0):
            rounds += 1
        assert rounds == 2
        left = await everything(database_url)
        assert {name for name, found in left.items() if found} == {"usage", "tallies"}

    async def test_a_message_in_between_saves_what_is_left(self, store: Store) -> None:
        for number in range(1, 46):
            await answered(store, said(number))
        assert await store.erase_conversation(THREAD.id, quiet_since=501.0)
        await answered(store, said(100, at=600.0))
        assert not await store.erase_conversation(THREAD.id, quiet_since=501.0)
        assert len(await store.turns(THREAD.id)) == 26

    async def test_a_fork_counts_from_its_beginning(self, store: Store) -> None:
        await answered(store, said(1))
        await store.fork(THREAD.id, replace(THREAD, id=2**62 + 1, created_at=900.0))
        assert await store.quiet_conversations(901.0) == [THREAD.id, 2**62 + 1]
        assert await store.quiet_conversations(900.0) == [THREAD.id]


class TestDepartedServers:
    async def test_the_time_of_the_first_notice_counts_and_a_return_clears_it(self, store: Store, clock: Clock) -> None:
        clock.now = 100.0
        await store.note_departed([GUILD, 11])
        clock.now = 200.0
        await store.note_departed([GUILD])
        assert await store.departed_before(100.0) == []
        assert await store.departed_before(101.0) == [GUILD, 11]
        await store.note_present([GUILD, 12])
        assert await store.departed_before(1_000.0) == [11]

    async def test_nothing_is_left_of_a_server_but_nameless_numbers(self, store: Store, database_url: str) -> None:
        await answered(store, said(1))
        await answered(store, said(2), thread=(await store.add_conversation(replace(THREAD, id=5, guild_id=11))).id)
        await store.change_settings(GUILD, ADA, lambda _: {"model": "x"})
        await store.note_departed([GUILD])
        assert await store.known_guilds() == {GUILD, 11}
        while await store.erase_conversation(THREAD.id):
            pass
        while await store.erase_guild_from_ledger(GUILD):
            pass
        await store.erase_guild(GUILD)
        assert await store.known_guilds() == {11}
        assert [(row["guild_id"], row["user_id"]) for row in await rows(database_url, tables.usage)] == [
            (0, 0),
            (11, BEN),
        ]
        left = await everything(database_url)
        assert {name for name in ("audit", "guild_settings", "departed") if left[name]} == set()


class TestWhatIsHeld:
    async def test_it_is_counted_for_one_member_alone(self, store: Store, clock: Clock) -> None:
        clock.now = 800.0
        picture = Image("a.png", "image/png", 1, 1, 5, "d", b"12345")
        words = replace(said(1), parts=(Text('"type":"text_file"'), TextFile("a.txt", "x"), picture))
        await answered(store, words)
        await answered(store, said(2, ADA))
        await store.change_settings(GUILD, BEN, lambda _: {"model": "x"})
        held = await store.held(BEN)
        assert (held.messages, held.conversations, held.files, held.file_bytes) == (1, 1, 2, 5)
        assert (held.answers, held.requests, held.changes, held.since) == (1, 1, 1, 500.0)
        assert (await store.held(1)).since is None

    async def test_turns_are_read_without_others_words(self, store: Store) -> None:
        turn = await answered(store, said(1))
        await store.ask_more(turn.id, said(2, ADA, "hers", at=501.0))
        await answered(store, said(3, ADA, "hers"))
        [found] = await store.turns_asked_by(BEN, after=0)
        assert [each.author_id for each in found.question] == [BEN]
        assert found.steps
        assert await store.turns_asked_by(BEN, after=found.id) == []


async def test_a_time_of_the_ledger_is_no_reason_to_forget(store: Store, database_url: str) -> None:
    await execute(database_url, "DELETE FROM conversations")
    assert await store.quiet_conversations(10.0**12) == []
