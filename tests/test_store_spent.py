"""What the store sums for those who ask what was consumed, on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.messages import Usage
from bot.spending import DAY, HOUR, Line, Period, Spent
from bot.store import Store, tables
from bot.store.spent import MOST_NAMED
from tests.databases import Clock, Queries, fill

pytest_plugins = ["tests.database_fixtures"]

NOON = 20_000 * DAY + 12 * HOUR
HERE, THERE = 10, 11
ADA, BEN = 1, 2
KIMI, OTHER = "moon/kimi", "a/other"
_next = iter(range(1, 1_000_000))


def row(at: float, *, guild: int | None = HERE, user: int = ADA, model: str = KIMI, **more: Any) -> dict[str, Any]:
    """A request of 100 + 50 tokens for 2 nanodollars, or as told."""
    number = next(_next)
    given = {
        "turn_id": number,
        "attempt": 1,
        "step": 0,
        "conversation_id": 7,
        "guild_id": guild,
        "user_id": user,
        "model": model,
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "reasoning_tokens": 30,
        "cached_tokens": 10,
        "cost": 2,
        "at": at,
        "pending": False,
    }
    return {**given, **more}


def sums(requests: int, *, cost: int | None = None, unpriced: int = 0) -> Spent:
    """So many requests as `row` makes them."""
    usage = Usage(100 * requests, 50 * requests, 30 * requests, 10 * requests, cost)
    return Spent(requests, usage, unpriced)


@pytest.fixture(autouse=True)
def noon(clock: Clock) -> None:
    clock.now = float(NOON)


async def ledger(url: str, *rows: dict[str, Any]) -> None:
    await fill(url, tables.usage, list(rows))


async def test_nothing_used_is_nothing(store: Store) -> None:
    found = await store.report(Period.MONTH, guild_id=HERE, by_member=True)
    assert found.total == Spent()
    assert (found.by_slot, found.models, found.members) == ((), (), ())
    assert found.slots == [Spent()] * 30


async def test_a_day_begins_exactly_at_midnight_of_utc(store: Store, database_url: str) -> None:
    midnight = 20_000 * DAY
    await ledger(database_url, row(midnight - 0.01), row(midnight), row(midnight + 0.5), row(midnight + DAY - 0.01))
    found = await store.report(Period.WEEK, guild_id=HERE)
    assert found.by_slot == ((19_999, sums(1, cost=2)), (20_000, sums(3, cost=6)))
    assert [spent.requests for spent in found.slots] == [0, 0, 0, 0, 0, 1, 3]


async def test_a_period_takes_so_many_days_or_hours_and_no_more(store: Store, database_url: str) -> None:
    first = {period: period.since(NOON) for period in Period}
    assert first == {Period.DAY: NOON - 23 * HOUR, Period.WEEK: 19_994 * DAY, Period.MONTH: 19_971 * DAY}
    await ledger(database_url, *(row(at) for begin in first.values() for at in (begin - 0.01, begin)))
    counts = {period: (await store.report(period, guild_id=HERE)).total.requests for period in Period}
    assert counts == {Period.DAY: 1, Period.WEEK: 3, Period.MONTH: 5}
    assert (await store.report(Period.DAY, guild_id=HERE)).slots[0] == sums(1, cost=2)


async def test_servers_and_people_are_kept_apart(store: Store, database_url: str) -> None:
    rows = [row(NOON), row(NOON, user=BEN), row(NOON, guild=THERE), row(NOON, guild=None), row(NOON, guild=None)]
    await ledger(database_url, *rows)
    assert (await store.report(Period.DAY, guild_id=HERE)).total.requests == 2
    assert (await store.report(Period.DAY, guild_id=HERE, user_id=ADA)).total.requests == 1
    assert (await store.report(Period.DAY, user_id=ADA)).total.requests == 4
    assert (await store.spent(NOON, user_id=ADA)).requests == 4
    assert (await store.spent(NOON)).requests == 5
    assert (await store.spent(NOON + 1)).requests == 0


async def test_what_is_only_reserved_does_not_count(store: Store, database_url: str) -> None:
    await ledger(database_url, row(NOON), row(NOON, pending=True))
    found = await store.report(Period.DAY, guild_id=HERE, by_member=True)
    assert found.total == found.models[0][1] == found.members[0][1] == sums(1, cost=2)
    assert [line.spent.requests for line in await store.spent_lines(Period.DAY, most=9, guild_id=HERE)] == [1]
    assert (await store.spent(NOON)).requests == 1


async def test_unknown_costs_are_counted_and_never_taken_for_nothing(store: Store, database_url: str) -> None:
    await ledger(database_url, row(NOON, cost=None), row(NOON, cost=None))
    assert (await store.spent(0)) == sums(2, cost=None, unpriced=2)
    await ledger(database_url, row(NOON, cost=0))
    assert (await store.spent(0)) == sums(3, cost=0, unpriced=2)


async def test_the_costliest_come_first_and_the_others_are_counted(store: Store, database_url: str) -> None:
    cheap = [row(NOON, user=user, model=f"m/{user:02}", cost=user) for user in range(1, 14)]
    await ledger(database_url, *cheap, row(NOON, user=3, model="m/03", cost=1_000))
    found = await store.report(Period.DAY, guild_id=HERE, by_member=True)
    assert [user for user, _ in found.members] == [3, *range(13, 4, -1)]
    assert [model for model, _ in found.models] == ["m/03", *(f"m/{user:02}" for user in range(13, 4, -1))]
    assert len(found.members) == MOST_NAMED
    assert (found.member_count, found.model_count) == (13, 13)
    assert found.members[0][1] == sums(2, cost=1_003)


async def test_large_sums_stay_whole_numbers(store: Store, database_url: str) -> None:
    await ledger(database_url, *(row(NOON, cost=2**53, prompt_tokens=2**53) for _ in range(3)))
    found = await store.spent(0)
    assert (found.usage.cost, found.usage.prompt_tokens) == (3 * 2**53, 3 * 2**53)
    assert type(found.usage.cost) is int


async def test_lines_are_one_for_each_day_model_and_member_newest_days_first(store: Store, database_url: str) -> None:
    yesterday = NOON - DAY
    rows = [row(NOON), row(NOON + 1), row(NOON, user=BEN), row(NOON, model=OTHER), row(yesterday), row(yesterday - DAY)]
    await ledger(database_url, *rows, row(NOON, guild=THERE))
    lines = await store.spent_lines(Period.WEEK, most=5, guild_id=HERE)
    assert lines == [
        Line(20_000, OTHER, ADA, sums(1, cost=2)),
        Line(20_000, KIMI, ADA, sums(2, cost=4)),
        Line(20_000, KIMI, BEN, sums(1, cost=2)),
        Line(19_999, KIMI, ADA, sums(1, cost=2)),
        Line(19_998, KIMI, ADA, sums(1, cost=2)),
    ]
    assert await store.spent_lines(Period.WEEK, most=3, guild_id=HERE) == lines[:3]
    assert len(await store.spent_lines(Period.WEEK, most=9, user_id=BEN)) == 1


async def test_however_much_there_is_the_database_sums_it(store: Store, database_url: str) -> None:
    await ledger(database_url, row(NOON))
    with Queries() as few:
        await store.report(Period.MONTH, guild_id=HERE, by_member=True)
    await ledger(database_url, *(row(NOON - number * 900, user=number % 50) for number in range(2_000)))
    with Queries() as many:
        found = await store.report(Period.MONTH, guild_id=HERE, by_member=True)
    assert found.total.requests == 2_001
    assert many == few
    assert sum(part.requests for part in found.slots) == 2_001


@pytest.mark.parametrize(("whose", "index"), [("guild_id", "ix_usage_guild_id_at"), ("user_id", "ix_usage_user_id_at")])
async def test_an_index_finds_the_rows(store: Store, sqlite_url: str, whose: str, index: str) -> None:
    if store.database_name != "SQLite":
        pytest.skip("PostgreSQL reads small tables whole, whatever indexes there are")
    with Queries() as sent:
        await store.report(Period.MONTH, **{whose: 1}, by_member=True)
    queries = [query for query in sent if "FROM usage" in query]
    assert len(queries) == 4
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as db:
        for query in queries:
            plan = db.execute(f"EXPLAIN QUERY PLAN {query}", [1] * query.count("?")).fetchall()
            assert any(f"USING INDEX {index} ({whose}=? AND at>?)" in step[-1] for step in plan), plan


async def test_it_tells_which_database_it_is(store: Store, database_url: str) -> None:
    assert store.database_name == ("SQLite" if database_url.startswith("sqlite") else "PostgreSQL")
