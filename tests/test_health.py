"""The health endpoint: says whether the bot is connected to Discord, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from bot.app import App
from bot.errors import ConfigError
from bot.health import serve_health
from bot.playground.discord.gateway_frames import CloseCode
from tests.whole_bot import Stage, stage


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def status(port: int, path: str = "/health") -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path) as built:
        yield built


async def test_healthy_while_connected_and_unhealthy_before(servers: Stage) -> None:
    port = free_port()
    servers.discord.gateway.hold()  # READY does not come yet
    async with servers.app(health_port=port):
        assert await status(port) == 503
        servers.discord.gateway.release()
        await servers.until(servers.ready.is_set, "the bot is ready")

        assert await status(port) == 200
        assert await status(port, "/") == 404

    with pytest.raises(aiohttp.ClientConnectorError):
        await status(port)


async def test_unhealthy_once_the_connection_is_lost_and_healthy_again_after(servers: Stage) -> None:
    port = free_port()
    async with servers.app(health_port=port) as app:
        await servers.until(servers.ready.is_set, "the bot is ready")

        servers.discord.gateway.hold()
        servers.discord.gateway.reconnect_all()
        await servers.until(lambda: not app.healthy(), "the loss is noticed")
        assert await status(port) == 503

        servers.discord.gateway.release()
        await servers.until(app.healthy, "it is connected again")
        assert await status(port) == 200


async def test_port_0_means_no_endpoint() -> None:
    async with serve_health(0, lambda: True):
        pass


async def test_a_taken_port_is_named() -> None:
    port = free_port()
    async with serve_health(port, lambda: True):
        with pytest.raises(ConfigError, match=f"HEALTH_PORT names port {port}"):
            async with serve_health(port, lambda: True):
                pass


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (CloseCode.AUTHENTICATION_FAILED, "DISCORD_TOKEN is not accepted any more"),
        (CloseCode.SHARDING_REQUIRED, "close code 4011"),
    ],
)
async def test_a_connection_that_is_ended_for_good_ends_the_bot_with_one_line(
    servers: Stage, code: CloseCode, complaint: str
) -> None:
    running = asyncio.create_task(App(servers.settings, on_ready=servers.ready.set).run())
    await servers.until(servers.ready.is_set, "the bot is ready")

    servers.discord.gateway.close_all(code)

    async with asyncio.timeout(10):
        with pytest.raises(ConfigError, match=complaint) as caught:
            await running
    assert "\n" not in str(caught.value)


async def test_the_bot_can_be_ended_while_it_reconnects(servers: Stage) -> None:
    """discord.py swallows a cancellation then; the gateway it resumes at accepts connections and says nothing."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        servers.discord.gateway.url = f"ws://127.0.0.1:{mute.getsockname()[1]}"
        async with servers.app() as app:
            await servers.until(servers.ready.is_set, "the bot is ready")
            servers.discord.gateway.reconnect_all()
            await servers.until(lambda: not app.healthy(), "the loss is noticed")
            began = time.monotonic()
        assert time.monotonic() - began < 5
