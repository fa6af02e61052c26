"""The context window: what would be sent, in figures, words and a picture."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from bot.context import estimate_text, estimate_turn, fit
from bot.messages import Conversation, Said, Spending, Step, Text, Turn, TurnStatus, Usage
from bot.model import ModelInfo
from bot.render.chart import HEIGHT, HEIGHT_WITHOUT_COSTS, draw_window
from bot.render.pen import WIDTH
from bot.render.window_facts import alt_text, facts, percent, short_number
from bot.window import Room, Window, look_at, room_for

THREAD = Conversation(1, 9, 5)
MODEL = ModelInfo("moonshotai/kimi-k2-thinking", "Kimi", context_tokens=10_000)
SYSTEM = "Be brief. " * 20
SPENT = tuple(Spending(number, 2, Usage(100, 30, 10, 80, number * 1_000_000)) for number in range(1, 5))
FULL = Window(
    MODEL.id, Room(262_144, 412, 32_000), False, 14, 81_234, 3, 41_000, Usage(80_000, 900, 300, 76_000, 1), SPENT
)


def turn(number: int, words: int = 100, status: TurnStatus = TurnStatus.DONE, cached: int = 0) -> Turn:
    said = Said(number, 5, "Ada", (Text("why? " * words),), 0.0)
    step = Step(text="because " * words, usage=Usage(200 * number, 50, 10, cached, 1_000))
    return Turn(number, 1, (said,), status, (step,))


def window(turns: list[Turn], conversation: Conversation = THREAD, info: ModelInfo | None = MODEL) -> Window:
    room = room_for(SYSTEM, info, max_output=2_000)
    return look_at(conversation, turns, model=MODEL.id, info=info, room=room, spending=SPENT)


class TestWindow:
    def test_its_parts_make_the_whole(self) -> None:
        seen = window([turn(number) for number in range(1, 6)])
        assert seen.room == Room(10_000, estimate_text(SYSTEM), 2_000)
        assert seen.used + seen.free + seen.room.answer == 10_000
        assert seen.kept_tokens == sum(estimate_turn(turn(number)) for number in range(1, 6))
        assert (seen.kept_turns, seen.left_turns, seen.left_tokens) == (5, 0, 0)

    def test_what_left_before_is_left_behind(self) -> None:
        turns = [turn(number) for number in range(1, 6)]
        seen = window(turns, replace(THREAD, first_turn_id=3))
        assert (seen.kept_turns, seen.left_turns) == (3, 2)
        assert seen.left_tokens == estimate_turn(turns[0]) + estimate_turn(turns[1])

    def test_it_tells_what_the_next_question_will_find(self) -> None:
        """As the answer plans it: with a further question, some turns have to leave, and then a good many."""
        turns = [turn(number, words=600) for number in range(1, 9)]
        question = Turn(99, 1, (Said(99, 5, "", (), 0.0),))
        sent = fit([*turns, question], budget=room_for(SYSTEM, MODEL, max_output=2_000).for_turns)
        seen = window(turns)
        assert sent.dropped > 0
        assert (seen.kept_turns, seen.left_turns) == (len(sent.turns) - 1, sent.dropped)
        assert seen.kept_tokens == sent.tokens - estimate_turn(question)

    def test_a_question_that_is_being_answered_is_the_next_one(self) -> None:
        running = turn(3, status=TurnStatus.RUNNING)
        seen = window([turn(1), turn(2), running, turn(4, status=TurnStatus.QUEUED)])
        assert seen.kept_turns == 3
        assert seen.kept_tokens == sum(map(estimate_turn, (turn(1), turn(2), replace(running, steps=()))))

    def test_the_cached_share_is_that_of_the_last_request(self) -> None:
        assert window([turn(1), turn(2, cached=300)]).cached_share == 0.75
        assert window([]).cached_share == 0.0

    def test_an_unknown_model_has_an_assumed_window(self) -> None:
        seen = window([turn(1)], info=None)
        assert seen.is_assumed
        assert seen.room.window == 32_768

    def test_an_empty_conversation_has_nothing_in_it(self) -> None:
        seen = window([])
        assert (seen.kept_turns, seen.kept_tokens, seen.left_turns) == (0, 0, 0)


class TestWords:
    def test_everything_is_said(self) -> None:
        said = "\n".join(f"{name}: {fact}" for name, fact in facts(FULL))
        assert said == (
            "Model: kimi-k2-thinking, a window of 262,144 tokens\n"
            "Used: about 81,646 tokens (31 %): instructions 412, 14 turns 81,234\n"
            "Left behind: 3 turns, about 41,000 tokens\n"
            "Kept free for the answer: 32,000 tokens; 148,498 more are free\n"
            "Last request: 80,000 tokens, 76,000 of them (95 %) from the cache\n"
            "Cost so far: $0.010, 8 requests to models"
        )

    def test_the_picture_is_described_within_discords_limit(self) -> None:
        long = alt_text(replace(FULL, model="x" * 3_000, is_assumed=True))
        assert len(long) <= 1_024
        assert "81,646 tokens (31 %)" in long

    @pytest.mark.parametrize(
        ("count", "short"),
        [
            (0, "0"),
            (999, "999"),
            (12_345, "12.3k"),
            (99_949, "99.9k"),
            (262_144, "262k"),
            (1_048_576, "1.0M"),
            (10**9, "1.0B"),
        ],
    )
    def test_large_numbers_are_short_in_the_picture(self, count: int, short: str) -> None:
        assert short_number(count) == short

    @pytest.mark.parametrize(
        ("share", "said"), [(0.0, "0 %"), (0.001, "1 %"), (0.5, "50 %"), (0.999, "99 %"), (1.0, "100 %")]
    )
    def test_a_share_is_never_rounded_to_nothing_or_to_all(self, share: float, said: str) -> None:
        assert percent(share) == said


def picture(window: Window) -> Image.Image:
    return Image.open(io.BytesIO(draw_window(window))).convert("RGB")


def colours(image: Image.Image, row: int) -> list[tuple[int, int, int]]:
    """The colours along a row, each once, from left to right."""
    found: list[tuple[int, int, int]] = []
    for x in range(image.width):
        colour = image.getpixel((x, row))
        assert isinstance(colour, tuple)
        if colour not in found:
            found.append((colour[0], colour[1], colour[2]))
    return found


class TestPicture:
    def test_the_bar_shows_each_part_in_order(self) -> None:
        row = colours(picture(replace(FULL, left_turns=0, left_tokens=0)), 226)
        violet, blue, grey, orange = (0xC4, 0xA7, 0xFF), (0x58, 0xA6, 0xFF), (0x3F, 0x42, 0x48), (0xFF, 0xB4, 0x54)
        assert [colour for colour in row if colour in (violet, blue, grey, orange)] == [violet, blue, grey, orange]

    def test_it_stands_on_a_card_of_its_own_and_is_no_larger_than_needed(self) -> None:
        assert picture(FULL).size == (WIDTH, HEIGHT)
        assert picture(FULL).getpixel((2, 2)) == (0x1E, 0x1F, 0x22)
        assert picture(replace(FULL, spending=())).size == (WIDTH, HEIGHT_WITHOUT_COSTS)
        assert len(draw_window(FULL)) < 200_000

    @pytest.mark.parametrize(
        "odd",
        [
            replace(FULL, model="a/$x$ _^{ больше 日本 🎉\n" * 20),
            replace(FULL, left_tokens=10**12, left_turns=10**6),
            replace(FULL, kept_tokens=10**9),
            replace(FULL, room=Room(1, 500, 0)),
            replace(FULL, last=Usage(0, 0, 0, 5), spending=SPENT * 100),
            replace(FULL, spending=(Spending(1, 1, Usage(cost=0)), Spending(2, 1, Usage(cost=10**15)))),
            window([]),
        ],
    )
    def test_odd_figures_still_make_a_picture(self, odd: Window) -> None:
        assert picture(odd).width == WIDTH
        alt_text(odd)
