"""What the embedded Discord's gateway sends: which events, to whom, and how much of each message."""

# ruff: noqa: F811 - imported fixtures share their names with the parameters that ask for them

from __future__ import annotations

import json
import zlib
from typing import Any

import aiohttp
import pytest

from bot.playground.discord.gateway_content import without_content
from bot.playground.discord.gateway_frames import Opcode
from bot.playground.discord.gateway_intents import ALL_INTENTS, Intent, wanted
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import ChannelOverwrite
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World
from bot.playground.discord.world_responses import Origin
from tests.gateway_client import (  # noqa: F401 - pytest finds its fixtures here
    INTENTS,
    Connect,
    ben,
    channel,
    clock,
    connect,
    say,
    server,
    world,
)


async def test_events_are_numbered_without_gaps(world: World, connect: Connect) -> None:
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        for text in ("one", "two"):
            say(world, text)
        first, second = await client.receive(), await client.receive()
    assert [first["s"], second["s"]] == [3, 4]
    assert [first["d"]["content"], second["d"]["content"]] == ["one", "two"]


async def test_zlib_stream_is_one_context_for_the_connection(world: World, server: DiscordServer) -> None:
    inflate = zlib.decompressobj()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.gateway_url + "?compress=zlib-stream") as socket,
    ):
        hello = json.loads(inflate.decompress(await socket.receive_bytes(timeout=2)))
        assert hello["op"] == Opcode.HELLO
        await socket.send_json({"op": 1, "d": None})
        assert json.loads(inflate.decompress(await socket.receive_bytes(timeout=2)))["op"] == Opcode.HEARTBEAT_ACK


async def test_only_the_events_asked_for_arrive(world: World, connect: Connect) -> None:
    async with connect() as client:
        await client.identify(Intent.GUILDS)
        await client.event("GUILD_CREATE")
        say(world, "not asked for")
        assert await client.is_quiet()


async def test_a_channel_out_of_sight_says_nothing(world: World, connect: Connect) -> None:
    general = world.channel(channel(world, "general"))
    general.overwrites.append(ChannelOverwrite(world.bot_id, for_member=True, deny=int(Permission.VIEW_CHANNEL)))
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        say(world, "secret")
        say(world, "public", "code")
        assert (await client.receive())["d"]["content"] == "public"


async def test_members_are_sent_on_request(world: World, connect: Connect) -> None:
    guild_id = str(next(iter(world.records.guilds)))
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        await client.send(8, {"guild_id": guild_id, "query": "be", "limit": 10, "nonce": "n1"})
        chunk = await client.event("GUILD_MEMBERS_CHUNK")
        assert [member["user"]["username"] for member in chunk["members"]] == ["ben"]
        assert (chunk["nonce"], chunk["chunk_index"], chunk["chunk_count"]) == ("n1", 0, 1)
        await client.send(8, {"guild_id": guild_id, "user_ids": [str(ben(world)), "5"], "limit": 0})
        chunk = await client.event("GUILD_MEMBERS_CHUNK")
        assert (len(chunk["members"]), chunk["not_found"]) == (1, ["5"])
        await client.send(8, {"guild_id": guild_id, "query": "", "limit": 0})
        assert await client.close_code() == 4014


async def test_the_presence_is_taken(connect: Connect, server: DiscordServer) -> None:
    async with connect() as client:
        await client.identify(presence={"status": "online"})
        assert server.gateway.presence == {"status": "online"}
        await client.send(3, {"status": "idle", "afk": False, "since": 0, "activities": []})
        await client.event("GUILD_CREATE")
        assert await client.is_quiet()
        assert server.gateway.presence == {"status": "idle", "afk": False, "since": 0, "activities": []}


@pytest.mark.parametrize("name", ["INTERACTION_CREATE", "READY", "RESUMED"])
def test_some_events_need_no_intent(name: str) -> None:
    assert wanted(name, 0, in_guild=True)


