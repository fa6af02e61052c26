"""Answers that are hard to show, made at random from a seed, together with what a reader should see of them.

An answer is Markdown, the words it shows in order, each with its style, and its
code. What Discord cannot show (README, "What Discord cannot show") is written down
in the form that is promised for it. This module knows nothing of how a bot shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from benchmarks.difficult_code import LANGUAGES, Language, written

Words: TypeAlias = tuple[tuple[str, str], ...]
"""Each visible word with its style; a line of code is one word of the style `block TAG`."""

TABLE = "table"
"""The style of what stands in a table that is drawn aligned: letters count there, and the spaces between do not."""

_MANY = (
    "the value of a parser is what it keeps when nothing is left to read and that depends on its caller naïve résumé "
    "日本語 한국어 नमस्ते עברית 👩‍👩‍👧‍👦 👨🏽‍💻 🏳️‍🌈 ✅ a\u0301 snake_case a_b_c *args **kwargs *.py __init__ 2 * 3 "
    "+ $5 ~5 || | <id> List<int> C# F# #1 (so called) @everyone it's -1 1. - > & [1] end. C:\\new \\n x→y ∑ i++ foo_ "
    "~/.bashrc a/b"
)
_WORDS = tuple(_MANY.split())
_CALM = "bold and calm words of no weight that stay together in one place".split()  # noqa: SIM905
_SPANS = ("name", "**kwargs", "a_b", "x * y", "foo_", "a || b", "~~~", "#", "<b>", "a|b", "\\n", "f(x)[0]", "$HOME")
_FAR = (
    "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。何でも薄暗い所で泣いていた事だけは記憶している。"
)
_TAGGED = tuple(language for language in LANGUAGES if language.tag)
"""Those whose blocks may stand in another: without a tag a fence would end that one."""
_FORMULAS = ("x_i = a * b", "E = mc^2", "\\sum_{i=0}^{n} x_i", "\\frac{a_b}{c}")


@dataclass(frozen=True, slots=True)
class Code:
    """A block of code as its author meant it."""

    tag: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Some Markdown, the words it shows, and its code."""

    text: str
    words: Words
    code: tuple[Code, ...] = ()


def difficult_answer(random: Random, length: int) -> Answer:
    """An answer of about `length` characters; one in four ends in the middle of a block of code."""
    blocks = [_paragraph(random)]
    while sum(len(block.text) for block in blocks) < length:
        blocks.append(random.choices(_BLOCKS, _WEIGHTS)[0](random))
    if random.random() < 0.25:
        last = _fence(random, random.choice(LANGUAGES), random.randint(3, 20))
        blocks.append(Answer(last.text.rpartition("\n")[0], last.words, last.code))
    return _joined(blocks, "\n\n")


def _joined(parts: list[Answer], joint: str) -> Answer:
    return Answer(
        joint.join(part.text for part in parts),
        tuple(word for part in parts for word in part.words),
        tuple(code for part in parts for code in part.code),
    )


def _prefixed(first: str, rest: str, part: Answer) -> Answer:
    lines = part.text.split("\n")
    text = "\n".join([first + lines[0], *(rest + line if line or rest.strip() else line for line in lines[1:])])
    return Answer(text, part.words, part.code)


def _styled(before: str, text: str, after: str, style: str) -> Answer:
    return Answer(f"{before}{text}{after}", tuple((word, style) for word in text.split()))


def _calm(random: Random, most: int = 9) -> str:
    return " ".join(random.choices(_CALM, k=random.randint(1, most)))


def _span(random: Random) -> Answer:
    text = _calm(random)
    match random.randrange(9):
        case 0 | 1 | 2:
            return _styled("`", random.choice(_SPANS), "`", "code")
        case 3:
            return _styled("**", text, "**", "bold")
        case 4:
            return _styled("*", text, "*", "italic")
        case 5:
            return _styled("~~", text, "~~", "struck")
        case 6:
            return _styled("[", text, f"](https://example.org/a_b?n={random.randint(1, 99)})", "link")
        case 7:
            return _styled("||", text, "||", "spoiler")
        case _:
            return _styled("\\(", random.choice(_FORMULAS), "\\)", "code")


def _plain(random: Random, count: int) -> Answer:
    text = " ".join(random.choices(_WORDS, k=count))
    return Answer(text, tuple((word, "") for word in text.split()))


def _inline(random: Random, parts: int) -> Answer:
    """Prose that begins with a letter, so that it is read as a paragraph."""
    found = [_span(random) if random.random() < 0.3 else _plain(random, random.randint(3, 20)) for _ in range(parts)]
    return _joined([Answer("Here", (("Here", ""),)), *found], " ")


