"""What Cogitor needs to know of a model, and the one method it calls.

Pure values and one Protocol. This module knows nothing of HTTP or of any
provider; `bot/openrouter/` implements the protocol.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from bot.events import ModelEvent
from bot.guild import DataPolicy
from bot.limits import Bill
from bot.messages import JsonObject, Turn

DEFAULT_CONTEXT_TOKENS = 32_768
"""Assumed where the endpoint does not tell a model's window (llama.cpp, Ollama, …)."""


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model of the catalogue. Prices are nanodollars per token; None means unknown."""

    id: str
    name: str
    context_tokens: int = DEFAULT_CONTEXT_TOKENS
    max_output_tokens: int | None = None
    prompt_price: int | None = None
    completion_price: int | None = None
    sees_images: bool = False
    reads_files: bool = False
    """Whether it takes whole files, such as PDFs, as parts of a message."""
    uses_tools: bool = False
    reasons: bool = False
    must_reason: bool = False
    efforts: tuple[str, ...] = ()
    """Efforts that may be asked for; empty means that none may be sent."""
    default_effort: str | None = None
    """The effort that no choice amounts to; None means unknown."""
    retires_on: str | None = None
    """YYYY-MM-DD, or None."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True)
class Key:
    """A key that pays. `id` is safe to store and to log; it tells the keys in the ledger apart."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Everything one model request depends on; equal requests make equal bytes on the wire."""

    model: str
    system: str
    turns: tuple[Turn, ...]
    """Oldest first; the last one is being answered and may already have steps."""
    session_id: str
    """Stable for a conversation, so that the provider's cache is found again."""
    fallbacks: tuple[str, ...] = ()
    """Asked in this order when the model fails."""
    replacements: tuple[str, ...] = ()
    """Asked after the fallbacks when the model turns out to be gone."""
    permitted: tuple[str, ...] = ()
    """Patterns of the models that may be asked, also where a server names others; empty means all."""
    effort: str | None = None
    """How hard to think; None leaves it to the model's own default."""
    max_effort: str | None = None
    """The hardest that whichever model is asked may be told to think; None means no limit."""
    max_output_tokens: int = 32_000
    tools: tuple[ToolSpec, ...] = ()
    key: Key | None = None
    """The server's own key, which pays; None means the operator's."""
    data_policy: DataPolicy = DataPolicy.ANY
    name_speakers: bool = True
    """Whether each message begins with its speaker's display name in square brackets."""
    may_call: bool = True
    """Whether the model may call tools now; they are described all the same, so that the prompt's beginning stays."""
    searches_web: bool = False
    """Whether the model's server may search the web for it, where it can (OpenRouter, "Server tools")."""
    turns_tokens: int = field(default=0, compare=False)
    """About how many tokens the turns take."""
    room: int | None = field(default=None, compare=False)
    """How many tokens the turns may take, those included that the running answer adds; None: not known."""
    bill: Bill | None = None
    """Who pays, and within which limits; None where nothing is counted."""
    wanted: Callable[[], bool] = field(default=_always, compare=False, repr=False)
    """Whether text that comes now is about to be looked at; other text may be held back for some tenths of a second."""


class Model(Protocol):
    """Something that answers."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Ask once and yield what the model says, ending after its proper end.

        Closing the generator closes the provider's connection at once. Raises
        ModelError; `retryable` faults have already been retried as far as that
        was safe, which is never after the first event was yielded.
        """
        ...


class Standing(Enum):
    """Whether a model can be asked, as far as is known."""

    THERE = auto()  # listed, or nothing is known to the contrary
    MISSING = auto()  # not on a list that should name it; asking tells, and may tell what replaces it
    GONE = auto()  # its last day has passed, or its server has said so


class Catalogue(Protocol):
    """What is known of the models there are."""

    @property
    def speaks_openrouter(self) -> bool:
        """Whether the server is OpenRouter, or like it, and understands its parameters."""
        ...

    def get(self, model: str) -> ModelInfo | None:
        """None for a model nothing is known of."""
        ...

    def all(self) -> tuple[ModelInfo, ...]:
        """Every model that is known; none while the list was never to be had."""
        ...

    def nearest(self, model: str, n: int = 3, *, permitted: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The ids that may be chosen and are most like one that may not."""
        ...

    def standing(self, model: str) -> Standing: ...

    def successors(self, model: str) -> tuple[str, ...]:
        """What the server has named to be asked instead of a model that is gone."""
        ...


def short_name(model: str) -> str:
    """A model's name for people: without its author, variant and release date.

    >>> short_name("moonshotai/kimi-k2.5-0127:free")
    'kimi-k2.5'
    """
    name = model.rsplit("/", 1)[-1].split(":", 1)[0]
    return re.sub(r"-(\d{4}|\d{6}|\d{8}|\d{4}-\d{2}-\d{2})$", "", name)
