"""How rows become the values of `bot/messages.py`.

Reads only. However many turns are asked for, the number of queries is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Conversation, Image, Listen, Part, Pdf, Said, ShowReasoning, Turn, TurnStatus
from bot.sight import Able, is_shown
from bot.store.codec import decode_part, decode_step
from bot.store.tables import conversations, files, pages, said, steps, turns

_AnyRow: TypeAlias = Row[*tuple[Any, ...]]


async def read_conversation(db: AsyncConnection, conversation_id: int) -> Conversation | None:
    row = (await db.execute(select(conversations).where(conversations.c.id == conversation_id))).one_or_none()
    return None if row is None else _conversation(row)


async def read_turn(db: AsyncConnection, turn_id: int) -> Turn | None:
    found = await read_turns(db, turns.c.id == turn_id)
    return found[0] if found else None


async def read_turns(db: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Turn]:
    """The turns that meet `conditions` on the table `turns`, oldest first, with all that belongs to them."""
    heads = (await db.execute(select(turns).where(*conditions).order_by(turns.c.id))).all()
    chosen = select(turns.c.id).where(*conditions)
    # The first message of a burst leads, however late it was delivered.
    questions = await _by_turn(
        db, select(said).where(said.c.turn_id.in_(chosen)).order_by(said.c.turn_id, said.c.at, said.c.id)
    )
    answers = await _by_turn(
        db, select(steps).where(steps.c.turn_id.in_(chosen)).order_by(steps.c.turn_id, steps.c.position)
    )
    shown = await _by_turn(
        db, select(pages).where(pages.c.turn_id.in_(chosen)).order_by(pages.c.turn_id, pages.c.position)
    )
    return [_turn(head, questions[head.id], answers[head.id], shown[head.id]) for head in heads]


async def read_files(db: AsyncConnection, without: Sequence[Turn], able: Able) -> list[Turn]:
    """The same turns, with the bytes of those files that can be shown; one query, or none where there are none."""
    wanted = {
        (message.id, part.digest)
        for turn in without
        for message in turn.question
        for part in message.parts
        if is_shown(part, able)
    }
    if not wanted:
        return list(without)
    found = await db.execute(select(files).where(tuple_(files.c.said_id, files.c.digest).in_(wanted)))
    data = {(row.said_id, row.digest): row.data for row in found}
    return [
        replace(turn, question=tuple(replace(message, parts=_with_data(message, data)) for message in turn.question))
        for turn in without
    ]


async def read_conversations_seen_since(db: AsyncConnection, at: float) -> list[tuple[Conversation, int]]:
    asked_in = turns.join(said, said.c.turn_id == turns.c.id)
    recent = select(turns.c.conversation_id).select_from(asked_in).where(said.c.at >= at)
    newest = (
        select(func.max(said.c.id))
        .select_from(asked_in)
        .where(turns.c.conversation_id == conversations.c.id, said.c.id > 0)  # copies were never sent here
        .scalar_subquery()
    )
    rows = await db.execute(
        select(conversations, newest.label("newest"))
        .where(conversations.c.id.in_(recent) | (conversations.c.created_at >= at))
        .order_by(conversations.c.id)
    )
    return [(_conversation(row), max(row.newest or 0, row.heard_up_to or 0) or row.id) for row in rows]


def _with_data(message: Said, data: Mapping[tuple[int, str], bytes]) -> tuple[Part, ...]:
    return tuple(
        replace(part, data=data.get((message.id, part.digest))) if isinstance(part, Image | Pdf) else part
        for part in message.parts
    )


async def _by_turn(db: AsyncConnection, query: Select[*tuple[Any, ...]]) -> defaultdict[int, list[_AnyRow]]:
    grouped: defaultdict[int, list[_AnyRow]] = defaultdict(list)
    for row in await db.execute(query):
        grouped[row.turn_id].append(row)
    return grouped


def _conversation(row: _AnyRow) -> Conversation:
    return Conversation(
        id=row.id,
        guild_id=row.guild_id,
        owner_id=row.owner_id,
        title=row.title,
        model=row.model,
        effort=row.effort,
        persona=row.persona,
        listen=Listen(row.listen),
        show_reasoning=ShowReasoning(row.show_reasoning),
        first_turn_id=row.first_turn_id,
        first_whole_turn_id=row.first_whole_turn_id,
        created_at=row.created_at,
        parent_id=row.parent_id,
    )


def _turn(
    head: _AnyRow,
    question: Iterable[_AnyRow],
    answer: Iterable[_AnyRow],
    shown: Iterable[_AnyRow],
) -> Turn:
    return Turn(
        id=head.id,
        conversation_id=head.conversation_id,
        question=tuple(read_said(row) for row in question),
        status=TurnStatus(head.status),
        steps=tuple(decode_step(row.body) for row in answer),
        pages=tuple(row.id for row in shown),
        error=head.error,
        model=head.model,
        notices=tuple(head.notices),
    )


def read_said(row: _AnyRow) -> Said:
    parts, roles = tuple(decode_part(part) for part in row.parts), tuple(row.roles or ())
    return Said(row.id, row.author_id, row.author_name, parts, row.at, roles)
