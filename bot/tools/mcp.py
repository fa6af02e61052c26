"""The tools of the operator's MCP servers: connections that are kept up, and what they offer right now.

Nothing waits for a server: the bot starts without them, and a server that is
away takes its tools with it until it is back. This module imports nothing of
the SDK before there is a server to connect to.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from bot.messages import JsonObject
from bot.model import ToolSpec
from bot.readable.invisible import visible
from bot.tools import SimpleTool, ToolFailed
from bot.tools.marked import marked, new_mark
from bot.tools.mcp_config import ServerConfig
from bot.tools.mcp_schema import clean_schema, description, tool_names

if TYPE_CHECKING:
    from mcp.types import Tool as ListedTool

    from bot.tools.mcp_session import Connection

log = logging.getLogger(__name__)

CALL_SECONDS = 60.0
MAX_ERROR = 2000

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
_STEADY_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 60.0
_CHANGES_PAUSE = 2.0


class State(StrEnum):
    """How it is with a server."""

    STARTING = "starting"
    CONNECTED = "connected"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, for people: `problem` is a sentence, empty unless it is away."""

    name: str
    state: State
    tools: tuple[str, ...] = ()
    """The names under which models know its tools."""
    lists_more: bool = False
    """Whether the server lists more tools than are taken."""
    problem: str = ""


class McpServers:
    """All servers of the operator. `run` keeps them connected until it is cancelled."""

    def __init__(
        self,
        servers: Sequence[ServerConfig],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        mark: Callable[[], str] = new_mark,
    ) -> None:
        self._mark = mark
        self._servers = [_Server(config, clock, sleep) for config in servers]

    async def run(self) -> None:
        """Connect to every server, again and again. Ends only when it is cancelled, with every process it started."""
        if not self._servers:
            return
        await asyncio.to_thread(importlib.import_module, "bot.tools.mcp_session")
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.run())

    def tools(self) -> dict[str, SimpleTool]:
        """The tools that can be called now, by the names under which models know them."""
        names = self._names()
        return {
            names[server.name, tool.name]: _McpTool(server, tool, names[server.name, tool.name], self._mark)
            for server in self._servers
            for tool in server.listed
        }

    def status(self) -> tuple[ServerStatus, ...]:
        """How it is with each server, in the order of the operator's list."""
        names = self._names()
        return tuple(
            ServerStatus(
                server.name,
                server.state,
                tuple(names[server.name, tool.name] for tool in server.listed),
                server.lists_more,
                server.problem,
            )
            for server in self._servers
        )

    def _names(self) -> Mapping[tuple[str, str], str]:
        return tool_names((server.name, tool.name) for server in self._servers for tool in server.listed)


class _Server:
    """One server and its connection, as long as there is one."""

    def __init__(
        self, config: ServerConfig, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.name = config.name
        self.state = State.STARTING
        self.problem = ""
        self.listed: tuple[ListedTool, ...] = ()
        self.lists_more = False
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._connection: Connection | None = None
        self._is_doubtful = asyncio.Event()

    async def run(self) -> None:
        from bot.tools.mcp_session import ConnectionLost

        pause = _FIRST_PAUSE
        while True:
            began = self._clock()
            try:
                await self._stay_connected()
            except ConnectionLost as lost:
                self._leave(str(lost))
            if self._clock() - began > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            await self._sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - nothing secret
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def call(self, name: str, arguments: JsonObject) -> str:
        """Call a tool by its name there. Raises ToolFailed."""
        from bot.tools.mcp_session import CallFailed, ConnectionLost

        if self._connection is None:
            raise ToolFailed(f"The server {self.name} of this tool is away. {self.problem} Answer without the tool.")
        try:
            return await self._connection.call(name, arguments, CALL_SECONDS)
        except CallFailed as failed:
            said = visible(str(failed))[:MAX_ERROR]
            raise ToolFailed(f"The tool of the server {self.name} reported an error: {said}") from None
        except ConnectionLost as lost:
            self._is_doubtful.set()
            raise ToolFailed(
                f"The server {self.name} of this tool went away during the call. {lost} Answer without the tool."
            ) from None
        except TimeoutError:
            self._is_doubtful.set()
            raise ToolFailed(
                f"The server {self.name} of this tool did not answer within {CALL_SECONDS:.0f} seconds."
            ) from None

    async def _stay_connected(self) -> None:
        """Connect, and keep the list of tools as the server's. Raises ConnectionLost when that is over."""
        from bot.tools.mcp_session import ConnectionLost, open_connection

        async with open_connection(self._config) as connection:
            await self._look(connection)
            self._connection = connection
            self.state, self.problem = State.CONNECTED, ""
            log.info("the MCP server %s is connected and offers %d tools", self.name, len(self.listed))
            while not connection.lost.is_set():
                await self._wait_for_news(connection)
                if not connection.lost.is_set():
                    await self._look(connection)
                    await self._pause(connection)
            raise ConnectionLost("It closed the connection.")

    async def _look(self, connection: Connection) -> None:
        connection.changed.clear()
        self._is_doubtful.clear()
        listed, is_all = await connection.tools()
        unique = {tool.name: tool for tool in listed}
        self.listed, self.lists_more = tuple(unique.values()), not is_all

    async def _wait_for_news(self, connection: Connection) -> None:
        await _first_of(_LOOK_AGAIN_SECONDS, connection.lost, connection.changed, self._is_doubtful)

    async def _pause(self, connection: Connection) -> None:
        """A server whose list changes all the time is looked at now and then."""
        await _first_of(_CHANGES_PAUSE, connection.lost)

    def _leave(self, problem: str) -> None:
        was = self.state
        self._connection = None
        self.listed, self.lists_more = (), False
        self.state, self.problem = State.AWAY, problem
        if was is not State.AWAY:
            log.warning("the MCP server %s is away: %s", self.name, problem)


class _McpTool:
    """One tool of one server. It stays what it was when a turn began, even if the server changes its list."""

    timeout = CALL_SECONDS + 5
    """Seconds for a call, a little more than the server gets."""

    def __init__(self, server: _Server, tool: ListedTool, name: str, mark: Callable[[], str]) -> None:
        self._server = server
        self._name = tool.name
        self._mark = mark
        self._spec = ToolSpec(
            name, description(tool.description or tool.title), clean_schema(cast(dict[str, object], tool.input_schema))
        )

    @property
    def spec(self) -> ToolSpec:
        return self._spec

    async def call(self, arguments: JsonObject) -> str:
        """What the server answered, in words. Raises ToolFailed."""
        text = await self._server.call(self._name, arguments)
        return marked((), "what the tool answered", text, self._mark())


async def _first_of(seconds: float, *events: asyncio.Event) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait(tasks)
