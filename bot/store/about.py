"""The part of the store that tells the operator of the database itself: which kind it is, and how large.

Reads only, and nothing of anybody's.
"""

from __future__ import annotations

from sqlalchemy import text

from bot.store.transactions import Transactions, unbroken

_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_SIZES = {
    "sqlite": text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"),
    "postgresql": text("SELECT pg_database_size(current_database())"),
}


class About(Transactions):
    """The methods of `Store` that know the database as a whole."""

    @property
    def database_name(self) -> str:
        """Which kind of database this is, as people call it."""
        return _NAMES[self._engines.reader.dialect.name]

    @unbroken
    async def database_bytes(self) -> int:
        """How much room the database takes, without the log that it writes ahead."""
        async with self._read() as db:
            return (await db.execute(_SIZES[self._engines.reader.dialect.name])).scalar_one()
