"""The edit scheduler against Discord's real limits, in virtual time: how fresh the text is, and what trouble costs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch

from bot.errors import RetryLater
from bot.events import Answered
from bot.meter import quota_of
from bot.playground.discord.rest_limits import RULES, RateLimited, RateLimiter, Rule
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


def test_a_storm_of_refusals_and_failures_loses_nothing_and_posts_nothing_twice() -> None:
    """Every fifth request is refused or fails for a while; afterwards all is as if nothing had been."""

    @virtual
    async def run() -> None:
        dice = random.Random(5)
        stage, port = limited()
        storm: list[Exception | None] = [RetryLater(1.5), ConnectionResetError(), TimeoutError(), RetryLater(0.3)]
        port.fault = lambda: dice.choice(storm) if clock() < 20.0 and dice.random() < 0.2 else None
        async with stage:
            shown = [stage.show(new_reply(), channel=number, turn=number) for number in range(30)]
            await asyncio.gather(*(count_aloud(one, 24.0, 10.0) for one in shown))
            ended_at = clock()
            ids = [await end(one) for one in shown]
            assert port.newest == dict.fromkeys(range(30), 240)
            assert sorted(port.messages) == sorted(message_id for each in ids for message_id in each)
            assert clock() - ended_at < 2.0

    run()


def test_the_backlog_tells_how_many_answers_wait_for_discord() -> None:
    @virtual
    async def run() -> None:
        stage, _ = limited()
        async with stage:
            shown = [stage.show(new_reply(), channel=number, turn=number) for number in range(200)]
            assert stage.live.backlog == 200
            await asyncio.sleep(1.0)
            assert 100 <= stage.live.backlog <= 170  # 50 a second go out
            await asyncio.gather(*(end(one) for one in shown))
            assert stage.live.backlog == 0

    run()


def test_an_answer_that_discord_refused_is_in_the_backlog_until_it_is_shown() -> None:
    @virtual
    async def run() -> None:
        stage, port = limited()
        refusals: list[Exception] = [RetryLater(5.0)]
        port.fault = lambda: refusals.pop() if refusals else None
        async with stage:
            shown = stage.show(new_reply())
            await asyncio.sleep(2.0)
            assert stage.live.backlog == 1
            await asyncio.sleep(5.0)
            assert stage.live.backlog == 0
            await end(shown)

    run()


def test_fifty_questions_at_once_are_refused_nothing() -> None:
    """Each needs a thread first, which nobody planned: those come first, and the answers share what is left."""

    @virtual
    async def run() -> None:
        stage, port = limited()

        async def ask(number: int) -> LiveReply:
            _, wait = stage.traffic.admit(None, is_shared=True)
            await asyncio.sleep(wait)
            await asyncio.sleep(ROUND_TRIP / 2)
            port.limiter.take("POST", "/channels/{channel_id}/messages/{message_id}/threads", {"channel_id": "1"})
            return stage.show(new_reply(), channel=number, turn=number)

        async with stage:
            shown = await asyncio.gather(*(ask(number) for number in range(60)))
            await asyncio.gather(*(count_aloud(one, 5.0, 10.0) for one in shown))
            await asyncio.gather(*(end(one) for one in shown))
            assert port.refused == 0

    run()


def test_the_end_of_an_answer_is_late_by_a_round_trip_and_a_tenth_of_a_second_at_most() -> None:
    """Whenever it comes, for one request of the channel's window is kept for it."""

    @virtual
    async def run() -> None:
        late: list[float] = []
        for step in range(60):
            stage, _ = limited()
            async with stage:
                shown = stage.show(new_reply())
                await count_aloud(shown, 7.0 + step * 0.1, 20.0)
                asked_at = clock()
                await end(shown)
                late.append(clock() - asked_at)
        assert max(late) <= 2 * ROUND_TRIP + 0.1 + 1e-6
        assert median(late) <= 1.5 * ROUND_TRIP

    run()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.floats(0.5, 12.0), st.floats(1.0, 60.0))
def test_whatever_discords_windows_are_they_are_learned(limit: int, seconds: float, per_second: float) -> None:
    """A channel that takes fewer edits than is usual refuses a few at first, and then none."""

    @virtual
    async def run() -> None:
        stage, port = limited()
        with MonkeyPatch.context() as patch:
            patch.setitem(RULES, ROUTES["edit"][:2], Rule("messages", limit, seconds))  # type: ignore[index]
            async with stage:
                shown = stage.show(new_reply())
                await count_aloud(shown, 20.0, per_second)
                refused = port.refused
                await count_aloud(shown, 20.0, per_second)
                assert port.refused == refused
                await end(shown)

    run()
