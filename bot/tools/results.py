"""What a tool gave, cut to what a model should be sent.

Pure text. The beginning and the end are kept, for tools say there what they
have to say themselves; how much is missing is said in between.
"""

from __future__ import annotations

from bot.pieces import mend

MOST_CHARACTERS = 48_000
"""Of one result: some 14,000 tokens."""
MOST_OF_A_STEP = 120_000
"""Of all results of one step together."""
_LEAST = 400
"""What every result of a step may have, however many there are."""
_SHARE_OF_END = 0.2
_SAMPLE = 4_096
_BINARY_SHARE = 0.05
_SPACING = "\t\n\r\f\v\b\x1b"


def bounded(text: str, most: int = MOST_CHARACTERS) -> str:
    """A result of no more than about `most` characters; what is no text is only described."""
    if _is_binary(text[:_SAMPLE]):
        return f"[binary data of {len(text):,} characters, which cannot be shown]"
    return mend(_cut(text, most))


def together(texts: list[str], most: int = MOST_OF_A_STEP) -> list[str]:
    """The results of one step, of no more than about `most` characters together: the longest ones are cut first."""
    if sum(map(len, texts)) <= most:
        return texts
    share, left = most, most
    for place, length in enumerate(sorted(map(len, texts))):
        share = left // (len(texts) - place)
        if length > share:
            break
        left -= length
    return [_cut(text, max(share, _LEAST)) for text in texts]


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    end = int(most * _SHARE_OF_END)
    note = f"\n[… {len(text) - most:,} of {len(text):,} characters left out here …]\n"
    return f"{text[: most - end]}{note}{text[len(text) - end :]}"


def _is_binary(sample: str) -> bool:
    strange = sum((letter < " " and letter not in _SPACING) or letter in "\x7f\ufffd" for letter in sample)
    return strange > len(sample) * _BINARY_SHARE
