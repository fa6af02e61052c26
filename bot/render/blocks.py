"""Code blocks and displayed formulas as a model writes them: where they begin and end, and what their lines are.

CommonMark's rules for fences, with two allowances for models: a block tagged
as Markdown may contain blocks of its own, and a displayed formula is a block.
This module knows nothing of pages, and nothing of lines outside of blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTE = r"(?:[ \t]{0,3}>[ ]?){0,20}"
_FENCE = re.compile(
    rf"(?P<quote>{_QUOTE})(?P<lead>[ \t]{{0,20}}(?:(?P<marker>[-*+]|\d{{1,9}}[.)])[ \t]{{1,4}})?[ \t]{{0,20}})"
    r"(?P<ticks>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<info>.*)$"
)
_FORMULA = re.compile(
    rf"(?P<quote>{_QUOTE})(?P<lead>[ \t]{{0,20}})(?:(?P<dollars>\$\$)|\\\[)[ \t]*(?P<rest>.*?)[ \t]*$"
)
_FORMULA_ENDS = {
    "$$": re.compile(r"(?P<rest>.*?)[ \t]*\$\$[.,;]?[ \t]*$"),
    "\\[": re.compile(r"(?P<rest>.*?)[ \t]*\\\][.,;]?[ \t]*$"),
}
_LOOKS_LIKE_MATH = re.compile(r"[\\_^={}+]")
_QUOTE_SIGN = re.compile(r"[ \t]{0,3}>[ ]?")
_TAG = re.compile(r"[a-zA-Z0-9_+.-]+(?![#\w])")
_TAGS_WITHOUT_SHARP = {"c#": "csharp", "f#": "fsharp", "q#": "qsharp", "j#": "java"}
_NESTING_TAGS = frozenset({"markdown", "md", "mdx"})


@dataclass(frozen=True, slots=True, eq=False)
class Fence:
    """A code block; two blocks are never equal. `tag` is its language as Discord takes it, or empty."""

    tag: str = ""
    quoted: bool = False

    @property
    def prefix(self) -> str:
        """What stands before each line of the block, its fences included."""
        return "> " if self.quoted else ""


@dataclass(slots=True)
class Block:
    """The code block being read: what closes it, and what its lines belong to."""

    fence: Fence
    ticks: str
    """The opening backticks or tildes, or how the displayed formula began."""
    lead: str = ""
    quotes: int = 0
    marker: str = ""
    """The list marker before its opening, which is shown above the block."""
    depth: int = 0

    def code(self, text: str) -> str | None:
        """The code in a line of the block, without the indentation of the block itself; None if its quote is over."""
        for _ in range(self.quotes):
            sign = _QUOTE_SIGN.match(text)
            if not sign:
                return None
            text = text[sign.end() :]
        if text.startswith(self.lead):
            return text[len(self.lead) :]
        indent = len(text) - len(text.lstrip(" "))
        return text[min(indent, len(self.lead)) :]

    def ended_by(self, code: str) -> bool:
        """Whether this line is the end of the block; counts blocks inside a Markdown example."""
        if self.is_formula:
            return not code.strip()
        match = _FENCE.match(code)
        if not match or match["quote"] or match["ticks"][0] != self.ticks[0] or len(match["ticks"]) < len(self.ticks):
            return False
        if match["info"]:
            self.depth += self.fence.tag.lower() in _NESTING_TAGS
            return False
        if len(match["lead"]) > 3 or match["marker"]:
            return False
        self.depth -= 1
        return self.depth < 0

    @property
    def is_formula(self) -> bool:
        return self.ticks in _FORMULA_ENDS

    def last_of_formula(self, code: str) -> str | None:
        """What is left of a line that ends a displayed formula, None if it does not."""
        match = _FORMULA_ENDS[self.ticks].match(code) if self.is_formula else None
        return match["rest"] if match else None


def opened_block(text: str) -> tuple[Block, str] | None:
    """The block that a line begins, and the code that already stands in that line."""
    if match := _FENCE.match(text):
        fence = Fence(language_tag(match["info"]), bool(match["quote"]))
        lead = "".join(" " if character != "\t" else character for character in match["lead"])
        return Block(fence, match["ticks"], lead, match["quote"].count(">"), match["marker"] or ""), ""
    if not (match := _FORMULA.match(text)):
        return None
    block = Block(
        Fence("latex", bool(match["quote"])), match["dollars"] or "\\[", match["lead"], match["quote"].count(">")
    )
    rest, sign = match["rest"], match["dollars"] or "\\]"
    if sign in rest and not (block.last_of_formula(rest) and _LOOKS_LIKE_MATH.search(rest) and rest.count(sign) == 1):
        return None
    return block, rest


def language_tag(info: str) -> str:
    """The language of a fence's info string as Discord takes it ([a-zA-Z0-9_+.-]), or nothing.

    A tag that Discord would print as a line of code is replaced by its common
    alias (`f#` by `fsharp`) or left out.
    """
    first = info.split(maxsplit=1)[0].lstrip("{.") if info.strip() else ""
    if first.lower() in _TAGS_WITHOUT_SHARP:
        return _TAGS_WITHOUT_SHARP[first.lower()]
    match = _TAG.match(first)
    return match[0][:40] if match else ""
