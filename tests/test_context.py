"""Which turns fit the window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.context import estimate_text, estimate_turn, fit, output_room
from bot.messages import Said, Step, Text, Turn


def turn(turn_id: int, size: int) -> Turn:
    """A turn of about `size` tokens."""
    said = Said(turn_id, 1, "Ada", (Text("x" * int(size * 3.5)),), 0.0)
    return Turn(turn_id, 1, (said,))


def test_everything_stays_while_it_fits() -> None:
    turns = [turn(index, 100) for index in range(1, 6)]

    fitted = fit(turns, budget=1_000)

    assert fitted.turns == tuple(turns)
    assert (fitted.dropped, fitted.first_turn_id, fitted.too_long) == (0, 1, False)


def test_the_oldest_turns_leave_first_and_the_rest_stays_in_order() -> None:
    turns = [turn(index, 100) for index in range(1, 21)]

    fitted = fit(turns, budget=1_000)

    assert fitted.turns == tuple(turns[fitted.dropped :])
    assert fitted.first_turn_id == fitted.turns[0].id
    assert sum(map(estimate_turn, fitted.turns)) <= 1_000


def test_after_turns_have_left_the_beginning_stays_the_same_for_several_turns() -> None:
    """The prompt's beginning is what providers cache, so it must not move with every turn."""
    turns = [turn(index, 100) for index in range(1, 13)]
    first = fit(turns, budget=1_000).first_turn_id
    firsts: list[int] = []
    for index in range(13, 23):
        turns = [kept for kept in turns if kept.id >= first] + [turn(index, 100)]
        first = fit(turns, budget=1_000).first_turn_id
        firsts.append(first)

    assert len(set(firsts)) <= 4


def test_the_turn_being_answered_always_stays_even_when_it_is_too_long() -> None:
    fitted = fit([turn(1, 10), turn(2, 5_000)], budget=1_000)

    assert [kept.id for kept in fitted.turns] == [2]
    assert fitted.too_long


def test_the_answer_never_takes_more_than_half_of_the_window() -> None:
    assert output_room(262_144, 32_000) == 32_000
    assert output_room(8_192, 32_000) == 4_096


def test_reasoning_counts_whether_it_is_readable_or_opaque() -> None:
    plain = Turn(1, 1, (Said(1, 1, "Ada", (Text("hi"),), 0.0),), steps=(Step(reasoning="a" * 3_500),))
    opaque = Turn(
        1, 1, plain.question, steps=(Step(reasoning_details=({"type": "reasoning.encrypted", "data": "a" * 3_500},)),)
    )

    assert estimate_turn(plain) > 1_000
    assert estimate_turn(opaque) > 1_000


@given(st.text())
def test_an_estimate_is_never_absurdly_low(text: str) -> None:
    """At least one token for every four characters, whatever the script."""
    assert estimate_text(text) >= len(text) // 4


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.integers(50, 2_000))
def test_what_is_kept_is_a_tail_that_fits_or_is_the_last_turn_alone(sizes: list[int], budget: int) -> None:
    turns = [turn(index + 1, size) for index, size in enumerate(sizes)]

    fitted = fit(turns, budget=budget)

    assert fitted.turns == tuple(turns[len(turns) - len(fitted.turns) :])
    assert fitted.tokens <= budget or len(fitted.turns) == 1
    assert fitted.too_long == (fitted.tokens > budget)
