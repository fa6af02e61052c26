"""What is learned from the wire: every request is seen, counted where Discord counts it, and refused ones come back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import discord
import pytest
from discord.http import Route

from bot.errors import MessageTooOld, RetryLater
from bot.meter import Meter, bucket_of, quota_of, refusal_of
from bot.playground.discord.errors import TOO_MANY_OLD_EDITS
from bot.playground.discord.rest_faults import TooMany
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import default_world
from bot.render.buckets import Kind, Quota
from bot.render.pace import Pace, Urgency
from bot.render.traffic import TICKET, Scope, Traffic

MESSAGES = "/channels/{channel_id}/messages"


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("POST", "/channels/12/messages", (12, Kind.SEND)),
        ("PATCH", "/channels/12/messages/34", (12, Kind.EDIT)),
        ("DELETE", "/channels/12/messages/34", (12, Kind.DELETE)),
        ("POST", "/channels/12/typing", (12, Kind.TYPING)),
        ("GET", "/channels/12/messages", None),
        ("GET", "/channels/12/messages/34", None),
        ("POST", "/channels/12/messages/34/threads", None),
        ("PUT", "/channels/12/messages/34/reactions/x/@me", None),
        ("POST", "/interactions/1/token/callback", None),
        ("PATCH", "/channels/1" + "0" * 30 + "/messages/3", None),
        ("POST", "", None),
    ],
)
def test_requests_are_told_apart_by_what_discord_counts(method: str, path: str, key: tuple[int, Kind] | None) -> None:
    assert bucket_of(method, path) == key


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        (("5", "4", "4.999"), Quota(5, 4, 4.999)),
        (("5", "4", "1e12"), Quota(5, 4, 3600.0)),
        (("5", "4", "-3"), Quota(5, 4, 0.0)),
        (("five", "4", "1"), None),
        (("5", "4", ""), None),
        (("5",), None),
        ((), None),
    ],
)
def test_headers_are_read_with_care(headers: tuple[str, ...], quota: Quota | None) -> None:
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset-After")
    assert quota_of(dict(zip(names, headers, strict=False))) == quota


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"retry_after": 1.5, "global": False}, (0, 1.5, Scope.BUCKET)),
        ({"retry_after": 0.3, "global": True}, (0, 0.3, Scope.EVERYTHING)),
        ({"retry_after": 20, "code": 30046}, (30046, 20.0, Scope.BUCKET)),
        ({"retry_after": -5}, (0, 0.0, Scope.BUCKET)),
        ({"retry_after": 1e300}, (0, 3600.0, Scope.BUCKET)),
        ({"retry_after": float("nan")}, (0, 10.0, Scope.BUCKET)),
        ({"retry_after": "soon"}, (0, 7.0, Scope.EVERYTHING)),
        ({"retry_after": 1, "code": float("inf")}, (0, 7.0, Scope.EVERYTHING)),
        ({}, (0, 7.0, Scope.EVERYTHING)),
        ([], (0, 7.0, Scope.EVERYTHING)),
        (None, (0, 7.0, Scope.EVERYTHING)),
    ],
)
def test_refusals_are_read_with_care(body: object, refusal: tuple[int, float, Scope]) -> None:
    assert refusal_of({"Retry-After": "7"}, json.dumps(body).encode()) == refusal


def test_a_page_that_is_no_answer_of_discords_stops_everything_for_a_while() -> None:
    assert refusal_of({}, b"<html>error 1015</html>") == (0, 10.0, Scope.EVERYTHING)
    assert refusal_of({"Retry-After": "\xff"}, b"\xff\xfe") == (0, 10.0, Scope.EVERYTHING)


class Watched:
    """A real discord.py client on the embedded Discord, with a meter; it acts in one channel."""

    def __init__(self, server: DiscordServer, client: discord.Client, traffic: Traffic) -> None:
        self.server, self.client, self.traffic = server, client, traffic
        self.channel_id = next(channel.id for channel in server.world.records.channels.values())
        self.channel = client.get_partial_messageable(self.channel_id)

    def ready_in(self, kind: Kind) -> float:
        """Seconds until the channel takes another request."""
        now = time.monotonic()
        return self.traffic.ready_at((self.channel_id, kind), now, Urgency.END) - now


@asynccontextmanager
async def watched(monkeypatch: pytest.MonkeyPatch, pace: Pace | None = None) -> AsyncGenerator[Watched]:
    traffic = Traffic(time.monotonic, pace)
    async with DiscordServer(default_world()) as server:
        monkeypatch.setattr(Route, "BASE", server.api_url)
        trace = Meter(traffic, server.api_url).trace()
        async with discord.Client(intents=discord.Intents.none(), http_trace=trace) as client:
            await client.login(server.token)
            yield Watched(server, client, traffic)


async def test_requests_that_nobody_planned_use_up_their_channels_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as it:
        for number in range(4):
            await it.channel.send(str(number))
        now = time.monotonic()
        assert it.ready_in(Kind.SEND) == 0
        assert it.traffic.ready_at((it.channel_id, Kind.SEND), now, Urgency.STREAM) > now, "the last one is kept"
        assert it.ready_in(Kind.EDIT) == 0


async def test_what_is_too_much_for_the_process_waits_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask at once, Discord never has to refuse the sum."""
    async with watched(monkeypatch, Pace(requests=5, window_seconds=0.3)) as it:
        await asyncio.gather(*(it.client.fetch_user(it.server.world.bot_id) for _ in range(12)))
        began = time.monotonic()
        await it.client.fetch_user(it.server.world.bot_id)
        assert not it.server.rest.limited
        assert it.traffic.allowed_at(time.monotonic(), Urgency.END) > began


