"""Looks up the people, roles, channels and files that an interaction names: its `resolved` data.

It knows nothing of where in the interaction they were named.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.records import Attachment, Message
from bot.playground.discord.state import State
from bot.playground.discord.views import channel_view, partial_member_view, role_view, user_view
from bot.playground.discord.views_message import attachment_view, message_view


class Resolved:
    """What has been named so far; every look-up refuses what does not exist or is out of the person's sight."""

    def __init__(
        self, state: State, user_id: int, channel_id: int, guild_id: int | None, uploads: Mapping[str, Attachment]
    ) -> None:
        """`uploads` are the files that came along, by the value that names each."""
        self._state = state
        self._user_id = user_id
        self._channel_id = channel_id
        self._guild_id = guild_id
        self._uploads = uploads
        self._found: dict[str, JsonObject] = {}

    def as_json(self) -> JsonObject:
        return dict(self._found)

    def user(self, value: JsonValue) -> None:
        user = self._state.user(_snowflake(value))
        self._note("users", user.id, user_view(user))
        if self._guild_id is not None:
            member = self._state.guild(self._guild_id).members.get(user.id)
            if member is not None:
                partial = partial_member_view(member)
                del partial["deaf"], partial["mute"]
                permissions = str(self._state.permissions_in(user.id, self._channel_id))
                self._note("members", user.id, partial | {"permissions": permissions})

    def role(self, value: JsonValue) -> None:
        role_id = _snowflake(value)
        roles = {} if self._guild_id is None else self._state.guild(self._guild_id).roles
        if role_id not in roles:
            raise ApiError(*errors.UNKNOWN_ROLE)
        self._note("roles", role_id, role_view(roles[role_id]))

    def mentionable(self, value: JsonValue) -> None:
        """A user or a role."""
        if _snowflake(value) in self._state.records.users:
            self.user(value)
        else:
            self.role(value)

    def channel(self, value: JsonValue) -> int:
        """Returns the channel's type."""
        channel = self._state.channel_for(self._user_id, _snowflake(value))
        if channel.guild_id != self._guild_id:
            raise ApiError(*errors.UNKNOWN_CHANNEL)
        theirs = str(self._state.permissions_in(self._user_id, channel.id))
        mine = str(self._state.permissions_in(self._state.bot_id, channel.id))
        view = channel_view(self._state, channel)
        self._note("channels", channel.id, view | {"permissions": theirs, "app_permissions": mine})
        return int(channel.type)

    def message(self, message: Message) -> None:
        self._note("messages", message.id, message_view(self._state, message, self._state.bot_id))

    def attachment(self, value: JsonValue) -> Attachment:
        """A file by the value that the page gave it; the caller replaces that value by the file's id."""
        attachment = self._uploads.get(str(value))
        if attachment is None:
            raise errors.invalid_form(("data", "attachments"), "MESSAGE_ATTACHMENT_NOT_FOUND", "Attachment not found")
        self._note("attachments", attachment.id, attachment_view(self._state, self._channel_id, attachment))
        return attachment

    def _note(self, kind: str, snowflake: int, view: JsonObject) -> None:
        self._found.setdefault(kind, {})[str(snowflake)] = view


def objects(value: JsonValue) -> list[JsonObject]:
    """The JSON objects in a list; whatever else it holds is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _snowflake(value: JsonValue) -> int:
    text = str(value)
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        raise errors.invalid_form(("data",), "NUMBER_TYPE_COERCE", "A value is not a snowflake.")
    return int(text)
