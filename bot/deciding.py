"""Changing a server's settings so that nobody overrides what they have not seen.

Pure. Who decides from a panel has seen one state of a setting; where another
admin has changed it since, nothing is changed. A decision is made on the stored
settings in the transaction that stores it. This module knows nothing of panels
or databases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeAlias

from pydantic import ValidationError

from bot.errors import ForUser
from bot.guild import GuildSettings
from bot.messages import JsonObject, JsonValue

ROLES_OWN = "role_limits"
_MOST = ("maxItems", "maxProperties")
"""How JSON Schema calls the greatest length of a list, and of a mapping."""


class Off(Enum):
    """A limit that was turned off, in contrast to one that has its default because nothing is stored."""

    OFF = "off"


Decision: TypeAlias = Callable[[JsonObject], Mapping[str, "JsonValue | Off"]]
"""What `Servers.change_settings` takes."""


class StaleError(Exception):
    """Read by whoever shows settings: what was shown is not what is stored any more, so nothing was changed."""


def fingerprint(stored: JsonObject, name: str, role_id: int | None = None) -> str:
    """A few letters that differ when the stored value does, or that of a role."""
    value: list[JsonValue] = [stored[name]] if name in stored else []
    if role_id is not None:
        value = [_own(stored).get(str(role_id))]
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()


def decide(name: str, value: JsonValue | Off, *, seen: str | None = None) -> Decision:
    """Give a setting a value; None takes the stored one out. `seen` is the fingerprint of what was shown.

    The decision raises StaleError, or ForUser for a value that the setting does not take.
    """
    if value is Off.OFF and GuildSettings.model_fields[name].default is None:
        value = None

    def change(stored: JsonObject) -> Mapping[str, JsonValue | Off]:
        if _current(stored, name) == value:
            return {}
        if seen is not None and seen != fingerprint(stored, name):
            raise StaleError
        return _checked(stored, name, value)

    return change


def decide_for_role(role_id: int, limit: str | None, value: int | Off | None, *, seen: str | None = None) -> Decision:
    """Give a role its own value of a limit; None takes it out, and without `limit` all of the role's. As `decide`."""

    def change(stored: JsonObject) -> Mapping[str, JsonValue | Off]:
        before = _own(stored)
        mine = before.get(str(role_id), {})
        own: JsonObject = {} if limit is None else {key: kept for key, kept in mine.items() if key != limit}
        if limit is not None and value is not None:
            own[limit] = None if value is Off.OFF else value
        if own == mine:
            return {}
        if seen is not None and seen != fingerprint(stored, ROLES_OWN, role_id):
            raise StaleError
        after: JsonObject = {key: kept for key, kept in before.items() if key != str(role_id)}
        if own:
            after[str(role_id)] = own
        return _checked(stored, ROLES_OWN, after or None)

    return change


def _own(stored: JsonObject) -> dict[str, JsonObject]:
    """The roles' own limits as they are stored."""
    found = stored.get(ROLES_OWN)
    return {key: own for key, own in found.items() if isinstance(own, dict)} if isinstance(found, dict) else {}


def _current(stored: JsonObject, name: str) -> JsonValue | Off:
    return Off.OFF if name in stored and stored[name] is None else stored.get(name)


def _checked(stored: JsonObject, name: str, value: JsonValue | Off) -> Mapping[str, JsonValue | Off]:
    """One change, which leaves settings that can be read again. Raises ForUser."""
    changed: JsonObject = {key: kept for key, kept in stored.items() if key != name}
    if value is not None:
        changed[name] = None if value is Off.OFF else value
    try:
        GuildSettings.model_validate(changed)
    except ValidationError:
        most = GuildSettings.model_json_schema()["properties"][name].get(_MOST[name == ROLES_OWN])
        at_most = f" It takes at most {most:,}." if most else ""
        raise ForUser(f"**{GuildSettings.model_fields[name].title}** does not take this.{at_most}") from None
    return {name: value}
