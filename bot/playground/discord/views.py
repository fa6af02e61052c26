"""How people, servers, channels and the application look on the wire.

Each function turns a record into Discord's own object, complete enough for
Discord's schema and for discord.py. Messages have `views_message.py`.
"""

from __future__ import annotations

from bot.messages import JsonObject
from bot.playground.discord.records import (
    Application,
    Channel,
    ChannelType,
    Command,
    ForumTag,
    Guild,
    Member,
    Role,
    User,
)
from bot.playground.discord.snowflake import iso
from bot.playground.discord.state import State

MAX_MEMBER_COUNT = 50
"""Where Discord stops counting a thread's members."""


_GUILD_NULLS = (
    "icon",
    "description",
    "home_header",
    "splash",
    "discovery_splash",
    "banner",
    "application_id",
    "afk_channel_id",
    "widget_channel_id",
    "max_presences",
    "vanity_url_code",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "public_updates_channel_id",
    "premium_progress_bar_enabled_user_updated_at",
    "incidents_data",
)
_GUILD_ZEROS = (
    "system_channel_flags",
    "verification_level",
    "default_message_notifications",
    "mfa_level",
    "explicit_content_filter",
    "premium_tier",
    "premium_subscription_count",
    "nsfw_level",
)
_GUILD_CONSTANTS: JsonObject = {
    "features": [],
    "emojis": [],
    "stickers": [],
    "region": "deprecated",
    "afk_timeout": 300,
    "widget_enabled": False,
    "max_members": 500_000,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "premium_progress_bar_enabled": False,
    "nsfw": False,
}


def snowflake(value: int | None) -> str | None:
    return None if value is None else str(value)


def user_view(user: User) -> JsonObject:
    view: JsonObject = {
        "id": str(user.id),
        "username": user.username,
        "discriminator": "0000" if user.bot else "0",
        "global_name": user.global_name,
        "avatar": None,
        "banner": None,
        "accent_color": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
        "public_flags": 0,
        "flags": 0,
    }
    if user.bot:
        view["bot"] = True
    return view


