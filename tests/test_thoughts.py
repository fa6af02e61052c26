"""What the Reasoning button shows of one answer."""

from __future__ import annotations

from bot.messages import Said, Step, Text, ToolCall, ToolResult, Turn, TurnStatus
from bot.render.inline import units
from bot.render.page import LARGEST_FILE, text_file
from bot.render.thoughts import MOST_PAGES, thoughts

QUESTION = Said(1, 2, "Ann", (Text("?"),), 0.0)


def turn(*steps: Step, status: TurnStatus = TurnStatus.DONE) -> Turn:
    return Turn(1, 1, (QUESTION,), status=status, steps=steps)


def test_without_thoughts_and_tools_there_is_nothing_to_show() -> None:
    assert thoughts(turn(Step(text="Hi."))) is None
    assert thoughts(turn(Step(reasoning=" \n"))) is None


def test_a_short_reasoning_is_one_message_in_ordinary_markdown() -> None:
    shown = thoughts(turn(Step(model="a/m", reasoning="It is **42**.\n```py\nx = a || b", thinking_seconds=12.2)))
    assert shown is not None
    assert shown.pages == ("-# 💭 Reasoning · m · 12 s\nIt is **42**.\n```py\nx = a || b\n```",)
    assert shown.file is None


def test_pipes_hide_nothing_and_code_blocks_keep_theirs() -> None:
    shown = thoughts(turn(Step(reasoning="If a || b or `c || d`:\n```py\ne || f\n```\nthen \\`\\`\\` g || h.")))
    assert shown is not None
    (page,) = shown.pages
    assert page.count("||") == 2
    assert "`c || d`:" in page
    assert "\ne || f\n" in page
    assert page.replace("\u200b", "").endswith("If a || b or `c || d`:\n```py\ne || f\n```\nthen \\`\\`\\` g || h.")


def test_a_turn_that_is_running_shows_what_there_is_so_far() -> None:
    shown = thoughts(turn(Step(reasoning="Hm"), status=TurnStatus.RUNNING))
    assert shown is not None
    assert shown.pages == ("-# 💭 Still thinking; this is what there is so far\nHm",)


def test_each_tool_call_stands_after_its_thoughts_with_its_whole_input_and_output() -> None:
    calls = (ToolCall("1", "web_fetch", '{"url":"https://e.org"}'), ToolCall("2", "run", "not json"))
    first = Step(
        reasoning="I look.", tool_calls=calls, tool_results=(ToolResult("1", "web_fetch", "a ``` b", is_error=True),)
    )
    shown = thoughts(turn(first, Step(reasoning="Now I know.")))
    assert shown is not None
    (page,) = shown.pages
    lines = page.replace("\u200b", "").splitlines()
    assert lines == [
        "-# 💭 Reasoning",
        "I look.",
        "**🔧 `web_fetch`** was called with",
        "```json", "{", '  "url": "https://e.org"', "}", "```",
        "and failed with",
        "```", "a ``` b", "```",
        "**🔧 `run`** was called with",
        "```json", "not json", "```",
        "It has not answered yet.",
        "Now I know.",
    ]  # fmt: skip


def test_a_long_reasoning_is_a_few_messages_and_a_longer_one_a_file_below_its_beginning() -> None:
    few = thoughts(turn(Step(reasoning="A sentence of words. " * 200)))
    assert few is not None
    assert (len(few.pages), few.file) == (3, None)
    text = "```py\n" + "x = a || b\n" * 5000
    many = thoughts(turn(Step(reasoning=text), Step(reasoning="End.")))
    assert many is not None
    assert len(many.pages) == 1
    assert "x = a || b\n```" in many.pages[0]
    assert many.file is not None
    assert (many.file.name, many.file.data.decode()) == ("reasoning.md", f"{text.strip()}\n\nEnd.")


def test_no_message_is_too_long_whatever_was_thought() -> None:
    for text in ("|" * 9000, "`" * 3000, "| a | b |\n|--|--|\n" + "| x | y |\n" * 300, "🧠" * 1500, "\n" * 9000 + "x"):
        shown = thoughts(turn(Step(model="m" * 300, reasoning=text)))
        assert shown is not None
        assert 0 < len(shown.pages) <= MOST_PAGES
        assert all(0 < units(page) <= 2000 for page in shown.pages)


def test_a_file_is_never_larger_than_discord_takes() -> None:
    file = text_file("a.md", "ü" * LARGEST_FILE)
    assert len(file.data) <= LARGEST_FILE
    assert set(file.data.decode()) == {"ü"}
