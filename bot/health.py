"""The health endpoint: tells a container's keeper whether the bot is connected. It tells nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serve_health(port: int, healthy: Callable[[], bool]) -> AsyncGenerator[None]:
    """Answer `GET /health` with 200 while `healthy()`, else with 503; port 0 means no endpoint."""
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
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
