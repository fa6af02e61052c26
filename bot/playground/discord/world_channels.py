"""Changing and deleting channels and threads, and opening DMs."""

from __future__ import annotations

from bot.messages import JsonObject
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_channel import ChannelForm, read_channel_edit
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, ChannelType, MessageFlag, MessageType, Thread
from bot.playground.discord.views import channel_view
from bot.playground.discord.world_threads import ThreadVerbs


class ChannelVerbs(ThreadVerbs):
    """What users do to channels as a whole."""

    def open_dm(self, actor: int, recipient: int) -> Channel:
        """The DM between two users, made when there is none."""
        self.user(recipient)
        if recipient == actor:
            raise ApiError(*errors.INVALID_RECIPIENTS)
        if self.user(actor).bot and self.user(recipient).bot:
            raise ApiError(*errors.CANNOT_DM)
        for channel in self.records.channels.values():
            if channel.type is ChannelType.DM and set(channel.recipients) == {actor, recipient}:
                return channel
        channel = Channel(id=self.mint(), type=ChannelType.DM, recipients=[actor, recipient])
        self.records.channels[channel.id] = channel
        for user in channel.recipients:
            self.publish("CHANNEL_CREATE", channel_view(self, channel, user), channel, only_user=user)
        return channel

    def edit_channel(self, actor: int, channel_id: int, body: JsonObject) -> Channel:
        """Change a channel or thread; `body` is that of "Modify Channel"."""
        channel = self.channel_for(actor, channel_id)
        if channel.guild_id is None:
            raise ApiError(*errors.NOT_IN_A_DM)
        form = read_channel_edit(body)
        if channel.thread is not None:
            self._edit_thread(actor, channel, channel.thread, form)
        else:
            self._edit_guild_channel(actor, channel, form)
        return channel

    def delete_channel(self, actor: int, channel_id: int) -> Channel:
        """Delete a channel with its threads, or a thread. A DM is only closed, and keeps its messages."""
        channel = self.channel_for(actor, channel_id)
        if channel.guild_id is None:
            return channel
        needed = Permission.MANAGE_CHANNELS if channel.thread is None else Permission.MANAGE_THREADS
        self.require(actor, channel, needed)
        self._announce_removal(channel)
        # Discord tells of no thread that goes with its channel (discord.js, pull request 10883).
        for gone in (*self.threads_of(channel.guild_id, channel_id), channel):
            del self.records.channels[gone.id]
            self.records.messages.pop(gone.id, None)
        return channel

    def _announce_removal(self, channel: Channel) -> None:
        """Told before it happens: afterwards nobody could be asked whether they saw the channel."""
        if channel.thread is None:
            self.publish_channel("CHANNEL_DELETE", channel)
        else:
            view = channel_view(self, channel)
            gone = {key: view[key] for key in ("id", "guild_id", "parent_id", "type")}
            self.publish("THREAD_DELETE", gone, channel)
            starter = self.records.messages.get(channel.parent_id or 0, {}).get(channel.id)
            if starter is not None:
                starter.flags &= ~MessageFlag.HAS_THREAD

    def _edit_guild_channel(self, actor: int, channel: Channel, form: ChannelForm) -> None:
        self.require(actor, channel, Permission.MANAGE_CHANNELS)
        if form.overwrites is not None:
            self.require(actor, channel, Permission.MANAGE_ROLES)
            channel.overwrites = form.overwrites
        if form.name is not None:
            channel.name = form.name.lower().replace(" ", "-") if channel.type is ChannelType.TEXT else form.name
        channel.topic = channel.topic if form.topic is None else form.topic
        channel.position = channel.position if form.position is None else form.position
        channel.nsfw = channel.nsfw if form.nsfw is None else form.nsfw
        if form.slowmode_seconds is not None:
            channel.slowmode_seconds = form.slowmode_seconds
        self.publish_channel("CHANNEL_UPDATE", channel)

    def _edit_thread(self, actor: int, channel: Channel, thread: Thread, form: ChannelForm) -> None:
        self._require_thread_rights(actor, channel, thread, form)
        if thread.archived and form.archived is not False and form != _only_archiving(form):
            raise ApiError(*errors.THREAD_ARCHIVED)
        renamed = form.name is not None and form.name != channel.name
        channel.name = channel.name if form.name is None else form.name
        if form.slowmode_seconds is not None:
            channel.slowmode_seconds = form.slowmode_seconds
        if form.auto_archive_minutes is not None:
            thread.auto_archive_minutes = form.auto_archive_minutes
        thread.locked = thread.locked if form.locked is None else form.locked
        thread.invitable = thread.invitable if form.invitable is None else form.invitable
        thread.applied_tags = thread.applied_tags if form.applied_tags is None else list(form.applied_tags)
        if form.archived is not None and form.archived != thread.archived:
            thread.archived, thread.archive_changed_at = form.archived, self.now()
        self.publish_channel("THREAD_UPDATE", channel)
        if renamed:
            self._add_system_message(channel, actor, MessageType.CHANNEL_NAME_CHANGE, channel.name)

    def _require_thread_rights(self, actor: int, channel: Channel, thread: Thread, form: ChannelForm) -> None:
        """The owner may rename, archive and tag; whoever speaks there may re-open; the rest is for moderators."""
        if self.has(actor, channel, Permission.MANAGE_THREADS):
            return
        moderating = form.locked is not None or form.slowmode_seconds is not None
        if moderating or (thread.locked and form.archived is not None):
            raise ApiError(*errors.MISSING_PERMISSIONS)
        if thread.owner_id == actor:
            return
        if form.archived is False and form == _only_archiving(form):
            self.require(actor, channel, Permission.SEND_MESSAGES_IN_THREADS)
            return
        raise ApiError(*errors.MISSING_PERMISSIONS)


def _only_archiving(form: ChannelForm) -> ChannelForm:
    """The same changes without any but those an archived thread takes."""
    return ChannelForm(None, None, None, None, None, None, form.archived, form.locked, None, None, None)