def _paragraph(random: Random) -> Answer:
    return _inline(random, random.randint(1, 8))


def _very_long_line(random: Random) -> Answer:
    return _inline(random, 60)


def _far(random: Random) -> Answer:
    """A line without a single space."""
    text = _FAR * random.randint(1, 12)
    return Answer(text, ((text, ""),))


def _fence(random: Random, language: Language, count: int, *, mark: str = "```") -> Answer:
    lines = tuple(written(random, language, count))
    style = f"block {language.shown_tag}".strip()
    words = tuple((line, style) for line in lines if line.strip())
    return Answer("\n".join([mark + language.tag, *lines, mark]), words, (Code(language.tag, lines),))


def _code(random: Random) -> Answer:
    return _fence(random, random.choice(LANGUAGES), random.randint(2, 30))


def _long_code(random: Random) -> Answer:
    return _fence(random, random.choice(_TAGGED), random.randint(61, 90), mark=random.choice(["```", "~~~"]))


def _code_in_code(random: Random) -> Answer:
    """A Markdown example in a longer fence, or tagged as what it is."""
    inner = _fence(random, random.choice(_TAGGED), random.randint(2, 8))
    mark, tag = random.choice([("````", "markdown"), ("~~~", "md"), ("```", "md"), ("`````", "")])
    lines = ("Some **example**:", "", *inner.text.split("\n"), "", "and more.")
    words = tuple((line, f"block {tag}".strip()) for line in lines if line.strip())
    return Answer("\n".join([mark + tag, *lines, mark]), words, (Code(tag, lines),))


def _heading(random: Random) -> Answer:
    level = random.randint(1, 6)
    return _styled("#" * level + " ", _calm(random), "", "bold" if level > 3 else "")


def _list(random: Random) -> Answer:
    items = [_prefixed("- ", "  ", _inline(random, random.randint(1, 3))) for _ in range(random.randint(2, 6))]
    if random.random() < 0.5:
        at = random.randrange(len(items)) + 1
        items.insert(at, _prefixed("  - ", "    ", _inline(random, 1)))
    return _joined(items, "\n")


def _tasks(random: Random) -> Answer:
    items: list[Answer] = []
    for _ in range(random.randint(2, 5)):
        box, drawn = random.choice([("[ ]", "☐"), ("[x]", "☑")])
        text = _calm(random)
        items.append(Answer(f"- {box} {text}", ((drawn, ""), *((word, "") for word in text.split()))))
    return _joined(items, "\n")


def _steps(random: Random) -> Answer:
    """Numbered steps, with code below some of them."""
    joint = random.choice(["\n", "\n\n"])
    steps: list[Answer] = []
    for number in range(1, random.randint(3, 6)):
        step = _prefixed(f"{number}. ", "   ", _inline(random, 2))
        if random.random() < 0.6:
            code = _fence(random, random.choice(LANGUAGES), random.randint(2, 9))
            step = _joined([step, _prefixed("   ", "   ", code)], joint)
        steps.append(step)
    return _joined(steps, joint)


def _quote(random: Random) -> Answer:
    parts = [_inline(random, 2), _fence(random, random.choice(LANGUAGES), random.randint(2, 9)), _inline(random, 1)]
    return _prefixed("> ", "> ", _joined(parts[: random.randint(1, 3)], "\n\n"))


def _table(random: Random) -> Answer:
    columns = random.randint(2, 4)
    rows = [[_cell(random) for _ in range(columns)] for _ in range(random.randint(2, 14))]
    header = [f"col{number}" for number in range(columns)]
    drawn = [_row(header), "|" + "---|" * columns, *map(_row, rows)]
    words = tuple((cell.strip("`*"), TABLE) for row in [header, *rows] for cell in row)
    return Answer("\n".join(drawn), words)


def _cell(random: Random) -> str:
    return random.choice(
        ["yes", "no", "日本", "✅", "`a_b`", "**x**", "1.5", "naïve", "n/a", f"v{random.randint(1, 99)}"]
    )


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _formula(random: Random) -> Answer:
    lines = tuple(random.choices(_FORMULAS, k=random.randint(1, 3)))
    opening, closing = random.choice([("$$", "$$"), ("\\[", "\\]")])
    return Answer("\n".join([opening, *lines, closing]), tuple((line, "block latex") for line in lines))


_BLOCKS = (
    _paragraph,
    _very_long_line,
    _far,
    _code,
    _long_code,
    _code_in_code,
    _heading,
    _list,
    _tasks,
    _steps,
    _quote,
    _table,
    _formula,
)
_WEIGHTS = (6, 1, 1, 8, 1, 2, 3, 3, 1, 4, 3, 3, 1)
