"""Requests as they stand in the ledger, reserved and settled, for tests of what is counted and told."""

from __future__ import annotations

from bot.limits import Bill, Reached
from bot.messages import Conversation, Usage
from bot.store import Store

ESTIMATE = Usage(1_000, 2_000, 0, 0, 5_000_000)


async def pay(
    store: Store,
    turn_id: int,
    conversation: Conversation,
    usage: Usage,
    *,
    user_id: int = 20,
    model: str = "moon/kimi",
    is_title: bool = False,
) -> None:
    """Enter a request that has consumed so much."""
    bill = Bill(turn_id, conversation.id, conversation.guild_id, user_id, is_title=is_title)
    reserved = await store.reserve(bill, model=model, key_id="", estimate=ESTIMATE)
    assert not isinstance(reserved, Reached)
    await store.settle(reserved.id, usage)
