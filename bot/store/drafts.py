"""The one write that happens all the time: a running answer is written down whenever some of it is shown.

With SQLite it takes a way of its own, past SQLAlchemy: each word with the driver
is a hop to the thread of its connection and back, and here one is enough, which
costs a quarter. Knows the table of steps; the caller sees to cancellation.
"""

from __future__ import annotations

from typing import cast

import aiosqlite
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.messages import Step
from bot.store import tables as t
from bot.store.codec import encode_step

_ROW = (
    select(
        t.turns.c.id,
        bindparam("position", type_=t.steps.c.position.type),
        bindparam("body", type_=t.steps.c.body.type),
    )
    .where(t.turns.c.id == bindparam("turn"))
    .with_for_update(read=True, key_share=True)
)
_INSERTS = {
    dialect: insert(t.steps).from_select(["turn_id", "position", "body"], _ROW)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_UPSERTS = {
    dialect: insert.on_conflict_do_update(index_elements=["turn_id", "position"], set_={"body": insert.excluded.body})
    for dialect, insert in _INSERTS.items()
}
_SQLITE_TEXT = str(_UPSERTS["sqlite"].compile(dialect=sqlite.dialect(paramstyle="named")))


async def put_draft(writer: AsyncEngine, turn_id: int, position: int, step: Step) -> None:
    """Write a step that is not finished, in place of what was there; nothing happens when the turn is gone.

    One statement is a transaction by itself.
    """
    row = {"turn": turn_id, "position": position, "body": encode_step(step)}
    if writer.dialect.name != "sqlite":
        async with writer.begin() as db:
            await db.execute(_UPSERTS[writer.dialect.name], row)
        return
    async with writer.connect() as db:
        driver = cast("aiosqlite.Connection", (await db.get_raw_connection()).driver_connection)
        await driver.execute_fetchall(_SQLITE_TEXT, {**row, "body": t.to_json(row["body"])})
