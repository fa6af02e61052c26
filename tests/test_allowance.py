"""What a server says about a key is read as far as it makes sense, and said to the cent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.allowance import Allowance, dollars, left_to_spend, read_allowance

ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.just("2026-12-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("limit", "limit_remaining", "limit_reset", "usage_daily", "expires_at", "is_management_key")


def test_a_key_with_a_limit_is_read_in_full() -> None:
    allowance = read_allowance(
        {
            "limit": 10,
            "limit_remaining": 7.5,
            "limit_reset": "daily",
            "usage_daily": 2.5,
            "expires_at": "2026-12-01T00:00:00Z",
            "is_management_key": False,
        }
    )
    assert allowance == Allowance(10 * 10**9, 7_500_000_000, "every day", 2_500_000_000, 1796083200.0)
    assert left_to_spend(allowance) == "$7.50 of $10.00 are left to spend"
    assert not allowance.is_spent


@pytest.mark.parametrize("name", ["is_management_key", "is_provisioning_key"])
def test_a_management_key_is_known_by_its_new_and_its_old_name(name: str) -> None:
    assert read_allowance({name: True}).is_management


@pytest.mark.parametrize("left", [0, 0.0, -3.5])
def test_a_key_with_nothing_left_is_spent_and_never_below_zero(left: float) -> None:
    allowance = read_allowance({"limit": 5, "limit_remaining": left})
    assert allowance.is_spent
    assert left_to_spend(allowance) == "$0.00 of $5.00 are left to spend"


def test_a_key_without_a_limit_is_never_spent() -> None:
    allowance = read_allowance({"limit": None, "limit_remaining": 0})
    assert not allowance.is_spent
    assert left_to_spend(allowance) == "it has no spending limit of its own"


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ANYTHING)))
def test_whatever_a_server_says_can_be_read_and_said(data: dict[str, Any]) -> None:
    allowance = read_allowance(json.loads(json.dumps(data)))
    for amount in (allowance.limit, allowance.left, allowance.used_today):
        assert amount is None or 0 <= amount <= 10**18
    assert left_to_spend(allowance)


@given(st.integers(0, 10**18))
def test_an_amount_is_never_said_to_be_more_than_it_is(amount: int) -> None:
    shown = dollars(amount)
    assert shown.startswith("$")
    whole, cents = shown[1:].replace(",", "").split(".")
    assert int(whole) * 10**9 + int(cents) * 10**7 <= amount < int(whole) * 10**9 + (int(cents) + 1) * 10**7
