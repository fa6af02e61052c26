"""What the store's tests look at a database with, besides the store itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Table, event, insert, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.connect import parse_url

SERVER = "postgresql://postgres@127.0.0.1:5432"


class Clock:
    """Unix seconds that a test sets by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def rows(database_url: str, table: Table) -> list[dict[str, Any]]:
    """What is really in a table, by primary key."""
    engine = create_async_engine(parse_url(database_url))
    try:
        async with engine.connect() as db:
            found = await db.execute(select(table).order_by(*table.primary_key))
            return [dict(row) for row in found.mappings()]
    finally:
        await engine.dispose()


async def fill(database_url: str, table: Table, new: list[dict[str, Any]]) -> None:
    """Put many rows into a table at once."""
    engine = create_async_engine(parse_url(database_url))
    try:
        async with engine.begin() as db:
            await db.execute(insert(table), new)
    finally:
        await engine.dispose()


async def execute(database_url: str, statement: str) -> None:
    """Run one statement of SQL."""
    engine = create_async_engine(parse_url(database_url))
    try:
        async with engine.begin() as db:
            await db.execute(text(statement))
    finally:
        await engine.dispose()


class Queries:
    """Collects the statements that are sent to any database while it is entered."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def _collect(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.sent.append(statement)

    def __enter__(self) -> list[str]:
        event.listen(Engine, "before_cursor_execute", self._collect)
        return self.sent

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._collect)
