"""The splitter: every page renders well alone, at every moment, and nothing of the answer is lost."""

from __future__ import annotations

import random
import re
import sys
from dataclasses import dataclass
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.render.cuts import cut_prose
from bot.render.inline import close, reopen, units
from bot.render.scan import scan
from bot.render.split import MESSAGE_LIMIT, Splitter

BLOCK = re.compile(r"```(?:([a-zA-Z0-9_+.-]+)?\n)?([\s\S]*?)```")
"""A code block as Discord takes it: it ends at the next three backticks."""


@dataclass
class Block:
    tag: str
    code: str


def split(text: str, *, chunk: int = 0, limit: int = MESSAGE_LIMIT, reserve: int = 0) -> list[str]:
    splitter = Splitter(limit)
    for start in range(0, len(text), chunk or len(text) or 1):
        splitter.feed(text[start : start + (chunk or len(text))])
    splitter.finish()
    return splitter.pages(reserve)


def blocks(page: str) -> list[Block]:
    return [Block(match[1] or "", match[2]) for match in BLOCK.finditer(page)]


def code_lines(pages: list[str]) -> list[str]:
    """The lines that Discord shows inside code blocks, without the blank ones at a block's edges."""
    lines: list[str] = []
    for page in pages:
        for block in blocks(page):
            lines += block.code.strip("\n").split("\n") if block.code.strip() else []
    return [line.rstrip() for line in lines if line.strip()]


def prose(pages: list[str]) -> str:
    return "".join(BLOCK.sub("", "\n".join(pages)).split())


def assert_sound(pages: list[str], limit: int = MESSAGE_LIMIT) -> None:
    for page in pages:
        assert page.strip()
        assert units(page) <= limit
        assert page.count("```") % 2 == 0
        assert all(block.code.strip() for block in blocks(page)), "an empty block shows its own backticks"


def code(count: int, width: int = 30) -> list[str]:
    chooser = random.Random(count)
    return [f"{'    ' * (number % 4)}call_{number}({'x' * chooser.randrange(width)})" for number in range(count)]


def fenced(tag: str, lines: list[str], fence: str = "```", indent: str = "") -> str:
    return "\n".join([f"{indent}{fence}{tag}", *(indent + line for line in lines), f"{indent}{fence}"])


SENTENCES = " ".join(f"This is sentence number {number}, and it says something plain." for number in range(90))


