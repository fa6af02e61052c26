"""Entries of the audit log as lines for people: who changed what, from what to what, and when.

Pure. Settings are shown by their titles and units, long texts by their
beginnings; entries of other kinds, such as that of a key, as far as they can be
read. This module knows nothing of the log's table.
"""

from __future__ import annotations

import json

from bot.deciding import ROLES_OWN
from bot.guild import GuildSettings
from bot.messages import JsonObject, JsonValue
from bot.setting_values import OFF, amount, title_of
from bot.setting_words import Facts, Kind, channel, code, humanised, kind_of, named, role

_LONGEST = 40
_MOST_ITEMS = 3
"""Items of a list that one entry names."""
_MOST_ROLES = 2
"""Limits of roles that one entry names."""


def entry(user_id: int, what: str, before: JsonValue, after: JsonValue, at: float, facts: Facts) -> str:
    """One change, in two lines of at most 320 characters in all."""
    title = title_of(what) if what in GuildSettings.model_fields else humanised(what)[:_LONGEST].capitalize()
    return f"<t:{int(at)}:R> <@{user_id}> **{title}**\n> {_change(what, before, after, facts)}"


def _change(what: str, before: JsonValue, after: JsonValue, facts: Facts) -> str:
    if what not in GuildSettings.model_fields:
        return " → ".join([_other(before), _other(after)])
    if what == ROLES_OWN:
        return _roles(before, after, facts)
    if isinstance(before or after, list):
        return _lists(what, before, after, facts)
    return f"{_value(what, before, facts)} → {_value(what, after, facts)}"


def _value(what: str, value: JsonValue, facts: Facts) -> str:
    """A setting's value, as it was stored."""
    kind = kind_of(what)
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    if kind is Kind.NUMBER:
        return _amount(what, value)
    if kind is Kind.CHANNEL and isinstance(value, int):
        return channel(value, facts)
    return humanised(value) if kind is Kind.CHOICE and isinstance(value, str) else _other(value)


def _amount(limit: str, value: JsonValue) -> str:
    if isinstance(value, int) and limit in GuildSettings.model_fields:
        return amount(limit, value)
    return OFF if value in (None, OFF) else _other(value)


def _lists(what: str, before: JsonValue, after: JsonValue, facts: Facts) -> str:
    """What came to a list and what left it."""
    old, new = (_items(what, value) for value in (before, after))
    changes = [f"+ {_item(what, item, facts)}" for item in new if item not in old]
    changes += [f"− {_item(what, item, facts)}" for item in old if item not in new]
    return named(changes, _MOST_ITEMS) or "another order"


def _items(what: str, value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else list(GuildSettings.model_fields[what].default)


def _item(what: str, item: JsonValue, facts: Facts) -> str:
    if not isinstance(item, int):
        return code(str(item), _LONGEST)
    return role(item, facts) if kind_of(what) is Kind.ROLES else channel(item, facts)


def _roles(before: JsonValue, after: JsonValue, facts: Facts) -> str:
    """What changed in the roles' own limits."""
    old, new = (value if isinstance(value, dict) else {} for value in (before, after))
    changes: list[str] = []
    for role_id in dict.fromkeys((*old, *new)):
        was, now = _limits(old.get(role_id)), _limits(new.get(role_id))
        changes += [
            f"{role(int(role_id), facts)} {title_of(name)}: {_own(was, name)} → {_own(now, name)}"
            for name in dict.fromkeys((*was, *now))
            if name in GuildSettings.model_fields and (name in was, was.get(name)) != (name in now, now.get(name))
        ]
    return named(changes, _MOST_ROLES)


def _limits(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _own(limits: JsonObject, name: str) -> str:
    return _amount(name, limits[name]) if name in limits else "the server's"


def _other(value: JsonValue) -> str:
    """Any value, shortened, and shown as it is."""
    if value is None:
        return "nothing"
    return code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _LONGEST)
