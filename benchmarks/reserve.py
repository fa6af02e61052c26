"""Whether limits cost the same however much was ever asked, and let pass exactly as many as may: reserve and settle.

A server with a ledger of a thousand requests beside one of a million, over thirty
days and of a thousand members, with every limit set; then a rush of a thousand
questions at once against a limit of a hundred. On a SQLite file, and on PostgreSQL
where a server on this machine trusts the user postgres.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.store import postgres
from bot.limits import DAY, HOUR, MONTH, Bill, Cap, Measure, Reached
from bot.messages import Usage
from bot.store import Store
from bot.store.connect import parse_url

SIZES = (1_000, 1_000_000)
MEMBERS = 1_000
QUESTIONS = 300
CROWD, PLACES = 1_000, 100
GUILD = 10
ESTIMATE, USED = Usage(2_000, 32_000, 0, 0, 81_200_000), Usage(2_000, 900, 600, 0, 3_450_000)

PLENTY = 10**15
CAPS = (
    Cap("concurrent_per_server", Measure.RUNNING, False, 0, PLENTY),
    Cap("concurrent_per_user", Measure.RUNNING, True, 0, PLENTY),
    Cap("usd_per_server_month", Measure.COST, False, MONTH, PLENTY),
    Cap("usd_per_server_day", Measure.COST, False, DAY, PLENTY),
    Cap("usd_per_user_day", Measure.COST, True, DAY, PLENTY),
    Cap("tokens_per_user_day", Measure.TOKENS, True, DAY, PLENTY),
    Cap("requests_per_server_hour", Measure.QUESTIONS, False, HOUR, PLENTY),
    Cap("requests_per_user_hour", Measure.QUESTIONS, True, HOUR, PLENTY),
)

_LEDGER = """
INSERT INTO usage (turn_id, attempt, step, conversation_id, guild_id, user_id, model, prompt_tokens,
  completion_tokens, reasoning_tokens, cached_tokens, cost, at, key_id, is_question, pending)
WITH {numbers}
SELECT n, 1, 0, n % 5000, {guild}, 1 + (n * 7919) % {members}, '"moon/kimi"', 2000, 900, 600, 0, 3450000,
  {now} - {month} * n / {count}, '', true, false FROM numbers
"""
_NUMBERS = {
    "sqlite": "RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})",
    "postgresql": "numbers AS (SELECT n::bigint FROM generate_series(1, {count}) AS n)",
}
_TALLIES = """
INSERT INTO tallies (guild_id, user_id, span, start, questions, tokens, cost)
SELECT guild_id, {who}, {span}, CAST(at AS BIGINT) / {span} * {span}, count(*),
  sum(prompt_tokens + completion_tokens), sum(cost) FROM usage GROUP BY guild_id, {group} 4
"""


async def main() -> None:
    """Measure and print."""
    heads = f"{'median, ms':>12}{'95 %, ms':>10}{'refusal, ms':>13}{'of 1,000 at once, pass':>24}"
    print(f"  {'':12}{'requests in the ledger':>24}{heads}")
    with TemporaryDirectory() as folder:
        await _compare("SQLite", [f"sqlite:///{Path(folder) / f'{count}.db'}" for count in SIZES])
    try:
        async with postgres("_small") as small, postgres("_large") as large:
            await _compare("PostgreSQL", [small, large])
    except OSError:
        print("  PostgreSQL  no server that takes us")


async def _compare(name: str, urls: list[str]) -> None:
    """Both sizes in turns, so that what else the machine does troubles both alike."""
    stores = [await Store.open(url) for url in urls]
    try:
        for url, count in zip(urls, SIZES, strict=True):
            await _fill(url, count)
        took: list[list[float]] = [[] for _ in stores]
        refused: list[list[float]] = [[] for _ in stores]
        for number in range(QUESTIONS):
            for store, times, refusals in zip(stores, took, refused, strict=True):
                began = time.perf_counter()
                await _ask(store, number)
                asked = time.perf_counter()
                await _be_refused(store, number)
                times.append((asked - began) * 1e3)
                refusals.append((time.perf_counter() - asked) * 1e3)
        passed = [await _rush(store) for store in stores]
    finally:
        for store in stores:
            await store.close()
    for count, times, refusals, through in zip(SIZES, took, refused, passed, strict=True):
        last = quantiles(times, n=20)[-1]
        print(f"  {name:12}{count:24,}{median(times):12.2f}{last:10.2f}{median(refusals):13.2f}{through:24}")
    ratios = [median(large) / median(small) for small, large in (took, refused)]
    print(f"  {'':12}{'ratio':>24}{ratios[0]:12.2f}{'':10}{ratios[1]:13.2f}")


async def _ask(store: Store, number: int) -> None:
    """One question with one request, as each is paid for."""
    bill = Bill(10**9 + number, 1, GUILD, 1 + number % MEMBERS, CAPS)
    reserved = await store.reserve(bill, model="moon/kimi", key_id="", estimate=ESTIMATE)
    if isinstance(reserved, Reached):
        raise TypeError("a limit was reached")
    await store.settle(reserved.id, USED)
    await store.end_running(bill.turn_id)


async def _be_refused(store: Store, number: int) -> None:
    """A question against a month's budget that is spent, which is told when there is room again."""
    spent = Cap("usd_per_server_month", Measure.COST, False, MONTH, 1)
    if await store.reached(Bill(10**9 + number, 1, GUILD, 1 + number % MEMBERS, (spent,))) is None:
        raise TypeError("no limit was reached")


async def _rush(store: Store) -> int:
    """How many of a crowd pass against a limit on answers at once."""
    place = Cap("concurrent_per_server", Measure.RUNNING, False, 0, PLACES)
    bills = [Bill(2 * 10**9 + number, 1, GUILD, 1 + number % MEMBERS, (place, *CAPS[1:])) for number in range(CROWD)]
    asked = (store.reserve(bill, model="moon/kimi", key_id="", estimate=ESTIMATE) for bill in bills)
    return sum(not isinstance(found, Reached) for found in await asyncio.gather(*asked))


async def _fill(url: str, count: int) -> None:
    """A ledger of thirty days, and its tallies."""
    engine = create_async_engine(parse_url(url))
    try:
        async with engine.begin() as db:
            numbers = _NUMBERS[db.dialect.name].format(count=count)
            values = {"guild": GUILD, "members": MEMBERS, "now": int(time.time()), "month": MONTH, "count": count}
            await db.execute(text(_LEDGER.format(numbers=numbers, **values).replace("::", "\\:\\:")))
            for span in (60, HOUR):
                for who, group in (("0", ""), ("user_id", "user_id,")):
                    await db.execute(text(_TALLIES.format(who=who, span=span, group=group)))
            if db.dialect.name == "postgresql":  # which does so by itself, but later
                await db.execute(text("ANALYZE"))
    finally:
        await engine.dispose()
