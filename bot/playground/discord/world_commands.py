"""Registering application commands, globally (`guild_id` None) and for single servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TypeAlias

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors, limits
from bot.playground.discord.dispatch import Bus
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_command import read_command, read_commands
from bot.playground.discord.records import Command, Records
from bot.playground.discord.state import State

_Key: TypeAlias = tuple[JsonValue, JsonValue]

_DAY_SECONDS = 86_400.0


class CommandVerbs(State):
    """The application's commands. An upsert of an existing name keeps its id and is not a create."""

    def __init__(self, records: Records, now: Callable[[], float] = time.time) -> None:
        super().__init__(records, now)
        self._command_changes = Bus[None]()

    def watch_commands(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Be called after any change of commands, which no gateway event tells; call the result to stop."""
        return self._command_changes.subscribe(lambda _: watcher())

    def commands(self, guild_id: int | None = None) -> list[Command]:
        """What is registered globally, or for one server only."""
        return [command for command in self.records.commands.values() if command.guild_id == guild_id]

    def command(self, command_id: int, guild_id: int | None = None) -> Command:
        command = self.records.commands.get(command_id)
        if command is None or command.guild_id != guild_id:
            raise ApiError(*errors.UNKNOWN_COMMAND)
        return command

    def put_command(self, body: JsonObject, guild_id: int | None = None) -> tuple[Command, bool]:
        """Create a command, or replace the one of that name and type. The flag says whether it is new."""
        form = read_command(body)
        keys = {_key(command) for command in self.commands(guild_id)}
        created = _form_key(form) not in keys
        _refuse_too_many(keys | {_form_key(form)})
        command = self._upsert([form], guild_id)[0]
        self._command_changes.publish(None)
        return command, created

    def put_commands(self, bodies: JsonValue, guild_id: int | None = None) -> list[Command]:
        """Replace all commands by a list."""
        forms = read_commands(bodies)
        kept = {_form_key(form) for form in forms}
        _refuse_too_many(kept)
        commands = self._upsert(forms, guild_id)
        for command in self.commands(guild_id):
            if _key(command) not in kept:
                del self.records.commands[command.id]
        self._command_changes.publish(None)
        return commands

    def edit_command(self, command_id: int, body: JsonObject, guild_id: int | None = None) -> Command:
        """Change the given fields of a command; its type stays."""
        command = self.command(command_id, guild_id)
        form = read_command({**command.body, **body, "type": command.body["type"]})
        others = {_key(other) for other in self.commands(guild_id) if other.id != command_id}
        if _form_key(form) in others:
            text = "Application command names must be unique"
            raise errors.invalid_form(("name",), "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
        command.body, command.version = form, self.mint()
        self._command_changes.publish(None)
        return command

    def delete_command(self, command_id: int, guild_id: int | None = None) -> None:
        self.command(command_id, guild_id)
        del self.records.commands[command_id]
        self._command_changes.publish(None)

    def _upsert(self, forms: list[JsonObject], guild_id: int | None) -> list[Command]:
        existing = {_key(command): command for command in self.commands(guild_id)}
        self._count_creates(sum(_form_key(form) not in existing for form in forms), guild_id)
        commands: list[Command] = []
        for form in forms:
            command = existing.get(_form_key(form))
            if command is None:
                command = Command(self.mint(), self.application.id, guild_id, self.mint(), form)
                self.records.commands[command.id] = command
            elif command.body != form:
                command.body, command.version = form, self.mint()
            commands.append(command)
        return commands

    def _count_creates(self, creates: int, guild_id: int | None) -> None:
        since = self.now() - _DAY_SECONDS
        recent = [create for create in self.records.command_creates if create[1] > since]
        if sum(guild == guild_id for guild, _ in recent) + creates > limits.COMMAND_CREATES_A_DAY:
            raise ApiError(*errors.TOO_MANY_COMMAND_CREATES)
        self.records.command_creates = recent + [(guild_id, self.now())] * creates


def _refuse_too_many(keys: Collection[_Key]) -> None:
    kinds = [kind for kind, _ in keys]
    if any(kinds.count(kind) > most for kind, most in limits.COMMANDS.items()):
        raise ApiError(*errors.TOO_MANY_COMMANDS)


def _form_key(form: JsonObject) -> _Key:
    """What tells commands of one place apart: type and name."""
    return form["type"], form["name"]


def _key(command: Command) -> _Key:
    return _form_key(command.body)
