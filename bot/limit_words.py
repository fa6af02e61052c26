"""The limits of a server and of its roles, in words for `/limits`.

Pure. This module knows nothing of commands, nor of how limits are kept.
"""

from __future__ import annotations

from bot.guild import LIMITS, ROLE_LIMITS
from bot.panel import Panel
from bot.panel_items import fitted
from bot.setting_values import amount, effective, title_of
from bot.setting_words import role

_ROLES_SHOWN = 8


def all_limits(panel: Panel) -> str:
    """Every limit with what holds, the operator's ceilings, and the roles' own."""
    lines = ["**Limits of this server**", *(f"- {_limit(panel, name)}" for name in LIMITS)]
    owning = panel.settings.role_limits
    if owning:
        lines.append("**Roles' own limits** (whoever has several has the most generous value)")
    lines += [f"- {role(role_id, panel.facts)}: {_own(panel, role_id)}" for role_id in list(owning)[:_ROLES_SHOWN]]
    if len(owning) > _ROLES_SHOWN:
        lines.append(f"- and {len(owning) - _ROLES_SHOWN:,} more roles; `/limits role` shows one")
    return fitted(lines)


def one_limit(panel: Panel, name: str, role_id: int | None) -> str:
    """One sentence: what a limit is now, for a role or for the server."""
    own = {} if role_id is None else panel.settings.role_limits.get(role_id, {})
    whose = "" if role_id is None else f" for {role(role_id, panel.facts)}"
    if role_id is not None and name not in own:
        return f"**{title_of(name)}**{whose} is the server's now: {_limit(panel, name)}"
    value = own[name] if role_id is not None else getattr(panel.settings, name)
    return f"**{title_of(name)}**{whose} is now: {_holding(panel, name, value)}."


def role_limits(panel: Panel, role_id: int) -> str:
    """One role's own values, and what its members have of the server's."""
    own, settings = panel.settings.role_limits.get(role_id, {}), panel.settings
    lines = [f"**Limits of {role(role_id, panel.facts)}**"]
    for name in ROLE_LIMITS:
        value = own[name] if name in own else getattr(settings, name)
        origin = "its own" if name in own else "the server's"
        lines.append(f"- `{name}` · {_holding(panel, name, value)} ({origin})")
    return fitted(lines)


def _limit(panel: Panel, name: str) -> str:
    default = "" if name in panel.stored else " (default)"
    return f"`{name}` · {_holding(panel, name, getattr(panel.settings, name))}{default}"


def _own(panel: Panel, role_id: int) -> str:
    own = panel.settings.role_limits[role_id]
    return ", ".join(f"`{name}` {_holding(panel, name, value)}" for name, value in own.items())


def _holding(panel: Panel, name: str, value: int | None) -> str:
    """A value, and the operator's ceiling where there is one, with what of both holds."""
    ceilings = panel.facts.ceilings
    if name not in ceilings:
        return amount(name, value)
    is_less = effective(name, value, ceilings) != value
    held = "the operator's ceiling holds: " if is_less else "the operator's ceiling is "
    return f"{amount(name, value)}; {held}{amount(name, ceilings[name])}"
