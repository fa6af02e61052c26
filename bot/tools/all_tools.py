"""Every tool that this process has, and why others are not to be had.

Gives the tools of other modules what a screen, a person and a thread need of
them: a label, a time limit, whether to ask first, files. This module knows
nothing of servers, turns or models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.messages import JsonObject, MadeFile
from bot.model import ToolSpec
from bot.sandbox.owner import MOST_SECONDS, Sandbox
from bot.tools import Adapted, Asking, Output, Tool, ToolFailed
from bot.tools.mcp import CALL_SECONDS, McpServers, State
from bot.tools.read_attachment import ReadAttachment
from bot.tools.read_thread import ReadThread, SearchMessages
from bot.tools.sandbox import RunPython, told
from bot.tools.shelves import Shelves
from bot.tools.web import WebFetch

_WAITING = 60.0
"""Seconds that a program may wait for its turn, beside those that it may run."""
_BEING_TRIED = "it is still being tried out; please look again in a minute"


class AllTools:
    """The tools. `run` keeps up what they need until it is cancelled; without it those of servers never appear."""

    def __init__(self, shelves: Shelves, servers: McpServers, sandbox: Sandbox) -> None:
        self._servers = servers
        self._sandbox = sandbox
        web = WebFetch()
        self._own: list[Tool] = [
            Adapted(web, seconds=web.timeout, labelled=_host),
            ReadAttachment(shelves),
            ReadThread(shelves),
            SearchMessages(shelves),
        ]
        self._python = Programs(RunPython(sandbox))
        self._why_no_python: str | None = _BEING_TRIED

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._servers.run())
            group.create_task(self._try_python())

    def found(self) -> Sequence[Tool]:
        """The tools that can be called now."""
        python: list[Tool] = [self._python] if self._why_no_python is None else []
        # A server's tool may change something there, and nobody here can tell which do.
        others = [Adapted(tool, seconds=CALL_SECONDS + 5, asks_first=True) for tool in self._servers.tools().values()]
        return [*self._own, *python, *others]

    def absent(self) -> dict[str, str]:
        """Why tools cannot be called, as the ends of sentences, by name."""
        return {} if self._why_no_python is None else {self._python.spec.name: self._why_no_python}

    def remarks(self) -> list[str]:
        """What admins should know besides: which servers are away, as sentences."""
        away = (server for server in self._servers.status() if server.state is State.AWAY)
        return [f"The MCP server {server.name} is away with its tools. {server.problem}".strip() for server in away]

    async def _try_python(self) -> None:
        why = await self._sandbox.why_unavailable()
        self._why_no_python = None if why is None else f"{why[:1].lower()}{why[1:].rstrip('.')}"


class Programs:
    """`run_python` with its files."""

    seconds = MOST_SECONDS + _WAITING
    asks_first = False

    def __init__(self, tool: RunPython) -> None:
        self._tool = tool

    @property
    def spec(self) -> ToolSpec:
        return self._tool.spec

    def label(self, arguments: JsonObject) -> str:
        lines = str(arguments.get("code", "")).count("\n") + 1
        return "1 line" if lines == 1 else f"{lines:,} lines"

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        return None

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        """Run the program. Raises ToolFailed also where it was stopped."""
        ran = await self._tool.run(arguments)
        if ran.stop is not None:
            raise ToolFailed(told(ran))
        return Output(told(ran), tuple(MadeFile(file.name, file.data) for file in ran.files))


def _host(arguments: JsonObject) -> str:
    return urlsplit(str(arguments.get("url", ""))).hostname or ""
