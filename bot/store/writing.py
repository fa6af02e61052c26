"""The writes that more than one method of the store needs, each inside its caller's transaction.

Knows the tables and the two dialects' upserts; begins and ends no transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Image, Part, Pdf, Said, Step
from bot.store import tables as t
from bot.store.codec import encode_part, encode_step

_HELD = (  # made once, for it is a part of every write of a running answer
    select(t.turns.c.id).where(t.turns.c.id == bindparam("held")).with_for_update()
)


async def add(db: AsyncConnection, table: Table, row: dict[str, Any]) -> bool:
    """Insert a row; False when its primary key is taken."""
    key = table.primary_key.columns.values()[0]
    statement = _insert(db, table).values(row).on_conflict_do_nothing().returning(key)
    return (await db.execute(statement)).first() is not None


async def put(
    db: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]], *, keys: Sequence[str], keep: Iterable[str] = ()
) -> None:
    """Insert rows; where one with the same `keys` exists, overwrite all of it but the columns in `keep`."""
    if rows:
        statement = _insert(db, table)
        changed = {name: statement.excluded[name] for name in rows[0].keys() - {*keys, *keep}}
        await db.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


async def add_said(db: AsyncConnection, turn_id: int, said: Said) -> bool:
    """Add a message to a question; False when the message is known, in this turn or another."""
    row = {
        "id": said.id,
        "turn_id": turn_id,
        "author_id": said.author_id,
        "author_name": said.author_name,
        "parts": [encode_part(part) for part in said.parts],
        "at": said.at,
        "roles": list(said.roles),
    }
    if not await add(db, t.said, row):
        return False
    await put_files(db, said.id, said.parts)
    await add_quoted(db, said.id, set(said.quoted) - {said.author_id})
    return True


async def add_quoted(db: AsyncConnection, said_id: int, user_ids: Iterable[int]) -> None:
    """Note whose messages are quoted in a message, or in the answer to it; some may be noted already."""
    rows = [{"said_id": said_id, "user_id": user_id} for user_id in user_ids]
    if rows:
        await db.execute(_insert(db, t.quoted).on_conflict_do_nothing(), rows)


async def put_files(db: AsyncConnection, message_id: int, parts: Iterable[Part]) -> None:
    """Keep the bytes that a message's parts bring; the same file twice in a message is kept once."""
    brought = {part.digest: part.data for part in parts if isinstance(part, Image | Pdf) and part.data is not None}
    rows = [{"said_id": message_id, "digest": digest, "data": data} for digest, data in brought.items()]
    await put(db, t.files, rows, keys=("said_id", "digest"))


async def drop_files(db: AsyncConnection, message_id: int, parts: Iterable[Part]) -> None:
    """Delete the bytes of a message's files that its parts do not refer to."""
    digests = [part.digest for part in parts if isinstance(part, Image | Pdf)]
    await db.execute(delete(t.files).where(t.files.c.said_id == message_id, t.files.c.digest.not_in(digests)))


async def hold_turn(db: AsyncConnection, turn_id: int) -> bool:
    """Keep a turn from deletion until the transaction ends; False when it is gone."""
    return (await db.execute(_HELD, {"held": turn_id})).one_or_none() is not None


async def put_steps(db: AsyncConnection, turn_id: int, first: int, steps: Sequence[Step]) -> None:
    """Replace a held turn's steps from `first` on."""
    bodies = [
        {"turn_id": turn_id, "position": number, "body": encode_step(step)} for number, step in enumerate(steps, first)
    ]
    await put(db, t.steps, bodies, keys=("turn_id", "position"))
    await db.execute(delete(t.steps).where(t.steps.c.turn_id == turn_id, t.steps.c.position >= first + len(steps)))


def _insert(db: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
