"""Reads message components and holds them against Discord's rules."""

from __future__ import annotations

from typing import Any

from bot.messages import JsonValue
from bot.playground.discord.faults import Faults


def read_components(faults: Faults, value: JsonValue, *, v2: bool) -> list[dict[str, Any]]:
    """The components as Discord keeps them."""
    return [dict(item) for item in faults.objects(("components",), value, 40 if v2 else 5)]
