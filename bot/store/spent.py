"""The part of the store that sums the ledger for people: by day or hour, by model, by member.

Everything is summed by the database, within the period's part of an index. What
is reserved and not settled yet does not count. Reads only.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Double, Row, Select, cast, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from bot.messages import Usage
from bot.spending import DAY, Line, Period, Report, Spent
from bot.store import tables as t
from bot.store.transactions import Transactions, unbroken

_Select: TypeAlias = Select[*tuple[Any, ...]]
_Row: TypeAlias = Row[*tuple[Any, ...]]

MOST_NAMED = 10
"""Models and members that a report has by name."""


class _Whole(FunctionElement[int]):
    """A number that is not negative, rounded down to a whole one: a plain cast does so on SQLite only."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Whole, "postgresql")
def _whole_on_postgresql(element: _Whole, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **options)}) AS BIGINT)"


@compiles(_Whole, "sqlite")
def _whole_on_sqlite(element: _Whole, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


class Spendings(Transactions):
    """The methods of `Store` that know what was consumed when, by whom and with which models."""

    @unbroken
    async def spent(self, since: float, *, guild_id: int | None = None, user_id: int | None = None) -> Spent:
        """What was consumed since a moment; by everybody and everywhere, unless a server or a person is named."""
        async with self._read() as db:
            return _spent((await db.execute(_sums().where(*_counted(since, guild_id, user_id)))).one())

    @unbroken
    async def report(
        self, period: Period, *, guild_id: int | None = None, user_id: int | None = None, by_member: bool = False
    ) -> Report:
        """What was consumed in a period, in a server or by a person, and how it is divided."""
        now, usage = self._clock(), t.usage.c
        counted = _counted(period.since(now), guild_id, user_id)
        slot = _slot(period.slot_seconds)
        async with self._read() as db:
            whole = (
                await db.execute(
                    _sums(
                        func.count(usage.model.distinct()).label("models"),
                        func.count(usage.user_id.distinct()).label("members"),
                    ).where(*counted)
                )
            ).one()
            by_slot = await db.execute(_sums(slot.label("slot")).where(*counted).group_by(slot).order_by(slot))
            models = await _largest(db, usage.model, counted)
            members = await _largest(db, usage.user_id, counted) if by_member else ()
            return Report(
                period,
                period.first_slot(now),
                _spent(whole),
                tuple((row.slot, _spent(row)) for row in by_slot),
                models,
                whole.models,
                members,
                whole.members if by_member else 0,
            )

    @unbroken
    async def spent_lines(
        self, period: Period, *, most: int, guild_id: int | None = None, user_id: int | None = None
    ) -> list[Line]:
        """What was consumed in a period by day, model and member: at most `most` lines, newest days first."""
        usage, day = t.usage.c, _slot(DAY)
        wanted = (
            _sums(day.label("day"), usage.model, usage.user_id)
            .where(*_counted(period.since(self._clock()), guild_id, user_id))
            .group_by(day, usage.model, usage.user_id)
            .order_by(day.desc(), usage.model, usage.user_id)
            .limit(most)
        )
        async with self._read() as db:
            return [Line(row.day, row.model, row.user_id, _spent(row)) for row in await db.execute(wanted)]

    @property
    def database_name(self) -> str:
        """Which kind of database this is, as people call it."""
        return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[self._engines.reader.dialect.name]


def _counted(since: float, guild_id: int | None, user_id: int | None) -> list[ColumnElement[bool]]:
    """Which rows of the ledger count."""
    usage = t.usage.c
    conditions = [usage.at >= since, ~usage.pending]
    if guild_id is not None:
        conditions.append(usage.guild_id == guild_id)
    if user_id is not None:
        conditions.append(usage.user_id == user_id)
    return conditions


def _slot(seconds: int) -> ColumnElement[int]:
    return _Whole(t.usage.c.at / literal_column(f"{seconds}.0", Double))  # no parameter, for it is grouped by


def _sums(*also: ColumnElement[Any]) -> _Select:
    usage = t.usage.c
    summed = (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.cached_tokens, usage.cost)
    return select(
        *also,
        func.count().label("requests"),
        *(cast(func.sum(column), BigInteger).label(f"sum_{column.name}") for column in summed),
        func.count(usage.cost).label("priced"),
    )


def _spent(row: _Row) -> Spent:
    usage = Usage(
        row.sum_prompt_tokens or 0,
        row.sum_completion_tokens or 0,
        row.sum_reasoning_tokens or 0,
        row.sum_cached_tokens or 0,
        row.sum_cost,
    )
    return Spent(row.requests, usage, row.requests - row.priced)


async def _largest(
    db: AsyncConnection, column: ColumnElement[Any], counted: list[ColumnElement[bool]]
) -> tuple[tuple[Any, Spent], ...]:
    """The costliest values of a column, and then those with the most tokens."""
    usage = t.usage.c
    wanted = (
        _sums(column.label("of"))
        .where(*counted)
        .group_by(column)
        .order_by(
            func.coalesce(func.sum(usage.cost), 0).desc(),
            func.sum(usage.prompt_tokens + usage.completion_tokens).desc(),
            column,
        )
        .limit(MOST_NAMED)
    )
    return tuple((row.of, _spent(row)) for row in await db.execute(wanted))
