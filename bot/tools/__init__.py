"""The tools a model may use in a turn, and the one way to call them.

A tool's ordinary failure becomes a result that the model reads and can act on.
This module knows nothing of any particular tool.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Protocol, cast

from bot.messages import JsonObject, ToolCall, ToolResult
from bot.model import ToolSpec


class ToolFailed(Exception):
    """Read by the model: what went wrong, in words it can act on."""


class Tool(Protocol):
    """One capability. `call` returns text for the model or raises ToolFailed."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: JsonObject) -> str: ...


class Toolbox:
    """The tools of one turn, by name. An empty toolbox is what a model without tools gets."""

    def __init__(self, tools: Mapping[str, Tool] | None = None, *, timeout: float = 60.0) -> None:
        self._tools = dict(tools or {})
        self._timeout = timeout

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    async def call(self, call: ToolCall) -> ToolResult:
        """Run one call. Everything the model did wrong comes back as an error result, never as an exception."""
        try:
            tool = self._tools.get(call.name)
            if tool is None:
                raise ToolFailed(f"There is no tool named {call.name!r}. Answer without it.")
            async with asyncio.timeout(self._timeout):
                content = await tool.call(_arguments(call))
        except ToolFailed as error:
            return ToolResult(call.id, call.name, str(error), is_error=True)
        except TimeoutError:
            sentence = f"The tool did not finish within {self._timeout:.0f} seconds."
            return ToolResult(call.id, call.name, sentence, is_error=True)
        return ToolResult(call.id, call.name, content)


def _arguments(call: ToolCall) -> JsonObject:
    try:
        arguments: object = json.loads(call.arguments or "{}")
    except ValueError as error:
        raise ToolFailed(f"The arguments are not JSON: {error}.") from None
    if not isinstance(arguments, dict):
        raise ToolFailed("The arguments must be a JSON object.")
    return cast(JsonObject, arguments)
