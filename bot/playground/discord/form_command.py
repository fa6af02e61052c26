"""Reads the body of an application command and holds it against Discord's rules.

Source: Discord, "Application Commands". The result is the command as Discord
would answer it, completed with defaults.
"""

from __future__ import annotations

import re
from typing import Any

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import limits
from bot.playground.discord.faults import Faults, Path

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
_SUBCOMMAND, _GROUP, _STRING, _INTEGER, _NUMBER = 1, 2, 3, 4, 10
_OPTION_TYPES = range(1, 12)
_LOCALE = re.compile(r"[a-z]{2}(-[A-Za-z0-9]{2,3})?")
_CHAT_INPUT_NAME = re.compile(r"[-_'\w]{1,32}")


def read_commands(bodies: JsonValue) -> list[JsonObject]:
    """The list that replaces all commands. Raises ApiError naming each fault by its index."""
    faults = Faults()
    commands: list[JsonObject] = []
    names: set[tuple[JsonValue, JsonValue]] = set()
    for index, body in enumerate(faults.objects((), bodies, sum(limits.COMMANDS.values()))):
        command = _read_command(faults, (index,), body)
        if (command["type"], command["name"]) in names:
            _duplicate(faults, (index, "name"))
        names.add((command["type"], command["name"]))
        commands.append(command)
    faults.check()
    return commands


def read_command(body: JsonObject) -> JsonObject:
    """One command. Raises ApiError naming each fault."""
    faults = Faults()
    command = _read_command(faults, (), body)
    faults.check()
    return command


def _read_command(faults: Faults, path: Path, body: JsonObject) -> JsonObject:
    kind = body.get("type", CHAT_INPUT)
    if not faults.choice((*path, "type"), kind, limits.COMMANDS):
        kind = CHAT_INPUT
    command: dict[str, Any] = {
        "type": kind,
        "name": _read_name(faults, (*path, "name"), body.get("name"), chat_input=kind == CHAT_INPUT),
        "name_localizations": _read_localizations(faults, path, body, "name", limits.COMMAND_NAME),
        "description": _read_description(faults, path, body, kind),
        "description_localizations": _read_localizations(faults, path, body, "description", limits.COMMAND_DESCRIPTION),
        "default_member_permissions": _read_permissions(faults, path, body),
        "dm_permission": body.get("dm_permission") is not False,
        "contexts": _read_kinds(faults, path, body, "contexts", (0, 1, 2), None),
        "integration_types": _read_kinds(faults, path, body, "integration_types", (0, 1), [0]),
        "nsfw": body.get("nsfw") is True,
    }
    if body.get("options"):
        if kind != CHAT_INPUT:
            text = "Context menu commands cannot have options"
            faults.add((*path, "options"), "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS", text)
        command["options"] = _read_options(faults, (*path, "options"), body["options"], depth=0)
    if _length(command) > limits.COMMAND_TOTAL_LENGTH:
        text = f"Command exceeds maximum size ({limits.COMMAND_TOTAL_LENGTH})"
        faults.add(path, "APPLICATION_COMMAND_TOO_LARGE", text)
    return command


def _read_name(faults: Faults, path: Path, value: JsonValue, *, chat_input: bool) -> str:
    name = faults.text(path, value, limits.COMMAND_NAME, 1)
    if chat_input and name and (not _CHAT_INPUT_NAME.fullmatch(name) or name != name.lower()):
        faults.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    return name


def _read_description(faults: Faults, path: Path, body: JsonObject, kind: JsonValue) -> str:
    path = (*path, "description")
    if kind == CHAT_INPUT:
        return faults.text(path, body.get("description"), limits.COMMAND_DESCRIPTION, 1)
    if body.get("description"):
        text = "Context menu commands cannot have description"
        faults.add(path, "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", text)
    return ""


def _read_permissions(faults: Faults, path: Path, body: JsonObject) -> str | None:
    value = body.get("default_member_permissions")
    if value is None:
        return None
    return str(faults.snowflake((*path, "default_member_permissions"), value))


def _read_kinds(
    faults: Faults, path: Path, body: JsonObject, key: str, choices: tuple[int, ...], default: list[int] | None
) -> list[JsonValue] | list[int] | None:
    if body.get(key) is None:
        return default
    kinds = faults.items((*path, key), body[key], len(choices), 1)
    for index, kind in enumerate(kinds):
        faults.choice((*path, key, index), kind, choices)
    return kinds


