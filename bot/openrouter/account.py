"""What the model's server says about the key that pays.

This module knows nothing of who asks, nor of what the key is used for.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from urllib.parse import urlencode

import httpx

from bot.allowance import Allowance, left_to_spend, read_allowance
from bot.errors import ModelError, ModelFault
from bot.messages import JsonObject, JsonValue, Usage
from bot.model import Catalogue
from bot.openrouter import wire
from bot.openrouter.http import get_json, is_openrouter

_SECONDS = 15.0
"""How long a server may take to say what it knows of a key, for somebody waits."""


async def read_key(http: httpx.AsyncClient, base_url: str, key: str) -> Allowance:
    """What a key may still spend (OpenRouter, "Get current API key").

    Raises ModelError; BAD_KEY says that the server does not accept it.
    """
    data = _data(await _get(http, f"{base_url.rstrip('/')}/key", key))
    if data is None:
        raise ModelError(ModelFault.GARBLED, error_type="no_key_status")
    return read_allowance(data)


async def key_status(http: httpx.AsyncClient, base_url: str, key: str) -> str:
    """How much the key may still spend, as a phrase. Raises ModelError as `read_key` does."""
    return left_to_spend(await read_key(http, base_url, key))


class Account:
    """Asks the model's server about keys. `catalogue` tells what kind of server it is."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, *, catalogue: Catalogue) -> None:
        self._http = http
        self._base_url = base_url
        self._catalogue = catalogue

    async def allowance(self, key: str) -> Allowance | None:
        """What a key may still spend. Raises ModelError, BAD_KEY for a key that is not accepted.

        None from a server that does not know of keys as OpenRouter does: all that such
        a server can be asked is whether it shows its list of models to the key.
        """
        if self._catalogue.speaks_openrouter:
            try:
                return await read_key(self._http, self._base_url, key)
            except ModelError as error:
                if error.status != HTTPStatus.NOT_FOUND or is_openrouter(self._base_url):
                    raise
        await _get(self._http, f"{self._base_url.rstrip('/')}/models", key)
        return None

    async def consumed(self, generation_id: str, key: str) -> Usage | None:
        """What a request has consumed, also one that was cut off; None while it is not recorded. Raises ModelError.

        OpenRouter, "Get request & usage metadata for a generation".
        """
        url = f"{self._base_url.rstrip('/')}/generation?{urlencode({'id': generation_id})}"
        try:
            data = _data(await _get(self._http, url, key))
        except ModelError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return None if data is None else wire.recorded_usage(data)


def _data(body: bytes) -> JsonObject | None:
    try:
        parsed: JsonValue = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data = parsed.get("data") if isinstance(parsed, dict) else None
    return data if isinstance(data, dict) else None


async def _get(http: httpx.AsyncClient, url: str, key: str) -> bytes:
    try:
        async with asyncio.timeout(_SECONDS):
            return await get_json(http, url, key)
    except TimeoutError:
        raise ModelError(ModelFault.TIMEOUT, error_type="no_response_in_time", retryable=True) from None
