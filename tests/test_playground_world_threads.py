"""Threads and forum posts of the embedded Discord: how they begin, who is in them, how they close and open."""

from __future__ import annotations

import pytest

from bot.playground.discord.records import Channel, ChannelType, MessageType, Thread
from tests.discord_stage import Stage, refusal


def opened(s: Stage, actor: int | None = None) -> tuple[Channel, Thread]:
    """A thread that the bot opened on a message of Ben's."""
    channel = s.world.start_thread_from_message(actor or s.bot, s.general.id, s.say(s.ben).id, {"name": "T"})
    s.heard.clear()
    return channel, channel.as_thread


def test_a_thread_on_a_message_takes_its_id_and_begins_with_a_reference_to_it() -> None:
    s = Stage()
    message = s.say(s.ben, "why?")
    s.heard.clear()
    channel = s.world.start_thread_from_message(s.bot, s.general.id, message.id, {"name": "Why"})
    assert (channel.id, channel.as_thread.owner_id, channel.parent_id) == (message.id, s.bot, s.general.id)
    assert message.flags == 1 << 5
    assert s.names() == ["THREAD_CREATE", "MESSAGE_UPDATE", "THREAD_MEMBERS_UPDATE", "MESSAGE_CREATE"]
    created, updated, _, starter = (dispatch.data for dispatch in s.heard)
    assert (created["newly_created"], created["type"]) == (True, 11)
    assert isinstance(updated["thread"], dict)
    assert updated["thread"]["id"] == str(message.id)
    quoted = starter["referenced_message"]
    assert isinstance(quoted, dict)
    assert (starter["type"], starter["channel_id"], quoted["content"]) == (21, str(channel.id), "why?")
    assert channel.as_thread.message_count == 0


def test_a_message_has_one_thread() -> None:
    s = Stage()
    channel, _ = opened(s)
    assert refusal(s.world.start_thread_from_message, s.bot, s.general.id, channel.id, {"name": "U"}) == 160004


def test_a_public_thread_on_no_message_is_announced_and_a_private_one_is_not() -> None:
    s = Stage()
    public = s.world.start_thread(s.ben, s.general.id, {"name": "P", "type": 11})
    private = s.world.start_thread(s.ben, s.general.id, {"name": "Q"})
    announced = s.world.history(s.ada, s.general.id)
    assert [(m.type, m.content) for m in announced] == [(MessageType.THREAD_CREATED, "P")]
    assert (public.type, private.type) == (ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD)
    assert not s.world.can_view(s.bot, private.id)
    assert s.world.can_view(s.ada, private.id), "moderators see it"
    s.world.add_thread_member(s.ben, private.id, s.bot)
    assert s.world.can_view(s.bot, private.id)


def test_a_post_begins_with_a_message_of_its_own_id() -> None:
    s = Stage()
    forum = next(c for c in s.world.channels_of(s.guild.id) if c.type is ChannelType.FORUM)
    tag = str(forum.available_tags[0].id)
    body = {"name": "Q", "message": {"content": "how?"}, "applied_tags": [tag]}
    post, message = s.world.start_post(s.ben, forum.id, body)
    assert (message.id, message.channel_id, post.type) == (post.id, post.id, ChannelType.PUBLIC_THREAD)
    assert s.names() == ["THREAD_CREATE", "THREAD_MEMBERS_UPDATE", "MESSAGE_CREATE"]
    assert post.as_thread.message_count == 0
    assert forum.last_message_id == post.id
    assert refusal(s.world.create_message, s.ben, forum.id, {"content": "x"}) == 50008


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "Q"}, 50035),
        ({"name": "Q", "message": {}}, 50006),
        ({"name": "", "message": {"content": "x"}}, 50035),
        ({"name": "x" * 101, "message": {"content": "x"}}, 50035),
        ({"name": "Q", "message": {"content": "x"}, "applied_tags": ["5"]}, 50035),
        ({"name": "Q", "message": {"content": "x"}, "auto_archive_duration": 61}, 50035),
    ],
)
def test_a_malformed_post_leaves_nothing_behind(body: dict[str, object], code: int) -> None:
    s = Stage()
    forum = next(c for c in s.world.channels_of(s.guild.id) if c.type is ChannelType.FORUM)
    channels = dict(s.world.records.channels)
    assert refusal(s.world.start_post, s.ben, forum.id, body) == code
    assert (s.world.records.channels, s.heard) == (channels, [])


