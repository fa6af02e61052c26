"""Real catalogues for tests, filled from a socket with the entries that a test wants."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from bot.openrouter import Catalogue, open_http
from tests.model_server import ModelServer, Reply, serving

KIMI: dict[str, Any] = {
    "id": "moonshotai/kimi-k2-thinking",
    "canonical_slug": "moonshotai/kimi-k2-thinking-20251106",
    "name": "MoonshotAI: Kimi K2 Thinking",
    "context_length": 262144,
    "architecture": {"input_modalities": ["text"], "modality": None},
    "pricing": {"prompt": "0.0000006", "completion": "0.0000025", "discount": 0.1, "overrides": [{"min": 1}]},
    "top_provider": {"context_length": 131072, "max_completion_tokens": 16384, "is_moderated": False},
    "supported_parameters": ["reasoning", "tools", "max_tokens"],
    "expiration_date": "2026-12-05",
    "reasoning": {"mandatory": True, "supported_efforts": ["low", "high"]},
}


def listed(*entries: Any) -> Reply:
    return Reply([json.dumps({"data": entries, "new": 1}).encode()], headers={"Content-Type": "application/json"})


@asynccontextmanager
async def catalogue_of(server: ModelServer, **options: Any) -> AsyncGenerator[Catalogue]:
    async with open_http(server.url) as http:
        yield Catalogue(http, server.url, **options)


@asynccontextmanager
async def filled(*entries: Any, **options: Any) -> AsyncGenerator[Catalogue]:
    async with serving(listed(*entries)) as server, catalogue_of(server, **options) as catalogue:
        await catalogue.refresh()
        yield catalogue
