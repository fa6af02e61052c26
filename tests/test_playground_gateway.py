"""The embedded Discord's gateway, spoken to frame by frame where discord.py would hide what happens."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.gateway_content import without_content
from bot.playground.discord.gateway_frames import HangUp, Opcode, ZlibWire, decode, encode
from bot.playground.discord.gateway_intents import ALL_INTENTS, Intent, wanted
from bot.playground.discord.permissions import BOT_PERMISSIONS, Permission
from bot.playground.discord.records import ApplicationFlag, ChannelOverwrite
from bot.playground.discord.server import DiscordServer, make_token, refuse_real_token
from bot.playground.discord.world import World, default_world
from bot.playground.discord.world_responses import Origin
from tests.discord_people import Clock

INTENTS = Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.DIRECT_MESSAGES | Intent.MESSAGE_CONTENT
OFTEN = GatewayLimits(identify_window=0)


class Client:
    """A gateway client that hides nothing."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token
        self.seq = 0
        self.session_id = ""
        self.ready: dict[str, Any] = {}

    async def send(self, op: int, data: object = None) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def receive(self) -> dict[str, Any]:
        """The next payload; its sequence number is remembered."""
        payload = json.loads(await self.socket.receive_str(timeout=2))
        self.seq = payload["s"] or self.seq
        return payload

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event of that name."""
        while True:
            payload = await self.receive()
            if payload["t"] == name:
                return payload["d"]

    async def close_code(self) -> int | None:
        """How the server hangs up."""
        while (message := await self.socket.receive(timeout=2)).type != aiohttp.WSMsgType.CLOSE:
            assert message.type not in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        return message.data

    async def identify(self, intents: int = INTENTS, **more: object) -> Self:
        data = {"token": self.token, "intents": intents, "properties": {"os": "linux"}} | more
        await self.send(Opcode.IDENTIFY, data)
        self.ready = await self.event("READY")
        self.session_id = self.ready["session_id"]
        return self

    async def resume(self, session_id: str, seq: int) -> None:
        await self.send(Opcode.RESUME, {"token": self.token, "session_id": session_id, "seq": seq})

    async def is_quiet(self) -> bool:
        """Whether nothing was sent before the answer to a heartbeat."""
        await self.send(Opcode.HEARTBEAT, self.seq or None)
        return (await self.receive())["op"] == Opcode.HEARTBEAT_ACK


Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def world() -> World:
    return default_world()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(world: World, clock: Clock) -> AsyncIterator[DiscordServer]:
    async with DiscordServer(world, gateway_limits=OFTEN, clock=clock) as server:
        yield server


@pytest.fixture
def connect(server: DiscordServer) -> Connect:
    return lambda query="?v=10&encoding=json": connection(server, query)


@asynccontextmanager
async def connection(server: DiscordServer, query: str = "") -> AsyncIterator[Client]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.gateway_url + query) as socket,
    ):
        client = Client(socket, server.token)
        hello = await client.receive()
        assert hello == {"t": None, "s": None, "op": Opcode.HELLO, "d": {"heartbeat_interval": 41250}}
        yield client


def ben(world: World) -> int:
    return next(user.id for user in world.records.users.values() if user.username == "ben")


def channel(world: World, name: str) -> int:
    return next(channel.id for channel in world.records.channels.values() if channel.name == name)


def say(world: World, text: str, name: str = "general") -> int:
    return world.create_message(ben(world), channel(world, name), {"content": text}).id


# Getting in


async def test_ready_names_the_bot_and_its_servers_follow_one_by_one(world: World, connect: Connect) -> None:
    """READY carries what a client needs to resume; each server then arrives with channels and roles."""
    async with connect() as client:
        ready = (await client.identify()).ready
        guild = await client.event("GUILD_CREATE")
    assert ready["user"]["id"] == str(world.bot_id)
    assert ready["application"] == {"id": str(world.application.id), "flags": world.application.flags}
    assert ready["guilds"] == [{"id": guild["id"], "unavailable": True}]
    assert ready["resume_gateway_url"].startswith("ws://127.0.0.1:")
    assert {channel["name"] for channel in guild["channels"]} == {"general", "code", "questions"}
    assert [member["user"]["id"] for member in guild["members"]] == [str(world.bot_id)]


async def test_heartbeats_are_acknowledged_before_and_after_identify(connect: Connect) -> None:
    async with connect() as client:
        assert await client.is_quiet()
        await client.identify()
        await client.event("GUILD_CREATE")
        assert await client.is_quiet()


async def test_a_wrong_token_is_refused_for_good(connect: Connect) -> None:
    async with connect() as client:
        await client.send(Opcode.IDENTIFY, {"token": "playground.wrong", "intents": 0, "properties": {}})
        assert await client.close_code() == 4004


@pytest.mark.parametrize(
    ("intents", "code"),
    [(Intent.GUILD_MEMBERS, 4014), (Intent.GUILD_PRESENCES, 4014), (1 << 40, 4013), (-1, 4013), (1 << 60, 4013)],
)
async def test_intents_are_checked(connect: Connect, server: DiscordServer, intents: int, code: int) -> None:
    async with connect() as client:
        await client.send(Opcode.IDENTIFY, {"token": server.token, "intents": int(intents), "properties": {}})
        assert await client.close_code() == code


async def test_message_content_must_be_granted_to_the_application(world: World, connect: Connect) -> None:
    world.application.flags = 0
    async with connect() as client:
        await client.send(Opcode.IDENTIFY, {"token": client.token, "intents": int(INTENTS), "properties": {}})
        assert await client.close_code() == 4014


@pytest.mark.parametrize("shard", [[2, 2], [0], [-1, 1], "0/1"])
async def test_an_impossible_shard_is_refused(connect: Connect, shard: object) -> None:
    async with connect() as client:
        data = {"token": client.token, "intents": 0, "properties": {}, "shard": shard}
        await client.send(Opcode.IDENTIFY, data)
        assert await client.close_code() == 4010


async def test_a_shard_gets_its_own_servers_and_only_shard_zero_gets_direct_messages(
    world: World, connect: Connect
) -> None:
    guild_id = next(iter(world.records.guilds))
    mine = (guild_id >> 22) % 2
    dm = world.open_dm(ben(world), world.bot_id)
    async with connect() as client, connect() as other:
        await client.identify(shard=[mine, 2])
        assert client.ready["shard"] == [mine, 2]
        await client.event("GUILD_CREATE")
        await other.identify(shard=[1 - mine, 2])
        assert other.ready["guilds"] == []
        world.create_message(ben(world), dm.id, {"content": "hello"})
        first, second = (client, other) if mine == 0 else (other, client)
        assert (await first.event("MESSAGE_CREATE"))["content"] == "hello"
        assert await second.is_quiet()


async def test_identifying_too_often_makes_the_session_invalid(world: World, clock: Clock) -> None:
    async with DiscordServer(world, clock=clock) as server:
        async with connection(server) as client:
            await client.identify()
            assert server.gateway.session_start_limit()["remaining"] == 999
        async with connection(server) as client:
            await client.send(Opcode.IDENTIFY, {"token": server.token, "intents": 0, "properties": {}})
            assert (await client.receive())["op"] == Opcode.INVALID_SESSION
            clock.seconds += 5
            await client.identify()


@pytest.mark.parametrize("query", ["?v=9", "?v=6&encoding=json"])
async def test_an_old_api_version_is_refused(server: DiscordServer, query: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url + query) as socket:
        assert await Client(socket, server.token).close_code() == 4012


# Breaking the rules


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 4002),
        ("[]", 4002),
        ('{"d": 1}', 4002),
        ('{"op": true}', 4002),
        ('{"op": 99}', 4001),
        ('{"op": 3, "d": {}}', 4003),
        ('{"op": 8, "d": {}}', 4003),
        ('{"op": 2, "d": null}', 4002),
        ('{"op": 6, "d": {}}', 4002),
        ("[" * 4000, 4002),
        (json.dumps({"op": 1, "d": "x" * 5000}), 4002),
    ],
)
async def test_what_is_not_the_protocol_is_hung_up_on(connect: Connect, text: str, code: int) -> None:
    async with connect() as client:
        await client.socket.send_str(text)
        assert await client.close_code() == code


@given(st.text() | st.binary())
def test_any_bytes_are_decoded_or_refused(frame: str | bytes) -> None:
    try:
        assert isinstance(decode(frame).op, Opcode)
    except HangUp as refused:
        assert refused.code in (4001, 4002)


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_every_zlib_frame_can_be_read_as_soon_as_it_arrives(texts: list[str]) -> None:
    wire, inflate = ZlibWire(), zlib.decompressobj()
    for text in texts:
        packed = wire.pack(text)
        assert packed.endswith(b"\x00\x00\xff\xff")
        assert inflate.decompress(packed).decode() == text


async def test_identifying_twice_is_refused(connect: Connect) -> None:
    async with connect() as client:
        await client.identify()
        await client.send(Opcode.IDENTIFY, {"token": client.token, "intents": 0, "properties": {}})
        assert await client.close_code() == 4005


async def test_more_than_120_payloads_a_minute_are_refused(connect: Connect, clock: Clock) -> None:
    async with connect() as client:
        for _ in range(120):
            await client.send(Opcode.HEARTBEAT)
        clock.seconds += 60
        for _ in range(121):
            await client.send(Opcode.HEARTBEAT)
        assert await client.close_code() == 4008


async def test_a_client_without_heartbeats_is_dropped_and_its_session_ends(world: World) -> None:
    limits = GatewayLimits(heartbeat_interval=0.03, identify_window=0)
    async with DiscordServer(world, gateway_limits=limits) as server, aiohttp.ClientSession() as session:
        async with session.ws_connect(server.gateway_url) as socket:
            client = Client(socket, server.token)
            assert (await client.receive())["d"] == {"heartbeat_interval": 30}
            await client.identify()
            assert await client.close_code() == 4009
        async with session.ws_connect(server.gateway_url) as socket:
            again = Client(socket, server.token)
            await again.receive()
            await again.resume(client.session_id, client.seq)
            assert (await again.receive())["op"] == Opcode.INVALID_SESSION


# What is sent


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


# Losing and finding the way back


async def test_resuming_replays_what_was_missed_exactly_once(
    world: World, connect: Connect, server: DiscordServer
) -> None:
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        say(world, "seen")
        await client.event("MESSAGE_CREATE")
        server.gateway.drop_all()
        with pytest.raises(TypeError):
            await client.socket.receive_str(timeout=2)
    for text in ("missed", "missed too"):
        say(world, text)
    async with connect() as again:
        await again.resume(client.session_id, client.seq)
        missed = [await again.receive(), await again.receive(), await again.receive()]
        say(world, "new")
        assert (await again.receive())["d"]["content"] == "new"
    assert [event["t"] for event in missed] == ["MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"]
    assert [event["d"].get("content") for event in missed] == ["missed", "missed too", None]
    assert [event["s"] for event in missed] == [client.seq + 1, client.seq + 2, client.seq + 3]
    assert (server.gateway.identifies, server.gateway.resumes) == (1, 1)


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_normal_close_ends_the_session(connect: Connect, code: int) -> None:
    async with connect() as client:
        await client.identify()
        await client.socket.close(code=code)
    async with connect() as again:
        await again.resume(client.session_id, client.seq)
        assert (await again.receive())["d"] is False


async def test_a_session_can_be_resumed_for_three_minutes(
    connect: Connect, server: DiscordServer, clock: Clock
) -> None:
    async with connect() as client:
        await client.identify()
        await client.socket.close(code=4000)
    await server.gateway.idle()
    clock.seconds += 179
    async with connect() as again:
        await again.resume(client.session_id, client.seq)
        await again.event("RESUMED")
        await again.socket.close(code=4000)
    await server.gateway.idle()
    clock.seconds += 181
    async with connect() as late:
        await late.resume(client.session_id, again.seq)
        assert (await late.receive())["op"] == Opcode.INVALID_SESSION


async def test_what_is_no_longer_kept_cannot_be_resumed(world: World, clock: Clock) -> None:
    limits = GatewayLimits(identify_window=0, replayed_events=3)
    async with DiscordServer(world, gateway_limits=limits, clock=clock) as server:
        async with connection(server) as client:
            await client.identify()
            await client.socket.close(code=4000)
        for number in range(4):
            say(world, str(number))
        async with connection(server) as again:
            await again.resume(client.session_id, client.seq)
            assert (await again.receive())["op"] == Opcode.INVALID_SESSION


async def test_a_number_from_the_future_is_refused(connect: Connect) -> None:
    async with connect() as client:
        await client.identify()
        await client.socket.close(code=4000)
    async with connect() as again:
        await again.resume(client.session_id, 99)
        assert await again.close_code() == 4007


async def test_a_second_connection_takes_the_session_over(world: World, connect: Connect) -> None:
    async with connect() as client, connect() as again:
        await client.identify()
        await client.event("GUILD_CREATE")
        await again.resume(client.session_id, client.seq)
        await again.event("RESUMED")
        say(world, "to the new one")
        assert (await again.event("MESSAGE_CREATE"))["content"] == "to the new one"
        with pytest.raises(TypeError):
            await client.socket.receive_str(timeout=2)


async def test_events_can_be_held_back_and_keep_their_order(
    world: World, connect: Connect, server: DiscordServer
) -> None:
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        server.gateway.hold()
        for text in ("one", "two"):
            say(world, text)
        assert await client.is_quiet()
        server.gateway.release()
        say(world, "three")
        assert [(await client.receive())["d"]["content"] for _ in range(3)] == ["one", "two", "three"]


async def test_bad_weather_on_demand(connect: Connect, server: DiscordServer) -> None:
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        server.gateway.demand_heartbeats()
        server.gateway.reconnect_all()
        server.gateway.invalidate_all(resumable=True)
        server.gateway.invalidate_all()
        received = [await client.receive() for _ in range(4)]
        server.gateway.acking = False
        await client.send(Opcode.HEARTBEAT)
        server.gateway.reconnect_all()
        assert (await client.receive())["op"] == Opcode.RECONNECT
    assert [(frame["op"], frame["d"]) for frame in received] == [(1, None), (7, None), (9, True), (9, False)]


async def test_a_session_lost_to_silence_is_over_even_if_the_client_never_answers(world: World) -> None:
    """A dead peer does not send a close frame back; its session must end all the same."""
    limits = GatewayLimits(heartbeat_interval=0.05, identify_window=0)
    async with DiscordServer(world, gateway_limits=limits) as server, aiohttp.ClientSession() as session:
        async with session.ws_connect(server.gateway_url, autoclose=False) as socket:
            client = Client(socket, server.token)
            await client.identify()
            assert await client.close_code() == 4009
            socket._response.close()  # pyright: ignore[reportPrivateUsage]  # cuts the line without a close frame
        await server.gateway.idle()
        async with session.ws_connect(server.gateway_url) as other:
            again = Client(other, server.token)
            await again.receive()
            await again.resume(client.session_id, client.seq)
            assert (await again.receive())["op"] == Opcode.INVALID_SESSION


async def test_others_joining_a_thread_is_told_only_with_the_members_intent(world: World, connect: Connect) -> None:
    thread = world.start_thread(ben(world), channel(world, "general"), {"name": "t", "type": 11})
    async with connect() as client:
        await client.identify()
        await client.event("GUILD_CREATE")
        world.join_thread(world.application.owner_id, thread.id)
        assert await client.is_quiet()
        world.join_thread(world.bot_id, thread.id)
        update = await client.event("THREAD_MEMBERS_UPDATE")
        assert [member["user_id"] for member in update["added_members"]] == [str(world.bot_id)]


async def test_a_taken_port_is_one_clear_sentence(server: DiscordServer) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on port {server.port}: choose another"):
        await DiscordServer(default_world(), port=server.port).__aenter__()


async def test_the_bot_is_online_while_a_session_is_connected(connect: Connect, server: DiscordServer) -> None:
    async with connect() as client:
        assert not server.gateway.online
        await client.identify()
        assert server.gateway.online
        await client.socket.close(code=4000)
    await server.gateway.idle()
    assert not server.gateway.online


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


# Guarding the door


@pytest.mark.parametrize("token", ["MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz012345", "anything"])
def test_a_real_token_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="DISCORD_TOKEN"):
        refuse_real_token(token)


def test_a_made_up_token_is_accepted() -> None:
    refuse_real_token(make_token())


async def test_the_server_closes_within_a_second_with_clients_connected(world: World) -> None:
    async with aiohttp.ClientSession() as session:
        async with DiscordServer(world) as server:
            sockets = [
                await session.ws_connect(server.gateway_url),
                await session.ws_connect(f"{server.origin}/play/socket?user={ben(world)}"),
            ]
            leaving = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - leaving < 1
        for socket in sockets:
            await socket.close()


def test_the_playgrounds_bot_may_do_what_its_invite_asks() -> None:
    world = default_world()
    assert world.permissions_in(world.bot_id, channel(world, "general")) & BOT_PERMISSIONS == BOT_PERMISSIONS
    assert world.application.flags & ApplicationFlag.GATEWAY_MESSAGE_CONTENT_LIMITED


def test_dispatches_are_compact_json() -> None:
    assert encode(Opcode.DISPATCH, {"a": "ü"}, name="X", seq=1) == '{"t":"X","s":1,"op":0,"d":{"a":"ü"}}'
