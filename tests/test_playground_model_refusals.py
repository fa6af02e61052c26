"""What the embedded model refuses, as the real API would."""

from __future__ import annotations

import httpx
import pytest

from bot.playground.model import ModelServer
from tests.model_talk import (
    CLAUDE,
    SMALL,
    TOOL,
    Json,
    ask,
    stream,
    user,
)

pytest_plugins = ["tests.model_fixtures"]


CALL = {"id": "c", "type": "function", "function": {"name": "web_fetch", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "r"}
STEP = {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": ""}
UNTYPED = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}}


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "status", "text"),
        [
            ({"messages": []}, 400, "messages"),
            ({}, 400, "messages"),
            ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "messages.0.role"),
            (ask("x", "nobody/nothing"), 400, "nobody/nothing is not a valid model ID"),
            (ask("x", "moonshotai/kimi-k2"), 404, "deprecated"),
            ({"messages": [user("x"), {**STEP, "tool_calls": []}]}, 400, "messages.1.tool_calls"),
            ({"messages": [user("x"), RESULT]}, 400, "must be a response to a preceding message"),
            ({"messages": [user("x"), STEP]}, 400, "did not have response messages: c"),
            ({"messages": [user("x"), STEP, RESULT, RESULT]}, 400, "must be a response"),
            (
                {"messages": [user("x"), {"role": "assistant", "tool_calls": [CALL]}, RESULT]},
                400,
                "reasoning_content is missing in assistant tool call message at index 1",
            ),
            ({"messages": [user("x"), {"role": "assistant", "content": ""}, user("y")]}, 400, "must not be empty"),
            (ask("x" * 40_000, SMALL), 400, "maximum context length is 8192 tokens"),
            (ask("x", SMALL, max_tokens=8_192), 400, "8192 in the output"),
            (ask("x", max_tokens=15), 400, "max_tokens must be at least 16"),
            (ask("x", reasoning={"effort": "none"}), 400, "Reasoning is mandatory"),
            (ask("x", reasoning={"enabled": False}), 400, "Reasoning is mandatory"),
            (ask("x", reasoning={"effort": "enormous"}), 400, "reasoning.effort: Invalid option"),
            (ask("x", CLAUDE, reasoning={"effort": "low", "max_tokens": 2000}), 400, "Only one of"),
            (ask("x", SMALL, tools=[TOOL]), 404, "No endpoints found that support tool use"),
            (
                {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
                404,
                "image input",
            ),
            (ask("x", tools=[TOOL], tool_choice="required"), 400, "incompatible with thinking"),
            (ask("x", tools=[UNTYPED]), 400, "not a valid moonshot flavored json schema"),
            (ask("x", session_id="s" * 257), 400, "session_id"),
        ],
    )
    async def test_what_the_real_api_refuses_is_refused(
        self, model_client: httpx.AsyncClient, body: Json, status: int, text: str
    ) -> None:
        response = await model_client.post("/chat/completions", json=body)
        error = response.json()["error"]
        assert response.status_code == error["code"] == status
        assert text in error["message"] + str(error["metadata"].get("raw", ""))

    async def test_an_empty_reasoning_content_satisfies_kimi(self, model_client: httpx.AsyncClient) -> None:
        body = {"messages": [user("hello"), STEP, RESULT], "tools": [TOOL]}
        assert (await model_client.post("/chat/completions", json=body)).status_code == 200

    async def test_a_body_that_is_not_json_is_refused(self, model_client: httpx.AsyncClient) -> None:
        assert (await model_client.post("/chat/completions", content=b"{")).status_code == 400

    async def test_a_gone_model_names_its_successors(self, model_client: httpx.AsyncClient) -> None:
        response = await model_client.post("/chat/completions", json=ask("fault 404"))
        availability = response.json()["error"]["availability"]
        assert availability["code"] == "model_deprecated"
        assert CLAUDE in availability["fallback_models"]

    async def test_keys_are_checked(self, model_server: ModelServer) -> None:
        async with httpx.AsyncClient(base_url=model_server.base_url) as client:
            for key, status in (("", 401), ("Bearer bad-key", 401), ("Bearer broke-key", 402), ("Bearer k", 200)):
                response = await client.post("/chat/completions", json=ask("hi"), headers={"Authorization": key})
                assert response.status_code == status
            assert (await client.get("/models")).status_code == 200
            assert (await client.get("/key")).status_code == 401

    async def test_the_first_model_that_can_answer_does(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("x", "nobody/nothing", models=["nobody/nothing", CLAUDE]))
        assert chunks[0]["model"] == "anthropic/claude-4.5-haiku-20251001"

    async def test_elsewhere_is_a_404_in_the_same_shape(self, model_client: httpx.AsyncClient) -> None:
        response = await model_client.get("/credits")
        assert response.status_code == response.json()["error"]["code"] == 404
