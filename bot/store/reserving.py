"""The part of the store that lets nothing be spent beyond a limit: a request stands in the ledger before it is sent.

A reservation is a row of the ledger with an estimate, and settling it puts the
real figures in its place, so that what is counted for limits and what is told of
usage can never differ. Sums over windows come from tallies by the hour and by the
minute, which are kept in the same transactions, and take as long over a million
rows as over a thousand. Knows nothing of models; the rules are in `bot/limits.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, and_, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.limits import DAY, HOUR, MONTH, Bill, Left, Reached
from bot.messages import Usage
from bot.store import tables as t
from bot.store.sums import DMS, EVERYBODY, MINUTE, look
from bot.store.transactions import Transactions, unbroken

AHEAD = 300.0
"""Seconds by which a request may be dated ahead of the clock: those of several machines differ a little."""
_DATED_AT_ONCE = 200
_KEPT = MONTH + 2 * HOUR
_KEPT_OF_MEMBERS = DAY + 2 * HOUR
"""How long tallies are needed, in seconds: for the longest window of each kind."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A reservation whose real figures are not known yet. `at` is in Unix seconds."""

    id: int
    model: str
    guild_id: int | None
    key_id: str
    generation_id: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation: the row to settle, and what budgets left before it."""

    id: int
    left: Left


class Reserving(Transactions):
    """The methods of `Store` by which requests to models are paid for."""

    @unbroken
    async def reserve(self, bill: Bill, *, model: str, key_id: str, estimate: Usage) -> Reserved | Reached:
        """Enter a request that is about to be sent, or tell which cap leaves nothing for it; of many at once as of one.

        The first request of a turn's attempt is the turn's one question, and takes its
        place among the running answers.
        """
        async with self._write() as db:
            await _take_turns(db, bill)
            now, attempt = self._clock(), await _attempt(db, bill)
            mine = and_(t.usage.c.turn_id == bill.turn_id, t.usage.c.attempt == attempt)
            is_question = not bill.is_title and not await db.scalar(select(exists().where(mine)))
            found = await look(db, bill, now, is_question=is_question)
            if isinstance(found, Reached):
                return found
            step = await _next_step(db, mine, bill)
            row = {
                "turn_id": bill.turn_id,
                "attempt": attempt,
                "step": step,
                "conversation_id": bill.conversation_id,
                "guild_id": bill.guild_id,
                "user_id": bill.user_id,
                "model": model,
                "key_id": key_id,
                "is_question": is_question,
                "pending": True,
                **asdict(estimate),
                "at": now,
            }
            row_id: int = (await db.execute(insert(t.usage).values(row).returning(t.usage.c.id))).scalar_one()
            await _tally(db, row, estimate, questions=int(is_question))
            if is_question:
                running = {"turn_id": bill.turn_id, "guild_id": bill.guild_id, "user_id": bill.user_id}
                await db.execute(_upsert(db, t.running).values(running).on_conflict_do_nothing())
            return Reserved(row_id, found)

    @unbroken
    async def reached(self, bill: Bill) -> Reached | None:
        """Which cap would leave nothing for a question now; nothing is reserved."""
        async with self._read() as db:
            found = await look(db, bill, self._clock(), is_question=not bill.is_title)
            return found if isinstance(found, Reached) else None

    @unbroken
    async def note_generation(self, row_id: int, generation_id: str, model: str) -> None:
        """Note under which id a request can be looked up, should its end never be heard."""
        async with self._write() as db:
            await db.execute(
                update(t.usage).where(t.usage.c.id == row_id).values(generation_id=generation_id, model=model)
            )

    @unbroken
    async def settle(self, row_id: int, usage: Usage, *, model: str | None = None, is_final: bool = True) -> None:
        """Put what a request has really consumed in the place of what was reserved; not `is_final` if it may change."""
        this = t.usage.c.id == row_id
        async with self._write() as db:
            row = (await db.execute(select(t.usage).where(this).with_for_update())).mappings().one_or_none()
            if row is None or not row["pending"]:
                return
            was = _usage(row)
            named = {} if model is None else {"model": model}
            await db.execute(update(t.usage).where(this).values(**asdict(usage), **named, pending=not is_final))
            change = Usage(
                usage.prompt_tokens - was.prompt_tokens,
                usage.completion_tokens - was.completion_tokens,
                cost=(usage.cost or 0) - (was.cost or 0),
            )
            await _tally(db, row, change, questions=0)

    @unbroken
    async def end_running(self, turn_id: int) -> None:
        """Give back a turn's place among the running answers."""
        async with self._write() as db:
            await db.execute(delete(t.running).where(t.running.c.turn_id == turn_id))

    @unbroken
    async def take_over(self) -> list[Unsettled]:
        """What an earlier process left unsettled; none of its answers is running any more."""
        async with self._write() as db:
            await db.execute(delete(t.running))
            usage = t.usage.c
            named = (usage.id, usage.model, usage.guild_id, usage.key_id, usage.generation_id, usage.at)
            wanted = select(*named).where(t.PENDING)
            return [Unsettled(**row) for row in (await db.execute(wanted.order_by(usage.id))).mappings()]

    @unbroken
    async def date_back(self) -> bool:
        """Date requests as of now that a clock which had leapt ahead dated later; False when there are none.

        So they count for one window from now on, instead of until that day and a window longer. Some at a time.
        """
        usage, tallies = t.usage.c, t.tallies.c
        async with self._write() as db:
            now = self._clock()
            ahead = select(t.usage).where(usage.at > now + AHEAD).order_by(usage.at).limit(_DATED_AT_ONCE)
            rows = (await db.execute(ahead.with_for_update())).mappings().all()
            for row in rows:
                used, questions = _usage(row), int(row["is_question"])
                nothing = Usage(-used.prompt_tokens, -used.completion_tokens, cost=-(used.cost or 0))
                await _tally(db, row, nothing, questions=-questions)
                await _tally(db, {**row, "at": now}, used, questions=questions)
            if rows:
                await db.execute(update(t.usage).where(usage.id.in_([row["id"] for row in rows])).values(at=now))
                empty = (tallies.questions == 0) & (tallies.tokens == 0) & (tallies.cost == 0)
                await db.execute(delete(t.tallies).where(tallies.start > now, empty))
            return bool(rows)

    @unbroken
    async def prune_tallies(self) -> None:
        """Delete the sums that lie before every window: those of members long before those of servers."""
        start = t.tallies.c.start
        async with self._write() as db:
            # By the newest of them where the clock has leapt ahead: it may go back.
            now = min(int(self._clock()), await db.scalar(select(func.max(start))) or 0)
            of_members = (t.tallies.c.user_id != EVERYBODY) & (start < now - _KEPT_OF_MEMBERS)
            await db.execute(delete(t.tallies).where(of_members | (start < now - _KEPT)))

    @unbroken
    async def close_unsettled(self, row_id: int) -> None:
        """Let what was reserved stand as what was spent, for nothing better can be known."""
        async with self._write() as db:
            await db.execute(update(t.usage).where(t.usage.c.id == row_id).values(pending=False))


