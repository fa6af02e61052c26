"""The people's API of the embedded Discord: what the page gets, who may do what, and who is kept out."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.playground.discord.form_message import Upload
from bot.playground.discord.people import PlayStart
from bot.playground.discord.people_socket import PeopleSockets
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import ChannelOverwrite
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.views_message import attachment_view
from bot.playground.discord.world import World, default_world
from tests.discord_people import Person, channel_id, guild_id, person, user_id


@pytest.fixture
def world() -> World:
    return default_world()


@pytest.fixture
async def server(world: World, tmp_path: Path) -> AsyncIterator[DiscordServer]:
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the page")
    (tmp_path / "js" / "main.js").write_text("export {};")
    start = PlayStart("kimi-k2-thinking", stand_in=True, notice="This is a stand-in.")
    async with DiscordServer(world, web_root=tmp_path, start=start) as server:
        yield server


@pytest.fixture
async def ben(server: DiscordServer) -> AsyncIterator[Person]:
    async with person(server, "ben") as ben:
        yield ben


@pytest.fixture
async def ada(server: DiscordServer) -> AsyncIterator[Person]:
    async with person(server, "ada") as ada:
        yield ada


# What the page gets


async def test_the_start_names_people_bot_and_model(world: World, ben: Person) -> None:
    async with ben.session.get(f"{ben.server.origin}/play/start") as response:
        start = await response.json()
    assert [(user["global_name"], user["admin"]) for user in start["users"]] == [("Ada", True), ("Ben", False)]
    assert start["bot"]["id"] == str(world.bot_id)
    assert start["bot"]["application_id"] == str(world.application.id)
    assert start["bot"]["online"] is False
    assert start["model"] == {"label": "kimi-k2-thinking", "stand_in": True}
    assert start["notice"] == "This is a stand-in."
    (guild,) = start["guilds"]
    assert (guild["id"], guild["name"], guild["icon_text"]) == (str(guild_id(world)), "Cogitor playground", "Cp")
    assert [role["name"] for role in guild["roles"]] == ["Admin", "Cogitor"]
    assert start["limits"] == {"content": 2000, "attachment_bytes": 10 * 1024 * 1024}
    assert start["commands"] == []


async def test_the_page_is_served_with_a_strict_policy(ben: Person) -> None:
    for path, kind in (("/", "text/html"), ("/static/js/main.js", "text/javascript")):
        async with ben.session.get(ben.server.origin + path) as response:
            assert (response.status, response.content_type) == (200, kind)
            assert response.headers["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self'")
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/none.js", "/static/..%2Fsecret", "/static/js", "/static/%2Fetc%2Fpasswd"])
async def test_nothing_outside_the_pages_folder_is_served(ben: Person, tmp_path: Path, path: str) -> None:
    (tmp_path.parent / "secret").write_text("secret")
    async with ben.session.get(ben.server.origin + path) as response:
        assert response.status == 404


async def test_each_person_sees_their_own_channels(world: World, ada: Person, ben: Person) -> None:
    general = world.channel(channel_id(world, "general"))
    general.overwrites.append(ChannelOverwrite(ben.id, for_member=True, deny=int(Permission.VIEW_CHANNEL)))
    world.open_dm(ada.id, world.bot_id)
    of_ada = (await ada.call("GET", "/channels"))[1]
    of_ben = (await ben.call("GET", "/channels"))[1]
    assert [channel.get("name") for channel in of_ben] == ["code", "questions"]
    assert {channel.get("name") for channel in of_ada} == {"general", "code", "questions", None}
    dm = next(channel for channel in of_ada if channel["type"] == 1)
    assert [user["id"] for user in dm["recipients"]] == [str(world.bot_id)]
    assert (await ben.call("GET", f"/channels/{general.id}/messages"))[0] == 403


async def test_history_comes_newest_first_in_pages(ben: Person) -> None:
    said = [await ben.say(str(number)) for number in range(4)]
    path = f"/channels/{said[0]['channel_id']}/messages"
    _, newest = await ben.call("GET", f"{path}?limit=2")
    assert [message["content"] for message in newest] == ["3", "2"]
    _, older = await ben.call("GET", f"{path}?limit=2&before={newest[-1]['id']}")
    assert [message["content"] for message in older] == ["1", "0"]
    assert (await ben.call("GET", f"{path}?before=x"))[0] == 400


# What people do


async def test_what_one_says_everyone_in_sight_hears(ada: Person, ben: Person) -> None:
    said = await ben.say("hello", nonce="n7")
    assert said["author"]["id"] == str(ben.id)
    for someone in (ada, ben):
        heard = await someone.event("MESSAGE_CREATE")
        assert (heard["id"], heard["content"], heard["nonce"]) == (said["id"], "hello", "n7")


async def test_one_edits_and_deletes_ones_own_messages_only(ada: Person, ben: Person) -> None:
    said = await ada.say("adas")
    path = f"/channels/{said['channel_id']}/messages/{said['id']}"
    status, refused = await ben.call("PATCH", path, json={"content": "bens"})
    assert (status, refused["code"]) == (403, 50005)
    assert (await ben.call("DELETE", path))[0] == 403
    assert (await ada.call("PATCH", path, json={"content": "adas own"}))[1]["content"] == "adas own"
    assert (await ben.event("MESSAGE_UPDATE"))["content"] == "adas own"
    assert (await ada.call("DELETE", path))[0] == 204
    assert (await ben.event("MESSAGE_DELETE"))["id"] == said["id"]


async def test_reactions_typing_and_replies(ada: Person, ben: Person) -> None:
    said = await ada.say("react to this")
    path = f"/channels/{said['channel_id']}/messages/{said['id']}/reactions/%F0%9F%91%8D"
    assert (await ben.call("PUT", path))[0] == 204
    assert (await ada.event("MESSAGE_REACTION_ADD"))["emoji"]["name"] == "👍"
    assert (await ben.call("DELETE", path))[0] == 204
    assert (await ada.event("MESSAGE_REACTION_REMOVE"))["user_id"] == str(ben.id)
    assert (await ben.call("POST", f"/channels/{said['channel_id']}/typing"))[0] == 204
    assert (await ada.event("TYPING_START"))["user_id"] == str(ben.id)
    reply = await ben.say("indeed", message_reference={"message_id": said["id"]})
    assert reply["referenced_message"]["id"] == said["id"]


async def test_threads_posts_and_direct_messages(world: World, ada: Person, ben: Person) -> None:
    said = await ben.say("a question")
    place = f"/channels/{said['channel_id']}"
    status, thread = await ben.call("POST", f"{place}/messages/{said['id']}/threads", json={"name": "Q"})
    assert (status, thread["id"], thread["type"]) == (200, said["id"], 11)
    _, open_thread = await ben.call("POST", f"{place}/threads", json={"name": "No message"})
    assert open_thread["type"] == 11
    forum = channel_id(world, "questions")
    new_post = {"name": "Post", "message": {"content": "how?"}}
    _, post = await ben.call("POST", f"/channels/{forum}/threads", json=new_post)
    assert (post["parent_id"], post["message"]["content"], post["message"]["id"]) == (str(forum), "how?", post["id"])
    names = {(await ada.event("THREAD_CREATE"))["name"] for _ in range(3)}
    assert names == {"Q", "No message", "Post"}
    status, renamed = await ben.call("PATCH", f"/channels/{thread['id']}", json={"name": "Q2", "archived": True})
    assert (status, renamed["name"], renamed["thread_metadata"]["archived"]) == (200, "Q2", True)
    assert (await ben.call("DELETE", f"/channels/{thread['id']}"))[0] == 403
    assert (await ada.call("DELETE", f"/channels/{thread['id']}"))[0] == 200
    await ben.event("THREAD_DELETE")
    _, dm = await ben.call("POST", "/dms", json={"recipient_id": str(world.bot_id)})
    assert (dm["type"], dm["recipients"][0]["id"]) == (1, str(world.bot_id))


async def test_files_come_back_as_they_were_sent(ben: Person) -> None:
    """Plain images are shown in place; everything else is a download that no browser runs."""
    form = aiohttp.FormData({"payload_json": json.dumps({"content": "look"})}, quote_fields=False)
    form.add_field("files[0]", b"\x89PNG", filename="a.png", content_type="image/png")
    form.add_field("files[1]", b"<script>", filename="../b c.html", content_type="text/html")
    place = f"/channels/{channel_id(ben.server.world, 'general')}/messages"
    status, message = await ben.call("POST", place, data=form)
    assert status == 200
    image, page = message["attachments"]
    assert (image["size"], page["filename"]) == (4, "b_c.html")
    async with ben.session.get(image["url"]) as response:
        assert (await response.read(), response.content_type) == (b"\x89PNG", "image/png")
        assert response.headers["Content-Disposition"].startswith("inline")
    async with ben.session.get(page["url"]) as response:
        assert await response.read() == b"<script>"
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert (response.headers["X-Content-Type-Options"], response.headers["Content-Security-Policy"]) == (
            "nosniff",
            "default-src 'none'; sandbox",
        )


async def test_links_to_files_expire_and_fit_no_other_file(ben: Person) -> None:
    world = ben.server.world
    general = channel_id(world, "general")
    world.link_seconds = -1.0
    uploads = [Upload(number, f"{number}.txt", "text/plain", b"words") for number in range(2)]
    sent = world.create_message(ben.id, general, {}, uploads)
    [expired, _] = (attachment_view(world, general, file)["url"] for file in sent.attachments)
    world.link_seconds = 86_400.0
    first, second = (str(attachment_view(world, general, file)["url"]) for file in sent.attachments)
    unsigned, stolen = first.partition("?")[0], second.partition("?")[0] + "?" + first.partition("?")[2]
    links = (first, second, str(expired), stolen, unsigned)
    answers = [await _status(ben, link) for link in links]
    assert answers == [200, 200, 404, 404, 404]


async def _status(person: Person, url: str) -> int:
    async with person.session.get(url) as response:
        return response.status


async def test_a_file_that_is_too_large_is_refused(ben: Person) -> None:
    form = aiohttp.FormData({"payload_json": "{}"})
    form.add_field("files[0]", io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)), filename="big.bin")
    place = f"/channels/{channel_id(ben.server.world, 'general')}/messages"
    status, refused = await ben.call("POST", place, data=form)
    assert (status, refused["code"]) == (413, 40005)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(ben: Person, body: bytes) -> None:
    place = f"/channels/{channel_id(ben.server.world, 'general')}/messages"
    status, refused = await ben.call("POST", place, data=body, headers={"Content-Type": "application/json"})
    assert (status, refused["code"]) == (400, 50109)


async def test_refusals_carry_discords_own_tree_of_faults(ben: Person) -> None:
    place = f"/channels/{channel_id(ben.server.world, 'general')}/messages"
    status, refused = await ben.call("POST", place, json={"content": "x" * 2001})
    assert (status, refused["code"]) == (400, 50035)
    assert refused["errors"]["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/channels/1/messages"),
        ("PATCH", "/channels/x"),
        ("DELETE", "/channels/1/messages/2"),
        ("POST", "/channels/1/typing"),
        ("GET", "/attachments/1/2/none.txt"),
    ],
)
async def test_what_does_not_exist_is_refused(ben: Person, method: str, path: str) -> None:
    status, refused = await ben.call(method, path)
    assert status in (400, 404)
    assert refused["message"]


# Who is who, and who is kept out


async def test_a_call_must_name_its_person(world: World, ben: Person) -> None:
    for wrong in ("", "x", "1", str(world.bot_id), "9" * 5000):
        status, refused = await ben.call("GET", "/channels", headers={"X-Play-User": wrong})
        assert (status, refused["code"]) == (401, 0)
    async with ben.session.get(f"{ben.server.origin}/play/socket?user={world.bot_id}") as response:
        assert response.status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "[127.0.0.1"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil.example:80", "Origin": "http://evil.example:80"},
    ],
)
async def test_other_sites_and_names_are_kept_out(ben: Person, headers: dict[str, str]) -> None:
    place = f"/channels/{channel_id(ben.server.world, 'general')}/messages"
    status, refused = await ben.call("POST", place, json={"content": "x"}, headers=headers)
    assert (status, "playground" in refused["message"]) == (403, True)
    socket = f"{ben.server.origin}/play/socket?user={ben.id}"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await ben.session.ws_connect(socket, headers=headers)


async def test_the_pages_own_origin_is_welcome(ben: Person) -> None:
    port = ben.server.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert (await ben.call("GET", "/channels", headers=headers))[0] == 200


async def test_direct_messages_reach_their_two_people_only(world: World, ada: Person, ben: Person) -> None:
    _, dm = await ben.call("POST", "/dms", json={"recipient_id": str(world.bot_id)})
    await ben.call("POST", f"/channels/{dm['id']}/messages", json={"content": "psst"})
    assert (await ben.event("MESSAGE_CREATE"))["content"] == "psst"
    await ben.say("aloud")
    assert (await ada.event("MESSAGE_CREATE"))["content"] == "aloud"


async def test_pages_learn_of_the_bot_and_its_commands(server: DiscordServer, world: World, ben: Person) -> None:
    async with ben.session.ws_connect(server.gateway_url) as socket:
        await socket.send_json({"op": 2, "d": {"token": server.token, "intents": 1, "properties": {"os": "linux"}}})
        assert await ben.event("BOT_STATUS") == {"online": True}
    assert await ben.event("BOT_STATUS") == {"online": False}
    world.put_command({"name": "ping", "description": "Ping"})
    commands: list[Any] = (await ben.event("APPLICATION_COMMANDS"))["commands"]
    assert [command["name"] for command in commands] == ["ping"]


async def test_a_page_that_does_not_read_is_dropped_and_nobody_waits(server: DiscordServer, world: World) -> None:
    """The world goes on at once; the slow page alone loses its connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    ben, general = user_id(world, "ben"), channel_id(world, "general")
    request = f"GET /play/socket?user={ben} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: Upgrade\r\n"
    upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    writer.write((request + upgrade).encode())
    await reader.readuntil(b"\r\n\r\n")
    async with person(server, "ada") as ada, asyncio.timeout(20):
        while len(server.sockets) == 2:
            for _ in range(100):
                world.create_message(ben, general, {"content": "x" * 2000})
            while (await ada.event("MESSAGE_CREATE"))["id"] != str(world.records.last_id):
                pass
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def test_a_closed_set_of_pages_hears_nothing_more(world: World) -> None:
    sockets = PeopleSockets(world)
    sockets.close()
    world.put_command({"name": "ping", "description": "Ping"})
    assert len(sockets) == 0