def _read_options(faults: Faults, path: Path, value: JsonValue, *, depth: int) -> list[dict[str, Any]]:
    options: list[dict[str, Any]] = []
    names: set[str] = set()
    for index, body in enumerate(faults.objects(path, value, limits.COMMAND_OPTIONS)):
        option = _read_option(faults, (*path, index), body, depth)
        if option["name"] in names:
            text = "Option names must be unique"
            faults.add((*path, index, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", text)
        names.add(option["name"])
        if option.get("required") and options and not options[-1].get("required"):
            text = "Required options must be placed before non-required options"
            faults.add((*path, index), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        options.append(option)
    nested = {option["type"] in (_SUBCOMMAND, _GROUP) for option in options}
    if len(nested) > 1:
        text = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        faults.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
    return options


def _read_option(faults: Faults, path: Path, body: JsonObject, depth: int) -> dict[str, Any]:
    kind = body.get("type")
    allowed = _OPTION_TYPES if depth == 0 else (_SUBCOMMAND, *range(3, 12)) if depth == 1 else range(3, 12)
    if not faults.choice((*path, "type"), kind, allowed):
        kind = None  # never descended into, however deep it goes
    option: dict[str, Any] = {
        "type": kind,
        "name": _read_name(faults, (*path, "name"), body.get("name"), chat_input=True),
        "description": faults.text((*path, "description"), body.get("description"), limits.COMMAND_DESCRIPTION, 1),
    }
    for key, most in (("name", limits.COMMAND_NAME), ("description", limits.COMMAND_DESCRIPTION)):
        if (localized := _read_localizations(faults, path, body, key, most)) is not None:
            option[f"{key}_localizations"] = localized
    for key in ("min_value", "max_value"):
        if body.get(key) is not None:
            option[key] = _read_bound(faults, (*path, key), body[key])
    if body.get("channel_types"):
        kinds = enumerate(faults.items((*path, "channel_types"), body["channel_types"], 12))
        option["channel_types"] = [faults.number((*path, "channel_types", index), kind, 16) for index, kind in kinds]
    for key in ("required", "autocomplete"):
        if body.get(key) is not None:
            option[key] = faults.flag((*path, key), body[key])
    for key, least in (("min_length", 0), ("max_length", 1)):
        if body.get(key) is not None:
            option[key] = faults.number((*path, key), body[key], limits.COMMAND_STRING_OPTION, least)
    if kind in (_SUBCOMMAND, _GROUP):
        deeper = 1 if kind == _GROUP else 2
        option["options"] = _read_options(faults, (*path, "options"), body.get("options"), depth=deeper)
    if body.get("choices"):
        if option.get("autocomplete"):
            text = "Autocomplete options cannot have choices"
            faults.add((*path, "choices"), "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", text)
        option["choices"] = _read_choices(faults, (*path, "choices"), body["choices"], kind)
    return option


def _read_choices(faults: Faults, path: Path, value: JsonValue, kind: JsonValue) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = []
    for index, body in enumerate(faults.objects(path, value, limits.COMMAND_CHOICES)):
        choice: dict[str, Any] = {"name": faults.text((*path, index, "name"), body.get("name"), 100, 1)}
        given = body.get("value")
        if kind == _STRING:
            given = faults.text((*path, index, "value"), given, limits.COMMAND_CHOICE, 1)
        else:
            given = _read_bound(faults, (*path, index, "value"), given, whole=kind == _INTEGER)
        localized = _read_localizations(faults, (*path, index), body, "name", limits.COMMAND_CHOICE)
        if localized is not None:
            choice["name_localizations"] = localized
        choices.append(choice | {"value": given})
    return choices


def _read_localizations(faults: Faults, path: Path, body: JsonObject, key: str, most: int) -> dict[str, str] | None:
    key = f"{key}_localizations"
    if body.get(key) is None:
        return None
    texts = faults.mapping((*path, key), body[key])
    if not all(_LOCALE.fullmatch(locale) for locale in texts):
        faults.add((*path, key), "DICT_TYPE_CONVERT", "Keys must be locales")
        return None
    return {locale: faults.text((*path, key, locale), text, most, 1) for locale, text in texts.items()}


def _read_bound(faults: Faults, path: Path, value: JsonValue, *, whole: bool = False) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        faults.add(path, "NUMBER_TYPE_COERCE", f"Value is not {'int' if whole else 'float'}.")
        return 0
    return value


def _length(item: dict[str, Any]) -> int:
    """Name, description, options and choices together, each with its longest localization."""
    total = 0
    for key in ("name", "description"):
        localized: dict[str, str] = item.get(f"{key}_localizations") or {}
        total += max(map(len, [item.get(key) or "", *localized.values()]))
    total += sum(_length(option) for option in item.get("options", ()))
    return total + sum(_length(choice) + len(str(choice["value"])) for choice in item.get("choices", ()))


def _duplicate(faults: Faults, path: Path) -> None:
    faults.add(path, "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
