"""The judge of the benchmark `faithful`, held against text that is shown well, and against text that is not."""

from __future__ import annotations

import json
from random import Random

import pytest

from benchmarks.balance import Balance, balance
from benchmarks.dictation import dictated
from benchmarks.difficult import TABLE, Answer, Code, difficult_answer
from benchmarks.judge import Judge, answer_in
from bot.render.split import Splitter
from tests.discord_markdown import blocks

CODE = Code("py", ("def f(*a):", "    return ``` * 2", "", "f()"))
MEANT = Answer(
    "A **bold** word and *.py\n\n````py\ndef f(*a):\n    return ``` * 2\n\nf()\n````\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |",
    (
        ("A", ""), ("bold", "bold"), ("word", ""), ("and", ""), ("*.py", ""),
        ("def f(*a):", "block py"), ("    return ``` * 2", "block py"), ("f()", "block py"),
        ("a", TABLE), ("b", TABLE), ("1", TABLE), ("2", TABLE),
    ),
    (CODE,),
)  # fmt: skip
PROSE = "A **bold** word and \\*.py"
BLOCK = "```py\ndef f(*a):\n    return ``\u200b` * 2\n\nf()\n```"
DRAWN = "```\na │ b\n──┼──\n1 │ 2\n```"


@pytest.mark.parametrize(
    "message",
    [
        f"{PROSE}\n{BLOCK}\n{DRAWN}\n-# kimi-k2-thinking · 12 tokens",
        f"{PROSE}\n-# 💭 Thinking…",
        "```py\nf()\n```\n" + DRAWN,
        "-# 💭 Thinking… 12 s",
        "<@5> Done in 61 s.",
    ],
)
def test_what_is_shown_as_it_was_meant_is_sound(message: str) -> None:
    assert not Judge(MEANT).verdict(message, is_final=True).is_broken


@pytest.mark.parametrize(
    "partial", ["A **bo**", "A **bold** word and *.p*", "A **bold** word and \\*.py\n```py\ndef f(\n```"]
)
def test_what_is_still_being_written_may_be_decided_later(partial: str) -> None:
    assert not Judge(MEANT).verdict(partial, is_final=False).is_broken


@pytest.mark.parametrize(
    ("message", "breaks_code"),
    [
        ("A bold word and \\*.py", False),  # a style is lost
        (f"A **bold** word *and \\*.py*\n{BLOCK}", False),  # another is wrong
        ("A **bold** word \\*.py", True),  # a word is lost
        ("```py\ndef f(*a):\n    return ``` * 2\n\nf()\n```", True),  # the block ends too early
        ("def f(*a):\n    return", True),  # code as text
        (BLOCK.replace("    return", "  return"), False),  # its indentation is lost
        (BLOCK.replace("``\u200b`", "`\u200b``\u200b"), False),  # its letters are changed where nothing demands it
        (BLOCK.replace("py\n", "\n"), False),  # its language is lost
    ],
)
def test_what_is_shown_otherwise_is_broken(message: str, breaks_code: bool) -> None:
    verdict = Judge(MEANT).verdict(message, is_final=True)
    assert verdict.is_broken
    assert verdict.breaks_code is breaks_code


def test_nothing_is_missing_from_what_is_shown_whole() -> None:
    assert balance(MEANT, [PROSE, BLOCK, DRAWN], []) == Balance(51, 0, 4, 0, 0, 0)


@pytest.mark.parametrize(
    ("messages", "lost", "damaged"),
    [
        ([PROSE, DRAWN], 31, 3),
        ([BLOCK, DRAWN], 16, 0),
        ([PROSE, BLOCK.replace("f()", "g()"), DRAWN], 1, 1),
        ([PROSE, BLOCK.replace("    return", "return"), DRAWN], 4, 1),
        ([PROSE, BLOCK.replace("\n\n", "\n"), DRAWN], 0, 1),
    ],
)
def test_what_is_missing_is_counted(messages: list[str], lost: int, damaged: int) -> None:
    found = balance(MEANT, messages, [])
    assert (found.letters_lost, found.code_lines_damaged) == (lost, damaged)


def test_what_a_file_holds_is_not_missing() -> None:
    assert balance(MEANT, [PROSE], [MEANT.text.encode()]) == Balance(51, 0, 4, 0, 1, 0)
    assert balance(MEANT, [PROSE], [b"something else"]).files_damaged == 1


def test_a_line_of_code_may_go_over_several_messages() -> None:
    line = "x" * 3000
    answer = Answer(f"```\n{line}\n```", ((line, "block"),), (Code("", (line,)),))
    pages = [f"```\n{line[:1990]}\n```", f"```\n{line[1990:]}\n```"]
    assert balance(answer, pages, []) == Balance(3000, 0, 1, 0, 0, 0)


def test_a_dictation_says_the_answer_whatever_its_pieces() -> None:
    for seed in range(6):
        answer = difficult_answer(Random(seed), 600)
        body = b"".join(
            piece.partition(b"\r\n")[2].removesuffix(b"\r\n") for piece in dictated(Random(seed), answer.text)
        )
        events = [line[6:] for line in body.split(b"\n\n") if line.startswith(b"data: {")]
        said = "".join(json.loads(event)["choices"][0]["delta"]["content"] for event in events)
        assert said.encode("utf-16", "surrogatepass").decode("utf-16") == answer.text


@pytest.mark.parametrize("seed", range(8))
def test_difficult_answers_are_shown_as_they_were_meant_at_every_moment(seed: int) -> None:
    random = Random(seed)
    answer = difficult_answer(random, 3000)
    judge, splitter, start = Judge(answer), Splitter(), 0
    while start < len(answer.text):
        end = start + random.randint(1, 400)
        splitter.feed(answer.text[start:end])
        start = end
        for page in splitter.pages():
            assert not judge.verdict(page, is_final=False).is_broken
    splitter.finish()
    for page in splitter.pages():
        assert not judge.verdict(page, is_final=True).is_broken
    found = balance(answer, splitter.pages(), [])
    assert (found.letters_lost, found.code_lines_damaged) == (0, 0)


def test_small_print_is_no_part_of_the_answer() -> None:
    assert answer_in("text\n-# 🔧 a · 1 s\n-# kimi · 3 tokens") == "text"
    assert blocks(answer_in(f"{BLOCK}\n-# x"))[0].text.endswith("f()")