async def test_a_planned_request_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as it:
        for _ in range(3):
            now = time.monotonic()
            TICKET.set(it.traffic.plan((it.channel_id, Kind.SEND), now, Urgency.STREAM))
            await it.channel.send("planned")
        TICKET.set(None)
        await it.channel.send("not planned")
        assert it.ready_in(Kind.SEND) == 0
        it.traffic.plan((it.channel_id, Kind.SEND), time.monotonic(), Urgency.END)
        assert it.ready_in(Kind.SEND) > 0


async def test_a_planned_request_that_is_refused_comes_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py would wait, and then send what has become stale meanwhile."""
    async with watched(monkeypatch) as it:
        it.server.rest.faults.add("POST", MESSAGES, TooMany(9.0))
        TICKET.set(it.traffic.plan((it.channel_id, Kind.SEND), time.monotonic(), Urgency.STREAM))
        with pytest.raises(RetryLater) as refusal:
            await it.channel.send("too much")
        assert refusal.value.seconds == 9.0
        assert it.ready_in(Kind.SEND) == pytest.approx(9.0, abs=0.5)
        assert it.ready_in(Kind.EDIT) == 0


async def test_a_global_refusal_of_a_planned_request_stops_the_process_but_not_discordpy_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with watched(monkeypatch) as it:
        it.server.rest.faults.add("POST", MESSAGES, TooMany(0.2, "global"))
        TICKET.set(it.traffic.plan((it.channel_id, Kind.SEND), time.monotonic(), Urgency.STREAM))
        with pytest.raises(RetryLater):
            await it.channel.send("too much")
        began = time.monotonic()
        assert it.traffic.allowed_at(began, Urgency.END) > began
        TICKET.set(None)
        await it.client.fetch_user(it.server.world.bot_id)
        assert time.monotonic() - began > 0.1


async def test_a_message_too_old_to_edit_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as it:
        sent = await it.channel.send("old")
        it.server.rest.faults.add("PATCH", f"{MESSAGES}/{{message_id}}", TooMany(20.0, code=TOO_MANY_OLD_EDITS.code))
        TICKET.set(it.traffic.plan((it.channel_id, Kind.EDIT), time.monotonic(), Urgency.STREAM))
        with pytest.raises(MessageTooOld):
            await sent.edit(content="new")
        assert it.ready_in(Kind.EDIT) == 0


async def test_a_nonce_is_enforced_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as it:
        first = await it.channel.send("once", nonce="n")
        again = await it.channel.send("once more", nonce="n")
        assert first.id == again.id
        assert again.content == "once"
