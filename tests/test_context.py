"""Which turns fit the window."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.context import MOST_BYTES, MOST_IMAGES, estimate_text, estimate_turn, fit, lighten, output_room
from bot.messages import Image, Part, Pdf, Said, Step, Text, TextFile, ToolCall, ToolResult, Turn
from bot.sight import Able


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


# Images, PDFs and tools' output leave first

SEES = Able(images=True, pdfs=True)
CALL = ToolCall("f:0", "f", "{}")


def picture(name: str = "x.png", size: int = 100_000) -> Image:
    return Image(name, "image/png", 30, 20, size, "d" * 64)


def showing(turn_id: int, *parts: Part, words: int = 100) -> Turn:
    plain = turn(turn_id, words)
    return replace(plain, question=(replace(plain.question[0], parts=(*plain.question[0].parts, *parts)),))


def using_tools(turn_id: int, size: int) -> Turn:
    result = ToolResult("f:0", "f", "x" * int(size * 3.5))
    step = Step(text="So.", tool_calls=(CALL,), tool_results=(result,), annotations=({"type": "file"},))
    return replace(turn(turn_id, 100), steps=(step, Step(text="Done.")))


def has_images(turn: Turn) -> bool:
    return any(isinstance(part, Image | Pdf) for said in turn.question for part in said.parts)


def test_images_take_room_only_where_they_are_shown() -> None:
    seen = showing(1, picture())

    assert estimate_turn(seen, SEES) - estimate_turn(seen) > 1_500
    assert estimate_turn(seen) < 150


def test_a_large_pdf_takes_more_room_than_a_small_one() -> None:
    small, large = (showing(1, Pdf("a.pdf", size, "e" * 64)) for size in (1_000, 1_000_000))

    assert 1_500 < estimate_turn(small, SEES) < 2_000
    assert estimate_turn(large, SEES) > 50_000


def test_old_images_leave_before_any_turn_does() -> None:
    turns = [showing(index, picture()) for index in range(1, 11)]

    fitted = fit(turns, budget=10_000, able=SEES)

    assert [kept.id for kept in fitted.turns] == list(range(1, 11))
    assert [has_images(kept) for kept in fitted.turns] == [False] * 7 + [True] * 3
    assert (fitted.dropped, fitted.lightened, fitted.first_whole_turn_id) == (0, 7, 8)
    assert fitted.tokens <= 7_000


def test_what_leaves_an_old_turn_is_named_in_its_place() -> None:
    parts = (Text("look"), picture("a].png"), Pdf("b.pdf", 1, "e"), TextFile("c.py", "x = 1"))
    step = Step(
        text="So.",
        reasoning="Hm.",
        reasoning_details=({"type": "reasoning.text", "text": "Hm."},),
        annotations=({"type": "file"},),
        tool_calls=(CALL, CALL),
        tool_results=(ToolResult("f:0", "f", "x" * 5_000), ToolResult("f:0", "f", "brief", is_error=True)),
    )
    old = Turn(1, 1, (Said(1, 1, "Ada", parts, 0.0),), steps=(step,))

    light = lighten(old, SEES)

    assert light.question[0].parts == (
        Text("look"),
        Text("[image a.png, which is no longer shown]"),
        Text("[PDF b.pdf, which is no longer shown]"),
        TextFile("c.py", "x = 1"),
    )
    assert light.steps == (
        replace(
            step,
            annotations=(),
            tool_results=(
                ToolResult("f:0", "f", "[5,000 characters, no longer shown]"),
                ToolResult("f:0", "f", "brief", is_error=True),
            ),
        ),
    )
    assert lighten(light, SEES) is light


def test_what_a_model_cannot_be_shown_stays_what_it_is() -> None:
    """It takes no room, and another model may be shown it later."""
    turns = [showing(1, picture(), Pdf("b.pdf", 1, "e")), using_tools(2, 3_000), turn(3, 100)]

    fitted = fit(turns, budget=3_000)

    assert fitted.turns[0] is turns[0]
    assert (fitted.lightened, fitted.first_whole_turn_id) == (1, 3)
    assert fit(turns, budget=3_000, first_whole=3).turns == fitted.turns


def test_old_tool_output_leaves_before_any_turn_does_and_every_call_keeps_its_result() -> None:
    fitted = fit([using_tools(1, 3_000), using_tools(2, 3_000), turn(3, 100)], budget=5_000)

    assert [kept.id for kept in fitted.turns] == [1, 2, 3]
    assert fitted.lightened == 1
    assert [len(step.tool_results) for kept in fitted.turns for step in kept.steps] == [1, 0, 1, 0]


def test_whole_turns_leave_when_that_is_not_enough() -> None:
    turns = [showing(index, picture(), words=1_000) for index in range(1, 11)]

    fitted = fit(turns, budget=6_000, able=SEES)

    assert fitted.dropped > 0
    assert fitted.tokens <= 6_000
    assert not any(has_images(kept) for kept in fitted.turns[:-1])
    assert has_images(fitted.turns[-1])


def test_what_has_left_stays_away_though_there_would_be_room() -> None:
    """The bytes of the prompt's beginning must not change back and forth."""
    turns = [showing(1, picture()), using_tools(2, 500), showing(3, picture())]

    fitted = fit(turns, budget=100_000, first_whole=3, able=SEES)

    assert fitted.turns == (lighten(turns[0], SEES), lighten(turns[1], SEES), turns[2])
    assert (fitted.lightened, fitted.first_whole_turn_id) == (0, 3)


