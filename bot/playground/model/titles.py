"""The stand-in's art of naming a conversation: the words of the question that is quoted to it, without the talk.

Pure text. It knows how the bot asks for a title (`bot/titles.py`) only by the tags around what it quotes.
"""

from __future__ import annotations

import re

_QUESTION = re.compile(r"<question>\s*(.*?)\s*</question>", re.DOTALL)
_TALK = re.compile(
    r"^(?:(?:hi|hello|hey|please|so|ok|well|now)\b[\s,!.]*"
    r"|(?:how (?:do|can|would|should) (?:i|we|you|one)|(?:can|could|would) you(?: please)?"
    r"|i (?:want|need|would like) to"
    r"|(?:show|tell|give) me(?: how to)?|what (?:is|are)|what's|help me(?: to)?)\b\s*)+",
    re.IGNORECASE,
)
_MOST_WORDS = 7


def title_of(request: str) -> str:
    """A title for the first question that a request quotes."""
    quoted = _QUESTION.search(request)
    lines = (quoted[1] if quoted else request).splitlines() or [""]
    words = _TALK.sub("", lines[0].strip()).rstrip("?!. ").split() or lines[0].split()
    title = " ".join(words[:_MOST_WORDS])
    return title[:1].upper() + title[1:] or "An unnamed conversation"
