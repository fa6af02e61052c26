"""The embedded model on a real socket, in good times: does it look like OpenRouter?"""

from __future__ import annotations

import json

import httpx
import pytest

from bot.playground.model import ModelServer
from tests.model_talk import (
    CLAUDE,
    GROK,
    KIMI,
    PLAIN,
    SCRIPT,
    SMALL,
    TOOL,
    Json,
    ask,
    check_schema,
    chunks_of,
    deltas,
    merged_calls,
    merged_reasoning,
    said,
    stream,
    user,
)

pytest_plugins = ["tests.model_fixtures"]


class TestStream:
    async def test_it_begins_with_comments_and_ends_with_done(self, model_client: httpx.AsyncClient) -> None:
        response = await model_client.post("/chat/completions", json=ask("hello"))
        assert response.text.startswith(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {")
        assert response.text.endswith("}\n\ndata: [DONE]\n\n")
        assert response.headers["x-generation-id"] == chunks_of(response.text)[0]["id"]

    async def test_every_delta_has_role_and_content_and_the_finish_reason_comes_twice(
        self, model_client: httpx.AsyncClient
    ) -> None:
        chunks = await stream(model_client, ask("hello"))
        assert all({"role", "content"} <= delta.keys() for delta in deltas(chunks))
        finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
        assert finishes[-2:] == ["stop", "stop"]
        assert set(finishes[:-2]) == {None}
        assert [index for index, chunk in enumerate(chunks) if "usage" in chunk] == [len(chunks) - 1]

    async def test_visible_reasoning_mirrors_the_details(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("hello"))
        visible = "".join(delta.get("reasoning") or "" for delta in deltas(chunks))
        assert visible
        assert [{"type": "reasoning.text", "text": visible, "format": "unknown", "index": 0}] == merged_reasoning(
            chunks
        )

    async def test_usage_counts_what_was_sent(self, model_client: httpx.AsyncClient, model_server: ModelServer) -> None:
        chunks = await stream(model_client, ask("hello"))
        usage = chunks[-1]["usage"]
        assert usage["completion_tokens"] == model_server.requests[-1].tokens_sent
        assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert usage["cost"] == pytest.approx((usage["prompt_tokens"] * 0.6 + usage["completion_tokens"] * 2.5) / 1e6)

    @pytest.mark.parametrize("model", [KIMI, CLAUDE, GROK, PLAIN])
    @pytest.mark.parametrize(
        "question", ["hello", "markdown tour", "call two tools", "fault bare usage", "fault error"]
    )
    async def test_chunks_fit_the_published_schema(
        self, model_client: httpx.AsyncClient, model: str, question: str
    ) -> None:
        body = ask(question, model, tools=[TOOL], reasoning={"effort": "low"})
        check_schema("ChatStreamChunk", await stream(model_client, body))

    @pytest.mark.parametrize("model", [KIMI, CLAUDE, GROK, PLAIN])
    async def test_an_unstreamed_answer_says_the_same_after_whitespace(
        self, model_client: httpx.AsyncClient, model: str
    ) -> None:
        body = ask("markdown tour", model, reasoning={"effort": "low"})
        streamed = await stream(model_client, body)
        response = await model_client.post("/chat/completions", json=body | {"stream": False})
        assert response.text[0].isspace()
        check_schema("ChatResult", [response.json()])
        message = response.json()["choices"][0]["message"]
        assert message["content"] == said(streamed)
        assert len(message.get("reasoning_details", [])) == len(merged_reasoning(streamed))
        assert response.json()["usage"] == streamed[-1]["usage"]

    async def test_a_model_without_reasoning_sends_none(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("hello", PLAIN, reasoning={"effort": "high"}))
        assert merged_reasoning(chunks) == []

    async def test_excluded_reasoning_is_paid_but_not_sent(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("hello", reasoning={"exclude": True}))
        assert merged_reasoning(chunks) == []
        assert chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0

    async def test_a_small_output_limit_ends_inside_the_reasoning(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("think for a minute", max_tokens=16))
        assert said(chunks) == ""
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"
        assert chunks[-1]["usage"]["completion_tokens"] == 16


class TestReasoningReturned:
    async def test_a_claude_signature_comes_late_and_without_text(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("hello", CLAUDE, reasoning={"effort": "low"}))
        fragments = [detail for delta in deltas(chunks) for detail in delta.get("reasoning_details", [])]
        assert "text" not in fragments[-1]
        assert fragments[-1]["signature"]
        assert all("signature" not in fragment for fragment in fragments[:-1])

    async def test_grok_sends_a_summary_and_then_the_whole_encrypted(self, model_client: httpx.AsyncClient) -> None:
        summary, sealed = merged_reasoning(await stream(model_client, ask("hello", GROK, reasoning={"effort": "low"})))
        assert summary["type"] == "reasoning.summary"
        assert sealed["type"] == "reasoning.encrypted"
        assert sealed["id"].startswith("rs_")
        assert summary["index"] == sealed["index"] == 0

    @pytest.mark.parametrize("model", [KIMI, CLAUDE, GROK])
    async def test_the_echo_scene_quotes_what_came_back(self, model_client: httpx.AsyncClient, model: str) -> None:
        first = await stream(model_client, ask("[Ann] a red apple", model, reasoning={"effort": "low"}))
        answer = {"role": "assistant", "content": said(first), "reasoning_details": merged_reasoning(first)}
        messages = [user("[Ann] a red apple"), answer, user("[Ann] what did you think?")]
        echoed = said(await stream(model_client, {"model": model, "stream": True, "messages": messages}))
        assert 'Ann writes: "a red apple"' in echoed

    async def test_the_echo_scene_notices_reasoning_that_was_dropped(self, model_client: httpx.AsyncClient) -> None:
        messages = [user("hi"), {"role": "assistant", "content": "hello"}, user("what did you think?")]
        assert "without its reasoning" in said(await stream(model_client, {"stream": True, "messages": messages}))

    @pytest.mark.parametrize("model", [CLAUDE, GROK])
    async def test_altered_reasoning_is_refused(self, model_client: httpx.AsyncClient, model: str) -> None:
        first = await stream(model_client, ask("hello", model, reasoning={"effort": "low"}))
        details = merged_reasoning(first)
        details[-1] |= {"text": "x"} if model == CLAUDE else {"data": "x" + details[-1]["data"]}
        messages = [user("hello"), {"role": "assistant", "content": "a", "reasoning_details": details}, user("more")]
        response = await model_client.post("/chat/completions", json={"model": model, "messages": messages})
        assert response.status_code == 400

    async def test_encrypted_reasoning_is_refused_by_another_model(self, model_client: httpx.AsyncClient) -> None:
        details = merged_reasoning(await stream(model_client, ask("hello", GROK, reasoning={"effort": "low"})))
        messages = [user("hello"), {"role": "assistant", "content": "a", "reasoning_details": details}, user("more")]
        response = await model_client.post("/chat/completions", json={"model": KIMI, "messages": messages})
        assert "could not be verified" in response.json()["error"]["metadata"]["raw"]


class TestConversation:
    async def test_the_default_answer_is_labelled_and_reacts_to_the_question(
        self, model_client: httpx.AsyncClient
    ) -> None:
        answer = said(await stream(model_client, ask("[Ann] why is the sky {blue}?")))
        assert "stand-in model, not a real one" in answer
        assert "> why is the sky {blue}?" in answer
        assert "Ann" in answer

    async def test_memory_lists_earlier_questions_from_the_request(self, model_client: httpx.AsyncClient) -> None:
        messages = [user("[Ann] first"), {"role": "assistant", "content": "a"}, user("[Bob] what did I ask before?")]
        answer = said(await stream(model_client, {"stream": True, "messages": messages}))
        assert "1. Ann: first" in answer
        assert "2." not in answer

    async def test_the_help_scene_lists_every_phrase(self, model_client: httpx.AsyncClient) -> None:
        answer = said(await stream(model_client, ask("Help!")))
        assert all(f"`{scene.phrase}`" in answer for scene in SCRIPT.scenes if scene.phrase)

    @pytest.mark.parametrize("model", [KIMI, CLAUDE, GROK, PLAIN])
    async def test_tool_calls_come_in_fragments_and_their_results_are_read(
        self, model_client: httpx.AsyncClient, model: str
    ) -> None:
        body = ask("call tools in a row", model, tools=[TOOL], reasoning={"effort": "low"})
        ids: list[str] = []
        for round_number in range(3):
            chunks = await stream(model_client, body)
            assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
            (call,) = merged_calls(chunks)
            assert json.loads(call["function"]["arguments"]) == {"url": "example"}
            ids.append(call["id"])
            details = {"reasoning_details": merged_reasoning(chunks)}
            step = {"role": "assistant", "content": None, "tool_calls": [call], **details}
            result = {"role": "tool", "tool_call_id": call["id"], "content": f"result {round_number}"}
            body["messages"] = [*body["messages"], step, result]
        assert len(set(ids)) == 3
        answer = said(await stream(model_client, body))
        assert "- result 0\n- result 1\n- result 2" in answer

    async def test_parallel_calls_have_their_own_index_and_id(self, model_client: httpx.AsyncClient) -> None:
        calls = merged_calls(await stream(model_client, ask("call two tools", tools=[TOOL])))
        assert [call["id"] for call in calls] == ["functions.web_fetch:0", "functions.web_fetch:1"]

    async def test_without_tools_on_offer_it_says_so(self, model_client: httpx.AsyncClient) -> None:
        assert "no tools" in said(await stream(model_client, ask("call a tool")))


class TestCache:
    async def test_cached_tokens_are_those_of_the_identical_prefix(self, model_client: httpx.AsyncClient) -> None:
        messages = [{"role": "system", "content": "You are helpful. " * 50}, user("one")]
        body = {"stream": True, "session_id": "s", "messages": messages}
        first = (await stream(model_client, body))[-1]["usage"]
        longer = {**body, "messages": [*messages, {"role": "assistant", "content": "a"}, user("two")]}
        second = (await stream(model_client, longer))[-1]["usage"]
        assert first["prompt_tokens_details"]["cached_tokens"] == 0
        assert second["prompt_tokens_details"]["cached_tokens"] >= first["prompt_tokens"] - 16
        assert second["cost"] < first["cost"] + second["completion_tokens"] * 2.5e-6

    @pytest.mark.parametrize("change", [{"session_id": "other"}, {"session_id": None}, {"model": PLAIN}])
    async def test_another_session_or_model_has_no_cache(self, model_client: httpx.AsyncClient, change: Json) -> None:
        body = ask("word " * 200, session_id="s")
        await stream(model_client, body)
        usage = (await stream(model_client, body | change))[-1]["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == 0

    async def test_a_change_at_the_front_loses_the_cache(self, model_client: httpx.AsyncClient) -> None:
        await stream(model_client, ask("word " * 200, session_id="s"))
        usage = (await stream(model_client, ask("Word " * 200, session_id="s")))[-1]["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == 0


class TestOtherEndpoints:
    async def test_models_fit_the_published_schema_and_say_that_they_are_stand_ins(
        self, model_client: httpx.AsyncClient
    ) -> None:
        models = (await model_client.get("/models")).json()["data"]
        check_schema("Model", models)
        assert all("stand-in" in model["name"] for model in models)
        assert models[0]["id"] == KIMI

    async def test_the_models_cover_the_traits_a_client_must_cope_with(self, model_client: httpx.AsyncClient) -> None:
        models = {model["id"]: model for model in (await model_client.get("/models")).json()["data"]}
        assert models[KIMI]["reasoning"]["mandatory"]
        assert "reasoning" not in models[PLAIN]
        assert "image" in models[CLAUDE]["architecture"]["input_modalities"]
        assert models["moonshotai/kimi-k2-0905"]["expiration_date"]
        assert models[SMALL]["context_length"] == 8_192

    async def test_the_generation_of_an_answer_can_be_looked_up(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("hello", session_id="s"))
        body = (await model_client.get("/generation", params={"id": chunks[0]["id"]})).json()
        check_schema("GenerationResponse", [body])
        assert body["data"]["total_cost"] == chunks[-1]["usage"]["cost"]
        assert body["data"]["cancelled"] is False

    async def test_an_unknown_generation_is_not_found(self, model_client: httpx.AsyncClient) -> None:
        assert (await model_client.get("/generation", params={"id": "gen-1"})).status_code == 404

    async def test_the_key_tells_what_is_left(self, model_client: httpx.AsyncClient) -> None:
        assert (await model_client.get("/key")).json()["data"]["limit_remaining"] == 10
        broke = await model_client.get("/key", headers={"Authorization": "Bearer broke-key"})
        assert broke.json()["data"]["limit_remaining"] == 0
