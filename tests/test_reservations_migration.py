"""What a database knew before it counted: its old ledger limits from the first moment on, on both databases."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from bot.limits import DAY, HOUR, MONTH, Bill, Cap, Measure, Reached
from bot.store import Store
from bot.store import tables as t
from bot.store.connect import create_engines, parse_url
from bot.store.migrate import MIGRATIONS, migrate
from tests.databases import Clock, execute, rows

pytest_plugins = ["tests.database_fixtures"]

NOW = 1_700_000_000.5
SPOKEN = """
INSERT INTO usage (turn_id, attempt, step, conversation_id, guild_id, user_id, model, prompt_tokens,
completion_tokens, reasoning_tokens, cached_tokens, cost, at) VALUES {rows}
"""


async def old_database(database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database as the last version before reservations made it."""
    old = folder / "migrations"
    shutil.copytree(MIGRATIONS, old)
    for file in (old / "versions").glob("[0-9]*.py"):
        if file.name >= "0008":
            file.unlink()
    engines = create_engines(parse_url(database_url))
    try:
        with monkeypatch.context() as patch:
            patch.setattr("bot.store.migrate.MIGRATIONS", old)
            await migrate(engines.writer)
    finally:
        await engines.close()


def old_rows(chance: random.Random, count: int) -> list[str]:
    """Answers of several steps and attempts, and titles, over forty days, in servers and directly."""
    found: list[str] = []
    for turn_id in range(count):
        guild, who = chance.choice(["10", "11", "NULL"]), chance.choice([20, 21])
        at = NOW - chance.uniform(0, chance.choice([50.0, 7_000.0, 40 * DAY]))
        for attempt, step in [(0, -1), (1, 0), (1, 1), (2, 0)][: chance.randrange(1, 5)]:
            tokens, cost = f"{chance.randrange(900)}, {chance.randrange(90)}", chance.choice(["NULL", "70", "1000000"])
            found.append(
                f"({turn_id}, {attempt}, {step}, 1, {guild}, {who}, '\"a/b\"', {tokens}, 0, 0, {cost}, {at!r})"
            )
    return found


async def test_the_old_ledger_counts_from_the_first_moment_on(
    database_url: str, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.now = NOW
    await old_database(database_url, tmp_path, monkeypatch)
    await execute(database_url, SPOKEN.format(rows=", ".join(old_rows(random.Random(5), 120))).replace(":", "\\:"))
    store = await Store.open(database_url, clock=clock)
    try:
        ledger = await rows(database_url, t.usage)
        assert {row["step"] for row in ledger if row["is_question"]} == {0}
        assert not [row for row in ledger if row["step"] == 0 and not row["is_question"]]
        assert not [row for row in ledger if row["pending"] or row["key_id"]]
        tallies = await rows(database_url, t.tallies)
        for row in tallies:
            mine = [
                entry
                for entry in ledger
                if (entry["guild_id"] or 0) == row["guild_id"]
                and row["user_id"] in (0, entry["user_id"])
                and row["start"] <= entry["at"] < row["start"] + row["span"]
            ]
            assert row["questions"] == sum(entry["is_question"] for entry in mine)
            assert row["tokens"] == sum(entry["prompt_tokens"] + entry["completion_tokens"] for entry in mine)
            assert row["cost"] == sum(entry["cost"] or 0 for entry in mine)
        for guild in (10, 11, 0):
            everything = sum(row["cost"] or 0 for row in ledger if (row["guild_id"] or 0) == guild)
            for span in (60, HOUR):
                assert everything == sum(
                    row["cost"] for row in tallies if (row["guild_id"], row["user_id"], row["span"]) == (guild, 0, span)
                )
        for seconds in (HOUR, DAY, MONTH):
            asked = [
                row
                for row in ledger
                if row["is_question"] and row["guild_id"] == 10 and row["user_id"] == 20 and row["at"] > NOW - seconds
            ]
            cap = Cap("any", Measure.QUESTIONS, True, seconds, 1)
            frees_at = max(row["at"] for row in asked) + seconds
            assert await store.reached(Bill(10**6, 1, 10, 20, (cap,))) == Reached(cap, len(asked), frees_at)
    finally:
        await store.close()
