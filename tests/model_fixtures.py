"""The embedded model at full speed on a free port, and a plain client that talks to it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.playground.model import ModelServer
from tests.model_talk import SCRIPT


@pytest.fixture
async def model_server() -> AsyncIterator[ModelServer]:
    async with ModelServer(SCRIPT, speed=math.inf) as server:
        yield server


@pytest.fixture
async def model_client(model_server: ModelServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer any-key"}
    async with httpx.AsyncClient(base_url=model_server.base_url, headers=headers, timeout=10, verify=False) as client:
        yield client
