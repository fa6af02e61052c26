"""What a channel and the whole process may send, by tables of facts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.buckets import EARLY_SECONDS, Buckets, Key, Kind, Quota
from bot.render.pace import Allowance, Pace, Urgency

EDITS: Key = (7, Kind.EDIT)
SENDS: Key = (7, Kind.SEND)
FIVE_IN_FIVE = 1.22
"""Even spacing of four requests before the last tenth of a second of a window of five."""


def spent(buckets: Buckets, key: Key, times: list[float]) -> Buckets:
    for at in times:
        buckets.started(key, at)
    return buckets


def test_an_unknown_channel_is_ready_at_once() -> None:
    assert Buckets().ready_at(EDITS, 3.0, keep=True, paced=True) == 3.0


@pytest.mark.parametrize(
    ("used", "keep", "ready"),
    [
        ([0.0], True, 1.0),
        ([0.0] * 3, True, 1.0),
        ([0.0] * 4, True, 4.88),
        ([0.0] * 4, False, 1.0),
        ([0.0] * 5, False, 5.0),
    ],
)
def test_the_last_request_of_a_window_is_kept_until_the_next_is_near(
    used: list[float], keep: bool, ready: float
) -> None:
    assert spent(Buckets(), EDITS, used).ready_at(EDITS, 1.0, keep=keep) == pytest.approx(ready)


def test_paced_requests_are_spread_so_that_one_is_always_left() -> None:
    buckets, now, times = Buckets(), 0.0, list[float]()
    for _ in range(20):
        now = buckets.ready_at(EDITS, now, keep=True, paced=True)
        buckets.started(EDITS, now)
        times.append(now)
        assert buckets.ready_at(EDITS, now, keep=False) - now <= EARLY_SECONDS + 1e-6, "an end would have to wait"
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == pytest.approx([FIVE_IN_FIVE] * 19, abs=0.01)


def test_what_answers_say_replaces_what_was_assumed() -> None:
    buckets = spent(Buckets(), EDITS, [0.0])
    buckets.answered(EDITS, Quota(3, 2, 6.0), 0.1)
    assert buckets.ready_at(EDITS, 0.1, keep=True, paced=True) == pytest.approx((6.1 - EARLY_SECONDS) / 2)
    buckets.started(EDITS, 3.0)
    assert buckets.ready_at(EDITS, 3.0, keep=True) == pytest.approx(6.1 - EARLY_SECONDS)


def test_what_one_channel_teaches_is_assumed_of_the_next() -> None:
    buckets = spent(Buckets(), EDITS, [0.0])
    buckets.answered(EDITS, Quota(2, 1, 10.0), 0.1)
    other: Key = (8, Kind.EDIT)
    assert spent(buckets, other, [0.0, 0.0]).ready_at(other, 1.0, keep=False) == 10.0
    assert spent(buckets, SENDS, [0.0, 0.0]).ready_at(SENDS, 1.0, keep=False) == 1.0


def test_what_is_on_its_way_counts_although_discord_has_not_seen_it() -> None:
    buckets = spent(Buckets(), SENDS, [0.0] * 5)
    buckets.answered(SENDS, Quota(5, 4, 5.0), 0.1)
    assert buckets.ready_at(SENDS, 0.2, keep=False) == pytest.approx(5.1)


def test_a_request_that_arrives_in_the_next_window_counts_there() -> None:
    buckets = spent(Buckets(), EDITS, [0.0, 1.2, 2.4, 3.6, 4.95])
    buckets.answered(EDITS, Quota(5, 4, 5.0), 5.01)
    assert buckets.ready_at(EDITS, 5.02, keep=True) == 5.02


def test_a_refusal_closes_the_bucket_and_no_other() -> None:
    buckets = spent(Buckets(), EDITS, [0.0])
    buckets.refused(EDITS, 20.0)
    assert buckets.ready_at(EDITS, 1.0, keep=False) == 20.0
    assert buckets.ready_at(SENDS, 1.0, keep=False) == 1.0
    assert buckets.ready_at(EDITS, 20.0, keep=True) == 20.0


def test_channels_that_fall_quiet_are_forgotten() -> None:
    buckets = Buckets()
    for channel in range(5000):
        buckets.started((channel, Kind.EDIT), channel * 0.1)
    assert len(buckets._windows) <= 512


@pytest.mark.parametrize("quota", [Quota(0, 0, 0.0), Quota(-1, -1, 3.0), Quota(5, 5, 0.0), Quota(1, 0, 3600.0)])
def test_odd_headers_do_no_harm(quota: Quota) -> None:
    buckets = spent(Buckets(), EDITS, [0.0])
    buckets.answered(EDITS, quota, 0.1)
    assert 0.2 <= buckets.ready_at(EDITS, 0.2, keep=True, paced=True) <= 3600.1


@given(st.lists(st.tuples(st.sampled_from(Urgency), st.floats(0, 0.4)), max_size=300))
def test_no_second_sees_more_requests_than_discord_takes(wishes: list[tuple[Urgency, float]]) -> None:
    """Whoever asks for whatever and whenever, each second that Discord may choose holds at most fifty."""
    allowance, now, times = Allowance(Pace()), 0.0, list[float]()
    for urgency, pause in wishes:
        now = allowance.ready_at(now + pause, urgency)
        allowance.take(now, urgency)
        times.append(now)
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[50:], strict=False))


def test_streaming_uses_almost_all_of_the_allowance_and_evenly() -> None:
    allowance, times = Allowance(Pace()), [0.0]
    for _ in range(1000):
        allowance.take(times[-1], Urgency.STREAM)
        times.append(allowance.ready_at(times[-1], Urgency.STREAM))
    assert len(times) / times[-1] > 43
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.05


def test_ends_and_commands_find_something_left_at_any_time() -> None:
    allowance, now = Allowance(Pace()), 0.0
    for _ in range(100):
        allowance.take(now, Urgency.STREAM)
        now = allowance.ready_at(now, Urgency.STREAM)
        assert allowance.ready_at(now, Urgency.END) == now


def test_a_refusal_of_the_sum_stops_everything_for_its_time() -> None:
    allowance = Allowance(Pace())
    allowance.block(2.0)
    assert {allowance.ready_at(1.0, urgency) for urgency in Urgency} == {2.0}
    assert allowance.ready_at(2.5, Urgency.STREAM) == 2.5
