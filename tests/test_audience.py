"""Who may read one channel although they cannot see another: Discord's rules, against everybody there could be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audience import ADMINISTRATOR, CONNECT, READ_HISTORY, VIEW, Overwrite, all_may_read

READ = VIEW | READ_HISTORY
EVERYONE, STAFF, MUTED, BEN = 1, 2, 3, 50
ROLES = {EVERYONE: READ, STAFF: 0, MUTED: 0}
OPEN: dict[int, Overwrite] = {}
FOR_STAFF = {EVERYONE: Overwrite(deny=VIEW), STAFF: Overwrite(allow=VIEW)}
HIDDEN_FROM_BEN = {BEN: Overwrite(deny=VIEW)}
NOT_FOR_MUTED = {MUTED: Overwrite(deny=READ_HISTORY)}
LATER_ONLY = {EVERYONE: Overwrite(deny=READ_HISTORY)}


def open_to_all(
    there: Mapping[int, Overwrite], here: Mapping[int, Overwrite], roles: Mapping[int, int] = ROLES, needed: int = READ
) -> bool:
    return all_may_read(there, needed, here=here, roles=roles, everyone=EVERYONE)


@pytest.mark.parametrize("rules", [OPEN, FOR_STAFF, HIDDEN_FROM_BEN, NOT_FOR_MUTED | FOR_STAFF])
def test_a_channel_that_is_open_to_all_is_open_to_those_of_any_other(rules: dict[int, Overwrite]) -> None:
    assert open_to_all(OPEN, rules)


@pytest.mark.parametrize("rules", [FOR_STAFF, HIDDEN_FROM_BEN, NOT_FOR_MUTED, LATER_ONLY])
def test_whoever_a_channel_keeps_out_may_be_reading_an_open_one(rules: dict[int, Overwrite]) -> None:
    assert not open_to_all(rules, OPEN)


def test_who_is_in_a_channel_may_read_that_channel() -> None:
    assert open_to_all(FOR_STAFF, FOR_STAFF)
    assert open_to_all(HIDDEN_FROM_BEN, HIDDEN_FROM_BEN)


def test_those_who_see_a_channel_need_not_be_allowed_to_read_what_was_written_before() -> None:
    assert not open_to_all(LATER_ONLY, LATER_ONLY)


def test_a_member_let_in_by_name_may_not_be_of_the_staff() -> None:
    assert not open_to_all(FOR_STAFF, FOR_STAFF | {BEN: Overwrite(allow=VIEW)})
    assert open_to_all(FOR_STAFF | {BEN: Overwrite(allow=VIEW)}, FOR_STAFF)


def test_two_roles_together_may_see_one_channel_and_not_the_other() -> None:
    assert not open_to_all(FOR_STAFF | {MUTED: Overwrite(deny=READ_HISTORY)}, FOR_STAFF)


def test_administrators_read_everything() -> None:
    assert open_to_all(FOR_STAFF, {EVERYONE: Overwrite(deny=VIEW)}, ROLES | {9: ADMINISTRATOR})
    assert open_to_all(FOR_STAFF, OPEN, {EVERYONE: ADMINISTRATOR})


def test_a_voice_channel_also_takes_the_right_to_connect() -> None:
    assert not open_to_all(OPEN, OPEN, needed=READ | CONNECT)
    assert open_to_all(OPEN, OPEN, {EVERYONE: READ | CONNECT}, needed=READ | CONNECT)


def may(bits: int, rules: Mapping[int, Overwrite], person: int, roles: Collection[int]) -> int:
    """What somebody may do in a channel, as Discord's documentation puts it into code ("Permission Overwrites")."""
    nothing = Overwrite()
    everyone = rules.get(EVERYONE, nothing)
    bits = bits & ~everyone.deny | everyone.allow
    allow = deny = 0
    for role in roles:
        allow |= rules.get(role, nothing).allow
        deny |= rules.get(role, nothing).deny
    bits = bits & ~deny | allow
    own = rules.get(person, nothing)
    return bits & ~own.deny | own.allow


BITS = st.sampled_from([0, VIEW, READ_HISTORY, READ, READ | CONNECT])
OTHERS = [2, 3, 4, 5]
RULES = st.dictionaries(st.sampled_from([EVERYONE, *OTHERS, BEN]), st.builds(Overwrite, BITS, BITS), max_size=6)
SERVERS = st.fixed_dictionaries({EVERYONE: BITS, **{role: BITS | st.just(ADMINISTRATOR) for role in OTHERS}})


@given(RULES, RULES, SERVERS, st.sampled_from([READ, READ | CONNECT]))
def test_it_is_as_if_everybody_with_every_set_of_roles_had_been_tried(
    there: dict[int, Overwrite], here: dict[int, Overwrite], roles: dict[int, int], needed: int
) -> None:
    def keeps_out(person: int, theirs: Collection[int]) -> bool:
        granted = roles[EVERYONE]
        for role in theirs:
            granted |= roles[role]
        if granted & ADMINISTRATOR:
            return False
        seen = may(granted, here, person, theirs) & VIEW
        return bool(seen) and may(granted, there, person, theirs) & needed != needed

    sets = [theirs for size in range(len(OTHERS) + 1) for theirs in combinations(OTHERS, size)]
    anybody_kept_out = any(keeps_out(person, theirs) for person in (BEN, 51) for theirs in sets)
    assert open_to_all(there, here, roles, needed) == (not anybody_kept_out)
