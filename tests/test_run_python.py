"""The tool `run_python`: what the model may send, and how it is told what came of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import JsonObject, ToolCall
from bot.sandbox.owner import CODE_BYTES, MOST_SECONDS, SECONDS, Broken, Busy, Ran, Stop
from bot.sandbox.produced import ProducedFile
from bot.tools import Adapted, Toolbox, ToolFailed
from bot.tools.sandbox import MOST_TEXT, SPEC, RunPython, told

WELL = Ran(0, None, "", "", 1.23)


class Recorder:
    """Stands in for the sandbox: notes what it is given and answers, or fails, as it was told."""

    def __init__(self, answer: Ran | Exception = WELL) -> None:
        self.answer = answer
        self.seen: list[tuple[str, float]] = []

    async def run(self, code: str, *, seconds: float = SECONDS) -> Ran:
        self.seen.append((code, seconds))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_the_program_and_its_time_are_passed_on() -> None:
    runner = Recorder()

    await RunPython(runner).call({"code": "print(1)"})
    await RunPython(runner).call({"code": "print(2)", "timeout": 2.5})

    assert runner.seen == [("print(1)", SECONDS), ("print(2)", 2.5)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "`code` must be the program"),
        ({"code": "  \n"}, "`code` must be the program"),
        ({"code": 5}, "`code` must be the program"),
        ({"code": "é" * CODE_BYTES}, "longer than 256 kB"),
        ({"code": "1", "timeout": 0}, "at most 30"),
        ({"code": "1", "timeout": MOST_SECONDS + 1}, "at most 30"),
        ({"code": "1", "timeout": "5"}, "at most 30"),
        ({"code": "1", "timeout": True}, "at most 30"),
        ({"code": "1", "timeout": float("nan")}, "at most 30"),
        ({"code": "1", "timeout": None}, "at most 30"),
    ],
)
async def test_what_the_model_got_wrong_is_said_and_not_run(arguments: JsonObject, says: str) -> None:
    runner = Recorder()

    with pytest.raises(ToolFailed, match=says):
        await RunPython(runner).call(arguments)

    assert runner.seen == []


@pytest.mark.parametrize(("error", "says"), [(Busy(), "Try again once"), (Broken("x"), "without running code")])
async def test_a_sandbox_that_cannot_run_says_what_to_do_instead(error: Exception, says: str) -> None:
    with pytest.raises(ToolFailed, match=says):
        await RunPython(Recorder(error)).call({"code": "1"})


@pytest.mark.parametrize("stop", list(Stop))
async def test_a_stopped_program_is_an_error_that_keeps_what_was_printed(stop: Stop) -> None:
    stopped = Ran(None, stop, "so far\n", "", 10)
    result, _ = await Toolbox([Adapted(RunPython(Recorder(stopped)))]).call(
        ToolCall("1", "run_python", '{"code": "1"}')
    )

    assert result.is_error
    assert "stopped" in result.content
    assert result.content.endswith("Printed until then:\nso far")


def test_the_time_that_was_up_is_named() -> None:
    assert told(Ran(None, Stop.TIME, "", "", 10)).startswith("The code ran longer than 10 s and was stopped.")


def test_an_ending_in_words() -> None:
    ran = replace(
        WELL,
        exit_code=1,
        stdout="7\n",
        stderr="ValueError: no\n",
        cut=True,
        disk_was_full=True,
        files=(ProducedFile("a.png", bytes(26_622)), ProducedFile("b.csv", b"1")),
        left_out=("c.exe: only text",),
    )

    assert told(ran) == (
        "The code ended with exit code 1 after 1.2 s.\n"
        "Printed:\n7\n"
        "Errors:\nValueError: no\n"
        "It printed more than is kept; the rest was dropped. Print less.\n"
        "A file could not be written: all files together may have 32 MB.\n"
        "Posted in the thread: a.png (27 kB), b.csv (1 bytes).\n"
        "Not posted: c.exe: only text."
    )


def test_a_silent_program_is_told_how_to_speak() -> None:
    assert "Use print()" in told(WELL)


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("over\rwritten", "over�written"),
        ("\u202eevil\0", "�evil�"),
        ("```\n@everyone", "```\n@everyone"),
    ],
)
def test_escapes_and_control_characters_do_not_reach_the_model(printed: str, read: str) -> None:
    assert told(replace(WELL, stdout=printed)).partition("Printed:\n")[2] == read


@given(st.text(max_size=300), st.integers(1, 400))
def test_text_is_bounded_and_keeps_both_ends(text: str, times: int) -> None:
    whole = told(replace(WELL, stdout="START" + text * times + "END"))

    assert len(whole) < MOST_TEXT + 200
    assert "START" in whole
    assert whole.endswith("END")


def test_the_schema_asks_for_what_is_checked() -> None:
    properties = SPEC.parameters["properties"]

    assert isinstance(properties, dict)
    assert set(properties) == {"code", "timeout"}
    assert SPEC.parameters["required"] == ["code"]
