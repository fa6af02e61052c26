"""The models that the stand-in pretends to serve, each with a trait that a client must cope with.

They bear real ids, so that a client treats them as it would the real ones, and a
name that says what they are. This module knows nothing of requests or sockets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.messages import JsonObject, JsonValue

EFFORTS = ("max", "xhigh", "high", "medium", "low", "minimal", "none")
"""Every value `reasoning.effort` may have (OpenRouter, "Reasoning tokens")."""


class ReasoningStyle(StrEnum):
    """In which form a model hands out its reasoning."""

    NONE = "none"
    RAW = "raw"  # plain text, unsigned, format "unknown": Kimi, GLM, DeepSeek
    SIGNED = "signed"  # text, and at its end a signature that must come back with the same text: Claude
    SEALED = "sealed"  # a readable summary, and the reasoning itself encrypted: Grok
    PER_CALL = "per call"  # text, and something encrypted beside the first tool call of each step: Gemini


@dataclass(frozen=True, slots=True)
class StandIn:
    """One model of the stand-in. Prices are US dollars per million tokens."""

    id: str
    canonical_slug: str
    name: str
    provider: str
    context_tokens: int
    max_output_tokens: int
    prompt_price: float
    completion_price: float
    created: int = 1_762_387_200
    style: ReasoningStyle = ReasoningStyle.NONE
    must_reason: bool = False
    efforts: tuple[str, ...] = ()
    sees_images: bool = False
    reads_files: bool = False
    uses_tools: bool = True
    retires_in_days: int | None = None
    keeps_prompts: bool = False
    """Whether its provider keeps what it is sent for a while, so that nobody serves it without retention."""

    @property
    def is_kimi(self) -> bool:
        return self.id.startswith("moonshotai/")

    @property
    def reasons(self) -> bool:
        return self.style is not ReasoningStyle.NONE


MODELS: tuple[StandIn, ...] = (
    StandIn(
        "moonshotai/kimi-k2-thinking",
        "moonshotai/kimi-k2-thinking-20251106",
        "Kimi K2 Thinking",
        "Novita",
        context_tokens=262_144,
        max_output_tokens=262_144,
        prompt_price=0.6,
        completion_price=2.5,
        style=ReasoningStyle.RAW,
        must_reason=True,
        efforts=("high", "medium", "low"),
    ),
    StandIn(
        "anthropic/claude-haiku-4.5",
        "anthropic/claude-4.5-haiku-20251001",
        "Claude Haiku 4.5",
        "Amazon Bedrock",
        context_tokens=200_000,
        max_output_tokens=64_000,
        prompt_price=1.0,
        completion_price=5.0,
        style=ReasoningStyle.SIGNED,
        efforts=("high", "medium", "low", "none"),
        sees_images=True,
    ),
    StandIn(
        "x-ai/grok-4.1-fast",
        "x-ai/grok-4.1-fast-20251119",
        "Grok 4.1 Fast",
        "xAI",
        context_tokens=2_000_000,
        max_output_tokens=30_000,
        prompt_price=0.2,
        completion_price=0.5,
        style=ReasoningStyle.SEALED,
        efforts=("high", "low", "none"),
    ),
    StandIn(
        "google/gemini-3-flash-preview",
        "google/gemini-3-flash-preview-20251217",
        "Gemini 3 Flash Preview",
        "Google AI Studio",
        context_tokens=1_048_576,
        max_output_tokens=65_536,
        prompt_price=0.5,
        completion_price=3.0,
        style=ReasoningStyle.PER_CALL,
        must_reason=True,
        efforts=("high", "medium", "low", "minimal"),
        sees_images=True,
        reads_files=True,
    ),
    StandIn(
        "openai/gpt-4.1-mini",
        "openai/gpt-4.1-mini-2025-04-14",
        "GPT-4.1 Mini",
        "OpenAI",
        context_tokens=1_047_576,
        max_output_tokens=32_768,
        prompt_price=0.4,
        completion_price=1.6,
        sees_images=True,
        keeps_prompts=True,
    ),
    StandIn(
        "moonshotai/kimi-k2-0905",
        "moonshotai/kimi-k2-0905",
        "Kimi K2 0905, retiring soon",
        "Moonshot AI",
        context_tokens=262_144,
        max_output_tokens=32_768,
        prompt_price=0.39,
        completion_price=1.9,
        retires_in_days=14,
    ),
    StandIn(
        "mistralai/mistral-7b-instruct",
        "mistralai/mistral-7b-instruct-v0.3",
        "Mistral 7B Instruct, a small window",
        "Together",
        context_tokens=8_192,
        max_output_tokens=2_048,
        prompt_price=0.03,
        completion_price=0.05,
        uses_tools=False,
    ),
)

RETIRED = "moonshotai/kimi-k2"
"""An id that OpenRouter once served: asking for it gets the 404 of a retired model."""

SUCCESSORS: tuple[str, ...] = ("anthropic/claude-haiku-4.5", "openai/gpt-4.1-mini")
"""What a 404 suggests instead."""


def find_model(name: str) -> StandIn | None:
    """The model of that id or dated slug; routing suffixes such as `:nitro` are allowed."""
    base = name.partition(":")[0]
    return next((model for model in MODELS if base in (model.id, model.canonical_slug)), None)


def listing(now: float) -> JsonObject:
    """The body of GET /models at the Unix time `now`."""
    data: list[JsonValue] = [_entry(model, now) for model in MODELS]
    return {"data": data, "links": {"next": None}, "total_count": len(MODELS)}


def _entry(model: StandIn, now: float) -> JsonObject:
    inputs: list[JsonValue] = ["text"]
    if model.sees_images:
        inputs.append("image")
    if model.reads_files:
        inputs.append("file")
    entry: JsonObject = {
        "id": model.id,
        "canonical_slug": model.canonical_slug,
        "hugging_face_id": None,
        "name": f"{model.name} (playground stand-in)",
        "created": model.created,
        "description": "A scripted stand-in of the playground that bears this model's id; no real model answers.",
        "context_length": model.context_tokens,
        "architecture": {
            "modality": f"{'+'.join(map(str, inputs))}->text",
            "input_modalities": inputs,
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": _pricing(model),
        "top_provider": {
            "context_length": model.context_tokens,
            "max_completion_tokens": model.max_output_tokens,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": _parameters(model),
        "default_parameters": {"temperature": 1.0, "top_p": None, "frequency_penalty": None},
        "supported_voices": None,
        "knowledge_cutoff": None,
        "expiration_date": _retirement(model, now),
        "links": {"details": f"/api/v1/models/{model.canonical_slug}/endpoints"},
    }
    if model.reasons:
        efforts: list[JsonValue] = list(model.efforts)
        entry["reasoning"] = {
            "mandatory": model.must_reason,
            "default_enabled": model.must_reason,
            "supported_efforts": efforts,
            "supports_max_tokens": model.style is ReasoningStyle.SIGNED,
        }
    return entry


def _pricing(model: StandIn) -> JsonObject:
    """Dollars per token as strings, but `discount` a number: the mixture that OpenRouter really sends."""
    return {
        "prompt": f"{model.prompt_price / 1e6:.10f}".rstrip("0"),
        "completion": f"{model.completion_price / 1e6:.10f}".rstrip("0"),
        "request": "0",
        "image": "0",
        "web_search": "0",
        "internal_reasoning": "0",
        "input_cache_read": f"{model.prompt_price * CACHE_READ_RATIO / 1e6:.10f}".rstrip("0"),
        "discount": 0,
    }


CACHE_READ_RATIO = 0.25
"""What a cached prompt token costs, as a share of an ordinary one."""


def _parameters(model: StandIn) -> list[JsonValue]:
    parameters: list[JsonValue] = ["max_tokens", "temperature", "top_p", "stop", "seed"]
    if model.uses_tools:
        parameters += ["tools", "tool_choice"]
    if model.reasons:
        parameters += ["reasoning", "include_reasoning"]
    return parameters


def _retirement(model: StandIn, now: float) -> str | None:
    if model.retires_in_days is None:
        return None
    return (datetime.fromtimestamp(now, UTC) + timedelta(days=model.retires_in_days)).date().isoformat()
