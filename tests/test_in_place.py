"""Answers in place of an interaction: their token's time, and its share of what Discord takes, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from bot.errors import ShowError
from bot.in_place import ENDING_SECONDS, TOKEN_SECONDS, InPlace
from bot.render.page import Page
from tests.discord_people import Clock
from tests.live_stage import CHANNEL, FakePort, Stage, end, new_reply, stream, virtual

NO_INTERACTION: Any = None
RESPONSE = 11


def in_place_port() -> FakePort:
    """A port to the response of an interaction, which so far shows that something is coming."""
    return FakePort(messages={RESPONSE: Page("…")}, in_place={CHANNEL}, latency=0.06)


@virtual
async def test_the_response_is_edited_at_once_and_then_in_the_rhythm_of_its_token() -> None:
    async with Stage(in_place_port()) as stage:
        shown = stage.show(new_reply(), pages=[RESPONSE])
        await stream(shown, ["x "] * 600)
        ids = await end(shown)

    assert ids == (RESPONSE,)
    times = [at for at, _, _ in stage.port.log]
    assert times[0] < 0.1
    assert all(later - earlier >= 1.9 for earlier, later in pairwise(times[2:-1]))
    assert not stage.port.typed


@virtual
async def test_no_followup_goes_before_the_response_shows_something() -> None:
    async with Stage(in_place_port()) as stage:
        shown = stage.show(new_reply(), pages=[RESPONSE])
        await stream(shown, ["word " * 700])
        await end(shown)

    assert stage.port.kinds()[:2] == ["token", "send"]
    assert len(stage.port.messages) == 2


@virtual
async def test_five_requests_in_two_seconds_are_never_exceeded_at_the_end_of_a_long_answer() -> None:
    async with Stage(in_place_port()) as stage:
        shown = stage.show(new_reply(), pages=[RESPONSE])
        await stream(shown, ["word " * 1900])
        await end(shown)

    times = [at for at, _, _ in stage.port.log]
    assert len(stage.port.messages) == 5
    assert all(later - earlier >= 2.0 for earlier, later in zip(times, times[5:], strict=False))


@virtual
async def test_it_takes_nothing_of_what_the_bot_may_ask_of_discord() -> None:
    async with Stage(in_place_port()) as stage:
        shown = stage.show(new_reply(), pages=[RESPONSE])
        for _ in range(100):
            stage.traffic.admit(None, is_shared=True)
        before = len(stage.port.log)
        await asyncio.sleep(0.1)
        assert len(stage.port.log) == before + 1
        await end(shown)


def test_the_model_has_to_stop_in_time_for_the_end_to_be_shown() -> None:
    clock = Clock()
    in_place = InPlace(clock)
    assert in_place.seconds_left(7) is None

    in_place.open(7, NO_INTERACTION, RESPONSE)
    assert in_place.seconds_left(7) == TOKEN_SECONDS - ENDING_SECONDS
    clock.seconds += TOKEN_SECONDS
    assert in_place.seconds_left(7) == 0.0


async def test_a_token_that_is_over_is_not_used_any_more() -> None:
    clock = Clock()
    in_place = InPlace(clock)
    in_place.open(7, NO_INTERACTION, RESPONSE)
    clock.seconds += TOKEN_SECONDS

    with pytest.raises(ShowError, match="quarter of an hour"):
        await in_place.edit(RESPONSE, Page("late"), turn_id=1)
    with pytest.raises(ShowError, match="Retry"):
        await in_place.send(7, Page("late"), turn_id=1)
    with pytest.raises(ShowError):
        await in_place.delete(RESPONSE)
    assert in_place.knows(7)


def test_what_is_long_over_is_forgotten() -> None:
    clock = Clock()
    in_place = InPlace(clock)
    in_place.open(7, NO_INTERACTION, RESPONSE)
    clock.seconds += 2 * 3600.0

    in_place.open(8, NO_INTERACTION, RESPONSE + 1)

    assert (in_place.knows(7), in_place.knows(8)) == (False, True)
