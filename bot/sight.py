"""What a model can be shown besides text, and what people are told of files that it cannot be shown.

Pure. This module knows nothing of requests, nor of where files are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from bot.messages import Image, Part, Pdf, Text, TextFile, Turn
from bot.model import ModelInfo, short_name

_MARKDOWN = re.compile(r"([\\*_~`|\[\]<>])")


@dataclass(frozen=True, slots=True)
class Able:
    """What the model can be shown besides text."""

    images: bool = False
    pdfs: bool = False


TEXT_ONLY = Able()


def abilities(info: ModelInfo | None, *, parses_pdfs: bool) -> Able:
    """What may be sent. A model that nothing is known of is sent no image: it might refuse the whole request.

    `parses_pdfs`: the server reads PDFs for models that cannot, as OpenRouter does ("PDF inputs").
    """
    return Able(images=info is not None and info.sees_images, pdfs=parses_pdfs)


def is_shown(part: Part, able: Able) -> TypeGuard[Image | Pdf]:
    """Whether a part is an image or a PDF that the model is shown."""
    return (isinstance(part, Image) and able.images) or (isinstance(part, Pdf) and able.pdfs)


def has_files(turns: Iterable[Turn]) -> bool:
    """Whether the bytes of any image or PDF are there to be sent."""
    parts = (part for turn in turns for said in turn.question for part in said.parts)
    return any(isinstance(part, Image | Pdf) and part.data is not None for part in parts)


def label(name: str) -> str:
    """A file's name for the model, which can neither break the line nor the brackets around it."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name if letter not in "[]")
    return " ".join(plain.split())[:100] or "file"


def left_out(turn: Turn, model: str, info: ModelInfo | None, able: Able) -> tuple[str, ...]:
    """A sentence for each kind of file in a question that `model` cannot be shown."""
    images, pdfs = (_names(turn, kind) for kind in (Image, Pdf))
    name, sentences = short_name(model), list[str]()
    if images and not able.images:
        cannot = f"{name} cannot see images" if info else f"I do not know whether {name} can see images"
        sentences.append(f"{cannot}, so I left out {_listed(images)}.")
    if pdfs and not able.pdfs:
        sentences.append(f"The server of {name} does not read PDFs, so I left out {_listed(pdfs)}.")
    return tuple(sentences)


def says_nothing(turn: Turn, able: Able) -> bool:
    """Whether a question consists of nothing but files that the model cannot be shown."""
    parts = [part for said in turn.question for part in said.parts]
    return bool(parts) and not any(isinstance(part, Text | TextFile) or is_shown(part, able) for part in parts)


def _names(turn: Turn, kind: type[Image] | type[Pdf]) -> list[str]:
    parts = (part for said in turn.question for part in said.parts)
    return list(dict.fromkeys(_MARKDOWN.sub(r"\\\1", label(part.name)) for part in parts if isinstance(part, kind)))


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
