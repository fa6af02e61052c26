"""What a key may still spend, as far as the model's server tells, and how that is said.

Pure. Money is nanodollars. This module knows nothing of how a server is asked.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.messages import JsonObject, JsonValue

_RESETS = {"daily": "every day", "weekly": "every week", "monthly": "every month"}
_MOST = 10**9
"""Dollars; a number beyond is no amount of money."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is known of a key. None is unknown, or for `limit` and `left`: the key has no limit of its own."""

    limit: int | None = None
    left: int | None = None
    """Of the limit; never below zero."""
    resets: str | None = None
    """How often the limit starts anew, in words."""
    used_today: int | None = None
    expires_at: float | None = None
    """Unix seconds."""
    is_management: bool = False
    """Whether it is a key that manages keys and cannot ask a model."""

    @property
    def is_spent(self) -> bool:
        return self.left == 0


def read_allowance(data: JsonObject) -> Allowance:
    """What a server's answer says (OpenRouter, "Get current API key"); what makes no sense in it is unknown."""
    limit, left = _money(data.get("limit")), data.get("limit_remaining")
    resets = data.get("limit_reset")
    is_management = data.get("is_management_key") is True or data.get("is_provisioning_key") is True
    return Allowance(
        limit=limit,
        left=None if limit is None else _money(left),
        resets=_RESETS.get(resets) if isinstance(resets, str) else None,
        used_today=_money(data.get("usage_daily")),
        expires_at=_moment(data.get("expires_at")),
        is_management=is_management,
    )


def left_to_spend(allowance: Allowance) -> str:
    """How much a key may still spend, as a phrase."""
    if allowance.limit is None or allowance.left is None:
        return "it has no spending limit of its own"
    return f"{dollars(allowance.left)} of {dollars(allowance.limit)} are left to spend"


def dollars(amount: int) -> str:
    """An amount for people, to the cent: one that is left is never said to be more than it is."""
    return f"${amount // 10**7 / 100:,.2f}"


def _money(value: JsonValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value > _MOST:
        return None
    return max(0, round(value * 10**9))


def _moment(value: JsonValue) -> float | None:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return None
    try:
        moment = datetime.fromisoformat(value[:40])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
