"""A model that writes one token into every answer at each beat, and costs next to nothing itself.

For crowds: the scripted model would need more than a core for two hundred
answers at once. All answers are the same, and were encoded before the first
was asked for. This module knows nothing of Discord.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_MOST_BODY = 64 * 2**20


class Answering:
    """One answer on its way: what is written at each beat, at which it begins, and how many of its tokens are sent."""

    def __init__(self, writer: asyncio.StreamWriter, pieces: Sequence[bytes], first_beat: int) -> None:
        self.pieces = pieces
        self.first_beat = first_beat
        self.sent = 0
        self._writer = writer
        self.ended = asyncio.Event()

    def write(self, chunk: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(chunk)


class Metronome:
    """Serves between `async with` and its end.

    `tokens` are what every answer says, `rate` so many a second. The answers
    begin once `crowd` of them have been asked for, each a little after the one
    before, so that the last is `spread` beats behind the first.
    """

    def __init__(self, tokens: Sequence[str], rate: float, crowd: int, spread: int = 0) -> None:
        self.beats: list[float] = []
        """When each beat was, in Unix seconds."""
        self.answers: dict[str, Answering] = {}
        """By the question's own words, `benchmark 007`."""
        self._rate = rate
        self._crowd = crowd
        self._spread = spread
        self._tokens = [chunk(event({"content": token}, None)) for token in tokens]
        self._end = chunk(END) + LAST_CHUNK
        self._complete = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._beating: asyncio.Task[None] | None = None
        self.base_url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/api/v1"
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait({self._beating})
        if self._server is not None:
            self._server.close()

    @property
    def tokens_sent(self) -> int:
        return sum(answering.sent for answering in self.answers.values())

    def pieces_for(self, question: str) -> Sequence[bytes]:
        """What is written for a question: one token a beat, and the end."""
        return [*self._tokens, self._end]

    def sent_at(self, answering: Answering, token: int) -> float:
        """When a token of an answer was sent, in Unix seconds."""
        return self.beats[answering.first_beat + token]

    async def _beat(self) -> None:
        await self._complete.wait()
        due = time.monotonic()
        for beat in range(max(answering.first_beat + len(answering.pieces) for answering in self.answers.values())):
            due += 1 / self._rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.beats.append(time.time())
            for answering in self.answers.values():
                self._tell(answering, beat - answering.first_beat)

    def _tell(self, answering: Answering, beat: int) -> None:
        last = len(answering.pieces) - 1
        if 0 <= beat <= last:
            answering.write(answering.pieces[beat])
        if 0 <= beat < last:
            answering.sent += 1
        elif beat == last:
            answering.ended.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(min(int(length[1]), _MOST_BODY) if length else 0)
                asked = re.findall(rb"benchmark \d{3}", body)
                if not head.startswith(b"POST") or not asked:
                    writer.write(_NOTHING)
                    continue
                writer.write(_HEAD)
                question = asked[-1].decode()
                answering = Answering(
                    writer, self.pieces_for(question), self._spread * len(self.answers) // self._crowd
                )
                self.answers[question] = answering
                if len(self.answers) == self._crowd:
                    self._complete.set()
                await answering.ended.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def event(delta: dict[str, str], finish: str | None, *, ascii_only: bool = True) -> bytes:
    """One event of a stream; with `ascii_only` all other characters are JSON escapes."""
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish, "logprobs": None}
    body = {
        "id": "gen-1763900000-metronome",
        "provider": "Stand-in",
        "model": "moonshotai/kimi-k2-thinking",
        "object": "chat.completion.chunk",
        "created": 1763900000,
        "choices": [choice],
    }
    return b"data: " + json.dumps(body, ensure_ascii=ascii_only).encode() + b"\n\n"


def chunk(data: bytes) -> bytes:
    """Some bytes of a body as HTTP sends them when it does not know how many there will be."""
    return b"%x\r\n%s\r\n" % (len(data), data)


END = event({"content": ""}, "stop") + b"data: [DONE]\n\n"
"""How a stream ends."""
LAST_CHUNK = b"0\r\n\r\n"
