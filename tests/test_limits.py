"""The rules of limits: which value holds for whom, what is counted where, and how a refusal is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.guild import LIMITS, ROLE_LIMITS, GuildSettings
from bot.limits import DAY, HOUR, MONTH, Cap, Measure, Reached, caps, effective, may_ask_here, outside_servers

ASKED = "requests_per_user_hour"


def holding(roles: tuple[int, ...] = (), ceilings: dict[str, int] | None = None, **settings: Any) -> GuildSettings:
    return effective(GuildSettings.model_validate(settings), roles, ceilings or {})


@pytest.mark.parametrize(
    ("server", "own", "roles", "ceiling", "holds"),
    [
        (60, {}, (), None, 60),
        (60, {1: 5}, (), None, 60),
        (60, {1: 5}, (1,), None, 5),
        (60, {1: 5}, (2,), None, 60),
        (60, {1: 5, 2: 9}, (1, 2), None, 9),
        (60, {1: 5, 2: 9}, (1, 2, 3), None, 9),
        (60, {1: 0}, (1,), None, 0),
        (0, {1: 5}, (1,), None, 5),
        (60, {1: 5, 2: None}, (1, 2), None, None),
        (60, {1: None}, (1,), 30, 30),
        (None, {}, (), None, None),
        (None, {}, (), 30, 30),
        (None, {1: 5}, (1,), None, 5),
        (60, {}, (), 30, 30),
        (20, {}, (), 30, 20),
        (20, {}, (), 0, 0),
        (20, {1: 100}, (1,), 30, 30),
        (20, {1: 25}, (1,), 30, 25),
    ],
)
def test_a_member_has_the_most_generous_value_of_their_roles_and_never_more_than_the_ceiling(
    server: int | None, own: dict[int, int | None], roles: tuple[int, ...], ceiling: int | None, holds: int | None
) -> None:
    ceilings = {} if ceiling is None else {ASKED: ceiling}
    role_limits = {role: {ASKED: value} for role, value in own.items()}
    found = holding(roles, ceilings, **{ASKED: server, "role_limits": role_limits})
    assert getattr(found, ASKED) == holds


def test_a_role_without_a_value_of_its_own_neither_gives_nor_takes() -> None:
    found = holding((1, 2), requests_per_user_hour=60, role_limits={1: {ASKED: 5}, 2: {"max_tool_calls": 7}})
    assert (found.requests_per_user_hour, found.max_tool_calls) == (5, 7)


def test_limits_of_a_deleted_role_which_nobody_has_hold_for_nobody() -> None:
    assert holding((1, 2, 10), role_limits={77: {ASKED: None}}).requests_per_user_hour == 60


def test_a_role_can_not_lift_what_concerns_everybody() -> None:
    own = {name: None for name in LIMITS if name not in ROLE_LIMITS}
    found = holding((1,), requests_per_server_hour=3, usd_per_server_day=4, role_limits={1: own})
    assert (found.requests_per_server_hour, found.usd_per_server_day, found.concurrent_per_server) == (3, 4, 10)


def test_ceilings_bind_every_limit_and_nothing_else_changes() -> None:
    found = holding((), dict.fromkeys(LIMITS, 1), persona="Be brief.")
    assert {name: getattr(found, name) for name in LIMITS} == dict.fromkeys(LIMITS, 1)
    assert found.persona == "Be brief."
    assert found.forum_channels == ()


_VALUES = st.none() | st.integers(0, 50)


@given(_VALUES, st.dictionaries(st.integers(1, 6), _VALUES), st.sets(st.integers(1, 8)), _VALUES)
def test_another_role_never_makes_a_member_worse_off_than_their_others_do(
    server: int | None, own: dict[int, int | None], roles: set[int], ceiling: int | None
) -> None:
    def worth(having: set[int]) -> float:
        limits = {role: {ASKED: value} for role, value in own.items()}
        ceilings = {} if ceiling is None else {ASKED: ceiling}
        value = getattr(holding(tuple(having), ceilings, **{ASKED: server, "role_limits": limits}), ASKED)
        return float("inf") if value is None else value

    mine = roles & own.keys()
    if mine:
        assert worth(roles) == max(worth({role}) for role in mine)
    else:
        assert worth(roles) == worth(set())
    assert ceiling is None or worth(roles) <= ceiling


def test_every_limit_that_counts_over_time_is_a_cap_in_a_server_and_places_come_first() -> None:
    values = {
        "requests_per_user_hour": 1,
        "requests_per_server_hour": 2,
        "tokens_per_user_day": 3,
        "usd_per_user_day": 4,
        "usd_per_server_day": 5,
        "usd_per_server_month": 6,
        "concurrent_per_user": 7,
        "concurrent_per_server": 8,
    }
    assert caps(GuildSettings.model_validate(values)) == (
        Cap("concurrent_per_server", Measure.RUNNING, False, 0, 8),
        Cap("concurrent_per_user", Measure.RUNNING, True, 0, 7),
        Cap("usd_per_server_month", Measure.COST, False, MONTH, 6),
        Cap("usd_per_server_day", Measure.COST, False, DAY, 5),
        Cap("usd_per_user_day", Measure.COST, True, DAY, 4),
        Cap("tokens_per_user_day", Measure.TOKENS, True, DAY, 3),
        Cap("requests_per_server_hour", Measure.QUESTIONS, False, HOUR, 2),
        Cap("requests_per_user_hour", Measure.QUESTIONS, True, HOUR, 1),
    )


def test_in_direct_messages_what_concerns_everybody_together_counts_only_where_the_operator_says_so() -> None:
    settings = outside_servers(GuildSettings())
    assert [cap.name for cap in caps(settings)] == ["concurrent_per_user", "requests_per_user_hour"]
    under = effective(settings, (), {"usd_per_server_day": 5, "concurrent_per_user": 1})
    assert [(cap.name, cap.most) for cap in caps(under)] == [
        ("concurrent_per_user", 1),
        ("usd_per_server_day", 5),
        ("requests_per_user_hour", 60),
    ]


@pytest.mark.parametrize(
    ("name", "used", "most", "said"),
    [
        (
            "usd_per_server_day",
            10**9,
            10**9,
            "$1.00 of the $1.00 that all direct messages with me together may spend within 24 hours are used. "
            "There is room again <t:1234:R>.",
        ),
        (
            "requests_per_server_hour",
            0,
            0,
            "0 of the 0 questions that all direct messages with me together may ask within an hour are asked. "
            "Please ask the operator of this bot if you need it.",
        ),
    ],
)
def test_a_refusal_in_direct_messages_says_for_whom_the_limit_is(name: str, used: int, most: int, said: str) -> None:
    (cap,) = (cap for cap in caps(GuildSettings.model_validate({name: most})) if cap.name == name)
    assert str(Reached(cap, used, 1_233.2, in_server=False).error) == said


def test_a_limit_that_is_off_is_no_cap_and_one_of_0_is() -> None:
    settings = GuildSettings(
        requests_per_user_hour=None, concurrent_per_user=None, concurrent_per_server=None, usd_per_user_day=0
    )
    assert [cap.name for cap in caps(settings)] == ["usd_per_user_day"]


ROOM = "There is room again <t:1234:R>."
WAIT = "Please ask again when one of them has ended."


@pytest.mark.parametrize(
    ("name", "used", "most", "said"),
    [
        (
            "requests_per_user_hour",
            1_060,
            1_060,
            f"You have asked 1,060 of the 1,060 questions that one member may ask within an hour. {ROOM}",
        ),
        (
            "requests_per_server_hour",
            20,
            20,
            f"20 of the 20 questions that this server may ask within an hour are asked. {ROOM}",
        ),
        (
            "tokens_per_user_day",
            12_345,
            10_000,
            f"You have used 12,345 of the 10,000 tokens that one member may use within 24 hours. {ROOM}",
        ),
        (
            "usd_per_user_day",
            2_500_000_000,
            2_500_000_000,
            f"You have used $2.50 of the $2.50 that one member may spend within 24 hours. {ROOM}",
        ),
        (
            "usd_per_server_day",
            1_012_300_000,
            1_000_000_000,
            f"$1.0123 of the $1.00 that this server may spend within 24 hours are used. {ROOM}",
        ),
        (
            "usd_per_server_month",
            1_234_012_300_000,
            1_234_000_000_000,
            f"$1,234.0123 of the $1,234.00 that this server may spend within 30 days are used. {ROOM}",
        ),
        (
            "concurrent_per_user",
            2,
            2,
            f"2 of the 2 answers that one member may have at once are running for you. {WAIT}",
        ),
        (
            "concurrent_per_server",
            10,
            10,
            f"10 of the 10 answers that this server may have at once are running. {WAIT}",
        ),
    ],
)
def test_a_refusal_says_which_limit_how_much_is_used_and_when_there_is_room(
    name: str, used: int, most: int, said: str
) -> None:
    settings = GuildSettings.model_validate({name: most})
    cap = next(cap for cap in caps(settings) if cap.name == name)
    frees_at = None if cap.measure is Measure.RUNNING else 1_233.2
    assert str(Reached(cap, used, frees_at).error) == said


COST = Cap("usd_per_user_day", Measure.COST, True, DAY, 10_000_000)


@pytest.mark.parametrize(
    ("nanodollars", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (30_000, "$0.00003"),
        (9_999_999, "$0.009999999"),
        (10_000_000, "$0.01"),
        (12_340_000, "$0.0123"),
        (100_000_000, "$0.10"),
        (120_040_000, "$0.12"),
        (10**18, "$1,000,000,000.00"),
    ],
)
def test_small_sums_are_shown_to_the_last_digit(nanodollars: int, shown: str) -> None:
    cap = Cap("usd_per_user_day", Measure.COST, True, DAY, nanodollars)
    assert f"You have used {shown} of the {shown} that" in str(Reached(cap, nanodollars, 0.0).error)


def test_where_time_does_not_help_the_remedy_is_another_one() -> None:
    nothing = Cap("usd_per_user_day", Measure.COST, True, DAY, 0)
    assert str(Reached(nothing, 0, None).error).endswith("Please ask a server admin if you need it.")
    assert str(Reached(COST, 10_000_000, None).error).endswith("Please try again later.")
    set_aside = str(Reached(COST, 20_000_000, None, is_set_aside=True).error)
    assert set_aside.endswith("only set aside for answers that are running. Please ask again when they have ended.")


@pytest.mark.parametrize(
    ("channels", "roles", "where", "who", "may"),
    [
        ((), (), (5,), (), True),
        ((5,), (), (5,), (), True),
        ((5,), (), (6, 5), (), True),  # a thread in it
        ((5,), (), (6,), (), False),
        ((5,), (), (), (), False),
        ((), (7,), (5,), (7, 8), True),
        ((), (7,), (5,), (8,), False),
        ((), (7,), (5,), (), False),
        ((5,), (7,), (5,), (8,), False),
        ((5,), (7,), (6,), (7,), False),
    ],
)
def test_admins_decide_where_and_who_may_ask(
    channels: tuple[int, ...], roles: tuple[int, ...], where: tuple[int, ...], who: tuple[int, ...], may: bool
) -> None:
    settings = GuildSettings(allowed_channels=channels, allowed_roles=roles)
    assert (may_ask_here(settings, where, who) is None) is may


def test_whoever_asks_in_a_wrong_channel_is_told_where_to_ask_briefly_also_where_these_are_many() -> None:
    settings = GuildSettings(allowed_channels=tuple(range(10**18, 10**18 + 100)))
    told = may_ask_here(settings, (5,), ()) or ""
    assert f"Please ask me there: <#{10**18}>, <#{10**18 + 1}>" in told
    assert len(told) < 500
    assert "certain roles" in (may_ask_here(GuildSettings(allowed_roles=(7,)), (5,), ()) or "")
