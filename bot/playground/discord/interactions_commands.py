"""Holds an invoked command against its registration: who may use it, where, and with which options.

It knows nothing of how the invocation reaches the bot.
Source: Discord's documentation, "Application Commands".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.faults import Faults, Path
from bot.playground.discord.installs import Context, context_of, owners
from bot.playground.discord.interactions_resolved import Resolved, objects
from bot.playground.discord.limits import COMMAND_STRING_OPTION
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, Command
from bot.playground.discord.state import State


class OptionType(IntEnum):
    SUB_COMMAND = 1
    SUB_COMMAND_GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


def commands_for(state: State, user_id: int, guild_id: int | None, context: Context) -> list[Command]:
    """The commands that a person finds in a server, or in direct messages."""
    commands = state.records.commands.values()
    return [command for command in commands if _is_offered(state, command, user_id, guild_id, context)]


def usable_command(state: State, command_id: JsonValue, user_id: int, channel: Channel) -> Command:
    """A command that a person may use in a channel. Raises ApiError for any other."""
    command = next((c for c in state.records.commands.values() if str(c.id) == str(command_id)), None)
    if command is None:
        raise ApiError(*errors.UNKNOWN_COMMAND)
    state.require(user_id, channel, Permission.USE_APPLICATION_COMMANDS)
    if not _is_offered(state, command, user_id, channel.guild_id, context_of(state, channel)):
        raise ApiError(*errors.MISSING_PERMISSIONS)
    return command


def _is_offered(state: State, command: Command, user_id: int, guild_id: int | None, context: Context) -> bool:
    body = command.body
    contexts = body.get("contexts")
    if command.guild_id is not None:
        if command.guild_id != guild_id:
            return False
    elif isinstance(contexts, list) and context not in contexts:
        return False
    if not owners(state, user_id, guild_id, context, body.get("integration_types")):
        return False
    return guild_id is None or _may_use(state, body.get("default_member_permissions"), user_id, guild_id)


def _may_use(state: State, needed: JsonValue, user_id: int, guild_id: int) -> bool:
    """`needed` is None for everybody; "0" leaves only administrators."""
    theirs = state.permissions_in_guild(user_id, guild_id)
    if needed is None or theirs & Permission.ADMINISTRATOR:
        return True
    bits = int(str(needed))
    return bits != 0 and theirs & bits == bits


def full_name(name: str, options: Iterable[JsonObject]) -> str:
    """A command's name with its group and subcommand, as people read it."""
    for option in options:
        if option.get("type") in (OptionType.SUB_COMMAND, OptionType.SUB_COMMAND_GROUP):
            return f"{name} {full_name(str(option.get('name')), objects(option.get('options')))}"
    return name


def check_options(
    defined: JsonValue, given: JsonValue, resolved: Resolved, *, partial: bool = False
) -> list[JsonObject]:
    """The options as the bot gets them. `partial` is for autocomplete, where one is focused and others may lack.

    Raises ApiError with Discord's tree of faults.
    """
    faults = Faults()
    checker = _Checker(faults, resolved, partial=partial)
    options = checker.options(("data", "options"), defined, given)
    if partial and checker.focused != 1:
        faults.add(("data", "options"), "AUTOCOMPLETE_FOCUS", "Exactly one option must be focused.")
    faults.check()
    return options


