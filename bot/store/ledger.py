"""The part of the store that knows what conversations have cost, and of the first names of threads.

How the ledger is written is in `reserving`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, func, select, update

from bot.messages import Spending, Usage
from bot.store import tables as t
from bot.store.transactions import Transactions, unbroken


class Ledger(Transactions):
    """The methods of `Store` that know what was consumed."""

    @unbroken
    async def spending(self, conversation_id: int) -> list[Spending]:
        """What each turn of a conversation has cost, oldest first, deleted turns and repeated attempts included."""
        async with self._read() as db:
            return [_read_spending(row) for row in await db.execute(_spending(conversation_id))]

    @unbroken
    async def take_first_name(self, conversation_id: int) -> str | None:
        """The name that a thread was opened with, once: None for whoever asks again, or where there is none."""
        known = t.conversations.c.id == conversation_id
        pending = select(t.conversations.c.title).where(known).with_for_update()
        async with self._write() as db:
            name = (await db.execute(pending)).scalar_one_or_none()
            if name:
                await db.execute(update(t.conversations).where(known).values(title=""))
            return name or None


def _spending(conversation_id: int) -> Select[*tuple[Any, ...]]:
    usage = t.usage.c
    return (
        select(
            usage.turn_id,
            func.count().label("requests"),
            func.sum(usage.prompt_tokens).label("prompt"),
            func.sum(usage.completion_tokens).label("completion"),
            func.sum(usage.reasoning_tokens).label("reasoning"),
            func.sum(usage.cached_tokens).label("cached"),
            func.sum(usage.cost).label("cost"),
        )
        .where(usage.conversation_id == conversation_id, ~usage.pending)
        .group_by(usage.turn_id)
        .order_by(usage.turn_id)
    )


def _read_spending(row: Row[*tuple[Any, ...]]) -> Spending:
    """PostgreSQL sums whole numbers to decimals."""
    tokens = (int(row.prompt), int(row.completion), int(row.reasoning), int(row.cached))
    return Spending(row.turn_id, row.requests, Usage(*tokens, cost=None if row.cost is None else int(row.cost)))