def test_a_server_has_only_so_many_open_threads() -> None:
    s = Stage()
    s.world.max_active_threads = 1
    channel, _ = opened(s)
    assert refusal(s.world.start_thread, s.bot, s.general.id, {"name": "U", "type": 11}) == 160006
    s.world.edit_channel(s.bot, channel.id, {"archived": True})
    s.world.start_thread(s.bot, s.general.id, {"name": "U", "type": 11})


def test_threads_begin_in_channels_only() -> None:
    s = Stage()
    channel, _ = opened(s)
    dm = s.world.open_dm(s.bot, s.ben)
    assert refusal(s.world.start_thread, s.bot, channel.id, {"name": "U", "type": 11}) == 50024
    assert refusal(s.world.start_thread, s.bot, dm.id, {"name": "U", "type": 11}) == 50024


def test_speaking_or_being_mentioned_makes_a_member() -> None:
    s = Stage()
    channel, thread = opened(s)
    assert list(thread.members) == [s.bot]
    s.world.create_message(s.ben, channel.id, {"content": f"<@{s.ada}>"})
    assert list(thread.members) == [s.bot, s.ben, s.ada]
    assert (thread.message_count, thread.total_message_sent) == (1, 1)
    update = next(d for d in s.heard if d.name == "THREAD_MEMBERS_UPDATE")
    added = update.data["added_members"]
    assert isinstance(added, list)
    assert (len(added), update.data["member_count"]) == (2, 3)


def test_leaving_and_joining_are_told() -> None:
    s = Stage()
    channel, _ = opened(s)
    s.world.join_thread(s.ben, channel.id)
    s.world.join_thread(s.ben, channel.id)
    s.world.leave_thread(s.ben, channel.id)
    assert s.names() == ["THREAD_MEMBERS_UPDATE"] * 2
    assert s.heard[-1].data["removed_member_ids"] == [str(s.ben)]
    assert refusal(s.world.leave_thread, s.ben, channel.id) == 10007


def test_a_rename_leaves_a_line_in_the_thread() -> None:
    s = Stage()
    channel, _ = opened(s)
    s.world.edit_channel(s.bot, channel.id, {"name": "Better"})
    s.world.edit_channel(s.bot, channel.id, {"name": "Better"})
    assert s.names() == ["THREAD_UPDATE", "MESSAGE_CREATE", "THREAD_UPDATE"]
    line = s.world.history(s.ada, channel.id)[0]
    assert (line.type, line.content, line.author_id) == (MessageType.CHANNEL_NAME_CHANGE, "Better", s.bot)


RIGHTS = [
    ("bot", {"name": "x"}, None),
    ("bot", {"archived": True}, None),
    ("bot", {"locked": True}, 50013),
    ("bot", {"rate_limit_per_user": 5}, 50013),
    ("ben", {"name": "x"}, 50013),
    ("ben", {"archived": True}, 50013),
    ("ada", {"name": "x"}, None),
    ("ada", {"locked": True, "archived": True}, None),
]


@pytest.mark.parametrize(("who", "body", "code"), RIGHTS)
def test_who_may_change_a_thread_of_the_bots(who: str, body: dict[str, object], code: int | None) -> None:
    s = Stage()
    channel, _ = opened(s)
    actor = {"bot": s.bot, "ben": s.ben, "ada": s.ada}[who]
    if code is None:
        s.world.edit_channel(actor, channel.id, body)
        assert s.heard
    else:
        assert refusal(s.world.edit_channel, actor, channel.id, body) == code


