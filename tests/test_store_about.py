"""What the store tells of the database itself, on both databases."""

from __future__ import annotations

from bot.store import Store, tables
from tests.databases import fill

pytest_plugins = ["tests.database_fixtures"]


async def test_it_tells_which_database_it_is(store: Store, database_url: str) -> None:
    assert store.database_name == ("SQLite" if database_url.startswith("sqlite") else "PostgreSQL")


async def test_its_size_grows_with_what_is_in_it(store: Store, database_url: str) -> None:
    before = await store.database_bytes()
    await fill(database_url, tables.notes, [{"key": str(number), "value": "x" * 500} for number in range(2_000)])
    assert before > 4_096
    assert 1_000_000 <= await store.database_bytes() - before <= 10_000_000