def me_view(user: User) -> JsonObject:
    """The bot's own user, with the fields that only oneself sees."""
    return user_view(user) | {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def member_view(user: User, member: Member) -> JsonObject:
    return {**partial_member_view(member), "user": user_view(user)}


def partial_member_view(member: Member) -> JsonObject:
    """A member as events carry it beside its user."""
    return {
        "nick": member.nick,
        "roles": [str(role) for role in member.roles],
        "joined_at": iso(member.joined_at),
        "premium_since": None,
        "communication_disabled_until": None,
        "avatar": None,
        "banner": None,
        "flags": 0,
        "pending": False,
        "deaf": False,
        "mute": False,
    }


def role_view(role: Role) -> JsonObject:
    view: JsonObject = {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": None, "tertiary_color": None},
        "hoist": role.hoist,
        "managed": role.bot_id is not None,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    if role.bot_id is not None:
        view["tags"] = {"bot_id": str(role.bot_id)}
    return view


def guild_view(guild: Guild) -> JsonObject:
    """A server as "Get Guild" answers: what this world has, and nothing for all that it has not."""
    view: JsonObject = {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "roles": [role_view(role) for role in guild.roles.values()],
        "preferred_locale": guild.locale,
        "system_channel_id": snowflake(guild.system_channel_id),
    }
    view.update(_GUILD_CONSTANTS)
    view.update(dict.fromkeys(_GUILD_NULLS))
    view.update(dict.fromkeys(_GUILD_ZEROS, 0))
    return view


def guild_create_view(state: State, guild: Guild, viewer: int) -> JsonObject:
    """A server as GUILD_CREATE carries it: with the channels and open threads that `viewer` can see."""
    members = guild.members.values()
    channels = [channel for channel in state.channels_of(guild.id) if state.can_view(viewer, channel.id)]
    view: JsonObject = {
        "joined_at": iso(guild.members[viewer].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_view(state.user(member.user_id), member) for member in members],
        "channels": [channel_view(state, channel, viewer) for channel in channels],
        "threads": [channel_view(state, thread, viewer) for thread in open_threads(state, guild.id, viewer)],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }
    return guild_view(guild) | view


def open_threads(state: State, guild_id: int, viewer: int) -> list[Channel]:
    """A server's threads that are not archived and that `viewer` can see."""
    threads = state.threads_of(guild_id)
    return [t for t in threads if t.thread and not t.thread.archived and state.can_view(viewer, t.id)]


def channel_view(state: State, channel: Channel, viewer: int | None = None) -> JsonObject:
    """Any channel. For a `viewer`, a thread has their `member`, and a DM's recipients are the others."""
    if channel.thread is not None:
        return _thread_view(channel, viewer)
    if channel.type is ChannelType.DM:
        return _dm_view(state, channel, viewer)
    return _guild_channel_view(channel)


def _guild_channel_view(channel: Channel) -> JsonObject:
    view: JsonObject = {
        "id": str(channel.id),
        "type": int(channel.type),
        "guild_id": snowflake(channel.guild_id),
        "name": channel.name,
        "parent_id": snowflake(channel.parent_id),
        "topic": channel.topic,
        "position": channel.position,
        "nsfw": channel.nsfw,
        "flags": channel.flags,
        "rate_limit_per_user": channel.slowmode_seconds,
        "last_message_id": snowflake(channel.last_message_id),
        "permission_overwrites": [
            {
                "id": str(overwrite.target_id),
                "type": int(overwrite.for_member),
                "allow": str(overwrite.allow),
                "deny": str(overwrite.deny),
            }
            for overwrite in channel.overwrites
        ],
    }
    if channel.type is ChannelType.VOICE:
        view |= {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
    if channel.type is ChannelType.FORUM:
        tags: list[JsonObject] = [_tag_view(tag) for tag in channel.available_tags]
        view |= {
            "available_tags": [*tags],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }
    return view


def _tag_view(tag: ForumTag) -> JsonObject:
    return {"id": str(tag.id), "name": tag.name, "moderated": tag.moderated, "emoji_id": None, "emoji_name": None}


def _dm_view(state: State, channel: Channel, viewer: int | None) -> JsonObject:
    others = [user for user in channel.recipients if user != viewer]
    return {
        "id": str(channel.id),
        "type": int(channel.type),
        "flags": channel.flags,
        "last_message_id": snowflake(channel.last_message_id),
        "recipients": [user_view(state.user(user)) for user in others],
    }


def _thread_view(channel: Channel, viewer: int | None) -> JsonObject:
    thread = channel.as_thread
    metadata: JsonObject = {
        "archived": thread.archived,
        "auto_archive_duration": thread.auto_archive_minutes,
        "archive_timestamp": iso(thread.archive_changed_at),
        "create_timestamp": iso(thread.created_at),
        "locked": thread.locked,
    }
    if channel.type is ChannelType.PRIVATE_THREAD:
        metadata["invitable"] = thread.invitable
    view: JsonObject = {
        "id": str(channel.id),
        "type": int(channel.type),
        "guild_id": snowflake(channel.guild_id),
        "parent_id": snowflake(channel.parent_id),
        "owner_id": str(thread.owner_id),
        "name": channel.name,
        "flags": channel.flags,
        "last_message_id": snowflake(channel.last_message_id),
        "rate_limit_per_user": channel.slowmode_seconds,
        "message_count": thread.message_count,
        "total_message_sent": thread.total_message_sent,
        "member_count": min(len(thread.members), MAX_MEMBER_COUNT),
        "applied_tags": [str(tag) for tag in thread.applied_tags],
        "thread_metadata": metadata,
    }
    if viewer in thread.members:
        view["member"] = thread_member_view(channel, viewer)
    return view


def thread_member_view(channel: Channel, user_id: int) -> JsonObject:
    joined = channel.as_thread.members[user_id]
    return {"id": str(channel.id), "user_id": str(user_id), "join_timestamp": iso(joined), "flags": 0}


def application_view(state: State, application: Application) -> JsonObject:
    """The application as its own bot sees it."""
    mine = sum(application.bot_id in guild.members for guild in state.records.guilds.values())
    return {
        "id": str(application.id),
        "name": application.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user_view(state.user(application.bot_id)),
        "bot_public": True,
        "bot_require_code_grant": False,
        "integration_types_config": {"0": {}, "1": {}} if application.takes_user_installs else {"0": {}},
        "verify_key": application.verify_key,
        "flags": application.flags,
        "flags_new": str(application.flags),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_view(state.user(application.owner_id)),
        "approximate_guild_count": mine,
        "approximate_user_install_count": len(application.installed_by),
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
    }


def command_view(command: Command) -> JsonObject:
    view: JsonObject = {
        "id": str(command.id),
        "application_id": str(command.application_id),
        "version": str(command.version),
        **command.body,
    }
    if command.guild_id is not None:
        view["guild_id"] = str(command.guild_id)
    return view
