"""The state of the embedded Discord: finding things, who may do what, telling the listeners.

The verbs of `world.py` build on it. It knows nothing of HTTP or of the gateway.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.messages import JsonObject
from bot.playground.discord import errors
from bot.playground.discord.dispatch import Bus, Dispatch, Listener
from bot.playground.discord.errors import ApiError
from bot.playground.discord.permissions import (
    DM_PERMISSIONS,
    EVERY_PERMISSION,
    Overwrite,
    Permission,
    base_permissions,
    channel_permissions,
)
from bot.playground.discord.records import (
    Application,
    Channel,
    ChannelOverwrite,
    ChannelType,
    Guild,
    Member,
    Message,
    Records,
    User,
)
from bot.playground.discord.snowflake import Snowflakes


class State:
    """The records, with look-ups that refuse as Discord does and permissions worked out for real."""

    def __init__(self, records: Records, now: Callable[[], float] = time.time) -> None:
        """`now` gives Unix seconds and may be a test's own clock."""
        self.records = records
        self.now = now
        self.origin = "http://127.0.0.1"
        """Where attachment URLs point; the server sets it once it knows its port."""
        self.link_seconds = 86_400.0
        """How long such a URL is good for."""
        self._snowflakes = Snowflakes(now, records.last_id)
        self._bus = Bus[Dispatch]()

    @property
    def application(self) -> Application:
        return self.records.application

    @property
    def bot_id(self) -> int:
        return self.records.application.bot_id

    def mint(self) -> int:
        """A new id, higher than every other."""
        self.records.last_id = self._snowflakes.mint()
        return self.records.last_id

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every dispatch, at once and in order; call what is returned to stop."""
        return self._bus.subscribe(listener)

    def publish(self, name: str, data: JsonObject, channel: Channel, only_user: int | None = None) -> None:
        """Tell the listeners of something that happened in a channel."""
        self._bus.publish(Dispatch(name, data, channel.guild_id, channel.id, only_user))

    def publish_to_guild(self, name: str, data: JsonObject, guild_id: int, only_user: int | None = None) -> None:
        """Tell the listeners of something that happened in a server, outside any channel."""
        self._bus.publish(Dispatch(name, data, guild_id, None, only_user))

    def user(self, user_id: int) -> User:
        if (user := self.records.users.get(user_id)) is None:
            raise ApiError(*errors.UNKNOWN_USER)
        return user

    def guild(self, guild_id: int) -> Guild:
        if (guild := self.records.guilds.get(guild_id)) is None:
            raise ApiError(*errors.UNKNOWN_GUILD)
        return guild

    def guild_for(self, actor: int, guild_id: int) -> Guild:
        """A server that `actor` is a member of."""
        guild = self.guild(guild_id)
        if actor not in guild.members:
            raise ApiError(*errors.MISSING_ACCESS)
        return guild

    def member(self, guild_id: int, user_id: int) -> Member:
        if (member := self.guild(guild_id).members.get(user_id)) is None:
            self.user(user_id)
            raise ApiError(*errors.UNKNOWN_MEMBER)
        return member

    def channel(self, channel_id: int) -> Channel:
        if (channel := self.records.channels.get(channel_id)) is None:
            raise ApiError(*errors.UNKNOWN_CHANNEL)
        return channel

    def channel_for(self, actor: int, channel_id: int) -> Channel:
        """A channel that `actor` can see."""
        channel = self.channel(channel_id)
        if not self.can_view(actor, channel_id):
            raise ApiError(*errors.MISSING_ACCESS)
        return channel

    def message(self, channel_id: int, message_id: int) -> Message:
        if (message := self.records.messages.get(channel_id, {}).get(message_id)) is None:
            raise ApiError(*errors.UNKNOWN_MESSAGE)
        return message

    def guild_of(self, channel: Channel) -> Guild:
        """The server a channel is in; a DM is refused."""
        if channel.guild_id is None:
            raise ApiError(*errors.NOT_IN_A_DM)
        return self.guild(channel.guild_id)

    def channels_of(self, guild_id: int) -> list[Channel]:
        """A server's channels without its threads, in order of position."""
        found = [c for c in self.records.channels.values() if c.guild_id == guild_id and c.thread is None]
        return sorted(found, key=lambda channel: (channel.position, channel.id))

    def threads_of(self, guild_id: int, parent_id: int | None = None) -> list[Channel]:
        """A server's threads, archived ones included, oldest first."""
        return [
            channel
            for channel in self.records.channels.values()
            if channel.guild_id == guild_id and channel.thread is not None and parent_id in (None, channel.parent_id)
        ]

    def permissions_in_guild(self, user_id: int, guild_id: int) -> int:
        """What a user may do in a server; 0 for somebody who is not a member."""
        guild = self.guild(guild_id)
        member = guild.members.get(user_id)
        if member is None:
            return 0
        roles = [guild.roles[guild.id], *(guild.roles[role] for role in member.roles)]
        return base_permissions((role.permissions for role in roles), owner=guild.owner_id == user_id)

    def permissions_in(self, user_id: int, channel_id: int) -> int:
        """What a user may do in a channel, thread or DM; 0 where it cannot be seen."""
        channel = self.channel(channel_id)
        if channel.guild_id is None:
            return int(DM_PERMISSIONS) if user_id in channel.recipients else 0
        thread = channel.thread
        bits = self._permissions_by_overwrites(user_id, channel.guild_id, channel)
        if channel.type is ChannelType.PRIVATE_THREAD and thread is not None and user_id not in thread.members:
            return bits if bits & Permission.MANAGE_THREADS else 0
        return bits

    def can_view(self, user_id: int, channel_id: int) -> bool:
        """Whether a user sees the channel and gets its events. False for a channel that is gone."""
        if channel_id not in self.records.channels:
            return False
        return bool(self.permissions_in(user_id, channel_id) & Permission.VIEW_CHANNEL)

    def has(self, user_id: int, channel: Channel, permission: int) -> bool:
        return self.permissions_in(user_id, channel.id) & permission == permission

    def require(self, user_id: int, channel: Channel, permission: int) -> None:
        """Refuse with Missing Access where the channel is out of sight, else with Missing Permissions."""
        if not self.can_view(user_id, channel.id):
            raise ApiError(*errors.MISSING_ACCESS)
        if not self.has(user_id, channel, permission):
            raise ApiError(*errors.MISSING_PERMISSIONS)

    def _permissions_by_overwrites(self, user_id: int, guild_id: int, channel: Channel) -> int:
        guild = self.guild(guild_id)
        member = guild.members.get(user_id)
        if member is None:
            return 0
        base = self.permissions_in_guild(user_id, guild_id)
        holder = channel
        if channel.thread is not None and channel.parent_id is not None:
            holder = self.channel(channel.parent_id)
        by_target = {overwrite.target_id: overwrite for overwrite in holder.overwrites}
        bits = channel_permissions(
            base,
            _pair(by_target.get(guild_id)),
            [pair for role in member.roles if (pair := _pair(by_target.get(role))) is not None],
            _pair(by_target.get(user_id)),
            thread=channel.thread is not None,
        )
        return bits & EVERY_PERMISSION


def _pair(overwrite: ChannelOverwrite | None) -> Overwrite | None:
    return None if overwrite is None else Overwrite(overwrite.allow, overwrite.deny)