async def _take_turns(db: AsyncConnection, bill: Bill) -> None:
    """Let reservations that count towards the same limits pass one after the other; SQLite has one writer anyway."""
    if db.dialect.name != "postgresql":
        return
    counted_for = {bill.guild_id or DMS}
    if bill.dms_count or bill.guild_id is None:
        counted_for.add(bill.user_id)
        if all(cap.per_member for cap in bill.caps):
            counted_for.discard(DMS)
    for one in sorted(counted_for):  # always in this order, so that no two wait for each other
        await db.execute(select(func.pg_advisory_xact_lock(literal(one, t.Snowflake()))))


async def _next_step(db: AsyncConnection, mine: ColumnElement[bool], bill: Bill) -> int:
    """Requests of answers count from 0, those for titles down from -1."""
    if bill.is_title:
        return (await db.scalar(select(func.coalesce(func.min(t.usage.c.step), 0)).where(mine)) or 0) - 1
    return (await db.scalar(select(func.coalesce(func.max(t.usage.c.step), -1) + 1).where(mine))) or 0


async def _attempt(db: AsyncConnection, bill: Bill) -> int:
    """The turn's present attempt; that of its last request where the turn itself is gone, and 0 for a title."""
    if bill.is_title:
        return 0
    attempt = await db.scalar(select(t.turns.c.attempt).where(t.turns.c.id == bill.turn_id))
    if attempt is None:
        attempt = await db.scalar(select(func.max(t.usage.c.attempt)).where(t.usage.c.turn_id == bill.turn_id))
    return max(attempt or 0, 1)


async def _tally(db: AsyncConnection, row: Mapping[str, Any] | RowMapping, usage: Usage, *, questions: int) -> None:
    """Add to the tallies of the row's time what it adds to the ledger."""
    place, at = row["guild_id"] or DMS, row["at"]
    added = {
        "questions": questions,
        "tokens": usage.prompt_tokens + usage.completion_tokens,
        "cost": usage.cost or 0,
    }
    rows = [
        {"guild_id": place, "user_id": who, "span": span, "start": int(at // span * span), **added}
        for who in sorted({EVERYBODY, row["user_id"]})
        for span in (MINUTE, HOUR)
    ]
    statement = _upsert(db, t.tallies)
    sums = {name: t.tallies.c[name] + statement.excluded[name] for name in added}
    keys = ["guild_id", "user_id", "span", "start"]
    await db.execute(statement.on_conflict_do_update(index_elements=keys, set_=sums), rows)


def _upsert(db: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)


def _usage(row: RowMapping) -> Usage:
    return Usage(
        row["prompt_tokens"], row["completion_tokens"], row["reasoning_tokens"], row["cached_tokens"], row["cost"]
    )
