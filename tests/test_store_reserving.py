"""What the ledger counts and lets pass, on both databases: windows that slide exactly, and nothing counted twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.limits import DAY, HOUR, MONTH, Bill, Cap, Left, Measure, Reached
from bot.messages import Conversation, Said, Text, TurnStatus, Usage
from bot.store import Store
from bot.store import tables as t
from bot.store.reserving import AHEAD, Reserved, Unsettled
from tests.databases import Clock, rows

pytest_plugins = ["tests.database_fixtures"]

GUILD, ANN, BEN = 10, 20, 21
NOW = 1_700_000_000.0
HOURLY = Cap("requests_per_user_hour", Measure.QUESTIONS, True, HOUR, 1)
NOTHING = Usage(cost=0)


@pytest.fixture(autouse=True)
def _now(clock: Clock) -> None:
    clock.now = NOW


def bill(turn_id: int, *caps: Cap, who: int = ANN, guild: int | None = GUILD, **more: Any) -> Bill:
    return Bill(turn_id, 1_000 + turn_id, guild, who, caps, **more)


async def reserve(store: Store, to: Bill, estimate: Usage = NOTHING) -> Reserved | Reached:
    return await store.reserve(to, model="moon/kimi", key_id="", estimate=estimate)


async def passes(store: Store, to: Bill, estimate: Usage = NOTHING) -> int:
    """Reserve what must pass; returns the row."""
    reserved = await reserve(store, to, estimate)
    assert isinstance(reserved, Reserved)
    return reserved.id


async def is_stopped(store: Store, to: Bill) -> Reached:
    reserved = await reserve(store, to)
    assert isinstance(reserved, Reached)
    return reserved


async def spend(store: Store, turn_id: int, usage: Usage, **who: Any) -> None:
    await store.settle(await passes(store, bill(turn_id, **who), usage), usage)


async def begun(store: Store, number: int = 1) -> int:
    """A turn of a conversation of its own whose first attempt has begun."""
    await store.add_conversation(Conversation(number, GUILD, ANN))
    turn = await store.ask(number, Said(number, ANN, "Ann", (Text("Why?"),), NOW))
    assert turn is not None
    await store.begin(turn.id)
    return turn.id


async def tallies_are_the_ledgers_sums(database_url: str) -> None:
    """Each tally is the sum of its span, and each span with requests in it has one."""
    wanted: dict[tuple[int, int, int, int], list[int]] = {}
    for row in await rows(database_url, t.usage):
        for who in (0, row["user_id"]):
            for span in (60, 3_600):
                key = (row["guild_id"] or 0, who, span, int(row["at"] // span * span))
                sums = wanted.setdefault(key, [0, 0, 0])
                sums[0] += row["is_question"]
                sums[1] += row["prompt_tokens"] + row["completion_tokens"]
                sums[2] += row["cost"] or 0
    found = {
        (row["guild_id"], row["user_id"], row["span"], row["start"]): [row["questions"], row["tokens"], row["cost"]]
        for row in await rows(database_url, t.tallies)
    }
    assert found == wanted


@pytest.mark.parametrize("seconds", [HOUR, DAY, MONTH])
@pytest.mark.parametrize(
    "at", [NOW, NOW // HOUR * HOUR, NOW // HOUR * HOUR - 0.25, NOW // 60 * 60, NOW // 60 * 60 + 59.5]
)
async def test_a_window_slides_exactly(store: Store, clock: Clock, seconds: int, at: float) -> None:
    """Whether the question came on the edge of an hour or a minute, or just before it."""
    cap = replace(HOURLY, seconds=seconds)
    clock.now = at
    await passes(store, bill(1))
    for later in (0.0, 0.5, 59.5, 60.0, HOUR - 0.25, seconds - 60.0, seconds - 0.25):
        clock.now = at + later
        assert await is_stopped(store, bill(2, cap)) == Reached(cap, 1, at + seconds)
    clock.now = at + seconds
    assert await store.reached(bill(2, cap)) is None
    await passes(store, bill(2, cap))


async def test_there_is_room_again_when_as_much_has_left_the_window_as_is_missing(store: Store, clock: Clock) -> None:
    budget = Cap("usd_per_user_day", Measure.COST, True, DAY, 100)
    for number, (hours, cost) in enumerate([(0.0, 40), (3.5, 30), (3.6, 20), (7.2, 35)]):
        clock.now = NOW + hours * HOUR
        await spend(store, number, Usage(cost=cost))
    # 125 are used: 40 leave first, and then 85 are, which is less than 100.
    assert await store.reached(bill(9, budget)) == Reached(budget, 125, NOW + DAY)
    tighter = replace(budget, most=60)
    assert await store.reached(bill(9, tighter)) == Reached(tighter, 125, NOW + 3.5 * HOUR + DAY)
    tightest = replace(budget, most=35)
    assert await store.reached(bill(9, tightest)) == Reached(tightest, 125, NOW + 7.2 * HOUR + DAY)


async def test_where_nothing_is_allowed_time_does_not_help(store: Store) -> None:
    never = replace(HOURLY, most=0)
    assert await is_stopped(store, bill(1, never)) == Reached(never, 0, None)


@dataclass
class Model:
    """What the ledger must amount to: every request with its time, its place and what it is known to have consumed."""

    entered: dict[int, tuple[float, int | None, int, bool, Usage]] = field(default_factory=dict)

    def amounts(self, cap: Cap, of: Bill, now: float) -> list[tuple[float, int]]:
        found: list[tuple[float, int]] = []
        for at, guild, who, is_question, usage in self.entered.values():
            is_here = guild == of.guild_id or (cap.per_member and of.dms_count and guild is None)
            if at > now - cap.seconds and is_here and (who == of.user_id or not cap.per_member):
                tokens = usage.prompt_tokens + usage.completion_tokens
                amount = {Measure.QUESTIONS: int(is_question), Measure.TOKENS: tokens, Measure.COST: usage.cost or 0}
                found.append((at, amount[cap.measure]))
        return sorted(found)

    def reached(self, cap: Cap, of: Bill, now: float) -> Reached | None:
        amounts = self.amounts(cap, of, now)
        used = sum(amount for _, amount in amounts)
        if used < cap.most:
            return None
        frees_at, left = None, used
        for at, amount in amounts:
            left -= amount
            if left < cap.most:
                frees_at = at + cap.seconds
                break
        return Reached(cap, used, frees_at, in_server=of.guild_id is not None)


def moments(random: random.Random, count: int) -> Sequence[float]:
    """Times over five weeks, many close together and many on the edges of minutes and hours."""
    found: list[float] = []
    for _ in range(count):
        at = (
            NOW
            - random.choice([0.0, 90.0, HOUR, DAY, MONTH])
            - random.uniform(-60, random.choice([5.0, 300.0, 5_000.0]))
        )
        found.append(random.choice([at, at // 60 * 60, at // HOUR * HOUR, round(at)]))
    return sorted(found)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_used_and_when_there_is_room_is_what_a_plain_sum_says(
    store: Store, clock: Clock, database_url: str, seed: int
) -> None:
    """Whatever came when, in servers and directly, of several members, settled to more or less, or not yet."""
    chance, model = random.Random(seed), Model()
    for number, at in enumerate(moments(chance, 60)):
        clock.now = at
        guild, who = chance.choice([GUILD, GUILD, GUILD, 11, None]), chance.choice([ANN, ANN, BEN])
        turn_id = chance.choice([number, number, max(number - 1, 0)])
        is_question = not any(row["turn_id"] == turn_id for row in await rows(database_url, t.usage))
        estimate = Usage(
            chance.randrange(900), chance.randrange(900), cost=chance.choice([None, chance.randrange(999)])
        )
        row = await passes(store, bill(turn_id, who=who, guild=guild), estimate)
        settled = Usage(chance.randrange(500), chance.randrange(900), cost=chance.choice([None, chance.randrange(999)]))
        await store.settle(row, settled)
        model.entered[row] = (at, guild, who, is_question, settled)
    await tallies_are_the_ledgers_sums(database_url)
    for _ in range(60):
        edge = chance.choice([at for at, *_ in model.entered.values()]) + chance.choice([0, HOUR, DAY, MONTH])
        clock.now = chance.choice([edge, edge - 0.001, edge + 0.001, edge + chance.uniform(0, 5_000)])
        measure, per_member = chance.choice([Measure.QUESTIONS, Measure.TOKENS, Measure.COST]), chance.random() < 0.6
        most = chance.choice([1, chance.randrange(1, 8), chance.randrange(1, 20_000)])
        cap = Cap("any", measure, per_member, chance.choice([HOUR, DAY, MONTH]), most)
        of = bill(
            10**6,
            cap,
            who=chance.choice([ANN, BEN]),
            guild=chance.choice([GUILD, 11, None]) if per_member else GUILD,
            dms_count=chance.random() < 0.5,
        )
        assert await store.reached(of) == model.reached(cap, of, clock.now), (cap, of, clock.now)


async def test_tallies_stay_the_ledgers_sums_through_any_sequence(
    store: Store, clock: Clock, database_url: str
) -> None:
    """Reservations, provisional and final settlements, twice and late, closings, a takeover."""
    chance, ids = random.Random(7), list[int]()
    for _ in range(150):
        clock.now += chance.choice([0.0, 1.0, 70.0, 4_000.0])
        usage = Usage(chance.randrange(100), chance.randrange(100), cost=chance.choice([None, chance.randrange(100)]))
        what = chance.choice(["reserve", "reserve", "settle", "later", "close", "note"])
        if what == "reserve" or not ids:
            is_title = chance.random() < 0.2
            to = bill(chance.randrange(9), who=chance.choice([ANN, BEN]), guild=chance.choice([GUILD, None]))
            ids.append(await passes(store, replace(to, is_title=is_title), usage))
        elif what == "close":
            await store.close_unsettled(chance.choice(ids))
        elif what == "note":
            await store.note_generation(chance.choice(ids), "gen-1", "moon/other")
        else:
            await store.settle(chance.choice(ids), usage, is_final=what == "settle")
    await tallies_are_the_ledgers_sums(database_url)
    await store.take_over()
    await tallies_are_the_ledgers_sums(database_url)


async def test_of_200_questions_at_once_against_20_exactly_20_pass(store: Store, database_url: str) -> None:
    cap = Cap("requests_per_server_hour", Measure.QUESTIONS, False, HOUR, 20)
    asked = [bill(number, cap, who=20 + number % 7) for number in range(200)]
    found = await asyncio.gather(*(reserve(store, one) for one in asked))
    assert sum(isinstance(one, Reserved) for one in found) == 20
    assert {one for one in found if isinstance(one, Reached)} == {Reached(cap, 20, NOW + HOUR)}
    assert sum(row["is_question"] for row in await rows(database_url, t.usage)) == 20
    await tallies_are_the_ledgers_sums(database_url)


@pytest.mark.parametrize("measure", [Measure.QUESTIONS, Measure.RUNNING])
async def test_of_many_at_once_of_one_member_exactly_as_many_pass_as_may(store: Store, measure: Measure) -> None:
    cap = Cap("any", measure, True, HOUR, 3)
    found = await asyncio.gather(*(reserve(store, bill(number, cap)) for number in range(30)))
    assert sum(isinstance(one, Reserved) for one in found) == 3


async def test_two_members_at_once_can_not_both_take_the_last_cent(store: Store, clock: Clock) -> None:
    """What is left lets one pass, which sets more aside than is left; the other is told to wait for it."""
    budget = Cap("usd_per_server_day", Measure.COST, False, DAY, 1_000)
    await spend(store, 1, Usage(cost=999))
    answer = Usage(100, 100, cost=400)
    found = await asyncio.gather(*(reserve(store, bill(2 + who, budget, who=who), answer) for who in (ANN, BEN)))
    (won,) = [one for one in found if isinstance(one, Reserved)]
    (lost,) = [one for one in found if isinstance(one, Reached)]
    assert won.left == Left(cost=1)
    assert lost == Reached(budget, 1_399, None, is_set_aside=True)
    clock.now += 5
    await store.settle(won.id, Usage(100, 10, cost=1))
    assert await is_stopped(store, bill(90, budget)) == Reached(budget, 1_000, NOW + DAY)


async def test_a_ledger_never_passes_its_limit_by_more_than_one_answers_overrun(
    store: Store, database_url: str
) -> None:
    """Each answer costs at most what was estimated; many ask all the time, and budgets leave less and less."""
    budget = Cap("usd_per_server_day", Measure.COST, False, DAY, 2_000)
    chance, estimate = random.Random(3), 90

    async def member(who: int) -> None:
        for number in range(12):
            reserved = await reserve(store, bill(who * 100 + number, budget, who=who), Usage(cost=estimate))
            if isinstance(reserved, Reserved):
                await asyncio.sleep(0)
                await store.settle(reserved.id, Usage(cost=chance.randrange(estimate + 1)))

    await asyncio.gather(*(member(who) for who in range(1, 11)))
    spent = sum(row["cost"] for row in await rows(database_url, t.usage))
    assert 2_000 <= spent < 2_000 + estimate


async def test_the_smallest_of_several_budgets_is_what_is_left(store: Store) -> None:
    await spend(store, 1, Usage(60, 40, cost=300))
    found = await reserve(
        store,
        bill(
            2,
            Cap("usd_per_server_month", Measure.COST, False, MONTH, 1_000),
            Cap("usd_per_user_day", Measure.COST, True, DAY, 500),
            Cap("tokens_per_user_day", Measure.TOKENS, True, DAY, 700),
        ),
    )
    assert isinstance(found, Reserved)
    assert found.left == Left(tokens=600, cost=200)


async def test_places_come_first_and_then_the_widest_budget(store: Store) -> None:
    await passes(store, bill(1), Usage(cost=10))
    place = Cap("concurrent_per_user", Measure.RUNNING, True, 0, 1)
    budget = Cap("usd_per_server_month", Measure.COST, False, MONTH, 5)
    assert await is_stopped(store, bill(2, place, budget, HOURLY)) == Reached(place, 1, None)
    await store.end_running(1)
    assert (await is_stopped(store, bill(2, place, budget, HOURLY))).cap == budget


async def test_all_requests_of_a_turns_attempt_are_one_question_and_another_attempt_is_another(
    store: Store, database_url: str
) -> None:
    cap = replace(HOURLY, most=2)
    turn_id = await begun(store)
    for _ in range(3):
        await passes(store, bill(turn_id, cap))
    assert await store.reached(bill(turn_id, replace(cap, most=1))) == Reached(replace(cap, most=1), 1, NOW + HOUR)
    await store.finish(turn_id, TurnStatus.DONE, (), error=None, notices=())
    await store.requeue(turn_id)
    await store.begin(turn_id)
    for _ in range(2):
        await passes(store, bill(turn_id, cap))
    assert await store.reached(bill(9, cap)) == Reached(cap, 2, NOW + HOUR)
    found = [(row["attempt"], row["step"], row["is_question"]) for row in await rows(database_url, t.usage)]
    assert found == [(1, 0, True), (1, 1, False), (1, 2, False), (2, 0, True), (2, 1, False)]


async def test_a_turn_that_was_let_in_may_go_on_when_questions_are_used_up_but_not_when_money_is(store: Store) -> None:
    turn_id = await begun(store)
    place = Cap("concurrent_per_server", Measure.RUNNING, False, 0, 1)
    budget = Cap("usd_per_user_day", Measure.COST, True, DAY, 10)
    await store.settle(await passes(store, bill(turn_id, HOURLY, place, budget)), Usage(cost=9))
    await store.settle(await passes(store, bill(turn_id, HOURLY, place, budget)), Usage(cost=5))
    assert (await is_stopped(store, bill(turn_id, HOURLY, place, budget))).cap == budget


async def test_titles_count_as_money_and_not_as_questions_and_take_no_place(store: Store, database_url: str) -> None:
    place = Cap("concurrent_per_user", Measure.RUNNING, True, 0, 1)
    budget = Cap("usd_per_user_day", Measure.COST, True, DAY, 10)
    turn_id = await begun(store)
    await passes(store, bill(turn_id, HOURLY))
    for cost in (4, 6):
        title = bill(turn_id, HOURLY, place, budget, is_title=True)
        await store.settle(await passes(store, title, Usage(cost=9)), Usage(cost=cost))
    assert (await is_stopped(store, bill(turn_id, budget, is_title=True))).cap == budget
    found = await rows(database_url, t.usage)
    assert [(row["step"], row["is_question"]) for row in found] == [(0, True), (-1, False), (-2, False)]
    assert len(await rows(database_url, t.running)) == 1


async def test_a_place_is_given_back_at_the_end_of_the_answer_and_by_hand(store: Store) -> None:
    place = Cap("concurrent_per_user", Measure.RUNNING, True, 0, 1)
    first, second, third = [await begun(store, number) for number in (1, 2, 3)]
    await passes(store, bill(first, place))
    await passes(store, bill(first, place))  # its own place does not stand in its way
    assert await is_stopped(store, bill(second, place)) == Reached(place, 1, None)
    await passes(store, bill(99, place, who=BEN))
    await passes(store, bill(98, place, guild=11))
    await passes(store, bill(97, place, guild=None))
    await store.finish(first, TurnStatus.DONE, (), error=None, notices=())
    await passes(store, bill(second, place))
    assert await is_stopped(store, bill(third, place)) == Reached(place, 1, None)
    await store.end_running(second)
    await passes(store, bill(third, place))


async def test_a_place_is_given_back_also_where_the_turn_was_deleted_meanwhile(store: Store) -> None:
    place = Cap("concurrent_per_user", Measure.RUNNING, True, 0, 1)
    turn_id = await begun(store)
    await passes(store, bill(turn_id, place))
    await store.forget_turn(turn_id)
    await store.finish(turn_id, TurnStatus.INTERRUPTED, (), error=None, notices=())
    await passes(store, bill(99, place))


async def test_everybodys_places_are_counted_by_server(store: Store) -> None:
    place = Cap("concurrent_per_server", Measure.RUNNING, False, 0, 2)
    await passes(store, bill(1, place))
    await passes(store, bill(2, place, who=BEN))
    await passes(store, bill(3, place, guild=11))
    assert await is_stopped(store, bill(4, place, who=22)) == Reached(place, 2, None)


async def test_what_a_crash_left_is_taken_over_and_the_places_are_free(
    store: Store, clock: Clock, database_url: str
) -> None:
    place = Cap("concurrent_per_user", Measure.RUNNING, True, 0, 1)
    settled = await passes(store, bill(1, place), Usage(cost=5))
    await store.settle(settled, Usage(cost=3))
    named = await store.reserve(bill(1), model="moon/kimi", key_id="key-1", estimate=Usage(10, 20, cost=7))
    assert isinstance(named, Reserved)
    await store.note_generation(named.id, "gen-1", "moon/other")
    unnamed = await passes(store, bill(1), Usage(cost=8))
    await store.close()

    again = await Store.open(database_url, clock=clock)
    try:
        assert await again.take_over() == [
            Unsettled(named.id, "moon/other", 10, "key-1", "gen-1", NOW),
            Unsettled(unnamed, "moon/kimi", 10, "", None, NOW),
        ]
        await passes(again, bill(2, place))
        await again.settle(named.id, Usage(10, 5, cost=2))
        await again.close_unsettled(unnamed)
        budget = Cap("usd_per_user_day", Measure.COST, True, DAY, 13)
        assert await again.reached(bill(3, budget)) == Reached(budget, 13, NOW + DAY)
        await tallies_are_the_ledgers_sums(database_url)
    finally:
        await again.close()


async def test_a_request_is_settled_once_for_good(store: Store, database_url: str) -> None:
    row = await passes(store, bill(1), Usage(1, 1, cost=9))
    await store.settle(row, Usage(1, 2, cost=5), is_final=False)
    await store.settle(row, Usage(1, 3, 2, 1, 4), model="moon/other")
    await store.settle(row, Usage(1, 4, cost=100))
    await store.settle(10**6, Usage(cost=100))
    (found,) = await rows(database_url, t.usage)
    assert (found["cost"], found["completion_tokens"], found["reasoning_tokens"], found["pending"]) == (4, 3, 2, False)
    assert found["model"] == "moon/other"
    await tallies_are_the_ledgers_sums(database_url)


async def test_what_is_asked_in_direct_messages_counts_where_admins_want_it(store: Store) -> None:
    cap = replace(HOURLY, most=2)
    await passes(store, bill(1, guild=None))
    await passes(store, bill(2))
    assert await store.reached(bill(3, cap)) is None
    assert await store.reached(bill(3, cap, dms_count=True)) == Reached(cap, 2, NOW + HOUR)
    assert await store.reached(bill(3, cap, guild=None)) is None
    assert await store.reached(bill(3, cap, who=BEN, dms_count=True)) is None
    everybody = replace(cap, per_member=False)
    assert await store.reached(bill(3, everybody, dms_count=True)) is None


async def test_a_clock_that_goes_back_forgives_nothing_and_says_when_there_is_room(store: Store, clock: Clock) -> None:
    for minutes in (0, -10, -50):
        clock.now = NOW + minutes * 60
        await passes(store, bill(100 + minutes))
    cap = replace(HOURLY, most=2)
    assert await store.reached(bill(1, cap)) == Reached(cap, 3, NOW - 10 * 60 + HOUR)
    clock.now = NOW - 2 * DAY
    assert await store.reached(bill(1, cap)) == Reached(cap, 3, NOW - 10 * 60 + HOUR)
    clock.now = NOW - 10 * 60 + HOUR
    assert await store.reached(bill(1, cap)) is None


async def test_what_was_used_while_the_clock_was_ahead_counts_for_one_window_from_when_it_is_right_again(
    store: Store, clock: Clock, database_url: str
) -> None:
    cap = replace(HOURLY, most=2)
    budget = Cap("usd_per_server_month", Measure.COST, False, MONTH, 12)
    await passes(store, bill(1))
    clock.now = NOW + 400 * DAY + 1_000
    late = [await passes(store, bill(number), Usage(3, 4, cost=5)) for number in (2, 3)]
    clock.now = NOW + 60
    assert await store.reached(bill(9, cap)) == Reached(cap, 3, NOW + 400 * DAY + 1_000 + HOUR)

    assert await store.date_back()
    assert not await store.date_back()

    assert await store.reached(bill(9, cap)) == Reached(cap, 3, NOW + 60 + HOUR)
    await store.settle(late[0], Usage(3, 4, cost=7))
    await store.settle(late[1], Usage(3, 4, cost=5))
    assert await store.reached(bill(9, budget)) == Reached(budget, 12, NOW + 60 + MONTH)
    assert {row["start"] for row in await rows(database_url, t.tallies)} == {
        int((NOW + seconds) // span * span) for seconds in (0, 60) for span in (60, HOUR)
    }
    clock.now = NOW + 61 + HOUR
    assert await store.reached(bill(9, cap)) is None


async def test_another_machines_clock_may_be_a_little_ahead(store: Store, clock: Clock) -> None:
    clock.now = NOW + AHEAD
    await passes(store, bill(1))
    clock.now = NOW
    assert not await store.date_back()


async def test_a_clock_that_leaps_ahead_and_comes_back_has_forgotten_nothing(
    store: Store, clock: Clock, database_url: str
) -> None:
    budget = Cap("usd_per_server_month", Measure.COST, False, MONTH, 5)
    await spend(store, 1, Usage(cost=5))
    clock.now = NOW + 400 * DAY
    assert await store.reached(bill(2, budget)) is None
    await store.prune_tallies()
    clock.now = NOW + 60
    assert await store.reached(bill(2, budget)) == Reached(budget, 5, NOW + MONTH)


async def test_tallies_that_no_window_reaches_any_more_are_cleared_away(
    store: Store, clock: Clock, database_url: str
) -> None:
    await spend(store, 1, Usage(cost=5))
    clock.now = NOW + MONTH + 4 * HOUR
    await spend(store, 2, Usage(cost=6))
    await store.prune_tallies()
    assert {row["cost"] for row in await rows(database_url, t.tallies)} == {6}
    assert len(await rows(database_url, t.usage)) == 2


async def test_asking_whether_a_limit_is_reached_reserves_nothing(store: Store, database_url: str) -> None:
    assert await store.reached(bill(1, HOURLY)) is None
    assert await rows(database_url, t.usage) == []
    assert await rows(database_url, t.running) == []


async def test_a_server_counts_for_itself(store: Store) -> None:
    cap = replace(HOURLY, per_member=False)
    await passes(store, bill(1))
    await passes(store, bill(2, cap, guild=11))
    assert (await is_stopped(store, bill(3, cap, who=BEN))).used == 1
