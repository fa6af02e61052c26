"""How hard a model may be asked to think: what it offers, and what its server's admins allow.

Pure. The names are OpenRouter's ("Reasoning tokens"). This module knows nothing
of who asks.
"""

from __future__ import annotations

from bot.model import ModelInfo

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From the least to the most."""
_USUAL = "medium"
"""What a model takes for its own default where it names none (OpenRouter, "Reasoning tokens")."""


def offered(info: ModelInfo | None, highest: str | None) -> tuple[str, ...]:
    """The efforts that members may choose for a model, least first; `highest` is the server's maximum, if any."""
    if info is None:
        return ()
    efforts = [effort for effort in info.efforts if effort != "none" or not info.must_reason]
    return tuple(sorted((effort for effort in efforts if _is_within(effort, highest)), key=_rank))


def allowed(effort: str | None, info: ModelInfo | None, highest: str | None) -> str | None:
    """What to ask a model for when `effort` is wanted, or its own default (None): that, or the most that is allowed."""
    meant = effort or (info.default_effort if info else None) or _USUAL
    if _is_within(meant, highest):
        return effort
    return highest if info is None else next(iter(reversed(offered(info, highest))), None)


def _is_within(effort: str, highest: str | None) -> bool:
    return highest is None or _rank(effort) <= _rank(highest)


def _rank(effort: str) -> int:
    """A name that is not known counts as the most."""
    return EFFORTS.index(effort) if effort in EFFORTS else len(EFFORTS)
