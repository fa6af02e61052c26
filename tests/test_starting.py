"""Where a question may begin a conversation, and what is said where it may not."""

from __future__ import annotations

import pytest

from bot.starting import NO_THREAD_HERE, Spot, refusal

ALL = ("view_channel", "create_public_threads", "send_messages_in_threads")


@pytest.mark.parametrize("spot", [spot for spot in Spot if spot is not Spot.NOWHERE])
def test_with_all_permissions_every_spot_will_do(spot: Spot) -> None:
    assert refusal(spot, ALL) is None


@pytest.mark.parametrize("spot", [Spot.IN_PLACE, Spot.DM])
def test_where_there_are_no_permissions_none_are_needed(spot: Spot) -> None:
    assert refusal(spot, ()) is None


def test_where_no_thread_can_be_opened_it_is_said_where_it_can() -> None:
    assert refusal(Spot.NOWHERE, ALL) == NO_THREAD_HERE
    assert "text channel" in NO_THREAD_HERE
    assert "DM" in NO_THREAD_HERE


@pytest.mark.parametrize(
    ("spot", "granted", "named"),
    [
        (Spot.CHANNEL, ("view_channel", "send_messages_in_threads"), "permission **Create Public Threads** in"),
        (
            Spot.CHANNEL,
            ("view_channel",),
            "permissions **Create Public Threads** and **Send Messages in Threads** in",
        ),
        (
            Spot.CHANNEL,
            (),
            "permissions **View Channel**, **Create Public Threads** and **Send Messages in Threads** in",
        ),
        (Spot.THREAD, ("view_channel", "create_public_threads"), "permission **Send Messages in Threads** in"),
        (Spot.OURS, ("send_messages_in_threads",), "permission **View Channel** in"),
    ],
)
def test_what_is_missing_is_named(spot: Spot, granted: tuple[str, ...], named: str) -> None:
    said = refusal(spot, granted)
    assert said is not None
    assert named in said
