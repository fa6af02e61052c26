"""The limits of a server: which hold for one member, when one is reached, and how that is said.

Pure rules over what has been used; who counts that, and how nothing is counted
twice, is the ledger's business. Windows slide: an hour is the last hour. This
module knows nothing of Discord, models or databases.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from bot.errors import LimitExceeded
from bot.guild import LIMITS, ROLE_LIMITS, GuildSettings

HOUR = 3_600
DAY = 24 * HOUR
MONTH = 30 * DAY

_CENT = 10_000_000

LEAST_ANSWER = 1_024
"""Tokens that an answer may always take, however little of a budget is left; shorter ones are of no use to anybody."""


class Measure(Enum):
    """What a cap counts."""

    QUESTIONS = auto()
    TOKENS = auto()
    COST = auto()
    RUNNING = auto()
    """Answers that are running now, whatever the window."""


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit with its value. `seconds` is the length of its window; `most` is in the measure's own unit."""

    name: str
    measure: Measure
    per_member: bool
    seconds: int
    most: int


_WINDOWS = {
    "requests_per_user_hour": (Measure.QUESTIONS, True, HOUR),
    "requests_per_server_hour": (Measure.QUESTIONS, False, HOUR),
    "tokens_per_user_day": (Measure.TOKENS, True, DAY),
    "usd_per_user_day": (Measure.COST, True, DAY),
    "usd_per_server_day": (Measure.COST, False, DAY),
    "usd_per_server_month": (Measure.COST, False, MONTH),
    "concurrent_per_user": (Measure.RUNNING, True, 0),
    "concurrent_per_server": (Measure.RUNNING, False, 0),
}


def effective(settings: GuildSettings, roles: Collection[int], ceilings: Mapping[str, int]) -> GuildSettings:
    """A server's settings as they hold for a member with these roles.

    A member with roles that have a value of their own gets the most generous of
    those, off being more generous than any number; the operator's ceiling binds all.
    """
    values = {name: _effective(name, settings, roles, ceilings.get(name)) for name in LIMITS}
    return settings.model_copy(update=values)


def outside_servers(settings: GuildSettings) -> GuildSettings:
    """The settings without what they say of everybody in a server together.

    In direct messages only the operator's ceilings do so, for all of them together.
    """
    return settings.model_copy(update=dict.fromkeys(name for name, window in _WINDOWS.items() if not window[1]))


def caps(settings: GuildSettings) -> tuple[Cap, ...]:
    """What is counted for whom these settings hold. Of several that are reached the first is named: places first."""
    found = ((name, getattr(settings, name)) for name in reversed(_WINDOWS))
    return tuple(Cap(name, *_WINDOWS[name], most) for name, most in found if most is not None)


def _effective(name: str, settings: GuildSettings, roles: Collection[int], ceiling: int | None) -> int | None:
    value: int | None = getattr(settings, name)
    if name in ROLE_LIMITS:
        own = [limits[name] for role, limits in settings.role_limits.items() if role in roles and name in limits]
        if own:
            value = None if None in own else max(most for most in own if most is not None)
    if value is None or ceiling is None:
        return ceiling if value is None else value
    return min(value, ceiling)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, with which roles, and when (Unix seconds)."""

    id: int
    roles: tuple[int, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Bill:
    """To whose account a model request goes, and what holds for it. `guild_id` is None in direct messages."""

    turn_id: int
    conversation_id: int
    guild_id: int | None
    user_id: int
    caps: tuple[Cap, ...] = ()
    dms_count: bool = False
    """Whether what the member asked in direct messages counts towards the caps on one member."""
    is_title: bool = False
    """It is no question of anybody's, only paid by them."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A cap that leaves nothing. `frees_at` is when there is room again, in Unix seconds, where time alone helps."""

    cap: Cap
    used: int
    frees_at: float | None
    is_set_aside: bool = False
    """Only because of what is reserved for answers that are running, which is more than they will come to."""
    in_server: bool = True
    """Else in direct messages, where only the operator may set such a limit."""

    @property
    def error(self) -> LimitExceeded:
        """What to raise: it says which limit, how much of it is used, and when there is room again."""
        show = _dollars if self.cap.measure is Measure.COST else _plain
        where = "this server" if self.in_server else "all direct messages with me together"
        told = _USED[self.cap.name].format(used=show(self.used), most=show(self.cap.most), where=where)
        return LimitExceeded(f"{told} {self._remedy()}")

    def _remedy(self) -> str:
        if self.cap.measure is Measure.RUNNING:
            return "Please ask again when one of them has ended."
        if self.cap.most == 0:
            return f"Please ask {'a server admin' if self.in_server else 'the operator of this bot'} if you need it."
        if self.is_set_aside:
            return "Some of it is only set aside for answers that are running. Please ask again when they have ended."
        if self.frees_at is None:
            return "Please try again later."
        return f"There is room again <t:{math.ceil(self.frees_at)}:R>."


@dataclass(frozen=True, slots=True)
class Left:
    """What budgets leave for a request; None where there is none. `cost` is in nanodollars."""

    tokens: int | None = None
    cost: int | None = None


def _plain(number: int) -> str:
    return f"{number:,}"


def _dollars(nanodollars: int) -> str:
    """To a hundredth of a cent, sums below a cent to the last digit, and never less than cents."""
    whole, decimals = f"{nanodollars / 1e9:,.{4 if nanodollars >= _CENT else 9}f}".split(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"


_USED = {
    "requests_per_user_hour": "You have asked {used} of the {most} questions that one member may ask within an hour.",
    "requests_per_server_hour": "{used} of the {most} questions that {where} may ask within an hour are asked.",
    "tokens_per_user_day": "You have used {used} of the {most} tokens that one member may use within 24 hours.",
    "usd_per_user_day": "You have used {used} of the {most} that one member may spend within 24 hours.",
    "usd_per_server_day": "{used} of the {most} that {where} may spend within 24 hours are used.",
    "usd_per_server_month": "{used} of the {most} that {where} may spend within 30 days are used.",
    "concurrent_per_user": "{used} of the {most} answers that one member may have at once are running for you.",
    "concurrent_per_server": "{used} of the {most} answers that {where} may have at once are running.",
}


def answers_in(settings: GuildSettings, channels: Collection[int]) -> bool:
    """Whether anybody may ask in a channel; `channels` are as `may_ask_here` has them."""
    return not settings.allowed_channels or not set(settings.allowed_channels).isdisjoint(channels)


def may_ask_here(settings: GuildSettings, channels: Collection[int], roles: Collection[int]) -> str | None:
    """Why a member may not ask here at all, as a sentence; None where they may.

    `channels` are the channel and, of a thread, the one it belongs to.
    """
    if not answers_in(settings, channels):
        named = ", ".join(f"<#{channel}>" for channel in settings.allowed_channels[:10])
        return f"In this server I answer in some channels only. Please ask me there: {named}."
    if settings.allowed_roles and not set(settings.allowed_roles) & set(roles):
        return "In this server only members with certain roles may ask me. A server admin can give you one of them."
    return None
