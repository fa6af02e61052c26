"""The embedded model in bad times: every fault has its phrase, and clients that leave are noticed."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.playground.model import ModelServer
from bot.playground.model.script import FaultName
from tests.model_talk import (
    CLAUDE,
    KIMI,
    PLAIN,
    SCRIPT,
    TOOL,
    Json,
    ask,
    chunks_of,
    deltas,
    merged_calls,
    merged_reasoning,
    said,
    stream,
)

pytest_plugins = ["tests.model_fixtures"]

ENDLESS = (FaultName.HANG, FaultName.COMMENTS, FaultName.SILENCE)
BRIEF = httpx.Timeout(10, read=0.05)
KEY = {"Authorization": "Bearer any-key"}


class TestFaults:
    @pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529])
    async def test_each_status_has_its_phrase(self, model_client: httpx.AsyncClient, code: int) -> None:
        response = await model_client.post("/chat/completions", json=ask(f"fault {code}"))
        assert response.status_code == response.json()["error"]["code"] == code
        assert ("retry-after" in response.headers) == (code in (429, 503))

    @pytest.mark.parametrize(("phrase", "failures"), [("fault 429", 1), ("fault flaky", 2)])
    async def test_a_passing_fault_is_over_after_a_while(
        self, model_client: httpx.AsyncClient, phrase: str, failures: int
    ) -> None:
        codes = [
            (await model_client.post("/chat/completions", json=ask(phrase))).status_code for _ in range(failures + 1)
        ]
        assert codes[-1] == 200
        assert 200 not in codes[:-1]

    async def test_a_fallback_model_answers_for_one_without_capacity(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("fault 503", models=[KIMI, PLAIN]))
        assert said(chunks) == f"I am the fallback, `{PLAIN}`."

    async def test_an_error_may_hide_behind_status_200(self, model_client: httpx.AsyncClient) -> None:
        response = await model_client.post("/chat/completions", json=ask("fault error in 200"))
        assert (response.status_code, response.json()["error"]["code"]) == (200, 502)

    async def test_all_may_be_null(self, model_client: httpx.AsyncClient) -> None:
        response = await model_client.post("/chat/completions", json=ask("fault null choices"))
        assert response.json()["choices"] is None

    @pytest.mark.parametrize(("phrase", "status"), [("fault html", 200), ("fault gateway page", 502)])
    async def test_a_web_page_may_come_instead(self, model_client: httpx.AsyncClient, phrase: str, status: int) -> None:
        response = await model_client.post("/chat/completions", json=ask(phrase))
        assert response.status_code == status
        assert response.headers["content-type"].startswith("text/html")

    @pytest.mark.parametrize(
        ("phrase", "ending"),
        [
            ("fault mid-stream error", lambda last, done: last["error"]["code"] == 429 and done),
            ("fault error without choices", lambda last, done: last["choices"] == [] and last["error"] and done),
            ("fault error on choice", lambda last, done: last["choices"][0]["error"]["code"] == 502 and done),
            ("fault error without done", lambda last, done: last["error"] and not done),
            (
                "fault error unsaid",
                lambda last, done: last["choices"][0]["finish_reason"] == "error" and "error" not in last and done,
            ),
            ("fault cut", lambda last, done: last["choices"][0]["finish_reason"] is None and not done),
            ("fault no finish", lambda last, done: last["choices"][0]["finish_reason"] is None and done),
        ],
    )
    async def test_streams_break_off_in_the_promised_way(
        self, model_client: httpx.AsyncClient, phrase: str, ending: Callable[[Json, bool], bool]
    ) -> None:
        response = await model_client.post("/chat/completions", json=ask(phrase))
        chunks = chunks_of(response.text)
        assert said(chunks)
        assert ending(chunks[-1], response.text.endswith("data: [DONE]\n\n"))

    async def test_the_connection_may_break(self, model_client: httpx.AsyncClient, model_server: ModelServer) -> None:
        with pytest.raises(httpx.TransportError):
            await model_client.post("/chat/completions", json=ask("fault reset"))
        assert model_server.requests[-1].cancelled is False

    async def test_garbage_is_not_json(self, model_client: httpx.AsyncClient) -> None:
        response = await model_client.post("/chat/completions", json=ask("fault garbage"))
        with pytest.raises(json.JSONDecodeError):
            chunks_of(response.text)

    async def test_an_empty_answer_is_a_proper_stream(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("fault empty"))
        assert said(chunks) == ""
        assert merged_reasoning(chunks) == []
        assert chunks[-1]["usage"]["completion_tokens"] == 0

    async def test_reasoning_may_come_alone(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("fault only reasoning"))
        assert said(chunks) == ""
        assert merged_reasoning(chunks)

    async def test_split_bytes_lose_nothing(self, model_client: httpx.AsyncClient, model_server: ModelServer) -> None:
        async with model_client.stream("POST", "/chat/completions", json=ask("fault split bytes")) as response:
            pieces = [piece async for piece in response.aiter_raw()]
        assert any(_cuts_a_character(piece) for piece in pieces)
        assert said(chunks_of(b"".join(pieces).decode())).endswith("👩‍👩‍👧‍👦, and the end.")

    async def test_half_characters_come_as_escapes(self, model_client: httpx.AsyncClient) -> None:
        response = await model_client.post("/chat/completions", json=ask("fault surrogates"))
        assert "\\ud83d" in response.text
        assert "\ud83d" in said(chunks_of(response.text))

    async def test_usage_may_come_twice_or_without_choices(self, model_client: httpx.AsyncClient) -> None:
        twice = await stream(model_client, ask("fault two usages"))
        assert len([chunk for chunk in twice if "usage" in chunk]) == 2
        bare = await stream(model_client, ask("fault bare usage"))
        assert bare[-1]["choices"] == []
        assert bare[-1]["usage"]

    async def test_a_delta_may_be_huge(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("fault huge delta"))
        assert max(len(delta["content"]) for delta in deltas(chunks)) == 1_000_000

    async def test_tools_may_be_called_under_the_wrong_finish_reason(self, model_client: httpx.AsyncClient) -> None:
        chunks = await stream(model_client, ask("fault stop after tools", tools=[TOOL]))
        assert merged_calls(chunks)
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"

    @pytest.mark.parametrize("phrase", ["fault hang", "fault comments", "fault silence"])
    async def test_what_never_ends_ends_when_the_client_goes(
        self, model_client: httpx.AsyncClient, model_server: ModelServer, phrase: str
    ) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await asyncio.wait_for(_read_until_silent(model_client, ask(phrase)), 5)
        await asyncio.wait_for(model_server.requests[-1].ended.wait(), 5)
        assert model_server.requests[-1].cancelled

    @pytest.mark.parametrize("scene", [scene for scene in SCRIPT.scenes if scene.fault], ids=lambda scene: scene.name)
    async def test_unstreamed_answers_have_their_faults_too(
        self, model_client: httpx.AsyncClient, model_server: ModelServer, scene: Any
    ) -> None:
        body = ask(scene.phrase) | {"stream": False}
        if scene.fault.name in (*ENDLESS, FaultName.RESET, FaultName.CUT):
            with pytest.raises(httpx.TransportError):
                await model_client.post("/chat/completions", json=body, timeout=BRIEF)
        else:
            assert (await model_client.post("/chat/completions", json=body)).content
        await asyncio.wait_for(model_server.requests[-1].ended.wait(), 5)
        assert model_server.requests[-1].cancelled == (scene.fault.name in ENDLESS)


def _cuts_a_character(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return True
    return False


async def _read_until_silent(model_client: httpx.AsyncClient, body: Json) -> None:
    """Read until 50 ms pass without anything but comments."""
    async with model_client.stream("POST", "/chat/completions", json=body, timeout=BRIEF) as response:
        comments = 0
        async for line in response.aiter_lines():
            comments = comments + 1 if line.startswith(":") else comments
            if comments > 10:
                raise httpx.ReadTimeout("nothing but comments")


class TestRecord:
    async def test_a_client_that_leaves_is_noticed_at_once(self) -> None:
        async with ModelServer(SCRIPT) as slow, httpx.AsyncClient(base_url=slow.base_url, headers=KEY) as client:
            body = ask("slow drip", CLAUDE)
            async with client.stream("POST", "/chat/completions", json=body) as response:
                await anext(response.aiter_lines())
            record = slow.requests[-1]
            await asyncio.wait_for(record.ended.wait(), 5)
            assert record.cancelled
            assert record.body == body
            looked_up = await client.get("/generation", params={"id": record.generation_id})
            assert looked_up.json()["data"]["cancelled"] is True

    async def test_only_the_latest_requests_are_kept(
        self, model_client: httpx.AsyncClient, model_server: ModelServer
    ) -> None:
        kept = model_server.requests.maxlen
        assert kept
        for number in range(kept + 1):
            await model_client.post("/chat/completions", json={"number": number})
        assert [record.body["number"] for record in model_server.requests] == list(range(1, kept + 1))

    async def test_large_requests_are_forgotten_sooner(
        self, model_client: httpx.AsyncClient, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.playground.model.server._KEPT_BYTES", 1_000)
        for size in (300, 300, 300, 900):
            await model_client.post("/chat/completions", json={"padding": "x" * size})
        assert [len(str(record.body["padding"])) for record in model_server.requests] == [900]

    async def test_closing_the_server_ends_a_hanging_request_without_blaming_the_client(self) -> None:
        async with httpx.AsyncClient(headers=KEY) as client:
            async with ModelServer(SCRIPT, speed=math.inf) as server:
                url = server.base_url + "/chat/completions"
                hanging = asyncio.create_task(client.post(url, json=ask("fault hang")))
                while not server.requests:  # noqa: ASYNC110 - nothing announces the beginning of a request
                    await asyncio.sleep(0.001)
            with pytest.raises(httpx.TransportError):
                await hanging
        assert server.requests[-1].cancelled is False