@pytest.mark.parametrize(
    ("name", "in_guild", "intent"),
    [
        ("MESSAGE_CREATE", True, Intent.GUILD_MESSAGES),
        ("MESSAGE_DELETE_BULK", True, Intent.GUILD_MESSAGES),
        ("MESSAGE_UPDATE", False, Intent.DIRECT_MESSAGES),
        ("MESSAGE_REACTION_ADD", True, Intent.GUILD_MESSAGE_REACTIONS),
        ("MESSAGE_REACTION_ADD", False, Intent.DIRECT_MESSAGE_REACTIONS),
        ("TYPING_START", True, Intent.GUILD_MESSAGE_TYPING),
        ("TYPING_START", False, Intent.DIRECT_MESSAGE_TYPING),
        ("THREAD_CREATE", True, Intent.GUILDS),
        ("CHANNEL_DELETE", True, Intent.GUILDS),
        ("GUILD_MEMBER_ADD", True, Intent.GUILD_MEMBERS),
        ("PRESENCE_UPDATE", True, Intent.GUILD_PRESENCES),
    ],
)
def test_each_event_belongs_to_one_intent(name: str, in_guild: bool, intent: Intent) -> None:
    assert wanted(name, intent, in_guild=in_guild)
    assert not wanted(name, ALL_INTENTS & ~intent, in_guild=in_guild)


# Message content


async def test_without_the_content_intent_only_words_for_the_bot_arrive(world: World, connect: Connect) -> None:
    world.application.flags = 0
    dm = world.open_dm(ben(world), world.bot_id)
    async with connect() as client:
        await client.identify(INTENTS & ~Intent.MESSAGE_CONTENT)
        await client.event("GUILD_CREATE")
        say(world, "between us")
        assert (await client.event("MESSAGE_CREATE"))["content"] == ""
        say(world, f"<@{world.bot_id}> to you")
        assert (await client.event("MESSAGE_CREATE"))["content"] == f"<@{world.bot_id}> to you"
        world.create_message(ben(world), dm.id, {"content": "in private"})
        assert (await client.event("MESSAGE_CREATE"))["content"] == "in private"
        world.create_message(world.bot_id, channel(world, "general"), {"content": "my own"})
        assert (await client.event("MESSAGE_CREATE"))["content"] == "my own"


BOT, OTHER = {"id": "1"}, {"id": "2"}
HIDDEN = {"content": "", "embeds": [], "attachments": [], "components": []}
SHOWN = {"content": "words", "embeds": [{}], "attachments": [{}], "components": [{}]}


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        ({"author": OTHER, "mentions": []}, HIDDEN),
        ({"author": OTHER, "mentions": [OTHER]}, HIDDEN),
        ({"author": BOT, "mentions": []}, SHOWN),
        ({"author": OTHER, "mentions": [BOT]}, SHOWN),
        ({"author": OTHER, "mentions": [BOT], "referenced_message": {"author": BOT, **SHOWN}}, SHOWN),
        (
            {"author": OTHER, "mentions": [BOT], "referenced_message": {"author": BOT, "interaction_metadata": {}}},
            HIDDEN,
        ),
    ],
)
def test_content_is_kept_for_messages_that_concern_the_bot(more: dict[str, Any], seen: dict[str, Any]) -> None:
    message = SHOWN | {"poll": {}} | more
    left = without_content(message, 1, in_guild=True)
    assert {field: left[field] for field in SHOWN} == seen
    assert ("poll" in left) == (seen is SHOWN)
    assert message["content"] == "words"


def test_a_quoted_message_is_judged_by_itself() -> None:
    message = {"author": BOT, "content": "mine", "referenced_message": {"author": OTHER, "content": "theirs"}}
    assert without_content(message, 1, in_guild=True)["referenced_message"] == {"author": OTHER, "content": ""}


async def test_an_ephemeral_message_looks_like_a_direct_one(world: World, connect: Connect) -> None:
    """Discord sends it to its reader and to the bot that wrote it, without server or member."""
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        origin = Origin({"id": "1", "type": 2, "authorizing_integration_owners": {}}, only_user=ben(world))
        world.create_response(channel(world, "general"), {"content": "psst"}, origin=origin)
        message = await client.event("MESSAGE_CREATE")
    assert message["flags"] & 64
    assert not {"guild_id", "member"} & message.keys()
