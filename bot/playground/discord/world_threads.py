"""Starting threads: from a message, without one, and as a forum's post."""

from __future__ import annotations

from collections.abc import Sequence

from bot.messages import JsonObject
from bot.playground.discord import errors, limits
from bot.playground.discord.compose import compose_message
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_channel import ThreadForm, read_thread
from bot.playground.discord.form_message import MessageForm, Upload, read_message
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import (
    SYSTEM_TYPES,
    Channel,
    ChannelType,
    Message,
    MessageFlag,
    MessageType,
    Reference,
    Thread,
)
from bot.playground.discord.views_message import message_event
from bot.playground.discord.world_messages import MessageVerbs


class ThreadVerbs(MessageVerbs):
    """Threads come into being here; `max_active_threads` is a server's cap on open ones."""

    max_active_threads = limits.ACTIVE_THREADS

    def start_thread_from_message(self, actor: int, channel_id: int, message_id: int, body: JsonObject) -> Channel:
        """Open a thread on a message; it takes the message's id."""
        parent = self._parent(actor, channel_id, {ChannelType.TEXT, ChannelType.ANNOUNCEMENT})
        self.require(actor, parent, Permission.CREATE_PUBLIC_THREADS)
        message = self.message(channel_id, message_id)
        if message.type in SYSTEM_TYPES:
            raise ApiError(*errors.SYSTEM_MESSAGE)
        if message_id in self.records.channels:
            raise ApiError(*errors.THREAD_EXISTS)
        form = read_thread(body)
        news = parent.type is ChannelType.ANNOUNCEMENT
        kind = ChannelType.ANNOUNCEMENT_THREAD if news else ChannelType.PUBLIC_THREAD
        thread = self._open_thread(actor, parent, form, kind, thread_id=message_id)
        message.flags |= MessageFlag.HAS_THREAD
        self.publish_channel("THREAD_CREATE", thread, newly_created=True)
        self.publish("MESSAGE_UPDATE", message_event(self, message), parent)
        self._admit(thread, [actor])
        reference = Reference(channel_id, message_id, parent.guild_id)
        self._add_system_message(thread, actor, MessageType.THREAD_STARTER_MESSAGE, reference=reference)
        return thread

    def start_thread(self, actor: int, channel_id: int, body: JsonObject) -> Channel:
        """Open a thread on no message. A public one is announced in its parent."""
        parent = self._parent(actor, channel_id, {ChannelType.TEXT, ChannelType.ANNOUNCEMENT})
        form = read_thread(body)
        if (form.type is ChannelType.ANNOUNCEMENT_THREAD) != (parent.type is ChannelType.ANNOUNCEMENT):
            raise ApiError(*errors.WRONG_CHANNEL_TYPE)
        private = form.type is ChannelType.PRIVATE_THREAD
        needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
        self.require(actor, parent, needed)
        thread = self._open_thread(actor, parent, form, form.type)
        self.publish_channel("THREAD_CREATE", thread, newly_created=True)
        self._admit(thread, [actor])
        if not private:
            reference = Reference(thread.id, None, parent.guild_id)
            self._add_system_message(parent, actor, MessageType.THREAD_CREATED, form.name, reference)
        return thread

    def start_post(
        self, actor: int, channel_id: int, body: JsonObject, files: Sequence[Upload] = ()
    ) -> tuple[Channel, Message]:
        """Open a forum's post: a thread whose first message has the thread's id."""
        parent = self._parent(actor, channel_id, {ChannelType.FORUM})
        self.require(actor, parent, Permission.SEND_MESSAGES)
        form = read_thread(body, forum=True)
        known = {tag.id for tag in parent.available_tags}
        for index, tag in enumerate(form.applied_tags):
            if tag not in known:
                raise errors.invalid_form(("applied_tags", index), "FORUM_TAG_INVALID", "Unknown tag")
        message_form = read_message(form.message or {}, files)
        thread = self._open_thread(actor, parent, form, ChannelType.PUBLIC_THREAD)
        message = self._first_message(actor, thread, message_form)
        parent.last_message_id = thread.id
        self.publish_channel("THREAD_CREATE", thread, newly_created=True)
        self._admit(thread, [actor])
        self._add_message(thread, message)
        return thread, message

    def active_threads(self, actor: int, guild_id: int) -> list[Channel]:
        """A server's open threads that `actor` can see, newest first."""
        self.guild_for(actor, guild_id)
        threads = [thread for thread in self.threads_of(guild_id) if thread.thread and not thread.thread.archived]
        return [thread for thread in reversed(threads) if self.can_view(actor, thread.id)]

    def archived_threads(
        self, actor: int, channel_id: int, *, private: bool = False, before: float | None = None
    ) -> list[Channel]:
        """A channel's archived threads, the latest archived first, before a moment in Unix seconds."""
        parent = self.channel_for(actor, channel_id)
        self.require(actor, parent, Permission.READ_MESSAGE_HISTORY)
        if parent.guild_id is None:
            raise ApiError(*errors.WRONG_CHANNEL_TYPE)
        if private:
            self.require(actor, parent, Permission.MANAGE_THREADS)
        found = [
            (thread.archive_changed_at, channel)
            for channel in self.threads_of(parent.guild_id, channel_id)
            if (thread := channel.thread) is not None
            and thread.archived
            and (channel.type is ChannelType.PRIVATE_THREAD) == private
            and (before is None or thread.archive_changed_at < before)
        ]
        return [channel for _, channel in sorted(found, key=lambda item: item[0], reverse=True)]

    def _parent(self, actor: int, channel_id: int, kinds: set[ChannelType]) -> Channel:
        parent = self.channel_for(actor, channel_id)
        if parent.type not in kinds or parent.guild_id is None:
            raise ApiError(*errors.WRONG_CHANNEL_TYPE)
        return parent

    def _open_thread(
        self, actor: int, parent: Channel, form: ThreadForm, kind: ChannelType, thread_id: int | None = None
    ) -> Channel:
        threads = self.threads_of(self.guild_of(parent).id)
        active = sum(not thread.as_thread.archived for thread in threads)
        if active >= self.max_active_threads:
            raise ApiError(*errors.TOO_MANY_THREADS)
        channel = Channel(
            id=thread_id or self.mint(),
            type=kind,
            guild_id=parent.guild_id,
            name=form.name,
            parent_id=parent.id,
            slowmode_seconds=form.slowmode_seconds,
            thread=Thread(
                owner_id=actor,
                created_at=self.now(),
                archive_changed_at=self.now(),
                auto_archive_minutes=form.auto_archive_minutes,
                invitable=form.invitable,
                applied_tags=list(form.applied_tags),
                members={actor: self.now()} if kind is ChannelType.PRIVATE_THREAD else {},
            ),
        )
        self.records.channels[channel.id] = channel
        return channel

    def _first_message(self, actor: int, thread: Channel, form: MessageForm) -> Message:
        try:
            return compose_message(self, actor, thread, form, message_id=thread.id)
        except ApiError:
            del self.records.channels[thread.id]
            raise

    def _add_system_message(
        self, channel: Channel, author: int, kind: MessageType, content: str = "", reference: Reference | None = None
    ) -> Message:
        message = Message(
            id=self.mint(), channel_id=channel.id, author_id=author, type=kind, content=content, reference=reference
        )
        self._add_message(channel, message)
        return message
