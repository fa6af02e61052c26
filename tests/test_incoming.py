"""What a member's message becomes before it is a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incoming import THREAD_NAME_LENGTH, decode_file, earlier, is_blank, readable, thread_name, with_new_words
from bot.messages import Text, TextFile


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<@9> how do I sort?", "how do I sort?"),
        ("<@!9>, how do I sort?", "how do I sort?"),
        ("ask <@9> again", "ask @Cogitor again"),
        ("<@9> what does <@2> mean?", "what does @Ben mean?"),
        ("<@77> left", "@someone left"),
        ("  indented\n    code", "indented\n    code"),
    ],
)
def test_mentions_become_names_and_our_own_leading_one_goes(raw: str, expected: str) -> None:
    assert readable(raw, {9: "Cogitor", 2: "Ben"}, me=9) == expected


@pytest.mark.parametrize("text", ["", "  \n", "\u200b", "\u200b\u2060\ufeff", "\u202e\u202c", "\u00ad"])
def test_a_text_that_cannot_be_seen_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "\u202eabc\u202c", "שלום", "\u200bx", "👍"])
def test_a_text_that_can_be_seen_is_not_blank(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("How do I sort a list?", "How do I sort a list?"),
        ("\n\n  second line first\nmore", "second line first"),
        ("```py\nprint(1)\n```", "print(1)"),
        ("**bold** and `code`", "bold and code"),
        ("\u200b", "New conversation"),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_thread_is_named_from_the_questions_first_line(text: str, name: str) -> None:
    assert thread_name(text) == name


@given(st.text())
def test_a_thread_name_is_always_one_that_discord_takes(text: str) -> None:
    name = thread_name(text)

    assert 1 <= len(name) <= THREAD_NAME_LENGTH
    assert "\n" not in name


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.py", b"print(1)\n", TextFile("a.py", "print(1)\n")),
        ("message.txt", "lång".encode(), Text("lång")),
        ("win.txt", "käse".encode("cp1252"), TextFile("win.txt", "käse")),
        ("u16.txt", "hi".encode("utf-16"), TextFile("u16.txt", "hi")),
        ("bom.json", b"\xef\xbb\xbf{}", TextFile("bom.json", "{}")),
        ("empty.txt", b"", TextFile("empty.txt", "")),
        ("fake.py", b"PK\x03\x04\x14\x00\x00\x00", None),
        ("noise.txt", bytes(range(1, 32)) * 50 + b"\xff\xfe\xfd", None),
    ],
)
def test_files_are_judged_by_content(name: str, data: bytes, expected: object) -> None:
    assert decode_file(name, data) == expected


def test_an_edited_message_keeps_what_was_said_before_it_and_nothing_else_of_its_old_words() -> None:
    lead, new = earlier(["Ada: hi", "Ben: ho"]), (Text("new"), TextFile("a.py", "1"))
    assert lead == Text("Earlier in this thread:\nAda: hi\nBen: ho\n\nNow you are asked:")
    assert with_new_words((lead, Text("old")), new) == (lead, *new)
    assert with_new_words((Text("old"), TextFile("b.py", "2")), new) == new
    assert with_new_words((lead,), new) == new
    assert with_new_words((), new) == new
