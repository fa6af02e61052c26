"""The files that come with an answer: which, under what names, and to the byte what the model wrote."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.render.body import MOST_PAGES, Body
from bot.render.fenced import code_blocks
from bot.render.filenames import LONGEST_NAME, name_for_language, name_of_code, unique
from bot.render.files import LONG_CODE_LINES, MOST_BYTES, MOST_FILES, Attached, attached, size, whole_answer
from bot.render.inline import units
from bot.render.lines import LineReader
from bot.render.split import MESSAGE_LIMIT, Splitter

LONG = "".join(f"line {number}\n" for number in range(LONG_CODE_LINES + 1))
LINE = st.text(st.sampled_from("ab \t#|*_<&\\"), max_size=12)
NESTED = st.sampled_from(["```", "```py", "~~~", "  ``"])
"""Lines that are code between longer fences."""


def fenced(code: str, info: str = "", *, fence: str = "```", lead: str = "", indent: str = "") -> str:
    lines = "".join(f"{indent}{line}\n" for line in code.splitlines())
    return f"{lead or indent}{fence}{info}\n{lines}{indent}{fence}\n"


def codes(text: str) -> list[str]:
    return [block.code for block in code_blocks(text)]


def names(found: Attached) -> list[str]:
    return [file.name for file in found.files]


def name(info: str = "", before: str = "", code: str = "x\n") -> str | None:
    return name_of_code(info, before, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```py\na\n  b\n```\n", "a\n  b\n"),
        ("~~~\na\n```\nb\n~~~\n", "a\n```\nb\n"),
        ("````md\n```js\nx\n```\n````\n", "```js\nx\n```\n"),
        ("```markdown\n```js\nx\n```\nText\n```\n", "```js\nx\n```\nText\n"),
        ("1. So:\n\n   ```go\n   a\n     b\n   ```\n", "a\n  b\n"),
        ("- ```c\n  a\n  \tb\n  ```\n", "a\n\tb\n"),
        ("-\t```c\n\ta\n\t\tb\n\t```\n", "a\n\tb\n"),
        ("  ```\n\ta\n  ```\n", "  a\n"),
        ("> ```sh\n> a\n>   b\n>\n> ```\nText\n", "a\n  b\n\n"),
        ("> ```sh\n> a\nText\n", "a\n"),
        ("```\nnever closed\n", "never closed\n"),
        ("```\nnever closed", "never closed\n"),
        ("```\r\na\r\n```\r\n", "a\r\n"),
        ("```\na` ``` b\n```\n", "a` ``` b\n"),
        ("```\n\n\n```\n", "\n\n"),
        ("```\n```\n", ""),
    ],
)
def test_code_is_what_the_model_wrote_without_what_contains_it(text: str, code: str) -> None:
    assert codes(text) == [code]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(LINE | NESTED, max_size=8),
            st.sampled_from(["", "py", "c++ title=x", "f#"]),
            st.sampled_from(["````", "`````", "~~~~"]),
            st.sampled_from([("", ""), ("- ", "  "), ("12. ", "    "), ("  ", "  "), ("> ", "> "), ("> - ", ">   ")]),
        ),
        max_size=4,
    ),
)
def test_every_block_comes_back_to_the_byte(written: list[tuple[list[str], str, str, tuple[str, str]]]) -> None:
    expected, text = list[str](), ""
    for lines, info, fence, (lead, indent) in written:
        code = "".join(f"{line}\n" for line in lines)
        expected.append(code)
        body = "".join(f"{indent}{line}\n" for line in lines)
        text += f"Some words.\n\n{lead}{fence}{info}\n{body}{indent}{fence}\n\n"
    assert codes(text) == expected


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("`~>\n ax-1.|"), max_size=120))
def test_what_is_shown_as_code_and_what_is_attached_are_the_same(text: str) -> None:
    """The pages and the files find blocks in two ways: in a stream, disarmed; and at the end, to the byte."""
    reader = LineReader()
    shown = [line.text for line in [*reader.feed(text), *reader.finish()] if line.fence]
    attached_lines = [line for code in codes(text) for line in code.split("\n")[:-1]]
    drawn_tables = "-|" in text or "|-" in text
    if not drawn_tables:
        assert [squeezed(line) for line in shown if squeezed(line)] == [
            squeezed(line) for line in attached_lines if squeezed(line)
        ]


def squeezed(line: str) -> str:
    """A line without what only the pages or only the files show: what contains the block, and what disarms."""
    return line.replace("\u200b", "").replace(" ", "").replace(">", "")


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ('python title="x.py"', "x.py"),
        ("python filename='deep/er/x.py'", "x.py"),
        ("{.python file=x.py}", "x.py"),
        ("js server.js", "server.js"),
        ("src/app.py", "app.py"),
        ("python:src/app.py", "app.py"),
        ("tsx app/[id]/page.tsx", "page.tsx"),
        ("Dockerfile", None),
        ('python title="An example"', None),
        ("node.js", None),
        ("c++", None),
        ("python 3.11", None),
        ("", None),
    ],
)
def test_the_fence_may_name_the_file(info: str, expected: str | None) -> None:
    assert name(info) == expected


@pytest.mark.parametrize(
    ("before", "info", "expected"),
    [
        ("**`server.py`**", "python", "server.py"),
        ("**server.py**:", "python", "server.py"),
        ("`server.py`:", "py", "server.py"),
        ("### server.py", "python", "server.py"),
        ("### 2. `src/server.py`", "python", "server.py"),
        ("File: src/main.rs", "rust", "main.rs"),
        ("**File: main.rs**", "rust", "main.rs"),
        ("Save this as `x.rs`", "rust", "x.rs"),
        ("Here is the new `x.rs`:", "rust", "x.rs"),
        ("**Dockerfile**", "dockerfile", "Dockerfile"),
        ("`Makefile`:", "", "Makefile"),
        ("`.gitignore`", "", "gitignore"),
        ("It reads `data.csv`:", "python", None),
        ("Between `a.py` and `b.py`:", "python", None),
        ("I looked at `a.py` first.", "python", None),
        ("Use `.py`:", "python", None),
        ("Version 1.2:", "", None),
        ("See example.com", "", None),
    ],
)
def test_the_line_before_a_block_may_name_the_file(before: str, info: str, expected: str | None) -> None:
    assert name(info, before) == expected


@pytest.mark.parametrize(
    ("code", "info", "expected"),
    [
        ("# app.py\nimport x\n", "python", "app.py"),
        ("#!/usr/bin/env python3\n# tools/app.py\n", "python", "app.py"),
        ("// src/main.rs\n", "rust", "main.rs"),
        ("/* style.css */\n", "css", "style.css"),
        ("<!-- index.html -->\n", "html", "index.html"),
        ("<!DOCTYPE html>\n<!-- index.html -->\n", "html", "index.html"),
        ("<?php\n// index.php\n", "php", "index.php"),
        ("-- file: schema.sql\n", "sql", "schema.sql"),
        ("{/* App.tsx */}\n", "tsx", "App.tsx"),
        ("# example.com\n", "python", None),
        ("# 1.2\n", "", None),
        ("# see app.py for more\n", "python", None),
        ("# notes.md\n", "python", None),
    ],
)
def test_the_first_comment_may_name_the_file(code: str, info: str, expected: str | None) -> None:
    assert name(info, code=code) == expected


def test_the_fence_is_believed_before_the_text_and_the_text_before_a_comment() -> None:
    assert name("python a.py", "`b.py`:", "# c.py\n") == "a.py"
    assert name("python", "`b.py`", "# c.py\n") == "b.py"
    assert name("python", "Here is `b.py`:", "# c.py\n") == "c.py"


@pytest.mark.parametrize(
    ("language", "file"),
    [
        ("python", "py"), ("js", "js"), ("typescript", "ts"), ("tsx", "tsx"), ("jsx", "jsx"), ("c", "c"),
        ("c++", "cpp"),
        ("C#", "cs"), ("objective-c", "m"), ("f#", "fs"), ("rust", "rs"), ("go", "go"), ("kotlin", "kt"),
        ("swift", "swift"), ("ruby", "rb"), ("java", "java"), ("yaml", "yaml"), ("yml", "yaml"), ("toml", "toml"),
        ("json", "json"), ("sh", "sh"), ("bash", "sh"), ("zsh", "sh"), ("powershell", "ps1"), ("sql", "sql"),
        ("html", "html"), ("css", "css"), ("vue", "vue"), ("svelte", "svelte"), ("haskell", "hs"), ("diff", "diff"),
        ("markdown", "md"), ("klingon", "txt"), ("", "txt"), ("text", "txt"), ("{.python}", "py"),
    ],
)  # fmt: skip
def test_a_block_without_a_name_is_called_after_its_language(language: str, file: str) -> None:
    assert name_for_language(language, 2) == f"code-2.{file}"


def test_some_languages_have_a_file_name_of_their_own() -> None:
    assert [name_for_language(tag, 1) for tag in ("dockerfile", "Makefile", "cmake")] == [
        "Dockerfile",
        "Makefile",
        "CMakeLists.txt",
    ]


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("../../etc/x.py", "x.py"),
        ("C:\\Windows\\x.py", "x.py"),
        ("..x.py", "x.py"),
        (".SPOILER_.SPOILER_x.py", "x.py"),
        ("a b.py", "a_b.py"),
        ("größe.py", "groe.py"),
        ('a"b\u202e\n.py', "a_b_.py"),
        ("名前.py", None),
        ("x" * 200 + ".py", "x" * 97 + ".py"),
    ],
)
def test_names_are_harmless(given_name: str, safe: str | None) -> None:
    assert name(f"python title='{given_name}'") == safe


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=400))
def test_whatever_is_written_names_are_harmless(info: str, before: str, code: str) -> None:
    made = name(info, before, code) or name_for_language(info, 1)
    assert 0 < len(made) <= LONGEST_NAME
    assert made.isascii()
    assert not set(made) & set('/\\:"<>|*? \n\r\t\0')
    assert not made.startswith((".", "SPOILER_"))


def test_names_differ_whatever_their_case() -> None:
    taken: set[str] = set()
    long = "x" * (LONGEST_NAME - 3) + ".py"
    given_names = ["a.py", "A.PY", "a.py", "Makefile", "makefile", long, long]
    made = [unique(each, taken) for each in given_names]
    assert made[:5] == ["a.py", "A-2.PY", "a-3.py", "Makefile", "makefile-2"]
    assert len({each.casefold() for each in made}) == len(made)
    assert max(map(len, made)) == LONGEST_NAME


def test_only_long_code_is_attached() -> None:
    short = LONG.split("\n", 1)[1]
    text = f"`a.py`:\n\n{fenced(short, 'py')}\n`b.py`:\n\n{fenced(LONG, 'py')}\n{fenced('x' * 5000, 'json')}"
    found = attached(text, whole=False)
    assert names(found) == ["b.py", "code-1.json"]
    assert [file.data for file in found.files] == [LONG.encode(), b"x" * 5000 + b"\n"]
    assert found.small_print == []
    assert attached("Hello.", whole=False) == Attached()


def test_the_whole_answer_is_the_first_file_to_the_byte() -> None:
    text = f"Look:\n{fenced(LONG, 'md title=answer.md')}\ttabs, \u200b and 日本語\n"
    found = attached(text, whole=True)
    assert names(found) == ["answer.md", "answer-2.md"]
    assert found.files[0].data == text.encode()
    assert found.small_print == ["-# 📄 The whole answer is in answer.md (1 kB)."]


def test_what_has_no_room_among_the_files_is_said() -> None:
    found = attached(fenced(LONG, "py") * (MOST_FILES + 2), whole=False)
    assert len(found.files) == MOST_FILES
    assert found.small_print == ["-# 📄 2 more long code blocks have no file of their own."]
    huge = attached(fenced("é" * MOST_BYTES) + fenced(LONG), whole=False)
    assert names(huge) == ["code-1.txt"]
    assert huge.small_print == ["-# 📄 1 more long code block has no file of their own."]


def test_an_answer_beyond_discords_limit_is_cut_between_two_characters() -> None:
    data = whole_answer("a" + "é" * MOST_BYTES).data
    assert len(data) == MOST_BYTES - 1
    assert data.decode().endswith("é")


def test_half_characters_do_not_stop_a_file() -> None:
    assert whole_answer("a\ud83d b").data == "a\ufffd b".encode()


def test_sizes_are_told_as_people_do() -> None:
    assert [size(count) for count in (1, 1499, 27_600, 999_499, 999_500, 1_240_000)] == [
        "1 kB", "1 kB", "28 kB", "999 kB", "1.0 MB", "1.2 MB",
    ]  # fmt: skip


def fed(text: str, chunk: int = 0) -> Body:
    body = Body()
    for start in range(0, len(text), chunk or len(text) or 1):
        body.feed(text[start : start + (chunk or len(text))])
    body.finish()
    return body


MARKDOWN = st.lists(
    st.sampled_from(
        ["word " * 150, "- item\n", "```py\n", "```\n", "x = 1\n" * 40, "\n\n", "**bold** ", "||secret " * 30,
         "| a | b |\n", "|-|-|\n", "# Title\n", "y" * 1500, "日本 " * 99, "\n" * 900, "> quote\n", "`" * 5]
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(MARKDOWN, st.sampled_from([7, 300, 20_000]), st.sampled_from([0, 80, 700]))
def test_an_excerpt_is_the_beginning_of_what_would_be_shown_and_the_file_has_all(
    pieces: list[str], chunk: int, reserve: int
) -> None:
    text = "".join(pieces)
    splitter = Splitter()
    splitter.feed(text)
    splitter.finish()
    full = splitter.pages(reserve)
    body = fed(text, chunk)
    pages = body.pages(reserve)
    assert body.text == text
    assert body.goes_on == (len(full) > MOST_PAGES or not (full or text.isspace() or not text))
    assert all(page and page.count("```") % 2 == 0 for page in pages)
    if body.goes_on and full:
        assert len(pages) == MOST_PAGES
        assert pages[:-1] == full[: MOST_PAGES - 1]
        assert units(pages[-1]) <= MESSAGE_LIMIT - reserve
    else:
        assert pages == full


def test_the_end_of_an_excerpt_stays_where_it_is_when_the_small_print_changes() -> None:
    body = fed("Some ordinary words in a row. " * 1000)
    assert body.pages(0) == body.pages(120) == body.pages(280)


@pytest.mark.parametrize("unit", ["\n", "```\n", "> \n", "\x00\n", "<div>\n", "$$\n"])
def test_text_that_shows_next_to_nothing_is_not_laid_out_for_ever(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of it fills no message, and would keep everybody else waiting for seconds."""
    laid_out: list[int] = []
    feed = Splitter.feed
    monkeypatch.setattr(Splitter, "feed", lambda self, text: (laid_out.append(len(text)), feed(self, text))[1])
    body = fed("words\n\n" + unit * (1_000_000 // len(unit)))
    assert sum(laid_out) < 120_000
    assert body.pages(0)[0].startswith("words")
    assert body.goes_on
    assert body.is_cut


def test_a_megabyte_of_nothing_at_all_has_no_pages() -> None:
    body = fed("\u200b" * 1_000_000)
    assert body.pages(0) == []
    assert not body.goes_on


def test_beyond_the_excerpt_nothing_is_laid_out_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out: list[int] = []
    feed = Splitter.feed

    def noting(self: Splitter, text: str) -> None:
        laid_out.append(len(text))
        feed(self, text)

    monkeypatch.setattr(Splitter, "feed", noting)
    body = fed("word " * 200_000)
    assert body.length == 1_000_000
    assert sum(laid_out) < 40_000
