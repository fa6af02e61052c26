"""What the stand-in remembers of each request, for tests, benchmarks and GET /generation.

Of the headers only the key is kept, and shown to nobody. This module knows nothing of sockets.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from bot.messages import JsonObject
from bot.playground.model.catalogue import StandIn
from bot.playground.model.reply import Reply, cost
from bot.playground.model.wire import native_finish


@dataclass(slots=True)
class RecordedRequest:
    """One request to POST /chat/completions. Times are Unix seconds of the server's clock."""

    raw: bytes
    """The body exactly as it came."""
    at: float
    generation_id: str
    key: str = field(repr=False)
    """The key that pays; it is kept in memory alone."""
    status: int = 0
    """The HTTP status sent; 0 while nothing was."""
    scene: str = ""
    model: StandIn | None = None
    reply: Reply | None = None
    tokens_sent: int = 0
    first_token_at: float | None = None
    ended_at: float | None = None
    cancelled: bool = False
    """Whether the client went away before the end."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def body(self) -> JsonObject:
        """The body, parsed."""
        return cast("JsonObject", json.loads(self.raw))


def generation(record: RecordedRequest) -> JsonObject | None:
    """The body of GET /generation, or None while there is nothing to tell."""
    if record.ended_at is None or record.model is None or record.reply is None:
        return None
    reply, model = record.reply, record.model
    finish = None if record.cancelled else reply.finish
    data: JsonObject = {
        **_unset(),
        "id": record.generation_id,
        "model": model.canonical_slug,
        "provider_name": model.provider,
        "created_at": datetime.fromtimestamp(record.at, UTC).isoformat(),
        "streamed": bool(record.body.get("stream")),
        "session_id": record.body.get("session_id"),
        "cancelled": record.cancelled,
        "finish_reason": finish,
        "native_finish_reason": native_finish(finish, model),
        "latency": round(((record.first_token_at or record.ended_at) - record.at) * 1000),
        "generation_time": round((record.ended_at - record.at) * 1000),
        "provider_responses": [{"provider_name": model.provider, "status": 200}],
        **_amounts(record, reply, model),
    }
    return {"data": data}


def _amounts(record: RecordedRequest, reply: Reply, model: StandIn) -> JsonObject:
    """Tokens and dollars; a cancelled stream is paid as far as it got."""
    completion = record.tokens_sent if record.cancelled else reply.completion_tokens
    prompt_cost, completion_cost = cost(reply, model)
    if record.cancelled and reply.completion_tokens:
        completion_cost = round(completion_cost * completion / reply.completion_tokens, 10)
    total = round(prompt_cost + completion_cost, 10)
    return {
        "tokens_prompt": reply.prompt_tokens,
        "tokens_completion": completion,
        "native_tokens_prompt": reply.prompt_tokens,
        "native_tokens_completion": completion,
        "native_tokens_reasoning": min(len(reply.reasoning), completion),
        "native_tokens_cached": reply.cached_tokens,
        "total_cost": total,
        "usage": total,
        "upstream_inference_cost": 0,
    }


def _unset() -> JsonObject:
    """Fields of the real answer that a stand-in has nothing to say to."""
    names = (
        "app_id cache_discount external_user http_referer moderation_latency native_tokens_completion_images "
        "num_fetches num_input_audio_prompt num_media_completion num_media_prompt num_search_results preset_id "
        "router service_tier upstream_id user_agent web_search_engine workspace_id"
    )
    unset: JsonObject = dict.fromkeys(names.split())
    return unset | {"api_type": "completions", "data_region": "global", "is_byok": False, "origin": ""}
