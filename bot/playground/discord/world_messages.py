"""Sending, editing, deleting and reading messages, with the rules Discord holds them to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from bot.messages import JsonObject
from bot.playground.discord import errors, limits
from bot.playground.discord.compose import apply_edit, compose_message
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_message import MessageForm, Upload, read_message
from bot.playground.discord.membership import ThreadMembership
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import (
    SYSTEM_TYPES,
    Channel,
    ChannelType,
    Message,
    MessageFlag,
    MessageType,
    Records,
    Reference,
)
from bot.playground.discord.snowflake import created_at
from bot.playground.discord.views import member_view
from bot.playground.discord.views_message import message_event

_SPEAKABLE = frozenset(ChannelType) - {ChannelType.FORUM}


class MessageVerbs(ThreadMembership):
    """What users do with messages. `actor` is the id of the user who does it, the bot's own included."""

    def __init__(self, records: Records, now: Callable[[], float] = time.time) -> None:
        super().__init__(records, now)
        self._old_edits: dict[int, list[float]] = {}

    def create_message(self, actor: int, channel_id: int, body: JsonObject, files: Sequence[Upload] = ()) -> Message:
        """Send a message; `body` is that of "Create Message". An enforced nonce returns what it made before."""
        channel = self.channel(channel_id)
        self._require_speech(actor, channel, attaching=bool(files))
        form = read_message(body, files)
        if (form.flags or 0) & MessageFlag.EPHEMERAL:
            raise errors.invalid_form(
                ("flags",), "MESSAGE_FLAGS_INVALID", "Only an interaction's response is ephemeral"
            )
        if form.enforce_nonce and (earlier := self._sent_before(actor, channel_id, form.nonce)) is not None:
            return earlier
        reference = self._reply_reference(actor, channel, form)
        if channel.thread is not None:
            self._refuse_locked(actor, channel, channel.thread)
        message = compose_message(self, actor, channel, form, reference=reference)
        if channel.thread is not None and channel.thread.archived:
            self._reopen(channel, channel.thread)
        self._add_message(channel, message)
        return message

    def edit_message(
        self, actor: int, channel_id: int, message_id: int, body: JsonObject, files: Sequence[Upload] = ()
    ) -> Message:
        """Change one's own message."""
        channel = self.channel_for(actor, channel_id)
        message = self.message(channel_id, message_id)
        if message.author_id != actor:
            raise ApiError(*errors.NOT_YOUR_MESSAGE)
        if message.type in SYSTEM_TYPES:
            raise ApiError(*errors.SYSTEM_MESSAGE)
        if channel.thread is not None:
            self._refuse_archived(channel.thread)
        form = read_message(body, files, v2=bool(message.flags & MessageFlag.IS_COMPONENTS_V2))
        if files:
            self.require(actor, channel, Permission.ATTACH_FILES)
        self._count_old_edit(channel_id, message)
        apply_edit(self, channel, message, form)
        self.publish("MESSAGE_UPDATE", message_event(self, message), channel)
        return message

    def delete_message(self, actor: int, channel_id: int, message_id: int) -> None:
        """Delete one's own message, or anybody's with Manage Messages."""
        channel = self.channel_for(actor, channel_id)
        message = self.message(channel_id, message_id)
        if message.author_id != actor:
            if channel.guild_id is None:
                raise ApiError(*errors.NOT_IN_A_DM)
            self.require(actor, channel, Permission.MANAGE_MESSAGES)
        if message.type is MessageType.THREAD_STARTER_MESSAGE:
            raise ApiError(*errors.SYSTEM_MESSAGE)
        if channel.thread is not None:
            self._refuse_archived(channel.thread)
        self._drop(channel, [message_id])
        self.publish("MESSAGE_DELETE", {"id": str(message_id)} | _place(channel), channel)

    def delete_messages(self, actor: int, channel_id: int, message_ids: Iterable[int]) -> None:
        """Delete 2 to 100 messages younger than two weeks; ids that do not exist are passed over."""
        channel = self.channel_for(actor, channel_id)
        if channel.guild_id is None:
            raise ApiError(*errors.NOT_IN_A_DM)
        self.require(actor, channel, Permission.MANAGE_MESSAGES)
        ids = list(dict.fromkeys(message_ids))
        if not 2 <= len(ids) <= limits.BULK_DELETE:
            raise ApiError(*errors.BULK_DELETE_COUNT)
        if any(created_at(message_id) < self.now() - limits.BULK_DELETE_SECONDS for message_id in ids):
            raise ApiError(*errors.BULK_DELETE_TOO_OLD)
        known = [message_id for message_id in ids if message_id in self.records.messages.get(channel_id, {})]
        self._drop(channel, known)
        if known:
            data: JsonObject = {"ids": [str(message_id) for message_id in known]}
            self.publish("MESSAGE_DELETE_BULK", data | _place(channel), channel)

    def type_in(self, actor: int, channel_id: int) -> None:
        """Show for ten seconds that somebody is typing."""
        channel = self.channel(channel_id)
        self._require_speech(actor, channel)
        data: JsonObject = {"user_id": str(actor), "timestamp": int(self.now())} | _place(channel)
        if channel.guild_id is not None:
            data["member"] = member_view(self.user(actor), self.member(channel.guild_id, actor))
        self.publish("TYPING_START", data, channel)

    def get_message(self, actor: int, channel_id: int, message_id: int) -> Message:
        """One message of a channel whose history may be read."""
        channel = self.channel_for(actor, channel_id)
        self.require(actor, channel, Permission.READ_MESSAGE_HISTORY)
        return self.message(channel_id, message_id)

    def history(
        self,
        actor: int,
        channel_id: int,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> list[Message]:
        """Messages newest first; at most one of `before`, `after`, `around` counts. Empty without the right to read."""
        channel = self.channel_for(actor, channel_id)
        if channel.type is ChannelType.FORUM:
            raise ApiError(*errors.NOT_A_TEXT_CHANNEL)
        if not self.has(actor, channel, Permission.READ_MESSAGE_HISTORY):
            return []
        messages = sorted(self.records.messages.get(channel_id, {}).values(), key=lambda message: message.id)
        if around is not None:
            older = [message for message in messages if message.id < around][-(limit // 2) :]
            newer = [message for message in messages if message.id >= around][: limit - len(older)]
            found = older + newer
        elif after is not None:
            found = [message for message in messages if message.id > after][:limit]
        else:
            found = [message for message in messages if before is None or message.id < before][-limit:]
        return found[::-1]

    def _require_speech(self, actor: int, channel: Channel, *, attaching: bool = False) -> None:
        if not self.can_view(actor, channel.id):
            raise ApiError(*errors.MISSING_ACCESS)
        if channel.type not in _SPEAKABLE:
            raise ApiError(*errors.NOT_A_TEXT_CHANNEL)
        if channel.guild_id is None:
            self._require_dm(actor, channel)
            return
        speaking = Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS
        self.require(actor, channel, speaking)
        if attaching:
            self.require(actor, channel, Permission.ATTACH_FILES)

    def _require_dm(self, actor: int, channel: Channel) -> None:
        """A bot may write to people who share a server with it, or who have installed it for themselves."""
        others = {user for user in channel.recipients if user != actor}
        shared = bool(others.intersection(self.application.installed_by)) or any(
            actor in guild.members and others & guild.members.keys() for guild in self.records.guilds.values()
        )
        if self.user(actor).bot and not shared:
            raise ApiError(*errors.CANNOT_DM)

    def _reply_reference(self, actor: int, channel: Channel, form: MessageForm) -> Reference | None:
        if form.reply_to is None:
            return None
        if not self.has(actor, channel, Permission.READ_MESSAGE_HISTORY):
            raise ApiError(*errors.REPLY_NEEDS_HISTORY)
        original = self.records.messages.get(channel.id, {}).get(form.reply_to)
        if original is None:
            if not form.reply_must_exist:
                return None
            raise errors.invalid_form(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        if original.type in SYSTEM_TYPES:
            message = "Cannot reply to a system message"
            raise errors.invalid_form(("message_reference",), "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", message)
        return Reference(channel.id, original.id, channel.guild_id)

    def _sent_before(self, actor: int, channel_id: int, nonce: str | int | None) -> Message | None:
        if nonce is None:
            return None
        since = self.now() - limits.NONCE_SECONDS
        for message in reversed(self.records.messages.get(channel_id, {}).values()):
            if created_at(message.id) < since:
                return None
            if message.author_id == actor and message.nonce == nonce:
                return message
        return None

    def _add_message(self, channel: Channel, message: Message) -> None:
        """Put a message into the channel's history and tell everyone."""
        self.records.messages.setdefault(channel.id, {})[message.id] = message
        channel.last_message_id = message.id
        if channel.thread is not None:
            self._count_in_thread(channel, message)
        self.publish("MESSAGE_CREATE", message_event(self, message), channel)

    def _count_in_thread(self, channel: Channel, message: Message) -> None:
        """Speaking in a thread or being mentioned there makes a member; the first message is not counted."""
        thread = channel.as_thread
        if message.type not in SYSTEM_TYPES and message.id != channel.id:
            thread.message_count += 1
            thread.total_message_sent += 1
        mentioned = [user for user in message.mentions if self.can_view(user, channel.id)]
        self._admit(channel, [message.author_id, *mentioned])

    def _count_old_edit(self, channel_id: int, message: Message) -> None:
        now = self.now()
        if created_at(message.id) > now - limits.OLD_MESSAGE_SECONDS:
            return
        recent = [at for at in self._old_edits.get(channel_id, ()) if at > now - limits.OLD_EDITS_SECONDS]
        if len(recent) >= limits.OLD_EDITS:
            raise ApiError(*errors.TOO_MANY_OLD_EDITS, retry_after=recent[0] + limits.OLD_EDITS_SECONDS - now)
        self._old_edits[channel_id] = [*recent, now]

    def _drop(self, channel: Channel, message_ids: list[int]) -> None:
        kept = self.records.messages.get(channel.id, {})
        for message_id in message_ids:
            gone = kept.pop(message_id, None)
            if gone is not None and channel.thread is not None and gone.type not in SYSTEM_TYPES:
                channel.thread.message_count = max(0, channel.thread.message_count - 1)


def _place(channel: Channel) -> JsonObject:
    """Where something happened, as events say it."""
    place: JsonObject = {"channel_id": str(channel.id)}
    if channel.guild_id is not None:
        place["guild_id"] = str(channel.guild_id)
    return place
