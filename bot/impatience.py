"""Requests to Discord that are given up rather than repeated when there are too many.

Knows how a request is marked for whoever watches the wire, and nothing of what is asked.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from bot.render.buckets import Kind
from bot.render.traffic import TICKET, Ticket


@contextmanager
def impatient() -> Generator[None]:
    """Let a 429 be raised at once: discord.py would wait, and being cancelled while it does may block it for good."""
    token = TICKET.set(Ticket((0, Kind.SEND), is_used=True))
    try:
        yield
    finally:
        TICKET.reset(token)
