"""How much of each limit is used within its window, and when there is room again.

Whole hours and minutes are summed from the tallies, the window's first moments
from the ledger itself, so that it slides exactly and takes as long whatever the
ledger's size. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.limits import HOUR, Bill, Cap, Left, Measure, Reached
from bot.store import tables as t

_Select: TypeAlias = Select[*tuple[Any, ...]]
_Amount: TypeAlias = ScalarSelect[Any]

MINUTE = 60
EVERYBODY = 0
"""Stands for all members in a server's tallies."""
DMS = 0
"""Stands for direct messages, where a server's id would be."""


async def look(db: AsyncConnection, bill: Bill, now: float, *, is_question: bool) -> Reached | Left:
    """What a bill's caps leave, or the first that leaves nothing; those on questions and places hold for questions."""
    left: dict[Measure, int] = {}
    budgets = (Measure.TOKENS, Measure.COST)
    counted = [cap for cap in bill.caps if is_question or cap.measure in budgets]
    for cap, used in zip(counted, await _used(db, counted, bill, now), strict=True):
        if used >= cap.most:
            is_set_aside = await _is_set_aside(db, cap, bill, now, used)
            frees_at = None if is_set_aside else await _frees_at(db, cap, bill, now, used)
            return Reached(cap, used, frees_at, is_set_aside=is_set_aside, in_server=bill.guild_id is not None)
        left[cap.measure] = min(cap.most - used, left.get(cap.measure, cap.most))
    return Left(left.get(Measure.TOKENS), left.get(Measure.COST))


async def _used(db: AsyncConnection, caps: Sequence[Cap], bill: Bill, now: float) -> list[int]:
    """How much of each cap is used, by one query for all of them."""
    used = [0] * len(caps)
    parts: list[_Select] = [
        select(literal_column(str(number), Integer), amount)
        for number, cap in enumerate(caps)
        for amount in (_running(cap, bill) if cap.measure is Measure.RUNNING else _in_window(cap, bill, now))
    ]
    if parts:
        for number, amount in await db.execute(union_all(*parts)):
            used[number] += int(amount or 0)
    return used


def _running(cap: Cap, bill: Bill) -> tuple[_Amount]:
    others = [t.running.c.turn_id != bill.turn_id, _same(t.running.c.guild_id, bill.guild_id)]
    if cap.per_member:
        others.append(t.running.c.user_id == bill.user_id)
    return (select(func.count()).select_from(t.running).where(*others).scalar_subquery(),)


def _in_window(cap: Cap, bill: Bill, now: float) -> tuple[_Amount, _Amount, _Amount]:
    """What was used within a cap's window: whole hours, then whole minutes, then single requests at its beginning."""
    since = now - cap.seconds
    minute, hour = _after(since, MINUTE), _after(since, HOUR)
    amount = _of_tally(cap.measure)
    hours = select(func.sum(amount)).where(_tallied(cap, bill, HOUR), t.tallies.c.start >= hour)
    minutes = select(func.sum(amount)).where(
        _tallied(cap, bill, MINUTE), t.tallies.c.start >= minute, t.tallies.c.start < hour
    )
    single = select(func.sum(_of_request(cap.measure))).where(
        _requested(cap, bill), t.usage.c.at > since, t.usage.c.at < float(minute)
    )
    return hours.scalar_subquery(), minutes.scalar_subquery(), single.scalar_subquery()


async def _is_set_aside(db: AsyncConnection, cap: Cap, bill: Bill, now: float, used: int) -> bool:
    """Whether there would be room without what is reserved for requests that have not ended."""
    if cap.measure not in (Measure.TOKENS, Measure.COST):
        return False
    # The offset keeps SQLite, which has no statistics, from going through a month of requests to find the few.
    few = select(t.usage).where(t.PENDING).offset(0).subquery()
    amount = func.sum(_of_request(cap.measure, few))
    reserved = select(amount).where(_requested(cap, bill, few), few.c.at > now - cap.seconds)
    return used - int(await db.scalar(reserved) or 0) < cap.most