class _Checker:
    """Walks the given options beside the registered ones."""

    def __init__(self, faults: Faults, resolved: Resolved, *, partial: bool) -> None:
        self.focused = 0
        self._faults = faults
        self._resolved = resolved
        self._partial = partial

    def options(self, path: Path, defined: JsonValue, given: JsonValue) -> list[JsonObject]:
        definitions = {str(item["name"]): item for item in objects(defined)}
        checked: list[JsonObject] = []
        for index, option in enumerate(self._faults.objects(path, given, 25)):
            definition = definitions.get(str(option.get("name")))
            if definition is None or definition.get("type") != option.get("type"):
                self._faults.add((*path, index), "INVALID_OPTION", "This command is outdated, please try again later.")
                continue
            checked.append(self._option((*path, index), definition, option))
        self._require_all(path, definitions.values(), {str(option["name"]) for option in checked})
        return checked

    def _require_all(self, path: Path, definitions: Iterable[JsonObject], given: set[str]) -> None:
        nested = [d for d in definitions if d.get("type") in (OptionType.SUB_COMMAND, OptionType.SUB_COMMAND_GROUP)]
        if nested and len(given) != 1:
            self._faults.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 1 in length.")
        for definition in () if self._partial else definitions:
            if definition.get("required") is True and definition["name"] not in given:
                self._faults.require((*path, str(definition["name"])))

    def _option(self, path: Path, definition: JsonObject, option: JsonObject) -> JsonObject:
        kind = OptionType(int(str(definition["type"])))
        checked: JsonObject = {"name": definition["name"], "type": int(kind)}
        if kind in (OptionType.SUB_COMMAND, OptionType.SUB_COMMAND_GROUP):
            inner = self.options((*path, "options"), definition.get("options"), option.get("options"))
            checked["options"] = [*inner]
            return checked
        if option.get("focused") is True and self._partial:
            self.focused += 1
            if definition.get("autocomplete") is not True:
                self._faults.add((*path, "focused"), "AUTOCOMPLETE_FOCUS", "This option has no autocomplete.")
            return checked | {"value": option.get("value", ""), "focused": True}
        return checked | {"value": self._value((*path, "value"), kind, definition, option.get("value"))}

    def _value(self, path: Path, kind: OptionType, definition: JsonObject, value: JsonValue) -> JsonValue:
        match kind:
            case OptionType.STRING:
                most = int(str(definition.get("max_length") or COMMAND_STRING_OPTION))
                least = int(str(definition.get("min_length") or 0))
                needed = 1 if definition.get("required") is True else 0
                value = self._faults.text(path, value, most, max(least, needed))
            case OptionType.INTEGER | OptionType.NUMBER:
                self._number(path, kind, definition, value)
            case OptionType.BOOLEAN:
                return self._faults.flag(path, value)
            case _:
                return self._named(path, kind, definition, value)
        choices = objects(definition.get("choices"))
        if choices and definition.get("autocomplete") is not True:
            self._faults.choice(path, value, [choice["value"] for choice in choices])  # pyright: ignore[reportArgumentType]  # validated when registered
        return value

    def _number(self, path: Path, kind: OptionType, definition: JsonObject, value: JsonValue) -> None:
        fractional = isinstance(value, float) and kind is OptionType.INTEGER
        if isinstance(value, bool) or not isinstance(value, int | float) or fractional:
            self._faults.add(path, "NUMBER_TYPE_COERCE", f'Value "{str(value)[:100]}" is not a number.')
            return
        least, most = definition.get("min_value"), definition.get("max_value")
        if isinstance(least, int | float) and value < least:
            self._faults.add(path, "NUMBER_TYPE_MIN", f"Value should be greater than or equal to {least}.")
        if isinstance(most, int | float) and value > most:
            self._faults.add(path, "NUMBER_TYPE_MAX", f"Value should be less than or equal to {most}.")

    def _named(self, path: Path, kind: OptionType, definition: JsonObject, value: JsonValue) -> JsonValue:
        match kind:
            case OptionType.USER:
                self._resolved.user(value)
            case OptionType.ROLE:
                self._resolved.role(value)
            case OptionType.MENTIONABLE:
                self._resolved.mentionable(value)
            case OptionType.ATTACHMENT:
                return str(self._resolved.attachment(value).id)
            case _:
                allowed = definition.get("channel_types")
                if self._resolved.channel(value) not in (allowed or range(64)):  # pyright: ignore[reportOperatorIssue]  # a list when registered
                    self._faults.add(path, "INVALID_CHANNEL_TYPE", "This kind of channel cannot be chosen here.")
        return str(value)
