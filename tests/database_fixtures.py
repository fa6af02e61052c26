"""The fixtures of the store's tests: a new SQLite file each, and a new PostgreSQL database where a server runs.

The server is one on this machine that trusts the user postgres; without it, those tests are skipped.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from bot.store import Store
from tests.databases import SERVER, Clock


async def _administer(database: str, *statements: str) -> None:
    connection = await asyncpg.connect(f"{SERVER}/{database}", timeout=5)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[str]:
    """One database for each process that runs tests."""
    name = f"cogitor_test_{uuid.uuid4().hex}"
    try:
        asyncio.run(_administer("postgres", f"CREATE DATABASE {name}"))
    except (OSError, asyncpg.PostgresError):
        pytest.skip("no PostgreSQL server on 127.0.0.1:5432 that trusts the user postgres")
    yield name
    asyncio.run(_administer("postgres", f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def postgres_url(postgres_database: str) -> str:
    """That database, emptied."""
    await _administer(postgres_database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return f"{SERVER}/{postgres_database}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/cogitor.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(database_url: str, clock: Clock) -> AsyncIterator[Store]:
    store = await Store.open(database_url, clock=clock)
    yield store
    await store.close()