async def _frees_at(db: AsyncConnection, cap: Cap, bill: Bill, now: float, used: int) -> float | None:
    """When enough will have left a window for something to be used again; None where time alone does not help."""
    if cap.measure is Measure.RUNNING or cap.most == 0:
        return None
    since, missing = now - cap.seconds, used - cap.most + 1
    minute, hour = _after(since, MINUTE), _after(since, HOUR)
    start, amount = t.tallies.c.start, _of_tally(cap.measure)
    per_hour = select(start, func.sum(amount)).where(_tallied(cap, bill, HOUR), start >= hour)
    per_minute = select(start, func.sum(amount)).where(_tallied(cap, bill, MINUTE))
    single = select(t.usage.c.at, _of_request(cap.measure)).where(_requested(cap, bill))
    at = t.usage.c.at
    found = await _crossing(db, single.where(at > since, at < float(minute)).order_by(at), missing)
    if found[0] is None:
        found = await _crossing(db, _by(per_minute.where(start >= minute, start < hour)), found[1])
        if found[0] is None:
            found = await _crossing(db, _by(per_hour), found[1])
            if found[0] is None:
                return None
            found = await _crossing(db, _by(per_minute.where(start >= found[0], start < found[0] + HOUR)), found[1])
        if found[0] is not None:
            found = await _crossing(
                db, single.where(at >= float(found[0]), at < float(found[0] + MINUTE)).order_by(at), found[1]
            )
    return None if found[0] is None else found[0] + cap.seconds


def _by(query: _Select) -> _Select:
    return query.group_by(t.tallies.c.start).order_by(t.tallies.c.start)


async def _crossing(db: AsyncConnection, amounts: _Select, missing: int) -> tuple[float | None, int]:
    """The first moment by which `missing` has come together, and what was missing before it; or what still is."""
    for at, amount in await db.execute(amounts):
        if int(amount or 0) >= missing:
            return at, missing
        missing -= int(amount or 0)
    return None, missing


def _after(moment: float, span: int) -> int:
    """The first beginning of a span after a moment: what happened at the moment itself is out of the window."""
    return int(moment // span + 1) * span


def _of_tally(measure: Measure) -> ColumnElement[int]:
    return {
        Measure.QUESTIONS: t.tallies.c.questions,
        Measure.TOKENS: t.tallies.c.tokens,
        Measure.COST: t.tallies.c.cost,
    }[measure]


def _of_request(measure: Measure, ledger: FromClause = t.usage) -> ColumnElement[int]:
    if measure is Measure.TOKENS:
        return ledger.c.prompt_tokens + ledger.c.completion_tokens
    if measure is Measure.COST:
        return func.coalesce(ledger.c.cost, 0)
    return case((ledger.c.is_question, 1), else_=0)  # PostgreSQL casts no truth to a big number


def _tallied(cap: Cap, bill: Bill, span: int) -> ColumnElement[bool]:
    who = bill.user_id if cap.per_member else EVERYBODY
    places = {bill.guild_id or DMS, DMS} if cap.per_member and bill.dms_count else {bill.guild_id or DMS}
    return and_(t.tallies.c.guild_id.in_(sorted(places)), t.tallies.c.user_id == who, t.tallies.c.span == span)


def _requested(cap: Cap, bill: Bill, ledger: FromClause = t.usage) -> ColumnElement[bool]:
    here = _same(ledger.c.guild_id, bill.guild_id)
    if not cap.per_member:
        return here
    if bill.dms_count:
        here = or_(here, ledger.c.guild_id.is_(None))
    return and_(here, ledger.c.user_id == bill.user_id)


def _same(column: ColumnElement[int], guild_id: int | None) -> ColumnElement[bool]:
    return column.is_(None) if guild_id is None else column == guild_id
