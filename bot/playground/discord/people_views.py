"""What the page is shown first: the people, the servers, the commands, and the channels in sight."""

from __future__ import annotations

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.installs import Context
from bot.playground.discord.interactions_commands import commands_for
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, Command, Guild, User
from bot.playground.discord.state import State
from bot.playground.discord.views import command_view, user_view


def start_view(state: State, *, online: bool) -> JsonObject:
    """The people, the bot and the servers."""
    bot = user_view(state.user(state.bot_id))
    people = [user for user in state.records.users.values() if not user.bot]
    return {
        "users": [_person_view(state, user) for user in people],
        "bot": bot | {"application_id": str(state.application.id), "online": online},
        "guilds": [_guild_view(guild) for guild in state.records.guilds.values()],
    }


def commands_view(state: State, user_id: int | None) -> JsonValue:
    """The commands that a person can use somewhere; every command where nobody is named."""
    if user_id is None:
        return [command_view(command) for command in state.records.commands.values()]
    guilds = [guild.id for guild in state.records.guilds.values() if user_id in guild.members]
    direct = [(None, Context.BOT_DM), (None, Context.PRIVATE_CHANNEL)]
    found: dict[int, Command] = {}
    for guild_id, context in [*direct, *((guild_id, Context.GUILD) for guild_id in guilds)]:
        found |= {command.id: command for command in commands_for(state, user_id, guild_id, context)}
    return [command_view(found[command_id]) for command_id in state.records.commands if command_id in found]


def visible_channels(state: State, user_id: int) -> list[Channel]:
    """A person's channels, threads (archived ones too) and direct messages."""
    return [channel for channel in state.records.channels.values() if state.can_view(user_id, channel.id)]


def _guild_view(guild: Guild) -> JsonObject:
    roles: list[JsonValue] = [
        {"id": str(role.id), "name": role.name} for role in guild.roles.values() if role.id != guild.id
    ]
    return {"id": str(guild.id), "name": guild.name, "icon_text": _initials(guild.name), "roles": roles}


def _person_view(state: State, user: User) -> JsonObject:
    return {
        "id": str(user.id),
        "username": user.username,
        "global_name": user.global_name,
        "avatar_color": user.avatar_color,
        "admin": any(
            state.permissions_in_guild(user.id, guild_id) & Permission.MANAGE_GUILD for guild_id in state.records.guilds
        ),
    }


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split())[:3]
