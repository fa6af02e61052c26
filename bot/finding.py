"""Models found by what somebody types: by name, ability, price and window; and one line about each.

Pure. A person who types does not wait for an answer, so whatever is typed finds
something or nothing, and never fails. This module knows nothing of who asks, nor
of where the list comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import itemgetter

from bot.model import ModelInfo

LONGEST = 100
"""Characters of a line: what Discord takes for a choice's name."""
_SHORTEST_ABILITY = 3
_BY_FACT = 3
"""The rank of a model that is found by what it can do, after all that are found by name."""
_PRICE = re.compile(r"[<≤]=?\$?(\d{1,6}(?:\.\d{1,6})?)\$?", re.ASCII)
_WINDOW = re.compile(r"[>≥]?=?(\d{1,6})([km])", re.ASCII)


def find(models: Iterable[ModelInfo], text: str, limit: int = 25) -> tuple[ModelInfo, ...]:
    """The models that fit every word of `text`, best first; all of them, in their order, where it is blank.

    A word may be of a name or id, an ability (`images`, `files`, `tools`, `reasoning`,
    `free`), a window of at least so many tokens (`128k`, `1m`) or a highest price
    of a million tokens of the answer, in US dollars (`<$2`).
    """
    words = text.casefold().split()
    ranks = ((_rank(model, words), model) for model in models)
    found = sorted(((rank, model) for rank, model in ranks if rank is not None), key=itemgetter(0))
    return tuple(model for _, model in found[:limit])


def abilities(info: ModelInfo) -> tuple[str, ...]:
    """What a model can do beyond reading and writing text."""
    can = {
        "reasoning": info.reasons,
        "tools": info.uses_tools,
        "sees images": info.sees_images,
        "reads files": info.reads_files,
    }
    return tuple(name for name, has in can.items() if has)


def described(info: ModelInfo, *, mark: str = "") -> str:
    """A model in one line of at most 100 characters: name, window, price, abilities, last day; `mark` comes last."""
    retires = f"retires {info.retires_on}" if info.retires_on else ""
    needed = [window(info), price(info), retires, mark]
    facts = " · ".join(filter(None, [window(info), price(info), *abilities(info), retires, mark]))
    if len(facts) > LONGEST // 2 + 20:
        facts = " · ".join(filter(None, needed))
    room = LONGEST - len(facts) - 3
    name = info.name if len(info.name) <= room else f"{info.name[: room - 1].rstrip()}…"
    return f"{name} · {facts}"[:LONGEST]


def window(info: ModelInfo) -> str:
    """How much a model can read, in thousands or millions of tokens."""
    if info.context_tokens >= 1_000_000:
        return f"{info.context_tokens / 1_000_000:.1f}".removesuffix(".0") + "M"
    return f"{info.context_tokens // 1_000}k"


def price(info: ModelInfo) -> str:
    """US dollars for a million tokens read and for a million written; nothing where they are unknown."""
    if info.prompt_price is None or info.completion_price is None:
        return ""
    if not info.prompt_price and not info.completion_price:
        return "free"
    return f"${info.prompt_price / 1_000:.2f}/${info.completion_price / 1_000:.2f} per M"


def _rank(model: ModelInfo, words: Iterable[str]) -> int | None:
    """How well a model fits, 0 being best; None where a word does not fit at all."""
    model_id, name = model.id.casefold(), model.name.casefold()
    short = model_id.rpartition("/")[2]
    worst = 0
    for word in words:
        if model_id.startswith(word) or short.startswith(word) or name.startswith(word):
            rank = 0
        elif any(part.startswith(word) for part in _parts(f"{model_id} {name}")):
            rank = 1
        elif word in model_id or word in name:
            rank = 2
        elif _fits(model, word):
            rank = _BY_FACT
        else:
            return None
        worst = max(worst, rank)
    return worst


def _fits(model: ModelInfo, word: str) -> bool:
    """Whether a word says something of a model that is not in its name."""
    if highest := _PRICE.fullmatch(word):
        return model.completion_price is not None and model.completion_price <= float(highest[1]) * 1_000
    if least := _WINDOW.fullmatch(word):
        return model.context_tokens >= int(least[1]) * (1_000 if least[2] == "k" else 1_000_000)
    facts = [*abilities(model), *([price(model)] if price(model) == "free" else [])]
    return len(word) >= _SHORTEST_ABILITY and any(part.startswith(word) for part in " ".join(facts).split())


def _parts(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() or letter == "." else " " for letter in text).split()
