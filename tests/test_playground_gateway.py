"""The embedded Discord's gateway, spoken to frame by frame: getting in, breaking the rules, guarding the door."""

# ruff: noqa: F811 - imported fixtures share their names with the parameters that ask for them

from __future__ import annotations

import asyncio
import json
import zlib

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.gateway_frames import HangUp, Opcode, ZlibWire, decode, encode
from bot.playground.discord.gateway_intents import Intent
from bot.playground.discord.permissions import BOT_PERMISSIONS
from bot.playground.discord.records import ApplicationFlag
from bot.playground.discord.server import DiscordServer, make_token, refuse_real_token
from bot.playground.discord.world import World, default_world
from tests.discord_people import Clock
from tests.gateway_client import (  # noqa: F401 - pytest finds its fixtures here
    INTENTS,
    Client,
    Connect,
    ben,
    channel,
    clock,
    connect,
    connection,
    server,
    world,
)

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
            headers = {"Authorization": f"Bot {server.token}"}
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.get(f"{server.api_url}/gateway/bot") as answer,
            ):
                start_limit = (await answer.json())["session_start_limit"]
            assert (start_limit["remaining"], start_limit["max_concurrency"]) == (999, 1)
        async with connection(server) as client:
            await client.send(Opcode.IDENTIFY, {"token": server.token, "intents": 0, "properties": {}})
            assert (await client.receive())["op"] == Opcode.INVALID_SESSION
            clock.seconds += 5
            await client.identify()


async def test_a_bot_that_identifies_too_often_in_a_day_loses_its_token(world: World, clock: Clock) -> None:
    limits = GatewayLimits(identify_window=0, identifies_per_day=2)
    async with DiscordServer(world, gateway_limits=limits, clock=clock) as server:
        for _ in range(2):
            async with connection(server) as client:
                await client.identify()
        async with connection(server) as client:
            await client.send(Opcode.IDENTIFY, {"token": server.token, "intents": 0, "properties": {}})
            assert await client.close_code() == 4004
        clock.seconds += 86_400
        async with connection(server) as client:
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


async def test_a_taken_port_is_one_clear_sentence(server: DiscordServer) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on port {server.port}: choose another"):
        await DiscordServer(default_world(), port=server.port).__aenter__()
