"""The numbers in settings, as people type and read them.

Pure. What is typed is either understood in the one way that it can be meant, or
refused with a sentence that names the range and the unit; so a comma that could
be a decimal point is never guessed at. Money is whole nanodollars inside and
decimal text outside. This module knows nothing of where things are typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bot.errors import ForUser
from bot.guild import GuildSettings, Unit, unit_of

OFF = "off"
"""What stands for a limit that does not hold, typed and shown."""
DECIMALS = 9
"""Of a dollar: the smallest amount is a nanodollar."""

_LONGEST = 60
_NANO = 10**DECIMALS
_WORDS = {
    Unit.QUESTIONS: ("questions", "question"),
    Unit.TOKENS: ("tokens", "token"),
    Unit.DOLLARS: ("us dollars", "us dollar", "dollars", "dollar", "usd", "$"),
    Unit.ANSWERS: ("running answers", "running answer", "answers", "answer"),
    Unit.CALLS: ("tool calls", "tool call", "calls", "call"),
    Unit.KILOBYTES: ("kilobytes", "kilobyte", "kb"),
    Unit.FILES: ("files", "file"),
    Unit.DAYS: ("days", "day"),
}
_IN_THOUSANDS = frozenset({Unit.QUESTIONS, Unit.TOKENS, Unit.DOLLARS})
"""Units in which `k` and `m` can only be a thousand and a million."""
_THOUSANDS = {"k": 1_000, "m": 1_000_000}
_SPACES = " _'’\u00a0\u2009\u202f"
_GROUPED = re.compile(rf"([1-9][0-9]{{0,2}})([,.{_SPACES}])([0-9]{{3}}(?:\2[0-9]{{3}})*)")
_DECIMAL = re.compile(r"([0-9]*)[.,]([0-9]+)")
_BOTH = re.compile(rf"([1-9][0-9]{{0,2}}([,.{_SPACES}])[0-9]{{3}}(?:\2[0-9]{{3}})*)(?!\2)[.,]([0-9]+)")
_SCHEMA: dict[str, Any] = GuildSettings.model_json_schema()["properties"]


class _AmbiguousError(Exception):
    """Read by `read`: the text stands for two numbers."""


def may_be_off(name: str) -> bool:
    """Whether a setting may have no value at all."""
    return any(kind.get("type") == "null" for kind in _SCHEMA[name].get("anyOf", ()))


def range_of(name: str) -> tuple[int, int]:
    """The least and the most that a setting with a number takes."""
    kind = next((kind for kind in _SCHEMA[name].get("anyOf", ()) if kind.get("type") == "integer"), _SCHEMA[name])
    return kind["minimum"], kind["maximum"]


def title_of(name: str) -> str:
    """A setting's name for people."""
    return GuildSettings.model_fields[name].title or name


def read(name: str, text: str, *, ceilings: Mapping[str, int]) -> int | None:
    """The value that somebody typed for a setting with a number; None is off. `ceilings` are the operator's.

    Raises ForUser with what the setting takes.
    """
    text = text.strip().casefold()
    if text.strip("`'\"") == OFF:
        if not may_be_off(name):
            raise ForUser(f"**{title_of(name)}** cannot be off. {takes(name, ceilings)}")
        return None
    try:
        number = _number(text, unit_of(name)) if len(text) <= _LONGEST else None
    except _AmbiguousError:
        raise ForUser(
            "This could mean two different numbers. Please write it without separators between the thousands, "
            f"such as 1500. {takes(name, ceilings)}"
        ) from None
    if number is None:
        raise ForUser(f"I cannot read this as a number. {takes(name, ceilings)}")
    return _checked(name, number, ceilings)


def _checked(name: str, number: Decimal, ceilings: Mapping[str, int]) -> int:
    """A number as it is stored. Raises ForUser for one that the setting does not take."""
    value = number * _NANO if unit_of(name) is Unit.DOLLARS else number
    if value != int(value):
        raise ForUser(f"This number has too many decimals. {takes(name, ceilings)}")
    least, most = range_of(name)
    if not least <= value <= most:
        raise ForUser(f"This is out of range. {takes(name, ceilings)}")
    if value > ceilings.get(name, most):
        raise ForUser(
            f"The operator of this bot allows at most {amount(name, ceilings[name])} here. {takes(name, ceilings)}"
        )
    return int(value)


