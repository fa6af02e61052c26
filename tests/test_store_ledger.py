"""What the store tells of a conversation's cost, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.messages import Conversation, Said, Spending, Step, Text, Turn, TurnStatus, Usage
from bot.store import Store
from tests.paying import pay

pytest_plugins = ["tests.database_fixtures"]

THREAD = Conversation(id=2**62, guild_id=10, owner_id=20, title="First name", created_at=100.0)
STEP = Step(model="moon/kimi", text="An answer.", finish="stop", usage=Usage(100, 50, 30, 10, 2_100_000))
TITLE = Usage(20, 5, 3, 0, 40_000)


@pytest.fixture
async def turn(store: Store) -> Turn:
    await store.add_conversation(THREAD)
    turn = await store.ask(THREAD.id, Said(1, 20, "Ann", (Text("Why?"),), 1.0))
    assert turn is not None
    return turn


async def answer(store: Store, turn: Turn, *steps: Step) -> None:
    await store.begin(turn.id)
    for step in steps:
        await pay(store, turn.id, THREAD, step.usage or Usage(), model=step.model)
    await store.finish(turn.id, TurnStatus.DONE, steps, error=None, notices=())


async def test_all_attempts_and_the_title_are_summed_for_each_turn(store: Store, turn: Turn) -> None:
    await answer(store, turn, STEP, STEP)
    await answer(store, turn, STEP)
    await pay(store, turn.id, THREAD, TITLE, is_title=True)
    await pay(store, turn.id, THREAD, TITLE, is_title=True)
    assert await store.spending(THREAD.id) == [Spending(turn.id, 5, Usage(340, 160, 96, 30, 6_380_000))]


async def test_an_unknown_cost_stays_unknown_and_does_not_spoil_the_sum(store: Store, turn: Turn) -> None:
    assert STEP.usage is not None
    await answer(store, turn, replace(STEP, usage=replace(STEP.usage, cost=None)))
    assert (await store.spending(THREAD.id))[0].usage.cost is None
    await pay(store, turn.id, THREAD, TITLE, is_title=True)
    assert (await store.spending(THREAD.id))[0].usage.cost == 40_000


async def test_what_was_spent_stays_when_the_question_is_deleted(store: Store, turn: Turn) -> None:
    await answer(store, turn, STEP)
    await store.forget_messages([1])
    await pay(store, turn.id, THREAD, TITLE, is_title=True)
    assert [(spent.turn_id, spent.requests) for spent in await store.spending(THREAD.id)] == [(turn.id, 2)]


async def test_other_conversations_are_not_counted(store: Store, turn: Turn) -> None:
    await answer(store, turn, STEP)
    assert await store.spending(THREAD.id + 1) == []


async def test_a_first_name_is_given_out_once_however_many_ask_at_once(store: Store, turn: Turn) -> None:
    taken = await asyncio.gather(*(store.take_first_name(THREAD.id) for _ in range(5)))
    assert sorted(taken, key=str) == ["First name", None, None, None, None]
    assert await store.take_first_name(THREAD.id) is None
    assert await store.take_first_name(7) is None
