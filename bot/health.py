"""The health endpoint: tells a container's keeper whether the bot is connected. It tells nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.errors import ConfigError


@asynccontextmanager
async def serve_health(port: int, healthy: Callable[[], bool]) -> AsyncGenerator[None]:
    """Answer `GET /health` with 200 while `healthy()`, else with 503; port 0 means no endpoint.

    Raises ConfigError where the port cannot be had.
    """
    if not port:
        yield
        return

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"healthy": True}) if healthy() else web.json_response({"healthy": False}, status=503)

    app = web.Application()
    app.router.add_get("/health", health)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, port)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, port=port).start()
    except OSError:
        raise ConfigError(
            f"HEALTH_PORT names port {port}, which is taken or not allowed: choose another one, or 0 for none."
        ) from None
