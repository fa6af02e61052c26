"""The world of the embedded Discord: everything people and bots can do, and the state they do it to.

`World` joins the verbs; each file of verbs holds its own rules. It knows nothing
of HTTP, the gateway or the page: they call verbs and subscribe to dispatches.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import TypeAdapter

from bot.messages import JsonObject
from bot.playground.discord.permissions import BOT_PERMISSIONS, EVERY_PERMISSION, MEMBER_PERMISSIONS
from bot.playground.discord.records import (
    Application,
    ApplicationFlag,
    Channel,
    ChannelOverwrite,
    ChannelType,
    ForumTag,
    Guild,
    Member,
    Records,
    Role,
    User,
)
from bot.playground.discord.snowflake import Snowflakes
from bot.playground.discord.views import guild_create_view, member_view, user_view
from bot.playground.discord.world_channels import ChannelVerbs
from bot.playground.discord.world_commands import CommandVerbs
from bot.playground.discord.world_reactions import ReactionVerbs
from bot.playground.discord.world_responses import ResponseVerbs

_RECORDS = TypeAdapter(Records)


class World(ChannelVerbs, ResponseVerbs, ReactionVerbs, CommandVerbs):
    """One Discord with one application; make it with `new_world` or `default_world`, or read it back."""

    def to_json(self) -> bytes:
        """Everything, attachments included, as one JSON document."""
        return _RECORDS.dump_json(self.records)

    @classmethod
    def from_json(cls, document: bytes, now: Callable[[], float] = time.time) -> World:
        """The world that `to_json` wrote. Raises ValueError where the document is not one."""
        return cls(_RECORDS.validate_json(document), now)

    def add_user(self, username: str, global_name: str | None = None, *, bot: bool = False, color: str = "") -> User:
        user = User(self.mint(), username, global_name, bot, color or "#5865f2")
        self.records.users[user.id] = user
        return user

    def add_guild(self, name: str, owner_id: int, *, everyone: int = int(MEMBER_PERMISSIONS)) -> Guild:
        """A server with its owner and the role @everyone."""
        guild = Guild(self.mint(), name, owner_id)
        guild.roles[guild.id] = Role(guild.id, "@everyone", everyone, position=0)
        guild.members[owner_id] = Member(owner_id, self.now())
        self.records.guilds[guild.id] = guild
        return guild

    def add_role(self, guild_id: int, name: str, permissions: int = 0, *, bot_id: int | None = None) -> Role:
        guild = self.guild(guild_id)
        role = Role(self.mint(), name, permissions, position=len(guild.roles), bot_id=bot_id)
        guild.roles[role.id] = role
        return role

    def add_member(self, guild_id: int, user_id: int, *roles: int) -> Member:
        """Somebody joins; for the application's bot that is an invitation."""
        user, guild = self.user(user_id), self.guild(guild_id)
        member = guild.members[user_id] = Member(user_id, self.now(), list(roles))
        if user_id == self.bot_id:
            self.publish_to_guild("GUILD_CREATE", guild_create_view(self, guild, user_id), guild_id, user_id)
        data: JsonObject = {**member_view(user, member), "guild_id": str(guild_id)}
        self.publish_to_guild("GUILD_MEMBER_ADD", data, guild_id)
        return member

    def remove_member(self, guild_id: int, user_id: int) -> None:
        """Somebody leaves or is removed; for the application's bot the server is gone."""
        user, guild = self.user(user_id), self.guild(guild_id)
        # Told before it happens: afterwards nobody could be asked whether they were there.
        data: JsonObject = {"user": user_view(user), "guild_id": str(guild_id)}
        self.publish_to_guild("GUILD_MEMBER_REMOVE", data, guild_id)
        if user_id == self.bot_id:
            self.publish_to_guild("GUILD_DELETE", {"id": str(guild_id)}, guild_id, user_id)
        del guild.members[user_id]

    def begin_outage(self, guild_id: int) -> None:
        """A server cannot be reached for a while, which bots are told of (Discord, "Guild Delete")."""
        self.publish_to_guild("GUILD_DELETE", {"id": str(guild_id), "unavailable": True}, guild_id, self.bot_id)

    def end_outage(self, guild_id: int) -> None:
        view = guild_create_view(self, self.guild(guild_id), self.bot_id)
        self.publish_to_guild("GUILD_CREATE", view, guild_id, self.bot_id)

    def add_bot(self, guild_id: int, permissions: int = int(BOT_PERMISSIONS)) -> Member:
        """Invite the application's bot: a member with a managed role of its own."""
        role = self.add_role(guild_id, self.application.name, permissions, bot_id=self.bot_id)
        return self.add_member(guild_id, self.bot_id, role.id)

    def add_channel(
        self,
        guild_id: int,
        name: str,
        kind: ChannelType = ChannelType.TEXT,
        *,
        overwrites: list[ChannelOverwrite] | None = None,
        tags: tuple[str, ...] = (),
    ) -> Channel:
        channel = Channel(
            id=self.mint(),
            type=kind,
            guild_id=guild_id,
            name=name,
            position=len(self.channels_of(guild_id)),
            overwrites=overwrites or [],
            available_tags=[ForumTag(self.mint(), tag) for tag in tags],
        )
        self.records.channels[channel.id] = channel
        self.publish_channel("CHANNEL_CREATE", channel)
        return channel


def new_world(now: Callable[[], float] = time.time, *, message_content: bool = True, name: str = "Cogitor") -> World:
    """A world with nothing but the application, its bot, and its owner Ada."""
    ids = Snowflakes(now)
    ada = User(ids.mint(), "ada", "Ada", avatar_color="#3b82c4")
    bot = User(ids.mint(), name.lower(), name, bot=True, avatar_color="#7c5cd6")
    flags = int(ApplicationFlag.GATEWAY_MESSAGE_CONTENT_LIMITED) if message_content else 0
    application = Application(ids.mint(), bot.id, ada.id, name, flags)
    records = Records(application, users={ada.id: ada, bot.id: bot}, last_id=ids.last)
    return World(records, now)


def default_world(
    now: Callable[[], float] = time.time,
    *,
    message_content: bool = True,
    bot_permissions: int = int(BOT_PERMISSIONS),
) -> World:
    """The playground: one server with #general, #code and the forum #questions; Ada owns it, Ben is a member."""
    world = new_world(now, message_content=message_content)
    ada = world.application.owner_id
    ben = world.add_user("ben", "Ben", color="#d97706")
    guild = world.add_guild("Cogitor playground", ada)
    admin = world.add_role(guild.id, "Admin", EVERY_PERMISSION)
    guild.members[ada].roles.append(admin.id)
    world.add_member(guild.id, ben.id)
    world.add_bot(guild.id, bot_permissions)
    world.add_channel(guild.id, "general")
    world.add_channel(guild.id, "code")
    world.add_channel(guild.id, "questions", ChannelType.FORUM, tags=("python", "rust", "solved"))
    return world
