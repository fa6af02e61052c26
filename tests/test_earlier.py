"""What was said before the bot came, and messages that somebody points at, as the model reads them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.earlier import MOST_CHARACTERS, Earlier, pointed_at, so_far, with_new_words, without_small_print
from bot.messages import Text, TextFile


def test_each_message_has_its_speaker_and_its_files_and_ours_are_marked() -> None:
    said = so_far(
        [
            Earlier("Ben", "see the log", files=("a.log", "b.txt")),
            Earlier("Cogitor", "-# 💭 Thinking…\nIt is the port.\n-# kimi · 3 s", is_ours=True),
            Earlier("Ada", "", files=("shot.png",)),
        ]
    )
    assert said == (
        "Earlier in this thread:\n"
        "Ben: see the log [attached: a.log, b.txt]\n"
        "Cogitor (you): It is the port.\n"
        "Ada: [attached: shot.png]\n\nNow you are asked:"
    )


def test_what_nobody_says_is_skipped() -> None:
    nothing = [
        Earlier("Ada", "renamed the thread", is_nobodys=True),
        Earlier("Ben", ""),
        Earlier("Ben", "\u200b "),
        Earlier("Cogitor", "-# ⏹ Stopped.", is_ours=True),
    ]
    assert so_far(nothing) == ""


def test_of_a_long_thread_the_newest_is_kept() -> None:
    said = so_far([Earlier("Ben", "old " * 5_000), *(Earlier("Ada", f"{n} " + "x" * 3_900) for n in range(9))])
    assert "old" not in said
    assert "Ada: 8 x" in said
    assert said.startswith("Earlier in this thread:\n(What was said before that is left out.)\nAda: 0 x")


def test_a_message_that_is_pointed_at_is_quoted_line_by_line() -> None:
    quoted = pointed_at(Earlier("Ben\nBoss", "a = 1\n\nb = 2"))
    assert quoted == "This is about the following message by Ben Boss:\n> a = 1\n>\n> b = 2"
    assert pointed_at(Earlier("Cogitor", "x", is_ours=True)).startswith("This is about the following message by you:")
    assert "(no text, only what is attached)" in pointed_at(Earlier("Ben", files=("a.py",)))


@given(st.lists(st.builds(Earlier, st.text(), st.text(), st.tuples(st.text()), st.booleans(), st.booleans())))
def test_whatever_was_written_it_stays_within_its_limit(messages: list[Earlier]) -> None:
    assert len(so_far(messages)) < MOST_CHARACTERS + 200


@given(st.text())
def test_taking_out_the_small_print_twice_changes_nothing_more(text: str) -> None:
    once = without_small_print(text)
    assert without_small_print(once) == once


def test_an_edited_message_keeps_what_was_said_before_it_and_nothing_else_of_its_old_words() -> None:
    lead = Text(so_far([Earlier("Ada", "hi"), Earlier("Ben", "ho")]))
    new, picture = (Text("new"), TextFile("a.py", "1")), TextFile("of-an-earlier-message.py", "0")
    assert with_new_words((lead, Text("old")), new) == (lead, *new)
    assert with_new_words((picture, lead, Text("old")), new) == (picture, lead, *new)
    assert with_new_words((Text("old"), TextFile("b.py", "2")), new) == new
    assert with_new_words((lead,), new) == new
    assert with_new_words((), new) == new
