"""The writes that happen all the time: running answers are written down, and their messages noted.

With SQLite they take a way of their own, past SQLAlchemy: each word with the driver
is a hop to the thread of its connection and back, and here one is enough, which
costs a quarter. Knows the tables of steps and pages; the caller sees to cancellation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

import aiosqlite
from sqlalchemy import Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.messages import Step
from bot.store import tables as t
from bot.store.codec import encode_step


class _Write:
    """Writes rows that belong to turns, in place of what has the same keys. With SQLite each row is a transaction.

    Rows whose turn somebody else has locked are waited for, or else `skips` says that they are left out.
    """

    def __init__(self, table: Table, *, keys: Collection[str], others: Collection[str], skips: bool = False) -> None:
        names = [*keys, *others]
        row = (
            select(
                *(t.turns.c.id if name == "turn_id" else bindparam(name, type_=table.c[name].type) for name in names)
            )
            .where(t.turns.c.id == bindparam("turn"))
            .with_for_update(read=True, key_share=True, skip_locked=skips)
        )
        inserts = {
            dialect: insert(table).from_select(names, row)
            for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
        }
        self._upserts = {
            dialect: insert.on_conflict_do_update(
                index_elements=keys, set_={name: insert.excluded[name] for name in others}
            )
            for dialect, insert in inserts.items()
        }
        self._sqlite_text = str(self._upserts["sqlite"].compile(dialect=sqlite.dialect(paramstyle="named")))

    async def put(self, writer: AsyncEngine, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, which name their turn as `turn`; nothing happens to those whose turn is gone."""
        if writer.dialect.name != "sqlite":
            async with writer.begin() as db:
                await db.execute(self._upserts[writer.dialect.name], rows)
            return
        texts = [{**row, "body": t.to_json(row["body"])} if "body" in row else row for row in rows]
        async with writer.connect() as db:
            driver = cast("aiosqlite.Connection", (await db.get_raw_connection()).driver_connection)
            if len(texts) == 1:
                await driver.execute_fetchall(self._sqlite_text, texts[0])
            else:
                await (await driver.executemany(self._sqlite_text, texts)).close()


# Who deletes one of many turns may wait for another of them, and must not be waited for meanwhile.
_STEP = _Write(t.steps, keys=("turn_id", "position"), others=("body",), skips=True)
_PAGE = _Write(t.pages, keys=("id",), others=("turn_id", "position"))


async def put_drafts(writer: AsyncEngine, drafts: Sequence[tuple[int, int, Step]]) -> None:
    """Write steps that are not finished in place of what was there, each with its turn and position.

    Nothing happens to those whose turn is gone, or is being deleted.
    """
    rows = [{"turn": turn, "position": position, "body": encode_step(step)} for turn, position, step in drafts]
    await _STEP.put(writer, rows)


async def put_page(writer: AsyncEngine, turn_id: int, position: int, page: int) -> None:
    """Note that a message shows a turn's page number `position`; nothing happens when the turn is gone."""
    await _PAGE.put(writer, [{"turn": turn_id, "position": position, "id": page}])