def test_after_images_have_left_the_beginning_stays_the_same_for_several_turns() -> None:
    first_whole, sent = 0, list[tuple[Turn, ...]]()
    for newest in range(1, 31):
        turns = [showing(index, picture()) for index in range(1, newest + 1)]
        fitted = fit(turns, budget=20_000, first_whole=first_whole, able=SEES)
        first_whole = fitted.first_whole_turn_id
        sent.append(fitted.turns)

    changed = [after[: len(before)] != before for before, after in pairwise(sent)]
    assert 0 < sum(changed) <= 8


def test_no_more_images_are_sent_than_a_request_may_have() -> None:
    turns = [showing(index, picture(size=1_000), words=1) for index in range(1, MOST_IMAGES + 2)]

    fitted = fit(turns, budget=10**6, able=SEES)

    images = sum(map(has_images, fitted.turns))
    assert MOST_IMAGES // 2 < images < MOST_IMAGES
    assert has_images(fitted.turns[-1])
    assert fitted.dropped == 0


def test_no_more_bytes_are_sent_than_a_request_may_have() -> None:
    turns = [showing(index, Pdf("a.pdf", MOST_BYTES // 4, "e" * 64), words=1) for index in range(1, 7)]

    fitted = fit(turns, budget=10**7, able=SEES)

    assert sum(map(has_images, fitted.turns)) == 2
    assert fitted.dropped == 0


def test_of_too_many_images_in_one_question_the_newest_are_shown() -> None:
    images = [picture(f"{number}.png") for number in range(MOST_IMAGES + 3)]

    [kept] = fit([showing(1, *images)], budget=10**6, able=SEES).turns

    [said] = kept.question
    assert said.parts[1:4] == tuple(Text(f"[image {number}.png, which is no longer shown]") for number in range(3))
    assert said.parts[4:] == tuple(images[3:])


kinds = st.sampled_from(["words", "picture", "tools"])


@given(st.lists(st.tuples(kinds, st.integers(1, 3_000)), min_size=1, max_size=30), st.integers(200, 20_000))
def test_whatever_leaves_the_rest_fits_and_is_remembered_so_that_the_next_request_begins_alike(
    made: list[tuple[str, int]], budget: int
) -> None:
    turns = [
        {"words": turn(n, size), "picture": showing(n, picture(), words=size), "tools": using_tools(n, size)}[kind]
        for n, (kind, size) in enumerate(made, 1)
    ]

    fitted = fit(turns, budget=budget, able=SEES)

    assert fitted.tokens == sum(estimate_turn(kept, SEES) for kept in fitted.turns)
    assert fitted.tokens <= budget or len(fitted.turns) == 1
    assert fitted.turns[-1] == turns[-1]
    kept = [turn for turn in turns if turn.id >= fitted.first_turn_id]
    assert len(kept) == len(fitted.turns)
    again = fit(kept, budget=budget, first_whole=fitted.first_whole_turn_id, able=SEES)
    assert again.turns == fitted.turns
