"""One entry of a server's list of models becomes a ModelInfo.

Pure and tolerant: what is missing, null or of a wrong type is left unknown, and
an entry without an id is no model. Reads OpenRouter's list and those of
llama.cpp, Ollama and vLLM. This module knows nothing of how a list is fetched.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ValidationError

from bot.messages import JsonObject, JsonValue
from bot.model import DEFAULT_CONTEXT_TOKENS, ModelInfo

_NANO = Decimal(10**9)
_EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
"""What may be asked for where a model names no efforts of its own; "none" is left to models that name it."""
_MAX_TOKENS = 10**9


@dataclass(frozen=True, slots=True)
class Listing:
    """All models of one server. `other_ids` are further names for models, by those names."""

    models: dict[str, ModelInfo]
    other_ids: dict[str, str]
    speaks_openrouter: bool
    """Whether the entries have what only OpenRouter tells."""
    skipped: int
    """Entries that were no models."""


def _positive(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_TOKENS else None


def _price(value: JsonValue) -> int | None:
    """US dollars a token, a string or a number, in whole nanodollars, rounded up; negative ones mean "it depends"."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return None
    if not price.is_finite() or not 0 <= price < 1_000:
        return None
    return int((price * _NANO).to_integral_value(ROUND_CEILING))


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _text_or_none(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _object_or_none(value: JsonValue) -> JsonObject | None:
    return value if isinstance(value, dict) else None


def _date(value: JsonValue) -> str | None:
    return value[:10] if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value, re.ASCII) else None


_Tokens = Annotated[int | None, BeforeValidator(_positive)]
_Price = Annotated[int | None, BeforeValidator(_price)]
_Text = Annotated[str, BeforeValidator(_text)]
_Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class _Pricing(BaseModel):
    # Further prices are of other types (`discount` a number, `overrides` a list) and are not read.
    prompt: _Price = None
    completion: _Price = None


class _Architecture(BaseModel):
    input_modalities: _Texts = ()


class _TopProvider(BaseModel):
    context_length: _Tokens = None
    max_completion_tokens: _Tokens = None


class _Reasoning(BaseModel):
    mandatory: Annotated[bool, BeforeValidator(lambda value: value is True)] = False
    default_effort: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    supported_efforts: Annotated[tuple[str, ...] | None, BeforeValidator(lambda v: v if v is None else _texts(v))] = ()


class _Meta(BaseModel):
    n_ctx: _Tokens = None
    n_ctx_train: _Tokens = None


class _Entry(BaseModel):
    """OpenRouter's "Models" entry, with `max_model_len` of vLLM and `meta` of llama.cpp."""

    id: str
    name: _Text = ""
    canonical_slug: _Text = ""
    context_length: _Tokens = None
    pricing: Annotated[_Pricing, BeforeValidator(_object)] = _Pricing()
    architecture: Annotated[_Architecture, BeforeValidator(_object)] = _Architecture()
    top_provider: Annotated[_TopProvider, BeforeValidator(_object)] = _TopProvider()
    supported_parameters: _Texts = ()
    expiration_date: Annotated[str | None, BeforeValidator(_date)] = None
    reasoning: Annotated[_Reasoning | None, BeforeValidator(_object_or_none)] = None
    max_model_len: _Tokens = None
    meta: Annotated[_Meta, BeforeValidator(_object)] = _Meta()

    def info(self) -> ModelInfo:
        window = self.context_length or self.top_provider.context_length or self.max_model_len
        return ModelInfo(
            id=self.id,
            name=self.name or self.id,
            context_tokens=window or self.meta.n_ctx or self.meta.n_ctx_train or DEFAULT_CONTEXT_TOKENS,
            max_output_tokens=self.top_provider.max_completion_tokens,
            prompt_price=self.pricing.prompt,
            completion_price=self.pricing.completion,
            sees_images="image" in self.architecture.input_modalities,
            reads_files="file" in self.architecture.input_modalities,
            uses_tools="tools" in self.supported_parameters,
            reasons=self.reasoning is not None or "reasoning" in self.supported_parameters,
            must_reason=self.reasoning is not None and self.reasoning.mandatory,
            efforts=self._efforts(),
            default_effort=self.reasoning.default_effort if self.reasoning else None,
            retires_on=self.expiration_date,
        )

    def _efforts(self) -> tuple[str, ...]:
        """Null means that every effort is accepted, a missing key that none may be chosen."""
        if self.reasoning is None:
            return ()
        efforts = self.reasoning.supported_efforts
        return _EFFORTS if efforts is None else efforts


def parse_listing(body: bytes) -> Listing | None:
    """The models in a body, or None where it is no list at all."""
    try:
        parsed: JsonValue = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data = _object(parsed).get("data")
    if not isinstance(data, list):
        return None
    entries = [entry for entry in map(_entry, data) if entry is not None]
    models = {entry.id: entry.info() for entry in entries}
    others = {entry.canonical_slug: entry.id for entry in reversed(entries) if entry.canonical_slug}
    openrouter = any(entry.supported_parameters or entry.canonical_slug for entry in entries)
    return Listing(models, others, openrouter, skipped=len(data) - len(entries))


def _entry(value: JsonValue) -> _Entry | None:
    try:
        entry = _Entry.model_validate(value)
    except ValidationError:
        return None
    return entry if entry.id.strip() else None
