"""Every route of the embedded Discord's HTTP API answers in the shape of Discord's own schema."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.discord.permissions import BOT_PERMISSIONS, Permission
from bot.playground.discord.world import default_world
from tests.discord_rest import Bench, Clock, bench, channel_named, the_guild, user_named
from tests.discord_schema import SCHEMA_PATH, check_request

_COMMAND = {
    "name": "ask",
    "description": "Ask something.",
    "options": [
        {"type": 3, "name": "prompt", "description": "The question.", "required": True},
        {"type": 3, "name": "model", "description": "Who answers.", "autocomplete": True},
        {"type": 3, "name": "effort", "description": "How hard.", "choices": [{"name": "High", "value": "high"}]},
        {"type": 11, "name": "file", "description": "A file."},
        {"type": 4, "name": "count", "description": "How many.", "min_value": 1, "max_value": 9},
    ],
}

GETTING = [
    "/users/@me",
    "/users/@me/guilds",
    "/users/{user_id}",
    "/oauth2/applications/@me",
    "/applications/@me",
    "/gateway",
    "/gateway/bot",
    "/guilds/{guild_id}",
    "/guilds/{guild_id}/channels",
    "/guilds/{guild_id}/roles",
    "/guilds/{guild_id}/members",
    "/guilds/{guild_id}/members/{user_id}",
    "/guilds/{guild_id}/threads/active",
    "/channels/{channel_id}",
    "/channels/{channel_id}/messages",
    "/channels/{channel_id}/messages/{message_id}",
    "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
    "/channels/{channel_id}/threads/archived/public",
    "/channels/{thread_id}",
    "/channels/{thread_id}/thread-members",
    "/channels/{thread_id}/thread-members/{user_id}",
    "/channels/{dm_id}",
    "/channels/{forum_id}",
    "/applications/{application_id}/commands",
    "/applications/{application_id}/commands/{command_id}",
    "/applications/{application_id}/guilds/{guild_id}/commands",
]


def _fill(it: Bench) -> dict[str, Any]:
    """One of everything."""
    world, ben = it.world, user_named(it.world, "ben")
    channel = it.ids["channel_id"]
    message = world.create_message(ben, channel, {"content": f"<@{world.bot_id}> why?"})
    world.add_reaction(ben, channel, message.id, "👍")
    world.create_message(world.bot_id, channel, {"content": "so", "message_reference": {"message_id": str(message.id)}})
    thread = world.start_thread_from_message(world.bot_id, channel, message.id, {"name": "Why"})
    world.create_message(ben, thread.id, {"content": "more"})
    command, _ = world.put_command(dict(_COMMAND))
    world.put_command({"name": "Ask about this", "type": 3}, it.ids["guild_id"])
    return {
        "user_id": ben,
        "message_id": message.id,
        "emoji_name": "👍",
        "thread_id": thread.id,
        "dm_id": world.open_dm(world.bot_id, ben).id,
        "forum_id": channel_named(world, "questions").id,
        "command_id": command.id,
    }


@pytest.mark.parametrize("route", GETTING)
async def test_what_is_read_has_discords_shape(route: str) -> None:
    async with bench() as it:
        answer = await it.call("GET", route, **_fill(it))
    assert answer.status == 200
    assert answer.body
    assert answer.headers["Content-Type"] == "application/json"


async def test_the_whole_life_of_a_message_has_discords_shape() -> None:
    button = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Stop", "custom_id": "stop"}]}
    route = "/channels/{channel_id}/messages/{message_id}"
    async with bench() as it:
        embed = {"title": "T", "description": "D", "fields": [{"name": "n", "value": "v"}], "footer": {"text": "f"}}
        sent = await it.call(
            "POST",
            "/channels/{channel_id}/messages",
            {"content": "hi", "embeds": [embed], "components": [button], "nonce": "n1"},
            files={"files[0]": ("a b.py", b"print()")},
        )
        assert sent.body["attachments"][0]["filename"] == "a_b.py"
        ids = {"message_id": sent.body["id"], "emoji_name": "⏳"}
        it.clock.turn(1)
        edited = await it.call("PATCH", route, {"content": "ho", "components": []}, **ids)
        assert (edited.body["content"], edited.body["components"]) == ("ho", [])
        assert edited.body["edited_timestamp"] > sent.body["timestamp"]
        for method in ("PUT", "DELETE"):
            assert (await it.call(method, f"{route}/reactions/{{emoji_name}}/@me", **ids)).status == 204
            it.clock.turn(1)
        assert (await it.call("POST", "/channels/{channel_id}/typing")).status in (200, 204)
        assert (await it.call("DELETE", route, **ids)).status == 204
        assert (await it.call("GET", route, **ids)).code == 10008


async def test_components_v2_have_discords_shape_and_point_at_their_files() -> None:
    media = {"media": {"url": "attachment://chart.png"}}
    text = {"type": 10, "content": "thought"}
    components = [
        {"type": 17, "spoiler": True, "accent_color": 255, "components": [text, {"type": 14}]},
        {"type": 9, "components": [text], "accessory": {"type": 11, **media}},
        {"type": 12, "items": [media]},
        {"type": 13, "file": {"url": "attachment://chart.png"}},
        {"type": 1, "components": [{"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "b"}]}]},
    ]
    async with bench() as it:
        body = {"flags": 1 << 15, "components": components}
        files = {"files[0]": ("chart.png", b"png")}
        sent = await it.call("POST", "/channels/{channel_id}/messages", body, files=files)
        url = sent.body["attachments"][0]["url"]
    assert sent.status == 200
    assert [c["type"] for c in sent.body["components"]] == [17, 9, 12, 13, 1]
    assert sent.body["components"][1]["accessory"]["media"]["url"] == url
    assert sent.body["components"][3]["name"] == "chart.png"


async def test_threads_and_posts_have_discords_shape() -> None:
    async with bench() as it:
        sent = await it.send()
        base = "/channels/{channel_id}/messages/{message_id}/threads"
        thread = await it.call("POST", base, {"name": "T"}, message_id=sent.body["id"])
        assert (thread.status, thread.body["id"]) == (201, sent.body["id"])
        renamed = await it.call("PATCH", "/channels/{channel_id}", {"name": "U"}, channel_id=thread.body["id"])
        assert renamed.body["name"] == "U"
        members = "/channels/{channel_id}/thread-members/{user_id}"
        ids = {"channel_id": thread.body["id"], "user_id": user_named(it.world, "ben")}
        assert (await it.call("PUT", members, **ids)).status == 204
        public = await it.call("POST", "/channels/{channel_id}/threads", {"name": "V", "type": 11})
        assert public.status == 201
        post = await it.call(
            "POST",
            "/channels/{channel_id}/threads",
            {"name": "W", "message": {"content": "q"}},
            channel_id=channel_named(it.world, "questions").id,
        )
        assert post.body["message"]["id"] == post.body["id"]


async def test_commands_have_discords_shape_and_upserts_are_not_new() -> None:
    async with bench() as it:
        base = "/applications/{application_id}/commands"
        created = await it.call("POST", base, _COMMAND)
        again = await it.call("POST", base, {**_COMMAND, "description": "Changed."})
        assert (created.status, again.status) == (201, 200)
        assert (created.body["id"], again.body["description"]) == (again.body["id"], "Changed.")
        one = f"{base}/{{command_id}}"
        edited = await it.call("PATCH", one, {"name": "query"}, command_id=created.body["id"])
        assert (edited.body["name"], edited.body["options"]) == ("query", created.body["options"])
        put = await it.call("PUT", base, [_COMMAND])
        assert [command["name"] for command in put.body] == ["ask"]
        assert (await it.call("DELETE", one, command_id=put.body[0]["id"])).status == 204
        assert (await it.call("GET", one, command_id=put.body[0]["id"])).code == 10063


async def test_a_dm_has_discords_shape_and_is_opened_once() -> None:
    async with bench() as it:
        body = {"recipient_id": str(user_named(it.world, "ben"))}
        first, second = [await it.call("POST", "/users/@me/channels", body) for _ in range(2)]
        assert first.body == second.body
        assert [user["username"] for user in first.body["recipients"]] == ["ben"]
        sent = await it.send("hello", channel=int(first.body["id"]))
        assert sent.status == 200


async def test_archived_threads_are_listed_page_by_page() -> None:
    async with bench() as it:
        for name in ("a", "b", "c"):
            thread = it.world.start_thread(it.world.bot_id, it.ids["channel_id"], {"name": name, "type": 11})
            it.clock.turn(1)
            it.world.edit_channel(it.world.bot_id, thread.id, {"archived": True})
        route = "/channels/{channel_id}/threads/archived/public"
        first = await it.call("GET", route, query={"limit": "2"})
        assert ([t["name"] for t in first.body["threads"]], first.body["has_more"]) == (["c", "b"], True)
        before = first.body["threads"][-1]["thread_metadata"]["archive_timestamp"]
        rest = await it.call("GET", route, query={"limit": "2", "before": before})
        assert ([t["name"] for t in rest.body["threads"]], rest.body["has_more"]) == (["a"], False)


async def test_private_archived_threads_need_manage_threads() -> None:
    route = "/channels/{channel_id}/threads/archived/private"
    async with bench() as it:
        assert (await it.call("GET", route)).code == 50013
    clock = Clock()
    world = default_world(clock, bot_permissions=BOT_PERMISSIONS | Permission.MANAGE_THREADS)
    async with bench(world, clock) as it:
        assert (await it.call("GET", route)).body["threads"] == []


async def test_without_the_intent_others_words_are_blank_over_http_too() -> None:
    clock = Clock()
    world = default_world(clock, message_content=False)
    async with bench(world, clock) as it:
        ben, bot, channel = user_named(world, "ben"), world.bot_id, it.ids["channel_id"]
        world.create_message(ben, channel, {"content": "secret"})
        world.create_message(ben, channel, {"content": f"<@{bot}> open"})
        world.create_message(bot, channel, {"content": "own"})
        dm = world.open_dm(bot, ben)
        world.create_message(ben, dm.id, {"content": "direct"})
        shown = await it.call("GET", "/channels/{channel_id}/messages")
        direct = await it.call("GET", "/channels/{channel_id}/messages", channel_id=dm.id)
    assert [message["content"] for message in shown.body] == ["own", f"<@{bot}> open", ""]
    assert direct.body[0]["content"] == "direct"


@pytest.mark.skipif(not SCHEMA_PATH.exists(), reason="Discord's schema is not beside the repository")
async def test_the_schema_check_notices_a_wrong_answer() -> None:
    async with bench() as it:
        it.world.records.guilds[the_guild(it.world).id].name = 5  # type: ignore[assignment] - wrong on purpose
        with pytest.raises(AssertionError, match="breaks Discord's schema"):
            await it.call("GET", "/guilds/{guild_id}")


@pytest.mark.skipif(not SCHEMA_PATH.exists(), reason="Discord's schema is not beside the repository")
def test_the_schema_check_notices_a_wrong_request() -> None:
    route = "/channels/{channel_id}/messages"
    check_request("POST", route, {"content": "x", "allowed_mentions": {"parse": []}})
    with pytest.raises(AssertionError, match="breaks Discord's schema"):
        check_request("POST", route, {"content": 5})
    with pytest.raises(AssertionError, match="Discord has no"):
        check_request("POST", "/nothing", {})
