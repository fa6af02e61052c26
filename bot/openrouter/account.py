"""What the model's server says about the key that pays.

This module knows nothing of who asks, nor of what the key is used for.
"""

from __future__ import annotations

import json

import httpx

from bot.errors import ModelError, ModelFault
from bot.messages import JsonValue
from bot.openrouter.http import get_json


async def key_status(http: httpx.AsyncClient, base_url: str, key: str) -> str:
    """How much the key may still spend, as a phrase (OpenRouter, "Get current API key").

    Raises ModelError; BAD_KEY says that the server does not accept it.
    """
    body = await get_json(http, f"{base_url.rstrip('/')}/key", key)
    try:
        parsed: JsonValue = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    data = parsed.get("data") if isinstance(parsed, dict) else None
    if not isinstance(data, dict):
        raise ModelError(ModelFault.GARBLED, error_type="no_key_status")
    left, limit = data.get("limit_remaining"), data.get("limit")
    if isinstance(left, int | float) and isinstance(limit, int | float):
        return f"${left:,.2f} of ${limit:,.2f} are left to spend"
    return "it has no spending limit of its own"
