"""The edit scheduler against Discord's real limits, in virtual time: how fresh the text is, and what trouble costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import quantiles

import pytest

from bot.errors import RetryLater
from bot.events import Answered
from bot.meter import quota_of
from bot.playground.discord.rest_limits import RateLimited, RateLimiter
from bot.render.buckets import Key, Kind
from bot.render.live import LiveReply
from bot.render.pace import Pace
from bot.render.page import Page
from bot.render.traffic import Scope, Traffic
from tests.live_stage import FakePort, Stage, clock, end, new_reply, virtual

ROUND_TRIP = 0.06
ROUTES = {
    "send": ("POST", "/channels/{channel_id}/messages", Kind.SEND),
    "edit": ("PATCH", "/channels/{channel_id}/messages/{message_id}", Kind.EDIT),
    "delete": ("DELETE", "/channels/{channel_id}/messages/{message_id}", Kind.DELETE),
}


@dataclass
class LimitedPort(FakePort):
    """Counts as the embedded Discord does, and tells `traffic` what the wire shows. `fault` may spoil a request."""

    traffic: Traffic | None = None
    fault: Callable[[], Exception | None] = lambda: None
    refused: int = 0
    limiter: RateLimiter = field(default_factory=lambda: RateLimiter(clock, clock))
    newest: dict[int, int] = field(default_factory=dict)
    """The last number that is visible in each channel."""

    async def _request(self, kind: str, channel_id: int) -> None:
        self.log.append((clock(), kind, channel_id))
        await asyncio.sleep(ROUND_TRIP / 2)
        if kind in ROUTES:
            self._count(kind, channel_id)
        if error := self.fault():
            raise error

    def _count(self, kind: str, channel_id: int) -> None:
        method, route, counted = ROUTES[kind]
        key: Key = (channel_id, counted)
        ids = {"channel_id": str(channel_id)}
        assert self.traffic is not None
        try:
            headers = self.limiter.take(method, route, ids)
        except RateLimited as limited:
            self.refused += 1
            scope = Scope.EVERYTHING if limited.scope == "global" else Scope.BUCKET
            self.traffic.refused(key, scope, limited.retry_after)
            raise RetryLater(limited.retry_after) from None
        if quota := quota_of(headers):
            self.traffic.answered(key, quota)

    async def edit(
        self, channel_id: int, message_id: int, page: Page, *, turn_id: int, with_token: bool = False
    ) -> None:
        await super().edit(channel_id, message_id, page, turn_id=turn_id, with_token=with_token)
        self._note(channel_id, page)
        await asyncio.sleep(ROUND_TRIP / 2)

    async def send(self, channel_id: int, page: Page, *, nonce: str, reply_to: int | None, turn_id: int) -> int:
        message_id = await super().send(channel_id, page, nonce=nonce, reply_to=reply_to, turn_id=turn_id)
        self._note(channel_id, page)
        await asyncio.sleep(ROUND_TRIP / 2)
        return message_id

    def _note(self, channel_id: int, page: Page) -> None:
        words = page.content.split()
        if words and words[-1].isdigit():
            self.newest[channel_id] = max(self.newest.get(channel_id, 0), int(words[-1]))


def limited(pace: Pace | None = None) -> tuple[Stage, LimitedPort]:
    port = LimitedPort()
    stage = Stage(port, pace)
    port.traffic = stage.traffic
    return stage, port


async def count_aloud(shown: LiveReply, seconds: float, per_second: float) -> None:
    """Stream one number after the other; each is `number / per_second` seconds old when it comes."""
    for number in range(1, int(seconds * per_second) + 1):
        shown.reply.apply(Answered(f"{number} "))
        shown.touch()
        await asyncio.sleep(1 / per_second)


@pytest.mark.parametrize(
    ("streams", "per_second", "worst"),
    [(1, 60.0, 1.3), (10, 20.0, 1.3), (40, 10.0, 1.3), (200, 5.0, 1.3 * (200 / 50 + ROUND_TRIP))],
)
def test_text_is_as_fresh_as_discord_allows(streams: int, per_second: float, worst: float) -> None:
    """No 429 in steady state, and the age of the newest visible text stays near the least that is possible."""

    @virtual
    async def run() -> None:
        stage, port = limited()
        async with stage:
            shown = [stage.show(new_reply(), channel=number, turn=number) for number in range(streams)]
            began = clock()
            talking = [asyncio.create_task(count_aloud(one, 25.0, per_second)) for one in shown]
            ages: list[float] = []
            await asyncio.sleep(8.0)
            for _ in range(300):
                await asyncio.sleep(0.05)
                ages += [clock() - began - port.newest.get(number, 0) / per_second for number in range(streams)]
            await asyncio.gather(*talking)
            await asyncio.gather(*(end(one) for one in shown))
            p95 = quantiles(ages, n=20)[-1]
            assert port.refused == 0
            assert p95 <= worst

    run()
