"""The gate to the model: what is reserved before a request is sent, and what it is settled with, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bot.engine import Draft, Engine
from bot.errors import LimitExceeded, ModelError, ModelFault
from bot.events import Finished, ModelEvent, Opened, ReasoningDelta, TextDelta, ToolCallDelta, UsageReported
from bot.limits import DAY, HOUR, LEAST_ANSWER, Bill, Cap, Measure
from bot.messages import Said, Text, Turn, Usage
from bot.metered import LOOK_UP_AFTER, SETTLE_AGAIN_AFTER, TOO_OLD_SECONDS, Metered
from bot.model import Key, ModelInfo, ModelRequest, Standing
from bot.store import Store
from bot.store import tables as t
from bot.tools import Adapted, Toolbox
from tests.databases import Clock, rows
from tests.test_engine import Doubler

ONE, TWO = "a/one", "a/two"
PROMPT_PRICE, ANSWER_PRICE = 600, 2_500
COST = Cap("usd_per_user_day", Measure.COST, True, DAY, 100_000_000)
TOKENS = Cap("tokens_per_user_day", Measure.TOKENS, True, DAY, 100_000)

Script = Sequence[ModelEvent | BaseException]


@dataclass
class Prices:
    """Knows what two models cost."""

    speaks_openrouter: bool = True
    models: dict[str, ModelInfo] = field(
        default_factory=lambda: {
            ONE: ModelInfo(ONE, "One", prompt_price=PROMPT_PRICE, completion_price=ANSWER_PRICE),
            TWO: ModelInfo(TWO, "Two", prompt_price=PROMPT_PRICE * 10, completion_price=ANSWER_PRICE * 10),
        }
    )

    def get(self, model: str) -> ModelInfo | None:
        return self.models.get(model)

    def all(self) -> tuple[ModelInfo, ...]:
        return tuple(self.models.values())

    def nearest(self, model: str, n: int = 3, *, permitted: tuple[str, ...] = ()) -> tuple[str, ...]:
        return ()

    def standing(self, model: str) -> Standing:
        return Standing.THERE

    def successors(self, model: str) -> tuple[str, ...]:
        return ()


@dataclass
class Told:
    """A model that plays its scripts, one a request, and looks at the ledger as a request arrives.

    After the last event of a script that has no end it says nothing more.
    """

    scripts: list[Script]
    look: Callable[[], Any]
    asked: list[ModelRequest] = field(default_factory=list)
    seen: list[list[dict[str, Any]]] = field(default_factory=list)
    generation_id: str | None = None
    """What the headers of its responses say."""
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a script has come to its end without an end of the answer."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        self.asked.append(request)
        self.seen.append(await self.look())
        if self.generation_id is not None:
            request.noted(self.generation_id)
        script = self.scripts[len(self.asked) - 1]
        for item in script:
            if isinstance(item, BaseException):
                raise item
            yield item
        if not any(isinstance(item, Finished) for item in script):
            self.silent.set()
            await asyncio.Event().wait()


@dataclass
class Records:
    """What the model's server tells of generations: one reply an attempt, the last one again and again."""

    replies: list[Usage | Exception | None]
    asked: list[tuple[str, Key | None]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    async def look_up(self, generation_id: str, key: Key | None) -> Usage | None:
        self.asked.append((generation_id, key))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await asyncio.sleep(0)


@dataclass
class Gate:
    """The gate under test, and what stands on either side of it."""

    store: Store
    database_url: str
    clock: Clock
    model: Told
    records: Records
    metered: Metered

    async def ledger(self) -> list[dict[str, Any]]:
        return await rows(self.database_url, t.usage)

    async def settled(self) -> dict[str, Any]:
        """The only request, once it is settled for good."""
        under_way = self.metered._settling, self.metered._looking_up  # pyright: ignore[reportPrivateUsage]
        while tasks := under_way[0] | under_way[1]:
            assert (await asyncio.wait(tasks, timeout=5))[0]
        (row,) = await self.ledger()
        assert not row["pending"]
        return row

    async def run(self, asked: ModelRequest) -> list[ModelEvent]:
        async with aclosing(self.metered.stream(asked)) as events:
            return [event async for event in events]


def request(*fallbacks: str, **more: Any) -> ModelRequest:
    said = Said(1, 20, "Ada", (Text("What is twice 21?"),), 0.0)
    more = {"bill": Bill(1, 2, 10, 20), "max_output_tokens": 4_000, **more}
    return ModelRequest(ONE, "Be brief.", (Turn(1, 2, (said,)),), "session", fallbacks=fallbacks, **more)


OPENED = Opened("gen-1", ONE)
USED = Usage(100, 50, 30, 10, 123_456)
OWN = Key("key-7", "sk-of-the-server")
HI: Script = (OPENED, TextDelta("Hi"), Finished("stop"), UsageReported(USED))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[tuple[Store, str, Clock]]:
    clock, url = Clock(), f"sqlite:///{tmp_path}/cogitor.db"
    store = await Store.open(url, clock=clock)
    yield store, url, clock
    await store.close()


@pytest.fixture
async def gate(database: tuple[Store, str, Clock]) -> AsyncIterator[Gate]:
    built = make(database)
    yield built
    await built.metered.aclose()


async def key_of(guild_id: int, key_id: str) -> Key | None:
    """Server 10 has the key with the id key-7."""
    return OWN if (guild_id, key_id) == (10, OWN.id) else None


def make(database: tuple[Store, str, Clock], **catalogue: Any) -> Gate:
    store, url, clock = database
    model = Told([], lambda: rows(url, t.usage))
    records = Records([None])
    metered = Metered(
        model,
        store,
        Prices(**catalogue),
        look_up=records.look_up,
        key_of=key_of,
        now=clock,
        sleep=records.sleep,
    )
    return Gate(store, url, clock, model, records, metered)


async def cancelled(gate: Gate, asked: ModelRequest, *, times: int = 1) -> None:
    """Ask, and cancel the request when the model has said all that it says."""
    asking = asyncio.create_task(gate.run(asked))
    await asyncio.wait_for(gate.model.silent.wait(), 5)
    for _ in range(times):
        asking.cancel()
        await asyncio.sleep(0)
    await asyncio.wait({asking})
    assert asking.cancelled()


async def test_a_request_is_reserved_before_it_is_sent_and_settled_with_what_is_reported(gate: Gate) -> None:
    gate.model.scripts = [HI]
    assert await gate.run(request()) == list(HI)
    (reserved,) = gate.model.seen[0]
    assert (reserved["pending"], reserved["completion_tokens"], reserved["model"]) == (True, 4_000, ONE)
    assert 5 < reserved["prompt_tokens"] < 50
    assert reserved["cost"] == reserved["prompt_tokens"] * PROMPT_PRICE + 4_000 * ANSWER_PRICE
    row = await gate.settled()
    names = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost")
    assert tuple(row[name] for name in names) == (100, 50, 30, 10, 123_456)
    assert (row["turn_id"], row["conversation_id"], row["guild_id"], row["user_id"]) == (1, 2, 10, 20)
    assert row["key_id"] == ""
    assert gate.records.asked == []


async def test_what_nobody_pays_for_is_passed_on_and_not_entered(gate: Gate) -> None:
    gate.model.scripts = [HI]
    assert await gate.run(request(bill=None)) == list(HI)
    assert await gate.ledger() == []


async def test_nothing_is_sent_where_a_limit_leaves_nothing(gate: Gate) -> None:
    with pytest.raises(LimitExceeded, match="You have used"):
        await gate.run(request(bill=Bill(1, 2, 10, 20, (replace(COST, most=0),))))
    assert gate.model.asked == []
    assert await gate.ledger() == []


async def test_the_key_that_pays_stands_in_the_ledger_and_its_secret_does_not(gate: Gate) -> None:
    gate.model.scripts = [HI]
    await gate.run(request(key=Key("key-7", "sk-or-secret")))
    row = await gate.settled()
    assert row["key_id"] == "key-7"
    assert "sk-or-secret" not in str(row)


async def test_the_model_that_answered_stands_in_the_ledger(gate: Gate) -> None:
    for number, opened in enumerate([Opened("gen-1", TWO), Opened(None, TWO)]):
        gate.model.scripts.append((opened, TextDelta("Hi"), Finished("stop"), UsageReported(USED)))
        await gate.run(request(TWO, bill=Bill(number, 2, 10, 20)))
    await gate.metered.aclose()
    assert [(row["model"], row["generation_id"]) for row in await gate.ledger()] == [(TWO, "gen-1"), (TWO, None)]


@pytest.mark.parametrize(("model", "times"), [(ONE, 1), (TWO, 10), ("a/unknown", 10)])
async def test_where_no_cost_is_reported_the_price_of_the_model_that_answered_counts_and_else_the_dearest(
    gate: Gate, model: str, times: int
) -> None:
    script = (Opened("gen-1", model), Finished("stop"), UsageReported(replace(USED, cost=None)))
    gate.model.scripts = [script]
    await gate.run(request(TWO))
    assert (await gate.settled())["cost"] == times * (100 * PROMPT_PRICE + 50 * ANSWER_PRICE)


async def test_where_no_price_is_known_the_cost_is_unknown_and_the_tokens_count(
    database: tuple[Store, str, Clock],
) -> None:
    gate = make(database, models={}, speaks_openrouter=False)
    gate.model.scripts = [(OPENED, Finished("stop"), UsageReported(replace(USED, cost=None)))]
    await gate.run(request(bill=Bill(1, 2, 10, 20, (COST, TOKENS))))
    row = await gate.settled()
    assert (gate.model.seen[0][0]["cost"], row["cost"]) == (None, None)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (100, 50)
    assert gate.model.asked[0].max_output_tokens == 4_000


async def test_a_request_that_was_refused_before_anything_came_costs_nothing(gate: Gate) -> None:
    gate.model.scripts = [(ModelError(ModelFault.RATE_LIMITED),)]
    with pytest.raises(ModelError):
        await gate.run(request())
    row = await gate.settled()
    assert (row["cost"], row["prompt_tokens"], row["completion_tokens"]) == (0, 0, 0)
    assert gate.records.asked == []


async def test_a_stream_that_was_cut_off_counts_as_reserved_until_its_record_is_there(gate: Gate) -> None:
    """A model may have thought much more than it has said, so what it has said is no bound."""
    gate.model.scripts = [(OPENED, ReasoningDelta("x" * 700), TextDelta("y" * 350))]
    gate.records.replies = [None, ModelError(ModelFault.TIMEOUT), None, Usage(90, 300, 200, 5, 777)]
    sleeping, meanwhile = gate.records.sleep, list[dict[str, Any]]()

    async def sleep(seconds: float) -> None:
        meanwhile.extend(await gate.ledger())
        await sleeping(seconds)

    gate.metered._sleep = sleep  # pyright: ignore[reportPrivateUsage]  # to look at the ledger meanwhile
    await cancelled(gate, request(key=Key("key-7", "secret")))
    row = await gate.settled()
    assert (row["prompt_tokens"], row["completion_tokens"], row["reasoning_tokens"], row["cost"]) == (90, 300, 200, 777)
    assert gate.records.asked == [("gen-1", Key("key-7", "secret"))] * 4
    assert gate.records.waited == [*LOOK_UP_AFTER]
    assert len(meanwhile) == len(LOOK_UP_AFTER)
    for then in meanwhile:
        assert (then["pending"], then["completion_tokens"]) == (True, 4_000)
        assert then["cost"] == then["prompt_tokens"] * PROMPT_PRICE + 4_000 * ANSWER_PRICE


async def test_stopping_and_asking_again_at_once_gets_nothing_for_free(gate: Gate) -> None:
    """What a hidden thought has cost is known only later, so until then nothing of it may be spent again."""
    cap = Cap("usd_per_user_day", Measure.COST, True, DAY, 4_000 * ANSWER_PRICE)
    gate.model.scripts = [(OPENED,)]
    waits = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        await waits.wait()

    gate.metered._sleep = sleep  # pyright: ignore[reportPrivateUsage]  # no record is there yet
    await cancelled(gate, request(bill=Bill(1, 2, 10, 20, (cap,))))
    with pytest.raises(LimitExceeded):
        await gate.run(request(bill=Bill(2, 2, 10, 20, (cap,))))
    assert len(gate.model.asked) == 1


async def test_a_request_is_looked_up_by_what_the_headers_say_when_it_is_stopped_before_the_first_word(
    gate: Gate,
) -> None:
    gate.model.scripts, gate.model.generation_id = [()], "gen-of-header"
    gate.records.replies = [Usage(90, 300, 300, 5, 777)]
    await cancelled(gate, request())
    row = await gate.settled()
    assert (row["generation_id"], row["cost"]) == ("gen-of-header", 777)
    assert gate.records.asked == [("gen-of-header", None)]


async def test_a_request_that_failed_before_the_first_word_holds_nothing_back_while_it_is_looked_up(
    gate: Gate,
) -> None:
    gate.model.scripts, gate.model.generation_id = [(ModelError(ModelFault.OVERLOADED),)], "gen-of-header"
    with pytest.raises(ModelError):
        await gate.run(request())
    row = await gate.settled()
    assert (row["prompt_tokens"], row["completion_tokens"], row["cost"]) == (0, 0, 0)
    assert len(gate.records.asked) == len(LOOK_UP_AFTER)


async def test_where_a_request_can_never_be_looked_up_the_estimate_stands(gate: Gate) -> None:
    gate.model.scripts = [(OPENED, TextDelta("y" * 350), ModelError(ModelFault.CUT_OFF))]
    gate.records.replies = [None, OSError(), ModelError(ModelFault.BAD_KEY)]
    with pytest.raises(ModelError):
        await gate.run(request())
    row = await gate.settled()
    assert row["completion_tokens"] == 100
    assert row["cost"] == row["prompt_tokens"] * PROMPT_PRICE + 100 * ANSWER_PRICE
    assert len(gate.records.asked) == len(LOOK_UP_AFTER)


async def test_where_there_is_nothing_to_look_up_the_estimate_is_final(database: tuple[Store, str, Clock]) -> None:
    for number, (speaks, opened) in enumerate([(False, OPENED), (True, Opened(None, ONE))]):
        gate = make(database, speaks_openrouter=speaks)
        gate.model.scripts = [(opened, TextDelta("y" * 35))]
        await cancelled(gate, request(bill=Bill(number, 2, 10, 20)))
        row = (await gate.ledger())[-1]
        assert (row["pending"], row["completion_tokens"]) == (False, 10)
        assert gate.records.asked == []


async def test_a_request_that_is_stopped_before_the_model_says_anything_counts_its_prompt(gate: Gate) -> None:
    gate.model.scripts = [()]
    await cancelled(gate, request())
    row = await gate.settled()
    assert row["cost"] == row["prompt_tokens"] * PROMPT_PRICE > 0
    assert row["completion_tokens"] == 0


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_however_often_a_request_is_cancelled_it_is_settled(gate: Gate, times: int) -> None:
    """As by Stop, Stop and the end of the process."""
    gate.model.scripts = [(OPENED, TextDelta("Hi"))]
    gate.records.replies = [Usage(cost=55)]
    await cancelled(gate, request(), times=times)
    assert (await gate.settled())["cost"] == 55


async def test_a_stream_that_is_closed_half_read_is_settled(gate: Gate) -> None:
    gate.model.scripts = [HI]
    gate.records.replies = [Usage(cost=66)]
    events = gate.metered.stream(request())
    assert await anext(events) == OPENED
    await events.aclose()
    assert (await gate.settled())["cost"] == 66


async def test_a_stream_that_broke_unexpectedly_is_settled(gate: Gate) -> None:
    gate.model.scripts = [(OPENED, ZeroDivisionError())]
    gate.records.replies = [Usage(cost=66)]
    with pytest.raises(ZeroDivisionError):
        await gate.run(request())
    assert (await gate.settled())["cost"] == 66


async def test_what_is_reserved_while_its_request_is_cancelled_is_given_back(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserving, go_on, reserve = asyncio.Event(), asyncio.Event(), gate.store.reserve

    async def slow(*args: Any, **more: Any) -> Any:
        reserving.set()
        await go_on.wait()
        return await reserve(*args, **more)

    monkeypatch.setattr(gate.store, "reserve", slow)
    asking = asyncio.create_task(gate.run(request()))
    await reserving.wait()
    asking.cancel()
    await asyncio.wait({asking})
    assert asking.cancelled()
    go_on.set()
    await gate.metered.aclose()
    (row,) = await gate.ledger()
    assert (row["pending"], row["cost"], row["completion_tokens"]) == (False, 0, 0)
    assert gate.model.asked == []


@asynccontextmanager
async def broken_settling(gate: Gate, monkeypatch: pytest.MonkeyPatch, times: int) -> AsyncIterator[None]:
    """The database does not take the next `times` settlements."""
    settle, left = gate.store.settle, times

    async def failing(*args: Any, **more: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            raise OSError("the database is gone")
        await settle(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(gate.store, "settle", failing)
        yield


async def test_an_answer_goes_on_where_the_database_fails_and_is_settled_later(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gate.model.scripts = [HI]
    async with broken_settling(gate, monkeypatch, 3):
        assert await gate.run(request()) == list(HI)
        assert (await gate.settled())["cost"] == 123_456
    assert gate.records.waited == [*SETTLE_AGAIN_AFTER[:3]]
    assert "could not be settled: OSError" in caplog.text


async def test_what_the_database_never_took_is_left_to_the_next_process(
    gate: Gate, database: tuple[Store, str, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.model.scripts = [HI]
    async with broken_settling(gate, monkeypatch, 100):
        await gate.run(request())
        await gate.metered.aclose()
    assert (await gate.ledger())[0]["pending"]
    following = make(database)
    following.records.replies = [None, Usage(100, 50, 30, 10, 123_456)]
    await following.metered.take_over()
    assert (await following.settled())["cost"] == 123_456
    assert following.records.asked == [("gen-1", None)] * 2


async def test_closing_in_the_middle_of_looking_up_leaves_that_to_the_next_process(
    gate: Gate, database: tuple[Store, str, Clock]
) -> None:
    gate.model.scripts = [(OPENED, TextDelta("y" * 35))]
    never = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        await never.wait()

    gate.metered._sleep = sleep  # pyright: ignore[reportPrivateUsage]  # it is closed before it looks
    await cancelled(gate, request())
    await gate.metered.aclose()
    (row,) = await gate.ledger()
    assert (row["pending"], row["completion_tokens"], row["generation_id"]) == (True, 4_000, "gen-1")
    following = make(database)
    following.records.replies = [Usage(cost=88)]
    await following.metered.take_over()
    assert (await following.settled())["cost"] == 88


async def test_what_a_servers_own_key_has_paid_is_looked_up_with_that_key_by_the_next_process(
    database: tuple[Store, str, Clock],
) -> None:
    store, _, _ = database
    reserved = await store.reserve(Bill(1, 2, 10, 20), model=ONE, key_id=OWN.id, estimate=Usage(1, 2, cost=9))
    await store.note_generation(reserved.id, "gen-1", ONE)  # type: ignore[union-attr]  # nothing limits it
    gate = make(database)
    gate.records.replies = [None, Usage(cost=88)]
    await gate.metered.take_over()
    assert (await gate.settled())["cost"] == 88
    assert gate.records.asked == [("gen-1", OWN)] * 2


@pytest.mark.parametrize("reason", ["never opened", "of a key that is gone", "too old"])
async def test_what_can_not_be_looked_up_any_more_stands_as_reserved(
    database: tuple[Store, str, Clock], reason: str
) -> None:
    store, _, clock = database
    key_id = "key-6" if reason == "of a key that is gone" else ""
    reserved = await store.reserve(Bill(1, 2, 10, 20), model=ONE, key_id=key_id, estimate=Usage(1, 2, cost=9))
    if reason != "never opened":
        await store.note_generation(reserved.id, "gen-1", ONE)  # type: ignore[union-attr]  # nothing limits it
    clock.now += TOO_OLD_SECONDS + 1 if reason == "too old" else 1
    gate = make(database)
    await gate.metered.take_over()
    assert (await gate.settled())["cost"] == 9
    assert gate.records.asked == []


@pytest.mark.parametrize(
    ("cap", "spent", "most"),
    [
        (None, 0, 4_000),
        (COST, 0, 4_000),  # $0.10 is 40,000 tokens of an answer
        (COST, 92_500_000, 3_000),
        (COST, 99_999_999, LEAST_ANSWER),
        (TOKENS, 0, 4_000),
        (TOKENS, 97_000, 3_000),
        (TOKENS, 99_999, LEAST_ANSWER),
    ],
)
async def test_an_answer_may_be_no_longer_than_budgets_pay_for_though_never_too_short_to_be_of_use(
    gate: Gate, cap: Cap | None, spent: int, most: int
) -> None:
    if cap is not None:
        before = Usage(spent) if cap.measure is Measure.TOKENS else Usage(cost=spent)
        await gate.store.reserve(Bill(9, 2, 10, 20), model=ONE, key_id="", estimate=before)
    gate.model.scripts = [HI]
    await gate.run(request(bill=Bill(1, 2, 10, 20, (cap,) if cap else ())))
    prompt = gate.model.seen[0][-1]["prompt_tokens"]
    allowed = gate.model.asked[0].max_output_tokens
    if most == 3_000:
        share = prompt if cap is TOKENS else prompt * PROMPT_PRICE / ANSWER_PRICE
        assert most - share - 1 <= allowed <= most - share
    else:
        assert allowed == most


async def test_a_short_answer_is_not_made_longer_by_what_a_budget_allows(gate: Gate) -> None:
    gate.model.scripts = [HI]
    await gate.run(request(max_output_tokens=100, bill=Bill(1, 2, 10, 20, (replace(COST, most=1),))))
    assert gate.model.asked[0].max_output_tokens == 100


async def test_a_turn_is_stopped_between_its_steps_when_its_money_is_used_up(gate: Gate) -> None:
    """Tools may be called as long as there is something left; the step after that is not sent."""

    def step(number: int) -> Script:
        call = ToolCallDelta(0, "call-1", "double", f'{{"n": {number}}}')
        return OPENED, call, Finished("tool_calls"), UsageReported(Usage(10, 10, cost=60_000_000))

    gate.model.scripts = [step(21), step(4), step(5)]
    hourly = Cap("requests_per_user_hour", Measure.QUESTIONS, True, HOUR, 1)
    engine, draft = Engine(gate.metered, clock=gate.clock), Draft()
    asked = request(bill=Bill(1, 2, 10, 20, (COST, hourly)))
    with pytest.raises(LimitExceeded, match=r"You have used \$0\.12 of the \$0\.10"):
        async with aclosing(engine.run(asked, Toolbox([Adapted(Doubler())]), draft)) as events:
            async for _ in events:
                pass
    assert len(gate.model.asked) == draft.finished == 2
    assert [result.content for kept in draft.steps()[:2] for result in kept.tool_results] == ["42", "8"]
    assert sum(row["is_question"] for row in await gate.ledger()) == 1
