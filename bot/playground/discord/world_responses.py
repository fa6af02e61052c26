"""Messages that answer an interaction: sent and changed by its token's authority, not by permissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import JsonObject
from bot.playground.discord import errors
from bot.playground.discord.compose import apply_edit, compose_message
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_message import Upload, read_message
from bot.playground.discord.mentions import USERS_ONLY
from bot.playground.discord.records import Message, MessageFlag, MessageType, Reference
from bot.playground.discord.views_message import message_event
from bot.playground.discord.world_messages import MessageVerbs


@dataclass(frozen=True, slots=True)
class Origin:
    """The interaction a response belongs to; `metadata` is the message's `interaction_metadata`."""

    metadata: JsonObject
    type: MessageType = MessageType.CHAT_INPUT_COMMAND
    reply_to: int | None = None
    """For an answer to a component: the message that carries it."""
    only_user: int | None = None
    """Makes the response ephemeral: only this person sees it, and no history has it."""


class ResponseVerbs(MessageVerbs):
    """Responses and followups of the bot. Whether a token is still good is the caller's business."""

    def create_response(
        self, channel_id: int, body: JsonObject, files: Sequence[Upload] = (), *, origin: Origin, loading: bool = False
    ) -> Message:
        """Show a response, or with `loading` the "thinking" state that a later edit replaces."""
        channel = self.channel(channel_id)
        form = read_message(body, files)
        reference = None if origin.reply_to is None else Reference(channel_id, origin.reply_to, channel.guild_id)
        message = compose_message(
            self, self.bot_id, channel, form, reference=reference, default_mentions=USERS_ONLY, may_be_empty=loading
        )
        message.type = origin.type
        message.application_id = self.application.id
        message.interaction_metadata = dict(origin.metadata)
        message.flags |= MessageFlag.LOADING if loading else 0
        if origin.only_user is None:
            self._add_message(channel, message)
        else:
            message.flags |= MessageFlag.EPHEMERAL
            message.only_user, message.pinged = origin.only_user, []
            for attachment in message.attachments:
                attachment.ephemeral = True
            self.records.ephemeral[message.id] = message
            self.publish("MESSAGE_CREATE", message_event(self, message), channel, origin.only_user)
        return message

    def response(self, channel_id: int, message_id: int) -> Message:
        """A response by its id, an ephemeral one included."""
        message = self.records.ephemeral.get(message_id)
        if message is not None and message.channel_id == channel_id:
            return message
        message = self.message(channel_id, message_id)
        if message.application_id != self.application.id:
            raise ApiError(*errors.UNKNOWN_MESSAGE)
        return message

    def edit_response(
        self, channel_id: int, message_id: int, body: JsonObject, files: Sequence[Upload] = ()
    ) -> Message:
        """Change a response; the first edit of a loading one is its real answer."""
        channel = self.channel(channel_id)
        message = self.response(channel_id, message_id)
        loading = bool(message.flags & MessageFlag.LOADING)
        form = read_message(body, files, v2=bool(message.flags & MessageFlag.IS_COMPONENTS_V2))
        apply_edit(self, channel, message, form, default_mentions=USERS_ONLY)
        message.edited_at = None if loading else message.edited_at
        self.publish("MESSAGE_UPDATE", message_event(self, message), channel, message.only_user)
        return message

    def update_component_message(
        self, channel_id: int, message_id: int, body: JsonObject, files: Sequence[Upload] = ()
    ) -> Message:
        """Change the message whose component was used; it may be any message of the bot's."""
        channel = self.channel(channel_id)
        message = self.records.ephemeral.get(message_id) or self.message(channel_id, message_id)
        form = read_message(body, files, v2=bool(message.flags & MessageFlag.IS_COMPONENTS_V2))
        apply_edit(self, channel, message, form, default_mentions=USERS_ONLY)
        self.publish("MESSAGE_UPDATE", message_event(self, message), channel, message.only_user)
        return message

    def delete_response(self, channel_id: int, message_id: int) -> None:
        channel = self.channel(channel_id)
        message = self.response(channel_id, message_id)
        data: JsonObject = {"id": str(message_id), "channel_id": str(channel_id)}
        if channel.guild_id is not None:
            data["guild_id"] = str(channel.guild_id)
        if self.records.ephemeral.pop(message_id, None) is None:
            self._drop(channel, [message_id])
        self.publish("MESSAGE_DELETE", data, channel, message.only_user)