def takes(name: str, ceilings: Mapping[str, int]) -> str:
    """One sentence: which values a setting with a number takes, in which unit."""
    return f"**{title_of(name)}** takes {what_it_takes(name, ceilings)}."


def what_it_takes(name: str, ceilings: Mapping[str, int]) -> str:
    """Which values a setting with a number takes, in which unit."""
    least, most = _bounds(name, ceilings)
    unit = unit_of(name)
    if unit is Unit.DOLLARS:
        what = f"US dollars from {amount(name, least)} to {amount(name, most)}, with up to {DECIMALS} decimals"
    else:
        what = f"a whole number{f' of {unit.value}' if unit else ''} from {least:,} to {most:,}"
    return f"{what}{f', or `{OFF}`' if may_be_off(name) else ''}"


def in_brief(name: str, ceilings: Mapping[str, int]) -> str:
    """The same, short enough to stand above a field."""
    least, most = _bounds(name, ceilings)
    first = amount(name, least) if unit_of(name) is Unit.DOLLARS else f"{least:,}"
    return f"{first} to {amount(name, most)}{f', or {OFF}' if may_be_off(name) else ''}"


def _bounds(name: str, ceilings: Mapping[str, int]) -> tuple[int, int]:
    least, most = range_of(name)
    return least, min(most, ceilings.get(name, most))


def amount(name: str, value: int | None) -> str:
    """A value for people, with its unit: `60 questions`, `$2.50`, `off`."""
    if value is None:
        return OFF
    unit = unit_of(name)
    if unit is Unit.DOLLARS:
        whole, _, decimals = _dollars(value).partition(".")
        return f"${int(whole):,}.{decimals}"
    if unit is None:
        return f"{value:,}"
    return f"{value:,} {_WORDS[unit][1] if value == 1 and unit is not Unit.ANSWERS else unit.value}"


def typed(name: str, value: int | None) -> str:
    """A value as it is typed, to begin with where it is changed."""
    if value is None:
        return OFF
    return _dollars(value) if unit_of(name) is Unit.DOLLARS else str(value)


def effective(name: str, value: int | None, ceilings: Mapping[str, int]) -> int | None:
    """What holds: the server's value, or the operator's ceiling where that is less."""
    return min((limit for limit in (value, ceilings.get(name)) if limit is not None), default=None)


def _dollars(nanodollars: int) -> str:
    """Plain decimal text. Never with three decimals, which could be read as thousands."""
    whole, rest = divmod(nanodollars, _NANO)
    decimals = f"{rest:0{DECIMALS}}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals + '0' if len(decimals) == 3 else decimals}"


def _number(text: str, unit: Unit | None) -> Decimal | None:
    """The number in a text, its unit's words left out; None if there is none. Raises _AmbiguousError."""
    for word in _WORDS[unit] if unit else ():
        if text.endswith(word):
            text = text.removesuffix(word).rstrip()
            break
    if unit is Unit.DOLLARS:
        text = text.removeprefix("us").removeprefix("$").lstrip()
    factor = 1
    if unit in _IN_THOUSANDS and text[-1:] in _THOUSANDS:
        text, factor = text[:-1].rstrip(), _THOUSANDS[text[-1]]
    number = _plain(text, is_whole=unit is not Unit.DOLLARS and factor == 1)
    return None if number is None else number * factor


def _plain(text: str, *, is_whole: bool) -> Decimal | None:
    """Digits with separators as people write them; None for anything else. Raises _AmbiguousError."""
    if re.fullmatch("[0-9]+", text):
        return Decimal(text)
    if both := _BOTH.fullmatch(text):
        return Decimal(f"{re.sub('[^0-9]', '', both[1])}.{both[3]}")
    if grouped := _GROUPED.fullmatch(text):
        # One group after a comma or a point may be decimals. Whole numbers have none, and are shown with commas.
        is_clear = grouped[2] in _SPACES or len(grouped[3]) > 3 or (is_whole and grouped[2] == ",")
        if not is_clear:
            raise _AmbiguousError
        return Decimal(re.sub("[^0-9]", "", text))
    if decimal := _DECIMAL.fullmatch(text):
        return Decimal(f"{decimal[1] or 0}.{decimal[2]}")
    return None
