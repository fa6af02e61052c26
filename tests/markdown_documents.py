"""Answers as models write them, made at random, together with what a reader should see of them.

A document is Markdown and the words it shows in order, each with its inline
style; a line of code is one word, with the tag of its block. Nothing here knows
of Cogitor's renderer or of Discord.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st

Words = list[tuple[str, str]]


@dataclass(frozen=True)
class Piece:
    """Some Markdown, and the words it shows."""

    text: str
    words: Words


def plain(text: str) -> Piece:
    return Piece(text, [(word, "") for word in text.split()])


def styled(marker: str, style: str, text: str) -> Piece:
    return Piece(f"{marker}{text}{marker}", [(word, style) for word in text.split()])


WORD = st.sampled_from(
    ["plain", "words", "that", "say", "something", "of", "no", "weight,", "naïve", "日本語", "👩‍👩‍👧‍👦", "snake_case",
     "a_b_c", "2", "+", "*args", "**kwargs", "*.py", "5", "*", "3", "__init__", "||", "|", "~5", "$5", "<id>",
     "C#", "end.", "#1", "(so", "called)", "@everyone", "it's", "-1", "1.", "-", ">", "&", "[1]"]
)  # fmt: skip
PLAIN = st.lists(WORD, min_size=1, max_size=30).map(" ".join).map(plain)
CODE_SPAN = st.sampled_from(
    ["name", "**kwargs", "a_b", "x * y", "foo_", "a || b", "~~~", "#", "<b>", "a|b", "\\n", "f(x)[0]"]
).map(lambda code: Piece(f"`{code}`", [(word, "code") for word in code.split()]))
CALM = st.lists(st.sampled_from(["bold", "and", "calm", "words"]), min_size=1, max_size=12).map(" ".join)
SPAN = st.one_of(
    CODE_SPAN,
    CALM.map(lambda text: styled("**", "bold", text)),
    CALM.map(lambda text: styled("*", "italic", text)),
    CALM.map(lambda text: styled("~~", "struck", text)),
    CALM.map(lambda text: Piece(f"[{text}](https://example.org/a_b)", [(word, "link") for word in text.split()])),
    st.just(Piece("<@123>", [("<@123>", "mention")])),
    st.just(Piece("https://example.org/x_y_z", [("https://example.org/x_y_z", "")])),
)


def joined(pieces: list[Piece], joint: str = " ") -> Piece:
    return Piece(joint.join(piece.text for piece in pieces), [word for piece in pieces for word in piece.words])


def _is_paragraph(text: str) -> bool:
    """Whether a text does not begin as something else."""
    return not re.match(r"[-+*>#\d|~$@]", text)


INLINE = st.one_of(
    st.lists(st.one_of(PLAIN, PLAIN, SPAN), min_size=1, max_size=8)
    .map(joined)
    .filter(lambda piece: _is_paragraph(piece.text)),
    st.just(plain("Press the ` key, or ``` three times.")),
)


def prefixed(first: str, rest: str, piece: Piece) -> Piece:
    lines = piece.text.split("\n")
    return Piece("\n".join([first + lines[0], *(rest + line if line else line for line in lines[1:])]), piece.words)


CODE_LINE = st.one_of(
    st.sampled_from(
        ["for _ in range(3):", "    x = a * b", "\treturn **kwargs", "def __init__(self, *args):", "", "  - item",
         "# no", "> quote", "1. one", "if a || b:", "~~~", "`tick` ``two``", "'''", "s = '||spoiler||'",
         "        deep()", "| a | b |", "|---|---|", "$$", "\\[", "<details>", "@everyone", "end"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=90),
    st.integers(1, 160).map(lambda width: "w" * width),
)  # fmt: skip
TAGS = st.sampled_from(["", "py", "c++", "objective-c", "js"])


def fence(fence_mark: str, tag: str, lines: list[str]) -> Piece:
    style = f"block {tag}".strip()
    return Piece(
        "\n".join([f"{fence_mark}{tag}", *lines, fence_mark]), [(line, style) for line in lines if line.strip()]
    )


def _safe(mark: str) -> st.SearchStrategy[list[str]]:
    return st.lists(CODE_LINE.filter(lambda line: "```" not in line and mark not in line), min_size=1, max_size=70)


FENCE = st.sampled_from(["```", "````", "~~~"]).flatmap(lambda mark: st.builds(fence, st.just(mark), TAGS, _safe(mark)))
HEADING = st.builds(
    lambda level, text: Piece(f"{'#' * level} {text}", [(word, "bold" if level > 3 else "") for word in text.split()]),
    st.integers(1, 6),
    CALM,
)
ITEMS = st.lists(st.one_of(INLINE, INLINE, FENCE), min_size=1, max_size=6)


def bullets(items: list[Piece]) -> Piece:
    return joined([prefixed("- ", "  ", item) for item in items if item.text[0] not in "`~"] or [plain("x")], "\n")


def numbered(items: list[Piece], joint: str) -> Piece:
    """Steps: what is not text is indented below the text before it."""
    made: list[Piece] = []
    for item in items:
        if item.text[0] in "`~" and made:
            made[-1] = joined([made[-1], prefixed("   ", "   ", item)], joint)
        else:
            made.append(prefixed(f"{len(made) + 1}. ", "   ", item))
    return joined(made, joint)


QUOTE = st.lists(st.one_of(INLINE, FENCE), min_size=1, max_size=4).map(
    lambda pieces: prefixed("> ", "> ", joined(pieces, "\n\n"))
)
QUOTE = QUOTE.map(lambda piece: Piece(re.sub(r"\n(?=\n)", "\n>", piece.text), piece.words))
LIST = st.one_of(ITEMS.map(bullets), st.builds(numbered, ITEMS, st.sampled_from(["\n", "\n\n"])))
BLOCK = st.one_of(INLINE, INLINE, HEADING, FENCE, FENCE, LIST, QUOTE)
DOCUMENT = st.lists(BLOCK, min_size=1, max_size=8).map(lambda pieces: joined(pieces, "\n\n"))
"""Markdown, and every word that should be seen."""
