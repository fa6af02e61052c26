"""By whose installation a command works in a place: the server's, or the person's own.

It knows nothing of what a command is given, nor of how its invocation travels.
Source: Discord's documentation, "Application Commands → Contexts".
"""

from __future__ import annotations

from enum import IntEnum

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.permissions import Overwrite, Permission, channel_permissions
from bot.playground.discord.records import Channel
from bot.playground.discord.state import State

GUILD_INSTALL, USER_INSTALL = 0, 1


class Context(IntEnum):
    """Where an interaction takes place, as seen by the application."""

    GUILD = 0
    BOT_DM = 1
    PRIVATE_CHANNEL = 2


def context_of(state: State, channel: Channel) -> Context:
    if channel.guild_id is not None:
        return Context.GUILD
    return Context.BOT_DM if state.bot_id in channel.recipients else Context.PRIVATE_CHANNEL


def owners(
    state: State, user_id: int, guild_id: int | None, context: Context, installs: JsonValue = None
) -> JsonObject:
    """`authorizing_integration_owners`: who installed the application, as far as a command may use it.

    `installs` are a command's integration types. A server is named by its id, or
    as "0" where the bot's direct messages stand for all servers; a person by
    theirs. Empty where the command is of no use.
    """
    allowed = installs if isinstance(installs, list) else [GUILD_INSTALL]
    found: JsonObject = {}
    if GUILD_INSTALL in allowed and _is_with_bot(state, guild_id, context):
        found[str(GUILD_INSTALL)] = str(guild_id or 0)
    if USER_INSTALL in allowed and user_id in state.application.installed_by:
        found[str(USER_INSTALL)] = str(user_id)
    return found


def is_only_theirs(authorized_by: JsonObject) -> bool:
    """Whether a person's own installation is all that an interaction rests on."""
    return str(GUILD_INSTALL) not in authorized_by


def answers_privately(state: State, authorized_by: JsonObject, user_id: int, channel: Channel) -> bool:
    """Whether Discord makes every answer ephemeral, for a server may refuse what its members brought along."""
    if channel.guild_id is None or not is_only_theirs(authorized_by):
        return False
    return not state.has(user_id, channel, Permission.USE_EXTERNAL_APPS)


def permissions_of_everyone(state: State, channel: Channel) -> int:
    """What @everyone may do in a server's channel: what an application may that is no member."""
    guild = state.guild_of(channel)
    holder = state.channel(channel.parent_id) if channel.thread is not None and channel.parent_id else channel
    pair = next((Overwrite(item.allow, item.deny) for item in holder.overwrites if item.target_id == guild.id), None)
    base = guild.roles[guild.id].permissions
    return channel_permissions(base, pair, (), None, thread=channel.thread is not None)


def _is_with_bot(state: State, guild_id: int | None, context: Context) -> bool:
    if guild_id is not None:
        return state.bot_id in state.guild(guild_id).members
    return context is Context.BOT_DM
