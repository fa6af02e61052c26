"""The database: conversations, turns, the usage ledger and small things, behind one class.

Everything outside this package sees `Store` and the values of `bot/messages.py`;
no row, query or connection leaves it.
"""

from bot.store.store import Store

__all__ = ["Store"]
