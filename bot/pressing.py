"""What a press of the panel's controls, or what was typed into its forms, makes of a setting.

Pure: the panel as it is now and what came from Discord in, the value to store
out; None takes the stored one out. Whatever came is checked, for it comes from
outside. This module knows nothing of how values are stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.choosing import pick
from bot.deciding import Off, StaleError
from bot.effort import EFFORTS
from bot.errors import ForUser
from bot.guild import GuildSettings
from bot.incoming import is_blank
from bot.messages import JsonValue
from bot.panel import Panel
from bot.panel_items import MOST_OPTIONS
from bot.setting_values import read
from bot.setting_words import Facts, Kind, choices_of, code, kind_of, known_tools, vanished

OTHER_VERSION = "This panel is of another version of me. Please open `/settings` again."
_LONGEST_NAME = 200
_PATTERN = re.compile(r"[\w.+:/~@*-]+", re.ASCII)


def known(name: str) -> str:
    """A setting's name that came from outside. Raises ForUser."""
    if name not in GuildSettings.model_fields:
        raise ForUser(OTHER_VERSION)
    return name


def snowflake(value: str) -> int:
    """An id that came from outside. Raises ForUser."""
    if not re.fullmatch(r"[0-9]{1,20}", value):
        raise ForUser(OTHER_VERSION)
    return int(value)


def chosen(panel: Panel, name: str, values: Sequence[str]) -> JsonValue:
    """What a select makes of a setting. Raises ForUser."""
    settings, kind = panel.settings, kind_of(name)
    match kind:
        case Kind.CHOICE | Kind.EFFORT:
            return _one_of(values, choices_of(name) or EFFORTS)
        case Kind.MODEL:
            return _model(panel, " ".join(values))
        case Kind.CHANNEL:
            return snowflake(values[0]) if values else None
        case Kind.TOOLS:
            shown = known_tools(settings, panel.facts)
            tools = [_one_of([value], shown) for value in values]
            return [*tools, *(tool for tool in settings.tools if tool in shown[MOST_OPTIONS:])]
        case Kind.CHANNELS | Kind.FORUMS | Kind.ROLES:
            return [*map(snowflake, values), *vanished(name, settings, panel.facts)] or None
        case _:
            raise ForUser(OTHER_VERSION)


def added(panel: Panel, name: str, values: Sequence[str], *, seen: str) -> JsonValue:
    """What a select that adds to a list makes of it. Raises StaleError, ForUser."""
    return list(dict.fromkeys((*_items(panel, name, seen), *map(snowflake, values))))


def taken_out(panel: Panel, name: str, values: Sequence[str], *, seen: str) -> JsonValue:
    """What is left of a list without the items at these places. Raises StaleError, ForUser."""
    places = set(map(snowflake, values))
    return [item for place, item in enumerate(_items(panel, name, seen)) if place not in places] or None


def written(panel: Panel, name: str, text: str) -> JsonValue | Off:
    """What a form makes of a setting. Raises ForUser."""
    match kind_of(name):
        case Kind.NUMBER:
            value = read(name, text, ceilings=panel.facts.ceilings)
            return Off.OFF if value is None else value
        case Kind.TEXT:
            return None if is_blank(text) else text
        case Kind.MODEL:
            return None if is_blank(text) else _model(panel, text)
        case Kind.MODELS:
            names = dict.fromkeys(filter(None, (part.strip() for part in re.split(r"[\n,]", text))))
            return [_allowed(item, panel.settings, panel.facts) for item in names] or None
        case _:
            raise ForUser(OTHER_VERSION)


def _items(panel: Panel, name: str, seen: str) -> tuple[str | int, ...]:
    """A list of which something is changed by its place, so that it must be the one that was seen."""
    if kind_of(name) not in (Kind.CHANNELS, Kind.FORUMS, Kind.ROLES, Kind.MODELS):
        raise ForUser(OTHER_VERSION)
    if seen != panel.seen(name):
        raise StaleError
    return getattr(panel.settings, name)


def _one_of(values: Sequence[str], choices: Sequence[str]) -> str:
    if len(values) != 1 or values[0] not in choices:
        raise ForUser(OTHER_VERSION)
    return values[0]


def _model(panel: Panel, name: str) -> str:
    return pick(name, permitted=panel.settings.allowed_models, catalogue=panel.facts.catalogue).model


def _allowed(name: str, settings: GuildSettings, facts: Facts) -> str:
    """One line of the allowed models: a model, or a pattern that some model fits. What was allowed stays so."""
    if name in settings.allowed_models:
        return name
    if len(name) > _LONGEST_NAME:
        raise ForUser("A model's name is too long. Please write one name a line, such as `moonshotai/*`.")
    if "*" not in name:
        try:
            return pick(name, permitted=(), catalogue=facts.catalogue).model
        except ForUser as error:
            raise ForUser(f"{code(name)}: {error}") from error
    if not _PATTERN.fullmatch(name) or not facts.is_listed(name):
        raise ForUser(f"No model that I know fits {code(name)}. `*` stands for anything, as in `moonshotai/*`.")
    return name
