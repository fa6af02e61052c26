"""Registering application commands, globally (`guild_id` None) and for single servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors, limits
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_command import read_command, read_commands
from bot.playground.discord.records import Command, Records
from bot.playground.discord.state import State

_DAY_SECONDS = 86_400.0


class CommandVerbs(State):
    """The application's commands. An upsert of an existing name keeps its id and is not a create."""

    def __init__(self, records: Records, now: Callable[[], float] = time.time) -> None:
        super().__init__(records, now)
        self._command_watchers: list[Callable[[], None]] = []

    def watch_commands(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Be called after any change of commands, which no gateway event tells; call the result to stop."""
        self._command_watchers.append(watcher)
        return lambda: self._command_watchers.remove(watcher)

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
        before = len(self.records.commands)
        command = self._upsert([form], guild_id)[0]
        self._tell_command_watchers()
        return command, len(self.records.commands) > before

    def put_commands(self, bodies: JsonValue, guild_id: int | None = None) -> list[Command]:
        """Replace all commands by a list."""
        forms = read_commands(bodies)
        kept = {(form["type"], form["name"]) for form in forms}
        self._refuse_too_many(forms, ())
        commands = self._upsert(forms, guild_id)
        for command in self.commands(guild_id):
            if _key(command) not in kept:
                del self.records.commands[command.id]
        self._tell_command_watchers()
        return commands

    def edit_command(self, command_id: int, body: JsonObject, guild_id: int | None = None) -> Command:
        """Change the given fields of a command; its type stays."""
        command = self.command(command_id, guild_id)
        form = read_command({**command.body, **body, "type": command.body["type"]})
        others = {_key(other) for other in self.commands(guild_id) if other.id != command_id}
        if (form["type"], form["name"]) in others:
            text = "Application command names must be unique"
            raise errors.invalid_form(("name",), "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
        command.body, command.version = form, self.mint()
        self._tell_command_watchers()
        return command

    def delete_command(self, command_id: int, guild_id: int | None = None) -> None:
        self.command(command_id, guild_id)
        del self.records.commands[command_id]
        self._tell_command_watchers()

    def _upsert(self, forms: list[JsonObject], guild_id: int | None) -> list[Command]:
        existing = {_key(command): command for command in self.commands(guild_id)}
        new = [form for form in forms if (form["type"], form["name"]) not in existing]
        if len(forms) == 1:
            self._refuse_too_many(new, existing)
        self._count_creates(len(new), guild_id)
        commands: list[Command] = []
        for form in forms:
            command = existing.get((form["type"], form["name"]))
            if command is None:
                command = Command(self.mint(), self.application.id, guild_id, self.mint(), form)
                self.records.commands[command.id] = command
            elif command.body != form:
                command.body, command.version = form, self.mint()
            commands.append(command)
        return commands

    def _refuse_too_many(self, forms: Iterable[JsonObject], existing: Iterable[tuple[JsonValue, JsonValue]]) -> None:
        kinds = [form["type"] for form in forms] + [kind for kind, _ in existing]
        if any(kinds.count(kind) > most for kind, most in limits.COMMANDS.items()):
            raise ApiError(*errors.TOO_MANY_COMMANDS)

    def _count_creates(self, creates: int, guild_id: int | None) -> None:
        since = self.now() - _DAY_SECONDS
        recent = [create for create in self.records.command_creates if create[1] > since]
        if sum(guild == guild_id for guild, _ in recent) + creates > limits.COMMAND_CREATES_A_DAY:
            raise ApiError(*errors.TOO_MANY_COMMAND_CREATES)
        self.records.command_creates = recent + [(guild_id, self.now())] * creates

    def _tell_command_watchers(self) -> None:
        for watcher in tuple(self._command_watchers):
            watcher()


def _key(command: Command) -> tuple[JsonValue, JsonValue]:
    return command.body["type"], command.body["name"]
