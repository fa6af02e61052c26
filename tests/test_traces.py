"""Which answers to others repeat what somebody said."""

from __future__ import annotations

import pytest

from bot.messages import Part, Pdf, Said, Step, Text, Turn
from bot.traces import Traces

BEN, ADA = 123456789012345678, 2


def found(words: str, answer: str, *, asked: str = "and how do I test it?", more: tuple[Part, ...] = ()) -> bool:
    traces = Traces(BEN)
    traces.add([Said(1, BEN, "Ben Q.", (Text(words), *more), 0.0)])
    question = (Said(2, ADA, "Ada", (Text(asked),), 1.0),)
    return bool(traces.found_in([Turn(1, 1, question, steps=(Step(reasoning="", text=answer),))]))


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("my cat is called Whiskers the Great", "You could name it after, well, “cat is called Whiskers the Great”."),
        ("my cat is ill today", "Somebody said: MY CAT\nis ill today!"),
        ("the key is sk-live-7731aa", "Never post a key such as `sk-live-7731aa`."),
        ("where is ben_house_key defined?", "In `ben_house_key` there is a bug."),
        ("write to ben@example.org", "He may be reached at ben@example.org."),
        ("what now?", "As Ben Q. said, wait."),
        ("what now?", f"<@{BEN}> asked that."),
    ],
)
def test_what_repeats_somebody_is_found(words: str, answer: str) -> None:
    assert found(words, answer)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("how do I sort a list in Python?", "Use `pytest`, with one test for each case of the list in Python."),
        ("thanks", "Thanks to generators this is fast."),
        ("what is node.js?", "Test it with node.js and mocha."),
        ("what about documentation?", "The documentation of pytest tells."),
        ("what now?", "Benjamin Franklin."),
    ],
)
def test_what_is_about_the_same_is_not(words: str, answer: str) -> None:
    assert not found(words, answer)


def test_what_the_asker_said_as_well_is_theirs() -> None:
    answer = "`compute_total` sums the prices of all items. How do I sort a list: with sorted."
    words = "why does compute_total fail? how do I sort a list"
    assert found(words, answer)
    assert not found(words, answer, asked="what does compute_total do, and how do I sort a list")


def test_files_are_found_by_their_names_and_reasoning_and_notes_are_searched() -> None:
    pdf = Pdf("taxes-2024.pdf", 1, "d")
    assert found("see this", "taxes-2024.pdf says so", more=(pdf,))
    traces = Traces(BEN)
    traces.add([Said(1, BEN, "Ben Q.", (Text("see this"), pdf), 0.0)])
    note = {"type": "file", "file": {"name": "taxes-2024.pdf", "content": ["…"]}}
    thought = {"type": "reasoning.text", "text": "Ben Q. wants this"}
    for step in (Step(annotations=(note,)), Step(reasoning_details=(thought,))):  # type: ignore[arg-type]
        assert traces.found_in([Turn(1, 1, (), steps=(step,))])