def test_an_archived_thread_is_closed_to_all_but_new_messages() -> None:
    s = Stage()
    channel, thread = opened(s)
    message = s.world.create_message(s.bot, channel.id, {"content": "x"})
    s.world.edit_channel(s.bot, channel.id, {"archived": True})
    assert refusal(s.world.edit_message, s.bot, channel.id, message.id, {"content": "y"}) == 50083
    assert refusal(s.world.delete_message, s.bot, channel.id, message.id) == 50083
    assert refusal(s.world.add_reaction, s.bot, channel.id, message.id, "👍") == 50083
    assert refusal(s.world.join_thread, s.ben, channel.id) == 50083
    assert refusal(s.world.edit_channel, s.bot, channel.id, {"name": "n"}) == 50083
    s.heard.clear()
    assert refusal(s.world.create_message, s.ben, channel.id, {"content": ""}) == 50006
    assert (thread.archived, s.heard) == (True, [])
    s.world.create_message(s.ben, channel.id, {"content": "wake"})
    assert not thread.archived
    assert s.names() == ["THREAD_UPDATE", "THREAD_MEMBERS_UPDATE", "MESSAGE_CREATE"]


def test_a_locked_thread_is_opened_by_moderators_only() -> None:
    s = Stage()
    channel, thread = opened(s)
    s.world.edit_channel(s.ada, channel.id, {"locked": True, "archived": True})
    assert refusal(s.world.create_message, s.bot, channel.id, {"content": "x"}) == 160005
    assert refusal(s.world.edit_channel, s.bot, channel.id, {"archived": False}) == 50013
    assert thread.archived
    s.world.create_message(s.ada, channel.id, {"content": "x"})
    assert not thread.archived


def test_whoever_speaks_there_may_open_a_thread_again() -> None:
    s = Stage()
    channel, thread = opened(s)
    s.world.edit_channel(s.bot, channel.id, {"archived": True})
    assert refusal(s.world.edit_channel, s.ben, channel.id, {"archived": False, "name": "x"}) == 50013
    s.world.edit_channel(s.ben, channel.id, {"archived": False})
    assert not thread.archived


def test_deleting_a_thread_needs_a_moderator_and_frees_its_message() -> None:
    s = Stage()
    channel, _ = opened(s)
    assert refusal(s.world.delete_channel, s.bot, channel.id) == 50013
    s.heard.clear()
    s.world.delete_channel(s.ada, channel.id)
    assert s.heard[0].data == {
        "id": str(channel.id),
        "guild_id": str(s.guild.id),
        "parent_id": str(s.general.id),
        "type": 11,
    }
    assert s.world.message(s.general.id, channel.id).flags == 0
    assert refusal(s.world.channel, channel.id) == 10003


def test_deleting_a_channel_takes_its_threads_along_without_a_word_about_them() -> None:
    s = Stage()
    opened(s)
    s.heard.clear()
    s.world.delete_channel(s.ada, s.general.id)
    assert s.names() == ["CHANNEL_DELETE"]
    assert s.world.threads_of(s.guild.id) == []


def test_the_listener_can_still_ask_who_saw_what_is_being_deleted() -> None:
    s = Stage()
    channel, _ = opened(s)
    seen: list[bool] = []
    s.world.subscribe(lambda dispatch: seen.append(s.world.can_view(s.bot, dispatch.channel_id or 0)))
    s.world.delete_channel(s.ada, channel.id)
    assert seen == [True]


def test_only_a_private_threads_owner_removes_others_without_being_a_moderator() -> None:
    s = Stage()
    public, _ = opened(s)
    private = s.world.start_thread(s.ben, s.general.id, {"name": "Q"})
    s.world.add_thread_member(s.ben, private.id, s.bot)
    s.world.join_thread(s.ada, public.id)
    assert refusal(s.world.remove_thread_member, s.bot, public.id, s.ada) == 50013
    s.world.remove_thread_member(s.ben, private.id, s.bot)
    s.world.remove_thread_member(s.ada, public.id, s.bot)
    assert s.bot not in private.as_thread.members
    assert s.bot not in public.as_thread.members