# The seven answers on which other bots' splitters were measured.
ANSWERS: dict[str, tuple[str, list[str], str]] = {
    "300 lines of python": (fenced("py", code(300)), code(300), "py"),
    "120 lines of c++": (f"Here:\n\n{fenced('c++', code(120))}\n\nDone.", code(120), "c++"),
    "a README in four backticks": (
        fenced("markdown", ["# Title", "", *fenced("sh", code(60)).split("\n"), "", "Text.", *code(60)], "````"),
        ["# Title", "``\u200b`sh", *code(60), "``\u200b`", "Text.", *code(60)],
        "markdown",
    ),
    "no closing fence": (f"So:\n```js\n{chr(10).join(code(150))}", code(150), "js"),
    "code in a list": (
        f"1. First\n\n{fenced('go', code(120), indent='   ')}\n\n2. Second",
        code(120),
        "go",
    ),
    "prose and two blocks": (
        f"{SENTENCES}\n\n{fenced('py', code(54))}\n\n{SENTENCES}\n\n{fenced('rust', code(54))}\n\nBye.",
        code(54) * 2,
        "",
    ),
    "one line of 6 kB": (fenced("json", ['{"a":[' + "1," * 3000 + "1]}"]), [], "json"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_splitter_trap_breaks_a_page(name: str) -> None:
    """No broken fence, every line of code intact, the tag kept, at most one page more than needed."""
    text, lines, tag = ANSWERS[name]
    pages = split(text)
    assert_sound(pages)
    if lines:
        assert code_lines(pages) == lines
    else:
        assert "".join(code_lines(pages)) in text
    assert not tag or {block.tag for page in pages for block in blocks(page)} == {tag}
    assert len(pages) <= -(-units(text) // (MESSAGE_LIMIT - 30)) + 1


@pytest.mark.parametrize("name", ANSWERS)
def test_traps_hold_while_streaming(name: str) -> None:
    text, _, _ = ANSWERS[name]
    splitter = Splitter()
    for start in range(0, len(text), 7):
        splitter.feed(text[start : start + 7])
        assert_sound(splitter.pages())


PIECES = st.sampled_from(
    [
        "\n", "\n\n", "```", "```py\n", "```\n", "````md\n", "~~~\n", "~~~c++\n", "``", "`", "**", "*", "__", "_", "~~",
        "||", "|", "| a | b |\n|---|:-:|\n| 1 | 2 |\n", "|-|\n", "# ", "#### Deep", "> ", "- ", "  ", "    ", "1. ",
        "\\", "word ", "A sentence. ", "x" * 90, "https://example.org/a_b_c ", "[link](https://e.org)", "<@123>",
        "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "e\u0301", "𝔘" * 40, "\x00\x1b", "\r\n", "\ud800", "words and words " * 9,
        "def f(x):\n    return x\n",
    ]
)  # fmt: skip
MARKDOWN = st.lists(PIECES | st.text(max_size=8), max_size=60).map("".join)
LIMITS = st.sampled_from([400, 500, 2000])


@settings(max_examples=120, deadline=None)
@given(MARKDOWN, LIMITS, st.randoms(use_true_random=False))
def test_pieces_do_not_change_the_pages(text: str, limit: int, chooser: random.Random) -> None:
    splitter, start = Splitter(limit), 0
    while start < len(text):
        size = chooser.randrange(1, 40)
        splitter.feed(text[start : start + size])
        if chooser.random() < 0.2:
            splitter.pages()
        start += size
    splitter.finish()
    assert splitter.pages() == split(text, limit=limit) == split(text, limit=limit, chunk=1)


@settings(max_examples=120, deadline=None)
@given(MARKDOWN, LIMITS)
def test_every_prefix_shows_sound_pages(text: str, limit: int) -> None:
    splitter = Splitter(limit)
    for character in text:
        splitter.feed(character)
        assert_sound(splitter.pages(), limit)
    splitter.finish()
    assert_sound(splitter.pages(), limit)
    assert_sound(splitter.pages(reserve=90), limit)


CODE = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=70).map(
        lambda line: "  " + line
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=120, deadline=None)
@given(CODE, st.sampled_from(["py", "c++", "objective-c", ""]), LIMITS, st.text("ab .\n", max_size=500))
def test_no_line_of_code_changes(lines: list[str], tag: str, limit: int, around: str) -> None:
    """Whatever stands around it, each line of a block arrives whole and in order, under its tag."""
    longest = max(len(re.findall("`+", line)[0]) if "`" in line else 0 for line in lines)
    text = f"{around}\n{fenced(tag, lines, '`' * max(3, longest + 1))}\n{around}"
    pages = split(text, limit=limit)
    assert_sound(pages, limit)
    assert [line.replace("\u200b", "") for line in code_lines(pages)] == [line.replace("\u200b", "") for line in lines]
    assert {block.tag for page in pages for block in blocks(page)} == {tag}


@settings(max_examples=120, deadline=None)
@given(st.lists(st.integers(1, 120), min_size=1, max_size=120), st.booleans())
def test_pages_are_few(widths: list[int], is_code: bool) -> None:
    """Never more than one page beyond what filling each page to the last line would need."""
    lines = ["w" * width for width in widths]
    text = fenced("py", lines) if is_code else "\n".join(lines)
    room, needed, used = MESSAGE_LIMIT - (10 if is_code else 0), 1, 0
    for line in lines:
        if used + len(line) + 1 > room:
            needed, used = needed + 1, 0
        used += len(line) + 1
    assert len(split(text)) <= needed + 1


@pytest.mark.parametrize("joint", ["\n\n", "\n"])
def test_good_places_to_cut_do_not_cost_pages(joint: str) -> None:
    """Cutting between paragraphs is good only while it is cheap, and no page ends with a few stray words."""
    paragraph = ("Plain words of a sentence that goes on. " * 40).strip()
    pages = split(joint.join([paragraph] * 40))
    assert len(pages) <= 34
    assert all(len(page.rsplit("\n", 1)[-1]) >= 40 for page in pages)


def test_words_stay_whole_in_the_longest_answer() -> None:
    """Even when no room is left to give away, no word is cut, and no line begins for a few characters only."""
    text = "\n".join(" ".join([f"word{number}"] * (50 + number % 7)) for number in range(250))
    pages = split(text, limit=400)
    assert len(pages) > 250
    assert " ".join(pages).split() == text.split()
    assert all(len(page.rsplit("\n", 1)[-1]) >= 30 for page in pages)


def test_long_answers_stay_dense() -> None:
    """All cuts together give away less than one page, however long the answer."""
    for text in (
        "\n\n".join([SENTENCES] * 12),
        fenced("py", code(3000)),
        "\n".join(f"- {word}" for word in SENTENCES.split()),
    ):
        assert len(split(text)) <= -(-units(text) // (MESSAGE_LIMIT - 60)) + 1


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.sampled_from(["alpha ", "beta. ", "\n", "\n\n", "- item\n", "👍🏽 ", "x" * 300]), max_size=80).map(
        "".join
    )
)
def test_no_prose_is_lost(text: str) -> None:
    assert prose(split(text, limit=400)) == "".join(text.split())


def test_frozen_pages_never_change() -> None:
    splitter, seen = Splitter(), list[str]()
    text = "\n\n".join(
        [SENTENCES[:1500], fenced("py", code(120)), SENTENCES, "| a | b |\n|---|---|\n| 1 | 2 |", SENTENCES]
    )
    for start in range(0, len(text), 11):
        splitter.feed(text[start : start + 11])
        pages = splitter.pages()
        stable = pages[: max(0, len(seen) - 2)]
        assert stable == seen[: len(stable)]
        seen = pages
    assert len(seen) > 4


def test_work_is_linear_in_what_is_fed() -> None:
    """Twenty times the text costs twenty times the steps, and showing it costs no more than before."""

    def steps(text: str) -> tuple[int, int]:
        counted = 0

        def count(frame: FrameType, event: str, argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        splitter = Splitter()
        sys.setprofile(count)
        try:
            for start in range(0, len(text), 5):
                splitter.feed(text[start : start + 5])
            fed, counted = counted, 0
            splitter.pages()
        finally:
            sys.setprofile(None)
        return fed, counted

    unit = f"{SENTENCES[:3000]}\n\n{fenced('py', code(60))}\n\n"
    (fed, shown), (fed_more, shown_more) = steps(unit * 2), steps(unit * 40)
    assert fed_more < 25 * fed
    assert shown_more < 3 * shown


def test_a_cut_closes_and_reopens_inline_markers() -> None:
    pages = split(f"**{'bold words ' * 250}end** and more")
    assert len(pages) == 2
    assert pages[0].startswith("**bold")
    assert pages[0].endswith("**")
    assert pages[1].startswith("**")
    assert pages[1].endswith("end** and more")


@pytest.mark.parametrize(
    ("partial", "shown"),
    [
        ("Some **bold te", "Some **bold te**"),
        ("Some **bold text*", "Some **bold text**"),
        ("Some **", "Some"),
        ("Use `pri", "Use `pri`"),
        ("Use ``a`b", "Use ``a`b``"),
        ("It was ||the butler", "It was ||the butler||"),
        ("Was ~~wrong", "Was ~~wrong~~"),
        ("call f(*args) or g(*more) and", "call f(\\*args) or g(*more) and*"),
        ("2 ** 3 is", "2 \\*\\* 3 is"),
        ("a || b", "a \\|\\| b"),
        ("see snake__case and", "see snake\\_\\_case and"),
        ("So:\n`", "So:"),
        ("So:\n```p", "So:"),
        ("So:\n```py\n", "So:"),
        ("So:\n```py\nx", "So:\n```py\nx\n```"),
        ("So:\n```py\nx\n``", "So:\n```py\nx\n```"),
        ("So:\n###", "So:"),
        ("So:\n#### De", "So:\n**De**"),
        ("So:\n| a | b", "So:"),
        ("So:\n| a | b |\n|--", "So:"),
    ],
)
def test_half_a_marker_is_never_shown(partial: str, shown: str) -> None:
    splitter = Splitter()
    splitter.feed(partial)
    assert splitter.pages() == [shown]


def test_a_spoiler_does_not_leak_over_a_cut() -> None:
    """A spoiler reaches across paragraphs and blocks, so every page of it is hidden."""
    text = f"||{SENTENCES}\n\n{fenced('py', code(60))}\n\n{SENTENCES}||"
    for page in split(text):
        assert page.startswith("||")
        assert page.endswith("||")


@pytest.mark.parametrize(
    ("info", "tag"),
    [("c++", "c++"), ("objective-c", "objective-c"), ("f#", "fsharp"), ("C#", "csharp"), ("python:app.py", "python"),
     ("{.haskell}", "haskell"), ("py title='x'", "py"), ("日本", ""), ("a#b", "")],
)  # fmt: skip
def test_tags_are_kept_where_discord_takes_them(info: str, tag: str) -> None:
    assert split(f"```{info}\ncode here\n```") == [f"```{tag}\ncode here\n```"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("~~~py\nx\n~~~", "```py\nx\n```"),
        ("````\n```\nx\n```\n````", "```\n``\u200b`\nx\n``\u200b`\n```"),
        ("```markdown\n```sh\nls\n```\nend\n```\nafter",
         "```markdown\n``\u200b`sh\nls\n``\u200b`\nend\n```\nafter"),
        ("```py\nprint('```')\n```", "```py\nprint('``\u200b`')\n```"),
        ("Use ```x``` here", "Use `x` here"),
        ("A lone ``` mark", "A lone \\`\\`\\` mark"),
        ("> ```py\n> x\n> ```\nafter", "> ```py\n> x\n> ```\nafter"),
        ("> ```py\n> x\nafter", "> ```py\n> x\n> ```\nafter"),
        ("- ```py\n  x\n  ```\n- b", "•\n```py\nx\n```\n- b"),
        ("```py\n```\nafter", "after"),
        ("```py\na\n      ```\nb\n```\nafter", "```py\na\n      ``\u200b`\nb\n```\nafter"),
        ("##### Deep **down** ##", "**Deep down**"),
        (" # One", "# One"),
        ("a\x00b\x1b[0m\r\nc", "ab[0m\nc"),
        ("@everyone", "@everyone"),
    ],
)  # fmt: skip
def test_what_discord_would_misread_is_rewritten(text: str, shown: str) -> None:
    assert split(text) == [shown]


def test_blank_answers_have_no_page() -> None:
    assert split(" \n\n\t\n") == []


def test_graphemes_stay_whole() -> None:
    family, flag = "👩‍👩‍👧‍👦", "🇩🇪"
    for grapheme in (family, flag, "e\u0301", "👍🏽", "𝔘"):
        for limit in range(400, 408):
            pages = split(grapheme * 900, limit=limit)
            assert "".join(pages) == grapheme * 900
            assert all(page.replace(grapheme, "") == "" for page in pages)
            assert_sound(pages, limit)


def test_a_quote_stays_a_quote_across_pages() -> None:
    pages = split("> " + SENTENCES)
    assert len(pages) > 2
    assert all(page.startswith("> ") for page in pages)


def test_a_heading_is_not_left_behind() -> None:
    """A page does not end with the heading or the announcement of what follows on the next."""
    text = SENTENCES[:1850] + "\n\n## The code\n\nLike this:\n\n" + fenced("py", code(20))
    first, second = split(text)
    assert "The code" not in first
    assert second.startswith("## The code")


def test_links_are_not_cut() -> None:
    link = "[a link of several words](https://example.org/path)"
    pages = split(" ".join([link] * 60))
    assert sum(page.count(link) for page in pages) == 60


def test_a_link_that_begins_its_line_goes_to_the_next_page_whole() -> None:
    link = f"[a link of {'many ' * 8}words](https://example.org/path)"
    for size in range(60, 160):
        before = f"{'plain ' * 48}\n\n{fenced('', code(16))}\n\n{fenced('', ['x' * 158, 'y' * size])}"
        splitter = Splitter(400)
        splitter.feed(f"{before}\n\n{link}")
        splitter.finish()
        assert splitter.pages()[-1].endswith(link)


def test_a_piece_that_fits_on_no_page_is_begun_where_there_is_room() -> None:
    link = f"[{'words ' * 400}](https://example.org/path)"
    first, *_ = split(f"{SENTENCES[:1000]}\n\n{link}")
    assert "[words" in first


@pytest.mark.parametrize("beginning", ["> ", "> # ", "# ", "-# "])
def test_a_page_is_not_begun_before_there_is_anything_to_show_on_it(beginning: str) -> None:
    """Escapes take room, so a page may be full with the last word that has come."""
    for size in range(300, 420):
        splitter = Splitter(400)
        text = f"Press ``` now.\n{beginning}{'x ' * (size // 2)}**{'bold ' * 30}"
        for start in range(0, len(text), 3):
            splitter.feed(text[start : start + 3])
            assert all(page.strip(" >#-") for page in splitter.pages())


def test_a_quote_is_not_begun_before_there_is_anything_to_show_in_it() -> None:
    """What may become a tag of HTML waits until it is known, also behind a marker."""
    splitter = Splitter()
    splitter.feed("Look:\n\n> ```\n> x\n> ```\n>\n> `<b")
    assert splitter.pages() == ["Look:\n\n> ```\n> x\n> ```"]
    splitter.feed(">` is bold")
    assert splitter.pages()[0].endswith("\n> `<b>` is bold")


def test_room_is_reserved_on_the_last_page() -> None:
    for size in range(1500, 2100, 7):
        pages = split(SENTENCES[:size], reserve=120)
        assert units(pages[-1]) <= MESSAGE_LIMIT - 120


TABLE = "| Name | Size |\n|:-----|-----:|\n| `a` | 10 |\n| **bc** | 7 |"


def test_a_table_is_aligned_in_a_block() -> None:
    assert split(TABLE + "\n\nafter") == ["```\nName │ Size\n─────┼─────\na    │   10\nbc   │    7\n```\n\nafter"]


def test_a_table_grows_while_it_streams() -> None:
    splitter = Splitter()
    for character in TABLE:
        splitter.feed(character)
        assert all("|" not in page for page in splitter.pages())
    assert splitter.pages() == ["```\nName │ Size\n─────┼─────\na    │   10\n```"]


def test_a_wide_table_becomes_a_list() -> None:
    text = f"| Key | Meaning |\n|---|---|\n| one | {'long ' * 30}|\n| two | short |"
    assert split(text) == [f"- **one**\n  - Meaning: {('long ' * 30).strip()}\n- **two**\n  - Meaning: short"]


def test_a_very_long_table_is_drawn_in_pieces() -> None:
    rows = [f"| {number} | value |" for number in range(1000)]
    pages = split("\n".join(["| n | v |", "|---|---|", *rows]))
    assert_sound(pages)
    lines = code_lines(pages)
    assert all(any(line.startswith(f"{number} ") for line in lines) for number in range(1000))


def test_a_table_counts_columns_as_a_font_does() -> None:
    """Wide characters take two columns; an escaped bar is no border."""
    text = "| a | b |\n|---|---|\n| 日本 | x |\n| p\\|q | y |"
    assert split(text) == ["```\na    │ b\n─────┼──\n日本 │ x\np|q  │ y\n```"]


@pytest.mark.parametrize("text", ["a | b\nc | d", "a | b"])
def test_a_line_with_bars_is_not_a_table(text: str) -> None:
    assert split(text) == [text]


def test_pages_follow_each_other_in_order() -> None:
    numbers = [int(number) for page in split(SENTENCES) for number in re.findall(r"number (\d+)", page)]
    assert all(left < right for left, right in pairwise(numbers))
    assert len(numbers) == 90


def test_what_follows_in_a_very_long_line_is_still_that_line() -> None:
    """Long lines are read in parts; a part does not begin a heading, a table or the end of a block."""
    for size in range(1996, 2006):
        pages = split("w" * size + "#### no heading")
        assert re.sub("[ \u200b]", "", "".join(pages)) == "w" * size + "####noheading"
        pages = split(f"```\n{'z' * size}```\nend\n```")
        assert_sound(pages)
        lines = code_lines(pages)
        assert "".join(lines).replace("\u200b", "") == "z" * size + "```" + "end"
        assert lines[-1] == "end"


def test_a_block_in_a_list_item_stands_below_it() -> None:
    """Discord takes a block apart at its first blank line, if it stands in an item; the number stays."""
    text = f"1. ```py\n{chr(10).join('   ' + line for line in code(100))}\n   ```"
    first, second = split(text)
    assert first.startswith("1.\n```py\n")
    assert second.startswith("```py\n")
    assert_sound([first, second])


def test_room_for_small_print_is_not_cut_out_of_a_line_of_code() -> None:
    text = f"```\n{'x' * 1900}\n```"
    assert split(text, reserve=200) == [text]


@pytest.mark.parametrize(
    ("text", "opened", "closed"),
    [
        ("a **b", ("**",), "a **b**"),
        ("a **", ("**",), "a"),
        ("a **b ~~", ("**", "~~"), "a **b**"),
        ("||", ("||",), ""),
        ("``a`", ("``",), "``a`\u200b``"),
    ],
)
def test_closing_never_makes_another_marker(text: str, opened: tuple[str, ...], closed: str) -> None:
    assert close(text, opened) == closed


def test_reopening_never_makes_another_marker() -> None:
    assert reopen("b", ("**", "||")) == "**||b"
    assert reopen("``b", ("`",)) == "`\u200b``b"


@pytest.mark.parametrize(
    ("text", "room", "before"),
    [
        ("One thing. And another thing", 20, "One thing. "),
        ("one thing and another thing", 20, "one thing and "),
        ("plain words **bold words here** and", 25, "plain words "),
        ("**bold words all along the line**", 20, "**bold words all "),
        ("one thing", 5, "one "),
        ("onewordofmanyletters", 10, "onewordofm"),
        ("abcdefgh**ijklmno**", 9, "abcdefgh"),
    ],
)
def test_a_line_is_cut_at_the_best_place(text: str, room: int, before: str) -> None:
    """After a sentence, else a word, rather outside any marker, and never inside one."""
    assert text[: cut_prose(text, room, room, scan(text, ends=True))] == before


def test_a_word_is_not_cut_even_where_no_room_may_be_given_away() -> None:
    assert cut_prose("some words here", 12, 0, scan("some words here", ends=True)) == len("some words ")


SPANS = st.tuples(st.sampled_from(["", "**", "~~", "||", "`", "__"]), st.integers(1, 150)).map(
    lambda span: f"{span[0]}{' '.join(['word'] * span[1])}{span[0]}"
)


@settings(max_examples=30, deadline=None)
@given(st.lists(SPANS, min_size=1, max_size=15).map(" ".join), st.sampled_from([400, 2000]))
def test_every_page_closes_what_it_opens(text: str, limit: int) -> None:
    splitter = Splitter(limit)
    for start in range(0, len(text), 23):
        splitter.feed(text[start : start + 23])
        for page in splitter.pages():
            assert all(page.count(marker) % 2 == 0 for marker in ("**", "~~", "||", "`", "__"))
    splitter.finish()
    assert "".join(splitter.pages()).count("word") == text.count("word")
