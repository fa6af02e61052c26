"""The whole bot with servers of models that refuse a request for having tools in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.messages import JsonObject
from tests.model_server import HELLO, Reply, serving
from tests.whole_bot import stage

OLLAMA: JsonObject = {"error": {"message": "gemma3:4b does not support tools", "type": "api_error"}}
LLAMA_CPP: JsonObject = {"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}


@pytest.mark.parametrize(("status", "refusal"), [(400, OLLAMA), (500, LLAMA_CPP)])
async def test_a_model_that_takes_no_tools_answers_all_the_same(
    tmp_path: Path, status: int, refusal: JsonObject
) -> None:
    refused = Reply([json.dumps(refusal).encode()], status=status, headers={"Content-Type": "application/json"})
    nothing = Reply([b"{}"], status=404)
    async with (
        stage(tmp_path) as bot,
        serving(refused, Reply([HELLO]), to_gets=nothing) as model,
        bot.app(openrouter_base_url=model.url, model="gemma3:4b", titles=False),
    ):
        shown: list[str] = []
        for words in ("hi", "and again"):
            thread = await bot.thread_of(bot.mention(bot.ben, words))
            shown.append(await bot.answered(thread.id))

        asked = [request.body for request in model.received if request.method == "POST"]
        assert ["tools" in body for body in asked] == [True, False, False]
        assert "-# The server of gemma3 takes no tools with it, so it answers without them." in shown[0]
        assert "takes no tools" not in shown[1]
        assert all("⚠️" not in text for text in shown)
