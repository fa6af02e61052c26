"""Losing the gateway's connection, and finding the way back without losing or repeating an event."""

# ruff: noqa: F811 - imported fixtures share their names with the parameters that ask for them

from __future__ import annotations

import aiohttp
import pytest

from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.gateway_frames import Opcode
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World
from tests.discord_people import Clock
from tests.gateway_client import (  # noqa: F401 - pytest finds its fixtures here
    Client,
    Connect,
    ben,
    channel,
    clock,
    connect,
    connection,
    say,
    server,
    world,
)


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


async def test_the_bot_is_online_while_a_session_is_connected(connect: Connect, server: DiscordServer) -> None:
    async with connect() as client:
        assert not server.gateway.online
        await client.identify()
        assert server.gateway.online
        await client.socket.close(code=4000)
    await server.gateway.idle()
    assert not server.gateway.online
