"""An MCP server made with the official SDK: `mcp_sdk_server.py stdio`, or `mcp_sdk_server.py http PORT`."""

from __future__ import annotations

import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import BlobResourceContents, EmbeddedResource, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel

server = MCPServer("test server")


class Point(BaseModel):
    x: int
    y: int | None = None


@server.tool()
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def move(points: list[Point]) -> str:
    """Move points."""
    return f"moved {len(points)}"


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ToolError("the disk is full")


@server.tool(structured_output=False)
def show() -> list[TextContent | ImageContent | EmbeddedResource | ResourceLink]:
    """Shows things."""
    return [
        TextContent(text="Here:\u200b"),
        ImageContent(data="QUJD" * 10, mime_type="image/png"),
        EmbeddedResource(resource=BlobResourceContents(uri="file:///x.bin", blob="QUJD", mime_type="application/x")),
        ResourceLink(name="notes", uri="file:///notes.txt"),
    ]


@server.tool()
def long() -> str:
    """Answers at length."""
    return "word " * 100_000


@server.tool()
async def grow(ctx: Context) -> str:
    """Adds a tool."""
    server.add_tool(long, name="grown")
    await ctx.notify_tools_changed()
    return "grown"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
