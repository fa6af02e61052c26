"""A model server that plays one scripted reply per request over a real socket, with every byte under control."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Reply:
    """`pieces` are sent one by one; then comes `end`: proper, a lost connection, silence, endless comments, no HTTP."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    end: Literal["proper", "abort", "hang", "chatter", "nonsense"] = "proper"
    headless: bool = False
    """Close the connection instead of answering at all."""
    head: bytes | None = None
    """Sent instead of a proper beginning, when given."""


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


class ModelServer:
    """Plays its replies in order, the last one again and again; `to_gets` is what a GET is answered with, if given."""

    def __init__(self, *replies: Reply, to_gets: Reply | None = None) -> None:
        self.replies = list(replies)
        self.to_gets = to_gets
        self.received: list[Received] = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        """Set when a client has closed its connection in the middle of a reply."""
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        self.received.append(Received(method, path, headers, content))
        self.asked.set()
        if method == "GET" and self.to_gets is not None:
            reply = self.to_gets
        else:
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply.headless:
            return False
        fields = {"Transfer-Encoding": "chunked", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() if reply.head is None else reply.head)
        for piece in reply.pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0)
        return await self._end(reply, reader, writer)

    async def _end(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        match reply.end:
            case "proper":
                writer.write(b"0\r\n\r\n")
                await writer.drain()
                return True
            case "abort":
                return False
            case "nonsense":
                await asyncio.sleep(0.02)  # what came before has been read by then
                writer.write(b"this is the size of no chunk\r\n")
                await writer.drain()
                return False
            case "hang":
                await reader.read(1)
            case "chatter":
                while not reader.at_eof() and not writer.is_closing():
                    writer.write(b"e\r\n: PROCESSING\n\n\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.002)
        self.left.set()
        return False


@asynccontextmanager
async def serving(*replies: Reply, to_gets: Reply | None = None) -> AsyncGenerator[ModelServer]:
    """A server on a port of its own."""
    model_server = ModelServer(*replies, to_gets=to_gets)
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        task = asyncio.get_running_loop().create_task(model_server._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    model_server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    try:
        yield model_server
    finally:
        listener.close()
        await listener.wait_closed()
        await asyncio.sleep(0)  # a connection that was taken a moment ago comes only now
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


def chunk(delta: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One chunk of a stream, with a choice if there is a delta or a finish reason."""
    finish = more.pop("finish", None)
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}] if delta is not None or finish else []
    return {"id": "gen-1", "object": "chat.completion.chunk", "model": "a/model-0127", "choices": choices, **more}


def sse(*payloads: dict[str, Any] | str) -> bytes:
    """Payloads as an event stream."""
    return b"".join(b"data: " + _dump(payload).encode() + b"\n\n" for payload in payloads)


def _dump(payload: dict[str, Any] | str) -> str:
    return payload if isinstance(payload, str) else json.dumps(payload)


HELLO = sse(chunk({"content": "Hello"}), chunk(finish="stop"), "[DONE]")
