"""The page's live connection: what a person may see, as it happens.

The queue to each page is bounded: a page that does not read is dropped, and
loads everything afresh when it comes back. It knows nothing of HTTP calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json

from aiohttp import web

from bot.messages import JsonObject
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.people_views import commands_view
from bot.playground.discord.world import World

_QUEUED_EVENTS = 1000
_PING_SECONDS = 30.0
_GOODBYE_SECONDS = 0.2


class PeopleSockets:
    """Every open page."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages: set[_Page] = set()
        self._ends = (world.subscribe(self._on_dispatch), world.watch_commands(self._tell_commands))

    def __len__(self) -> int:
        return len(self._pages)

    async def serve(self, request: web.Request, user_id: int) -> web.WebSocketResponse:
        """Serve one page until it leaves or `close` is called."""
        socket = web.WebSocketResponse(timeout=_GOODBYE_SECONDS, heartbeat=_PING_SECONDS, max_msg_size=4096)
        await socket.prepare(request)
        page = _Page(user_id, socket)
        self._pages.add(page)
        try:
            await page.run()
        finally:
            self._pages.discard(page)
        return socket

    def tell_all(self, name: str, data: JsonObject) -> None:
        """An event of the playground itself, for everyone."""
        for page in self._pages:
            page.put(name, data)

    def close(self) -> None:
        """Stop listening to the world and let every page go."""
        for end in self._ends:
            end()
        for page in tuple(self._pages):
            page.drop()

    def _tell_commands(self) -> None:
        for page in self._pages:
            page.put("APPLICATION_COMMANDS", {"commands": commands_view(self._world, page.user_id)})

    def _on_dispatch(self, event: Dispatch) -> None:
        for page in self._pages:
            if self._may_see(page.user_id, event):
                page.put(event.name, event.data)

    def _may_see(self, user_id: int, event: Dispatch) -> bool:
        if event.only_user is not None:
            return event.only_user == user_id
        if event.channel_id is not None:
            return self._world.can_view(user_id, event.channel_id)
        return event.guild_id is None or user_id in self._world.guild(event.guild_id).members


class _Page:
    """One open page of a person."""

    def __init__(self, user_id: int, socket: web.WebSocketResponse) -> None:
        self.user_id = user_id
        self._socket = socket
        self._outbox: asyncio.Queue[str] = asyncio.Queue(_QUEUED_EVENTS)
        self._dropped = asyncio.Event()

    def put(self, name: str, data: JsonObject) -> None:
        try:
            self._outbox.put_nowait(json.dumps({"t": name, "d": data}, separators=(",", ":"), ensure_ascii=False))
        except asyncio.QueueFull:
            self.drop()

    def drop(self) -> None:
        self._dropped.set()

    async def run(self) -> None:
        """Write until the page leaves or is dropped; nothing that a page sends means anything."""
        tasks = [asyncio.create_task(step) for step in (self._write(), self._read(), self._dropped.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._socket.close(code=1001)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._socket.send_str(await self._outbox.get())

    async def _read(self) -> None:
        async for _ in self._socket:
            pass
