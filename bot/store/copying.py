"""Copies the turns of one conversation into another, within the database.

Bodies are copied as they are written, so the model's reasoning stays as it came,
and thousands of turns take a few statements. Begins and ends no transaction.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, Subquery, Table, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Conversation, TurnStatus
from bot.store import tables as t

_MESSAGES_A_TURN = 1 << 20
"""More messages than any burst has. A copy's id is minus its new turn's id times this, plus its place there."""

_ANSWERED = [status for status in TurnStatus if not status.unfinished and status is not TurnStatus.REFUSED]


async def copy_turns(db: AsyncConnection, source: Conversation, fork_id: int) -> int:
    """Copy the finished turns of `source`, oldest first, into a conversation without turns; returns how many."""
    chosen = (t.turns.c.conversation_id == source.id, t.turns.c.status.in_(_ANSWERED))
    turns = (
        select(literal(fork_id), t.turns.c.status, literal(0), t.turns.c.error, t.turns.c.notices)
        .where(*chosen)
        .order_by(t.turns.c.id)
    )
    columns = ["conversation_id", "status", "attempt", "error", "notices"]
    copied = (await db.execute(insert(t.turns).from_select(columns, turns))).rowcount
    pairs = _pairs(
        select(t.turns.c.id).where(*chosen), select(t.turns.c.id).where(t.turns.c.conversation_id == fork_id)
    )
    await _copy_questions(db, pairs)
    await _copy_steps(db, pairs)
    window = {
        "first_turn_id": _copy_of_first(pairs, source.first_turn_id),
        "first_whole_turn_id": _copy_of_first(pairs, source.first_whole_turn_id),
    }
    await db.execute(update(t.conversations).where(t.conversations.c.id == fork_id).values(window))
    return copied


def _copy_of_first(pairs: Subquery, turn_id: int) -> ColumnElement[int]:
    """The copy of the first turn whose id is not below `turn_id`; 0 stays 0."""
    if not turn_id:
        return literal(0)
    return select(func.coalesce(func.min(pairs.c.new), 0)).where(pairs.c.old >= turn_id).scalar_subquery()


def _pairs(old: Select[tuple[int]], new: Select[tuple[int]]) -> Subquery:
    """Each old turn's id with that of its copy: both grow in the same order."""
    olds, news = (
        ids.add_columns(func.row_number().over(order_by=t.turns.c.id).label("place")).subquery() for ids in (old, new)
    )
    joined = olds.join(news, olds.c.place == news.c.place)
    return select(olds.c.id.label("old"), news.c.id.label("new")).select_from(joined).subquery()


async def _copy_questions(db: AsyncConnection, pairs: Subquery) -> None:
    said = t.said.c
    place = func.row_number().over(partition_by=said.turn_id, order_by=(said.at, said.id))
    rows = select(
        place - pairs.c.new * _MESSAGES_A_TURN,
        pairs.c.new,
        said.author_id,
        said.author_name,
        said.parts,
        said.at,
        said.roles,
        func.coalesce(said.copy_of, said.id),
    ).join(pairs, said.turn_id == pairs.c.old)
    await _insert(db, t.said, ["id", "turn_id", "author_id", "author_name", "parts", "at", "roles", "copy_of"], rows)
    ids = select(said.id.label("old"), (place - pairs.c.new * _MESSAGES_A_TURN).label("new"))
    ids_of = ids.join(pairs, said.turn_id == pairs.c.old).subquery()
    files = select(ids_of.c.new, t.files.c.digest, t.files.c.data).join(ids_of, t.files.c.said_id == ids_of.c.old)
    await _insert(db, t.files, ["said_id", "digest", "data"], files)
    quoted = select(ids_of.c.new, t.quoted.c.user_id).join(ids_of, t.quoted.c.said_id == ids_of.c.old)
    await _insert(db, t.quoted, ["said_id", "user_id"], quoted)


async def _copy_steps(db: AsyncConnection, pairs: Subquery) -> None:
    rows = select(pairs.c.new, t.steps.c.position, t.steps.c.body).join(pairs, t.steps.c.turn_id == pairs.c.old)
    await _insert(db, t.steps, ["turn_id", "position", "body"], rows)


async def _insert(db: AsyncConnection, table: Table, columns: list[str], rows: Select[*tuple[object, ...]]) -> None:
    await db.execute(insert(table).from_select(columns, rows))
