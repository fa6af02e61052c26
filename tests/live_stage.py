"""A stage for the edit scheduler: virtual time, in which nothing sleeps, and a port that keeps what people see."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from bot.errors import MessageGone
from bot.events import Answered, Ended
from bot.messages import TurnStatus, Usage
from bot.render.live import Live, LiveReply
from bot.render.pace import Pace
from bot.render.page import Page
from bot.render.reply import Reply
from bot.render.traffic import Traffic

CHANNEL = 7


class _Leaping(selectors.DefaultSelector):
    """Where a real selector waits, this one moves the time forward."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits, and nothing will ever happen")
        self.now += max(0.0, timeout)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in virtual time, which begins at 0."""

    @wraps(test)
    def run() -> None:
        with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
            runner.run(test())

    return run


def clock() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class FakePort:
    """Keeps what Discord would show. `faults` are raised by the next calls, in order; None lets a call pass."""

    latency: float = 0.1
    faults: list[Exception | None] = field(default_factory=list)
    send_fault: Exception | None = None
    """Raised by every send."""
    lost_answers: int = 0
    """So many sends are carried out, and then not answered."""
    log: list[tuple[float, str, int]] = field(default_factory=list)
    messages: dict[int, Page] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    replies: list[int | None] = field(default_factory=list)
    typed: list[float] = field(default_factory=list)
    tokens: set[int] = field(default_factory=set)
    """Messages that can be edited with an interaction's token."""
    in_place: set[int] = field(default_factory=set[int])
    """Channels that stand for an interaction."""
    in_flight: dict[int, int] = field(default_factory=dict)
    most_in_flight: int = 0

    async def _request(self, kind: str, channel_id: int) -> None:
        self.log.append((clock(), kind, channel_id))
        self.in_flight[channel_id] = self.in_flight.get(channel_id, 0) + 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight[channel_id])
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.in_flight[channel_id] -= 1
        if self.faults and (fault := self.faults.pop(0)):
            raise fault

    async def send(self, channel_id: int, page: Page, *, nonce: str, reply_to: int | None, turn_id: int) -> int:
        await self._request("send", channel_id)
        assert len(nonce) <= 25
        if self.send_fault is not None:
            raise self.send_fault
        if nonce not in self.nonces:
            self.nonces[nonce] = 100 + len(self.nonces)
            self.messages[self.nonces[nonce]] = page
            self.replies.append(reply_to)
        if self.lost_answers:
            self.lost_answers -= 1
            await asyncio.sleep(1000)
        return self.nonces[nonce]

    def has_token(self, message_id: int) -> bool:
        return message_id in self.tokens

    def is_in_place(self, channel_id: int) -> bool:
        return channel_id in self.in_place

    async def edit(
        self, channel_id: int, message_id: int, page: Page, *, turn_id: int, with_token: bool = False
    ) -> None:
        await self._request("token" if with_token else "edit", channel_id)
        if message_id not in self.messages:
            raise MessageGone("The message was deleted.")
        assert self.messages[message_id] != page, "an edit that changes nothing"
        self.messages[message_id] = page

    async def delete(self, channel_id: int, message_id: int) -> None:
        await self._request("delete", channel_id)
        del self.messages[message_id]

    async def typing(self, channel_id: int) -> None:
        self.typed.append(clock())

    def kinds(self, channel_id: int = CHANNEL) -> list[str]:
        return [kind for _, kind, channel in self.log if channel == channel_id]

    def times(self, kind: str) -> list[float]:
        return [at for at, logged, _ in self.log if logged == kind]

    def contents(self) -> list[str]:
        return [page.content for page in self.messages.values()]


class Stage:
    """A Live on a fake port, closed at the end; `show` opens a reply and `sent` is what its owner was told."""

    def __init__(self, port: FakePort | None = None, pace: Pace | None = None) -> None:
        self.port = port or FakePort()
        self.traffic = Traffic(clock, pace)
        self.live = Live(self.port, clock=clock, traffic=self.traffic)
        self.sent: list[tuple[int, ...]] = []
        self.lost: list[BaseException] = []

    async def __aenter__(self) -> Stage:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.live.aclose()

    def show(self, reply: Reply, *, channel: int = CHANNEL, turn: int = 1, pages: Sequence[int] = ()) -> LiveReply:
        async def on_sent(ids: tuple[int, ...]) -> None:
            self.sent.append(ids)

        return self.live.open(channel, turn, reply, reply_to=5, pages=pages, on_sent=on_sent, on_lost=self.lost.append)


def new_reply(**options: bool) -> Reply:
    return Reply(started_at=clock(), model="author/model", footer=False, **options)


def ended(status: TurnStatus = TurnStatus.DONE) -> Ended:
    return Ended(status, "author/model", Usage(), 0.0, 1.0)


async def stream(shown: LiveReply, words: Iterable[str], pause: float = 0.02) -> None:
    for word in words:
        shown.reply.apply(Answered(word))
        shown.touch()
        await asyncio.sleep(pause)


async def end(shown: LiveReply, status: TurnStatus = TurnStatus.DONE) -> tuple[int, ...]:
    shown.reply.apply(ended(status))
    shown.touch()
    return await shown.finished()
