"""Who is in a thread, and whether it is open: the part of threads that messages need."""

from __future__ import annotations

from bot.messages import JsonObject
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, ChannelType, Thread
from bot.playground.discord.state import State
from bot.playground.discord.views import MAX_MEMBER_COUNT, channel_view, member_view, thread_member_view


class ThreadMembership(State):
    """Joining, leaving and re-opening threads."""

    def thread(self, channel_id: int) -> tuple[Channel, Thread]:
        """A thread by its id; any other channel is refused."""
        channel = self.channel(channel_id)
        if channel.thread is None:
            raise ApiError(*errors.WRONG_CHANNEL_TYPE)
        return channel, channel.thread

    def join_thread(self, actor: int, channel_id: int) -> None:
        """Become a member of a thread that can be seen."""
        channel, thread = self.thread(channel_id)
        self.require(actor, channel, Permission.VIEW_CHANNEL)
        self._refuse_archived(thread)
        self._admit(channel, [actor])

    def leave_thread(self, actor: int, channel_id: int) -> None:
        channel, thread = self.thread(channel_id)
        self._refuse_archived(thread)
        self._expel(channel, actor)

    def add_thread_member(self, actor: int, channel_id: int, user_id: int) -> None:
        """Bring another member into a thread; needs the right to speak there."""
        channel, thread = self.thread(channel_id)
        self.require(actor, channel, Permission.SEND_MESSAGES_IN_THREADS)
        self._refuse_archived(thread)
        self.member(self.guild_of(channel).id, user_id)
        if channel.parent_id is not None and not self.can_view(user_id, channel.parent_id):
            raise ApiError(*errors.MISSING_ACCESS)
        self._admit(channel, [user_id])

    def remove_thread_member(self, actor: int, channel_id: int, user_id: int) -> None:
        """Take somebody out of a thread: for moderators, and for the owner of a private one."""
        channel, thread = self.thread(channel_id)
        self._refuse_archived(thread)
        if channel.type is not ChannelType.PRIVATE_THREAD or thread.owner_id != actor:
            self.require(actor, channel, Permission.MANAGE_THREADS)
        self._expel(channel, user_id)

    def publish_channel(self, name: str, channel: Channel, **more: bool) -> None:
        """Announce a channel as it now is, under an event's name such as THREAD_UPDATE."""
        data: JsonObject = {**channel_view(self, channel), **more}
        self.publish(name, data, channel)

    def _refuse_archived(self, thread: Thread) -> None:
        if thread.archived:
            raise ApiError(*errors.THREAD_ARCHIVED)

    def _refuse_locked(self, actor: int, channel: Channel, thread: Thread) -> None:
        """In a locked thread only moderators speak."""
        if thread.locked and not self.has(actor, channel, Permission.MANAGE_THREADS):
            raise ApiError(*errors.THREAD_LOCKED)

    def _reopen(self, channel: Channel, thread: Thread) -> None:
        """Speaking in an archived thread opens it again."""
        thread.archived = False
        thread.archive_changed_at = self.now()
        self.publish_channel("THREAD_UPDATE", channel)

    def _admit(self, channel: Channel, user_ids: list[int]) -> None:
        thread = channel.as_thread
        new = [user for user in dict.fromkeys(user_ids) if user not in thread.members]
        if not new:
            return
        for user in new:
            thread.members[user] = self.now()
            if channel.type is ChannelType.PRIVATE_THREAD:  # it begins for them (Discord, "Thread Create")
                self.publish("THREAD_CREATE", channel_view(self, channel, user), channel, only_user=user)
        self._publish_members(channel, thread, {"added_members": [self._full_member(channel, user) for user in new]})

    def _expel(self, channel: Channel, user_id: int) -> None:
        thread = channel.as_thread
        if thread.members.pop(user_id, None) is None:
            raise ApiError(*errors.UNKNOWN_MEMBER)
        self._publish_members(channel, thread, {"removed_member_ids": [str(user_id)]})

    def _full_member(self, channel: Channel, user_id: int) -> JsonObject:
        """A thread's member with the server's member beside it, as THREAD_MEMBERS_UPDATE carries it."""
        view = thread_member_view(channel, user_id)
        member = self.guild_of(channel).members.get(user_id)
        if member is not None:
            view |= {"member": member_view(self.user(user_id), member), "presence": None}
        return view

    def _publish_members(self, channel: Channel, thread: Thread, change: JsonObject) -> None:
        data: JsonObject = {
            "id": str(channel.id),
            "guild_id": str(channel.guild_id),
            "member_count": min(len(thread.members), MAX_MEMBER_COUNT),
            **change,
        }
        self.publish("THREAD_MEMBERS_UPDATE", data, channel)
