"""The world of the embedded Discord: permissions, mentions, messages, the dispatches it makes, and its memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import JsonObject
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.form_message import Upload
from bot.playground.discord.permissions import (
    BOT_PERMISSIONS,
    EVERY_PERMISSION,
    MEMBER_PERMISSIONS,
    Overwrite,
    Permission,
    base_permissions,
    channel_permissions,
)
from bot.playground.discord.records import ChannelOverwrite, ChannelType
from bot.playground.discord.snowflake import Snowflakes, created_at
from bot.playground.discord.views_message import message_view
from bot.playground.discord.world import World, new_world
from bot.playground.discord.world_responses import Origin
from tests.discord_rest import START, Clock
from tests.discord_stage import Stage, refusal

VIEW, SEND, HISTORY = Permission.VIEW_CHANNEL, Permission.SEND_MESSAGES, Permission.READ_MESSAGE_HISTORY
BASIC = VIEW | SEND | HISTORY | Permission.EMBED_LINKS


PERMISSIONS = [
    ("the base alone", BASIC, None, [], None, False, BASIC),
    ("@everyone is denied", BASIC, Overwrite(0, SEND), [], None, False, VIEW | HISTORY),
    ("a role gets it back", BASIC, Overwrite(0, SEND), [Overwrite(SEND, 0)], None, False, BASIC),
    ("any role's allowance wins", BASIC, None, [Overwrite(0, SEND), Overwrite(SEND, 0)], None, False, BASIC),
    ("the member's own comes last", BASIC, None, [Overwrite(SEND, 0)], Overwrite(0, SEND), False, VIEW | HISTORY),
    ("without sight nothing is left", BASIC, Overwrite(0, VIEW), [], None, False, 0),
    ("without speech no links", BASIC & ~SEND, None, [], None, False, VIEW | HISTORY),
    ("threads ask for another right", BASIC, None, [], None, True, VIEW | SEND | HISTORY),
    ("administrators may all", Permission.ADMINISTRATOR, Overwrite(0, VIEW), [], None, False, EVERY_PERMISSION),
]


@pytest.mark.parametrize(
    ("base", "everyone", "roles", "member", "thread", "left"),
    [case[1:] for case in PERMISSIONS],
    ids=[case[0] for case in PERMISSIONS],
)
def test_overwrites_add_up_as_documented(
    base: int, everyone: Overwrite | None, roles: list[Overwrite], member: Overwrite | None, thread: bool, left: int
) -> None:
    assert channel_permissions(base, everyone, roles, member, thread=thread) == left


@given(st.lists(st.integers(0, EVERY_PERMISSION)))
def test_roles_only_add(roles: list[int]) -> None:
    total = base_permissions(roles, owner=False)
    assert all(total & role == role for role in roles)
    assert base_permissions(roles, owner=True) == EVERY_PERMISSION


NEEDS = {
    "view to read": (VIEW, 50001, lambda s: s.world.history(s.bot, s.general.id)),
    "view to send": (VIEW, 50001, lambda s: s.say(s.bot)),
    "send to send": (SEND, 50013, lambda s: s.say(s.bot)),
    "send to type": (SEND, 50013, lambda s: s.world.type_in(s.bot, s.general.id)),
    "history to read one": (HISTORY, 50013, lambda s: s.world.get_message(s.bot, s.general.id, s.say(s.ada).id)),
    "history to reply": (
        HISTORY,
        160002,
        lambda s: s.say(s.bot, message_reference={"message_id": str(s.say(s.ada).id)}),
    ),
    "attach to attach": (
        Permission.ATTACH_FILES,
        50013,
        lambda s: s.world.create_message(s.bot, s.general.id, {}, [Upload(0, "a", "", b"1")]),
    ),
    "react to react": (
        Permission.ADD_REACTIONS,
        50013,
        lambda s: s.world.add_reaction(s.bot, s.general.id, s.say(s.ada).id, "👍"),
    ),
    "public threads": (
        Permission.CREATE_PUBLIC_THREADS,
        50013,
        lambda s: s.world.start_thread_from_message(s.bot, s.general.id, s.say(s.ada).id, {"name": "t"}),
    ),
    "to speak in threads": (
        Permission.SEND_MESSAGES_IN_THREADS,
        50013,
        lambda s: s.world.create_message(
            s.bot, s.world.start_thread(s.ada, s.general.id, {"name": "t", "type": 11}).id, {"content": "x"}
        ),
    ),
}


@pytest.mark.parametrize("need", NEEDS)
def test_each_deed_needs_its_permission(need: str) -> None:
    missing, code, deed = NEEDS[need]
    allowed, refused = Stage(), Stage()
    deed(allowed)
    refused.general.overwrites = [ChannelOverwrite(refused.bot, for_member=True, deny=int(missing))]
    assert refusal(deed, refused) == code


def test_joining_in_a_reaction_needs_no_permission() -> None:
    s = Stage(bot_permissions=BOT_PERMISSIONS & ~Permission.ADD_REACTIONS)
    s.guild.roles[s.guild.id].permissions &= ~Permission.ADD_REACTIONS
    message = s.say(s.ada)
    assert refusal(s.world.add_reaction, s.bot, s.general.id, message.id, "👍") == 50013
    s.world.add_reaction(s.ada, s.general.id, message.id, "👍")
    s.world.add_reaction(s.bot, s.general.id, message.id, "👍")
    assert message.reactions[0].users == [s.ada, s.bot]


def test_another_server_is_out_of_reach() -> None:
    s = Stage()
    other = s.world.add_guild("Elsewhere", s.ada)
    channel = s.world.add_channel(other.id, "general")
    assert refusal(s.world.create_message, s.bot, channel.id, {"content": "x"}) == 50001
    assert refusal(s.world.guild_for, s.bot, other.id) == 50001
    assert refusal(s.world.channel, 1) == 10003


def test_only_moderators_delete_what_others_said() -> None:
    s = Stage()
    message = s.say(s.ada)
    assert refusal(s.world.delete_message, s.ben, s.general.id, message.id) == 50013
    s.world.delete_message(s.ada, s.general.id, s.say(s.ben).id)
    s.world.delete_message(s.ada, s.general.id, message.id)
    assert s.world.history(s.ada, s.general.id) == []


def test_nobody_edits_anothers_message() -> None:
    s = Stage()
    assert refusal(s.world.edit_message, s.ada, s.general.id, s.say(s.bot).id, {"content": "x"}) == 50005


MENTIONS = {
    "a user": ("<@{ben}> hi", {}, ["ben"]),
    "a user in code": ("`<@{ben}>` and\n```\n<@{ben}>\n```", {}, []),
    "everyone, without the right to": ("@everyone", {}, []),
    "a role that may not be mentioned": ("<@&{role}>", {}, []),
    "nobody is allowed": ("<@{ben}> @everyone", {"allowed_mentions": {"parse": []}}, []),
    "another user is allowed": ("<@{ben}>", {"allowed_mentions": {"users": ["1"]}}, []),
    "this user is allowed": ("<@{ben}> <@{ada}>", {"allowed_mentions": {"users": ["{ben}"]}}, ["ben"]),
    "a silent message": ("<@{ben}>", {"flags": 1 << 12}, []),
    "a reply pings by default": ("x", {"message_reference": {"message_id": "{message}"}}, ["ben"]),
    "a reply need not ping": (
        "x",
        {"message_reference": {"message_id": "{message}"}, "allowed_mentions": {"parse": []}},
        [],
    ),
}


@pytest.mark.parametrize("case", MENTIONS)
def test_who_is_notified(case: str) -> None:
    content, body, notified = MENTIONS[case]
    s = Stage()
    role = s.world.add_role(s.guild.id, "Team")
    s.guild.members[s.ben].roles.append(role.id)
    ids = {"ben": s.ben, "ada": s.ada, "role": role.id, "message": s.say(s.ben).id}

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.format(**ids)
        if isinstance(value, list):
            return [filled(item) for item in value]
        return {key: filled(item) for key, item in value.items()} if isinstance(value, dict) else value

    message = s.say(s.bot, filled(content), **filled(body))
    assert message.pinged == [ids[name] for name in notified]


def test_those_with_the_right_reach_everyone_and_roles() -> None:
    s = Stage(bot_permissions=BOT_PERMISSIONS | Permission.MENTION_EVERYONE)
    role = s.world.add_role(s.guild.id, "Team")
    s.guild.members[s.ben].roles.append(role.id)
    assert sorted(s.say(s.bot, "@here").pinged) == sorted([s.ada, s.ben])
    message = s.say(s.bot, f"<@&{role.id}>")
    assert (message.pinged, message.mention_roles) == ([s.ben], [role.id])


def test_who_cannot_see_the_channel_hears_nothing() -> None:
    s = Stage()
    s.general.overwrites = [ChannelOverwrite(s.ben, for_member=True, deny=int(VIEW))]
    message = s.say(s.bot, f"<@{s.ben}>")
    assert (message.mentions, message.pinged) == ([s.ben], [])


def test_an_edit_changes_the_mentions_and_notifies_nobody() -> None:
    s = Stage()
    message = s.say(s.bot, "x")
    s.world.edit_message(s.bot, s.general.id, message.id, {"content": f"<@{s.ben}>"})
    assert (message.mentions, message.pinged) == ([s.ben], [])


def test_mentions_in_v2_texts_count() -> None:
    s = Stage()
    text = {"type": 17, "components": [{"type": 10, "content": f"<@{s.ben}>"}]}
    body: JsonObject = {"flags": 1 << 15, "components": [text]}
    assert s.world.create_message(s.bot, s.general.id, body).pinged == [s.ben]


def test_v2_can_be_turned_on_by_an_edit_and_never_off() -> None:
    s = Stage()
    message = s.say(s.bot, "x")
    components: list[Any] = [{"type": 10, "content": "t"}]
    edit = s.world.edit_message
    body: JsonObject = {"flags": 1 << 15, "components": components}
    assert refusal(edit, s.bot, s.general.id, message.id, body) == 50035, "the old content stands in the way"
    edit(s.bot, s.general.id, message.id, {**body, "content": None})
    edit(s.bot, s.general.id, message.id, {"flags": 0})
    assert message.flags == 1 << 15
    assert refusal(edit, s.bot, s.general.id, message.id, {"content": "back"}) == 50035


def test_a_reply_to_what_is_gone_is_refused_unless_that_is_allowed() -> None:
    s = Stage()
    gone = {"message_id": "5"}
    assert refusal(s.say, s.bot, message_reference=gone) == 50035
    message = s.say(s.bot, message_reference={**gone, "fail_if_not_exists": False})
    assert message.reference is None


def test_a_reply_shows_what_it_replies_to_and_that_it_is_gone() -> None:
    s = Stage()
    original = s.say(s.ben, "first")
    reply = s.say(s.bot, "second", message_reference={"message_id": str(original.id)})
    quoted = message_view(s.world, reply)["referenced_message"]
    assert isinstance(quoted, dict)
    assert (quoted["content"], "referenced_message" in quoted) == ("first", False)
    s.world.delete_message(s.ben, s.general.id, original.id)
    assert message_view(s.world, reply)["referenced_message"] is None


def test_history_is_read_in_pages() -> None:
    s = Stage()
    ids = [s.say(s.ben, str(n)).id for n in range(10)]
    read = s.world.history
    assert [m.id for m in read(s.bot, s.general.id, limit=3)] == ids[:-4:-1]
    assert [m.id for m in read(s.bot, s.general.id, before=ids[5], limit=2)] == [ids[4], ids[3]]
    assert [m.id for m in read(s.bot, s.general.id, after=ids[5], limit=2)] == [ids[7], ids[6]]
    assert [m.id for m in read(s.bot, s.general.id, around=ids[5], limit=3)] == [ids[6], ids[5], ids[4]]


def test_bulk_deletion_has_its_bounds() -> None:
    s = Stage(bot_permissions=BOT_PERMISSIONS | Permission.MANAGE_MESSAGES)
    old = s.say(s.ben).id
    s.clock.turn(15 * 86_400)
    new = [s.say(s.ben).id for _ in range(3)]
    delete = s.world.delete_messages
    assert refusal(delete, s.bot, s.general.id, [new[0]]) == 50016
    assert refusal(delete, s.bot, s.general.id, [old, new[0]]) == 50034
    delete(s.bot, s.general.id, new)
    assert [m.id for m in s.world.history(s.ada, s.general.id)] == [old]
    assert s.heard[-1].data["ids"] == [str(message_id) for message_id in new]


@pytest.mark.parametrize(
    ("emoji", "known"),
    [("👍", True), ("%E2%8F%B3", True), ("1️⃣", True), ("🧑‍💻", True), ("blob:123", True), ("x", False), ("", False)],
)
def test_only_emoji_are_reactions(emoji: str, known: bool) -> None:
    s = Stage()
    message = s.say(s.ada)
    if known:
        s.world.add_reaction(s.bot, s.general.id, message.id, emoji)
        assert len(message.reactions) == 1
    else:
        assert refusal(s.world.add_reaction, s.bot, s.general.id, message.id, emoji) == 10014


def test_a_message_takes_twenty_emoji() -> None:
    s = Stage()
    message = s.say(s.ada)
    for n in range(20):
        s.world.add_reaction(s.bot, s.general.id, message.id, chr(0x1F600 + n))
    assert refusal(s.world.add_reaction, s.bot, s.general.id, message.id, "👍") == 30010


def test_each_deed_is_told_once_with_its_place() -> None:
    s = Stage()
    message = s.say(s.ada)
    s.world.edit_message(s.ada, s.general.id, message.id, {"content": "b"})
    s.world.add_reaction(s.bot, s.general.id, message.id, "👍")
    s.world.remove_reaction(s.bot, s.general.id, message.id, "👍")
    s.world.type_in(s.bot, s.general.id)
    s.world.delete_message(s.ada, s.general.id, message.id)
    assert s.names() == [
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "TYPING_START",
        "MESSAGE_DELETE",
    ]
    assert {(d.guild_id, d.channel_id, d.only_user) for d in s.heard} == {(s.guild.id, s.general.id, None)}
    assert {d.data["guild_id"] for d in s.heard} == {str(s.guild.id)}


def test_who_stops_listening_hears_no_more() -> None:
    s = Stage()
    heard: list[Dispatch] = []
    stop = s.world.subscribe(heard.append)
    s.say(s.ada)
    stop()
    stop()
    s.say(s.ada)
    assert len(heard) == 1


def test_an_ephemeral_response_is_seen_by_its_reader_alone() -> None:
    s = Stage()
    origin = Origin({"id": "1", "type": 2, "user": {}}, only_user=s.ben)
    response = s.world.create_response(s.general.id, {"content": f"<@{s.ada}> only you"}, origin=origin)
    s.world.edit_response(s.general.id, response.id, {"content": "still"})
    assert [(d.name, d.only_user) for d in s.heard] == [("MESSAGE_CREATE", s.ben), ("MESSAGE_UPDATE", s.ben)]
    assert response.flags & 64
    assert response.pinged == []
    assert s.world.history(s.ada, s.general.id) == []
    s.world.delete_response(s.general.id, response.id)
    assert refusal(s.world.response, s.general.id, response.id) == 10008


def test_a_loading_response_becomes_an_answer() -> None:
    s = Stage()
    origin = Origin({"id": "1", "type": 2, "user": {}})
    response = s.world.create_response(s.general.id, {}, origin=origin, loading=True)
    assert response.flags & 128
    s.world.edit_response(s.general.id, response.id, {"content": "done"})
    assert (response.flags, response.edited_at, response.content) == (0, None, "done")


def test_a_response_needs_no_permission_of_the_bot() -> None:
    s = Stage(bot_permissions=0)
    s.guild.roles[s.guild.id].permissions = int(VIEW)
    assert refusal(s.say, s.bot) == 50013
    s.world.create_response(s.general.id, {"content": "x"}, origin=Origin({"id": "1", "type": 2, "user": {}}))
    assert s.names() == ["MESSAGE_CREATE"]


def test_when_the_bot_leaves_the_server_is_gone_for_it() -> None:
    s = Stage()
    s.world.remove_member(s.guild.id, s.bot)
    assert [(d.name, d.only_user) for d in s.heard] == [("GUILD_MEMBER_REMOVE", None), ("GUILD_DELETE", s.bot)]
    assert refusal(s.say, s.bot) == 50001
    s.world.add_bot(s.guild.id)
    assert s.names()[2:] == ["GUILD_CREATE", "GUILD_MEMBER_ADD"]
    s.say(s.bot)


def test_a_bot_writes_only_to_people_it_shares_a_server_with() -> None:
    s = Stage()
    stranger = s.world.add_user("stranger")
    dm = s.world.open_dm(s.bot, stranger.id)
    assert refusal(s.world.create_message, s.bot, dm.id, {"content": "x"}) == 50007
    assert refusal(s.world.open_dm, s.bot, s.bot) == 50033
    s.world.create_message(stranger.id, dm.id, {"content": "people may write first"})
    assert not s.world.can_view(s.ada, dm.id)


def test_the_world_is_the_same_after_it_was_written_down() -> None:
    s = Stage()
    message = s.world.create_message(s.bot, s.general.id, {"content": "a"}, [Upload(0, "f.bin", "", bytes(range(256)))])
    s.world.add_reaction(s.ben, s.general.id, message.id, "👍")
    thread = s.world.start_thread_from_message(s.bot, s.general.id, message.id, {"name": "t"})
    s.world.put_command({"name": "ask", "description": "d"})
    s.world.open_dm(s.bot, s.ben)
    again = World.from_json(s.world.to_json(), s.clock)
    assert again.records == s.world.records
    assert again.records.channels[thread.id].type is ChannelType.PUBLIC_THREAD
    newer = again.create_message(s.ben, thread.id, {"content": "b"})
    assert newer.id > thread.id, "ids go on where they were"


def test_what_is_no_world_is_refused() -> None:
    with pytest.raises(ValueError, match="validation error"):
        World.from_json(b'{"users": 1}')


@given(st.lists(st.floats(0, 100_000), max_size=50))
def test_ids_only_grow_whatever_the_clock_does(times: list[float]) -> None:
    at = iter([START, *(START + time - 50_000 for time in times)])
    mint = Snowflakes(lambda: next(at)).mint
    ids = [mint() for _ in range(len(times) + 1)]
    assert ids == sorted(set(ids))


def test_an_id_tells_when_it_was_made() -> None:
    s = Stage()
    s.clock.turn(1234.5)
    assert abs(created_at(s.say(s.ada).id) - (START + 1234.5)) < 0.01


def test_a_world_can_be_built_to_order() -> None:
    world = new_world(Clock(), message_content=False)
    guild = world.add_guild("Two", world.application.owner_id, everyone=int(MEMBER_PERMISSIONS & ~SEND))
    world.add_bot(guild.id, int(SEND))
    channel = world.add_channel(guild.id, "quiet")
    cleo = world.add_user("cleo", "Cleo")
    world.add_member(guild.id, cleo.id)
    assert world.application.flags == 0
    assert refusal(world.create_message, cleo.id, channel.id, {"content": "x"}) == 50013
    world.create_message(world.bot_id, channel.id, {"content": "x"})
    assert dataclasses.asdict(guild)["name"] == "Two"
