"""What Discord does not know or would misread is shown in the form that reads best there."""

from __future__ import annotations

import pytest

from bot.render.split import Splitter
from tests.discord_markdown import blocks, shown


def page(text: str) -> str:
    splitter = Splitter()
    splitter.feed(text)
    splitter.finish()
    (only,) = splitter.pages()
    return only


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("$$\nx_i = a * b\n$$", "```latex\nx_i = a * b\n```"),
        ("\\[\nE = mc^2\n\\]\nafter", "```latex\nE = mc^2\n```\nafter"),
        ("> $$x_i$$\n> after", "> ```latex\n> x_i\n> ```\n> after"),
        ("$$\nnever closed\n\nafter *x*", "```latex\nnever closed\n```\nafter *x*"),
        ("the $$a_b$$ of it", "the `a_b` of it"),
        ("both \\(a_i * b_i\\) and $x_1$", "both `a_i * b_i` and `x_1`"),
        ("from $5 to $6, and_x", "from $5 to $6, and_x"),
        ("`\\(a\\)` and C:\\path", "`\\(a\\)` and C:\\path"),
        ("\\[not math\\] and \\[1\\]", "\\[not math\\] and \\[1\\]"),
        ("a\n***\nb", "a\n────────────────────\nb"),
        ("- - -", "────────────────────"),
        ("- [ ] open\n- [x] done\n+ plus", "- ☐ open\n- ☑ done\n- plus"),
        ("![alt](https://e.org/x.png) ![](https://e.org)", "[alt](https://e.org/x.png) https://e.org"),
        ("one<br>two<br/>", "one\ntwo"),
        ("the <br> tag and `<br>`", "the <br> tag and `<br>`"),
        ("<details>\n<summary>More</summary>\n\nHidden\n\n</details>", "**More**\n\nHidden"),
        ("<kbd>Ctrl</kbd>+<b>C</b>, x<sup>2</sup>", "`Ctrl`+**C**, x^2"),
        ("a List<String> and <id>", "a List<String> and <id>"),
        (">> nested\n>>> deep", "> nested\n> deep"),
        ("> one\n>\n> two", "> one\n> \n> two"),
        ("5. five\n6. six", "5. five\n6. six"),
        ("text[^1]\n\n[^1]: note", "text[^1]\n\n[^1]: note"),
        ("see [x](<https://e.org>) <https://e.org> [y](/rel)", "see [x](<https://e.org>) <https://e.org> [y](/rel)"),
        ("#### Deep `code`", "**Deep `code`**"),
        ("pass *args and **kwargs", "pass \\*args and \\*\\*kwargs"),
        ("__init__ and my_name", "\\_\\_init\\_\\_ and my_name"),
        ("a || b || c", "a \\|\\| b \\|\\| c"),
        ("**Use `**kwargs` here**", "Use `**kwargs` here"),
        ("snake_case\n```py\nfor _ in x:\n```", "snake\\_case\n```py\nfor _ in x:\n```"),
        ("snake_case\n```py\na_b\n```", "snake_case\n```py\na_b\n```"),
        ("1. ```py\n   x\n\n   y\n   ```\n2. b", "1.\n```py\nx\n\ny\n```\n2. b"),
        ("\u202egnp.exe\u2066 \ufeffx", "gnp.exe x"),
    ],
)
def test_it_reads_well_in_discord(text: str, drawn: str) -> None:
    assert page(text) == drawn


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("> | a | b |\n> |---|---|\n> | 1 | 2 |\n\nafter", "> ```\n> a │ b\n> ──┼──\n> 1 │ 2\n> ```\n\nafter"),
        ("- item\n\n  | a | b |\n  |---|--:|\n  | 1 | 22 |", "- item\n\n```\na │  b\n──┼───\n1 │ 22\n```"),
        ("| a | b |\n|---|---|\n| `x|y` | z |", "```\na   │ b\n────┼──\nx|y │ z\n```"),
        ("| a | b |\n|:-:|---|\n| ✅ | *ok* |\n| ⚠️ | 日 |", "```\na  │ b\n───┼───\n✅ │ ok\n⚠️ │ 日\n```"),
        ("| a | b |\n|---|---|\n| x | [t](https://e.org) |", "- **x**\n  - b: [t](https://e.org)"),
    ],
)
def test_a_table_is_drawn_wherever_it_stands(text: str, drawn: str) -> None:
    """Links are dead in a code block, so a table with links becomes a list."""
    assert page(text) == drawn


def test_each_row_of_a_table_is_seen_when_it_is_complete() -> None:
    splitter = Splitter()
    splitter.feed("| n | v |\n|---|---|\n")
    for number in range(100):
        splitter.feed(f"| {number} | value |\n")
        assert f"\n{number} " in "".join(splitter.pages())


def test_a_stray_marker_does_not_take_a_later_block_apart() -> None:
    """Discord looks for the other asterisk in the code, too."""
    assert [block.tag for block in blocks("pass *args\n```py\na*b\n```")] == []
    assert [block.text for block in blocks(page("pass *args\n```py\na*b\n```"))] == ["a*b"]


def test_a_mention_is_never_cut() -> None:
    splitter = Splitter(400)
    splitter.feed("<@123456789012345678>" * 100 + "@everyone" * 100)
    splitter.finish()
    for text in splitter.pages():
        assert text.replace("<@123456789012345678>", "").replace("@everyone", "") == ""


def test_words_cut_off_a_line_begin_no_block() -> None:
    """`- 1` in the middle of a sentence is no list item, also where a page begins with it."""
    splitter = Splitter(400)
    splitter.feed("value - 1. # and > " * 100)
    splitter.finish()
    styles = {style for text in splitter.pages() for run in shown(text) for style in run.styles}
    assert styles == set()


@pytest.mark.parametrize("halves", [["\ud83d\ude00"], ["\ud83d", "\ude00"], ["a\ud83d", "\ude00b"]])
def test_halves_of_a_character_are_joined(halves: list[str]) -> None:
    splitter = Splitter()
    for half in halves:
        splitter.feed(half)
        assert all(text.isprintable() for text in splitter.pages())
    splitter.finish()
    assert "😀" in splitter.pages()[0]
