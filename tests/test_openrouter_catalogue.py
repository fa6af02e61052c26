"""The list of models: what is read from it, and that nothing depends on its being there."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ModelError, ModelFault
from bot.messages import Said, Text, Turn
from bot.model import DEFAULT_CONTEXT_TOKENS, ModelInfo, ModelRequest
from bot.openrouter import Account, Catalogue, OpenRouter, key_status, open_http
from bot.openrouter.listing import parse_listing
from tests.catalogues import KIMI, catalogue_of, filled, listed
from tests.model_server import HELLO, Reply, serving

GLM = {"id": "z-ai/glm-5", "name": "GLM 5", "architecture": {"input_modalities": ["text", "image"]}}


def one(**fields: Any) -> ModelInfo:
    listing = parse_listing(json.dumps({"data": [{"id": "a/b", **fields}]}).encode())
    assert listing is not None
    return listing.models["a/b"]


async def test_an_entry_of_openrouter_tells_all_that_is_needed() -> None:
    async with filled(KIMI, GLM) as catalogue:
        assert catalogue.get("moonshotai/kimi-k2-thinking") == ModelInfo(
            id="moonshotai/kimi-k2-thinking",
            name="MoonshotAI: Kimi K2 Thinking",
            context_tokens=262_144,
            max_output_tokens=16_384,
            prompt_price=600,
            completion_price=2_500,
            uses_tools=True,
            reasons=True,
            must_reason=True,
            efforts=("low", "high"),
            retires_on="2026-12-05",
        )
        assert catalogue.get("z-ai/glm-5") == ModelInfo("z-ai/glm-5", "GLM 5", sees_images=True)
        assert catalogue.speaks_openrouter
        assert [model.name for model in catalogue.all()] == ["MoonshotAI: Kimi K2 Thinking", "GLM 5"]


async def test_a_model_is_found_by_its_other_names() -> None:
    async with filled(KIMI, {**GLM, "id": "z-ai/glm-5:free"}, GLM) as catalogue:
        for name in ("moonshotai/kimi-k2-thinking-20251106", "moonshotai/kimi-k2-thinking:nitro"):
            found = catalogue.get(name)
            assert found is not None
            assert found.id == KIMI["id"]
        assert [getattr(catalogue.get(name), "id", None) for name in ("z-ai/glm-5:free", "z-ai/glm", "")] == [
            "z-ai/glm-5:free",
            None,
            None,
        ]


@pytest.mark.parametrize(
    ("pricing", "price"),
    [
        ({"prompt": "0.00000015"}, 150),
        ({"prompt": 0.0000006}, 600),
        ({"prompt": "0.0000000375"}, 38),
        ({"prompt": "0"}, 0),
        ({"prompt": "-1"}, None),
        ({"prompt": "free"}, None),
        ({"prompt": "NaN"}, None),
        ({"prompt": "1e99999"}, None),
        ({"prompt": True}, None),
        ({"prompt": ["1"]}, None),
        ({}, None),
        (None, None),
        ("0.1", None),
    ],
)
def test_a_price_is_whole_nanodollars_or_unknown(pricing: Any, price: int | None) -> None:
    assert one(pricing=pricing).prompt_price == price


@pytest.mark.parametrize(
    ("reasoning", "efforts"),
    [
        ({"supported_efforts": ["low"]}, ("low",)),
        ({"supported_efforts": None}, ("minimal", "low", "medium", "high", "xhigh", "max")),
        ({"supported_efforts": []}, ()),
        ({}, ()),
        ({"supported_efforts": "low"}, ()),
    ],
)
def test_efforts_are_listed_or_all_or_none(reasoning: Any, efforts: tuple[str, ...]) -> None:
    info = one(reasoning=reasoning)
    assert (info.reasons, info.must_reason, info.efforts) == (True, False, efforts)


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"max_model_len": 4096}, 4096),
        ({"meta": {"n_ctx": 2048, "n_ctx_train": 8192}}, 2048),
        ({"meta": {"n_ctx_train": 8192}}, 8192),
        ({"meta": None}, DEFAULT_CONTEXT_TOKENS),
        ({"context_length": None, "top_provider": {"context_length": 9000}}, 9000),
        ({"context_length": "big", "top_provider": None}, DEFAULT_CONTEXT_TOKENS),
        ({"context_length": -1}, DEFAULT_CONTEXT_TOKENS),
    ],
)
def test_the_window_is_found_where_each_server_puts_it(entry: dict[str, Any], window: int) -> None:
    assert one(**entry).context_tokens == window


def test_lists_of_other_servers_are_not_taken_for_openrouters() -> None:
    body = {"object": "list", "models": [], "data": [{"id": "x.gguf", "object": "model", "owned_by": "llamacpp"}]}
    listing = parse_listing(json.dumps(body).encode())
    assert listing is not None
    assert list(listing.models) == ["x.gguf"]
    assert not listing.speaks_openrouter


async def test_one_bad_entry_does_not_lose_the_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with filled(None, 7, {}, {"id": 7}, {"id": " "}, KIMI, {"id": "secret", "name": 7}) as catalogue:
        assert [model.id for model in catalogue.all()] == [KIMI["id"], "secret"]
    assert "2 models listed: 2 new, 0 gone, 5 unreadable" in caplog.text
    assert "secret" not in caplog.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=3,
)
entries = st.fixed_dictionaries({}, optional=dict.fromkeys([*KIMI, "max_model_len", "meta"], anything))


@given(st.lists(entries, max_size=2))
def test_any_list_is_read(data: list[Any]) -> None:
    assert parse_listing(json.dumps({"data": data}).encode()) is not None


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_list_is_none(body: bytes) -> None:
    assert parse_listing(body) is None


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply([b"<html>"]), ModelFault.GARBLED),
        (Reply(status=404), ModelFault.NO_MODEL),
        (Reply(status=500), ModelFault.OVERLOADED),
        (Reply(status=302, headers={"Location": "/elsewhere"}), ModelFault.GARBLED),
        (Reply([b'{"data": ['], end="abort"), ModelFault.UNREACHABLE),
        (Reply(headless=True), ModelFault.UNREACHABLE),
    ],
)
async def test_what_was_known_stays_when_the_list_cannot_be_had(reply: Reply, fault: ModelFault) -> None:
    async with serving(listed(KIMI), reply) as server, catalogue_of(server) as catalogue:
        await catalogue.refresh()
        with pytest.raises(ModelError) as caught:
            await catalogue.refresh()
        assert caught.value.fault is fault
        assert catalogue.get(KIMI["id"]) is not None


async def test_nothing_is_known_before_the_first_fetch() -> None:
    async with serving(listed(KIMI)) as server, catalogue_of(server) as catalogue:
        assert catalogue.get(KIMI["id"]) is None
        assert catalogue.all() == catalogue.search("kimi") == catalogue.nearest("kimi") == catalogue.retiring() == ()
        assert not catalogue.speaks_openrouter


async def test_the_list_is_fetched_again_sooner_after_a_failure_than_after_a_success() -> None:
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 5:
            raise asyncio.CancelledError

    replies = [Reply(status=503), Reply(status=503), listed(KIMI), Reply(status=503), listed(KIMI)]
    async with serving(*replies) as server, catalogue_of(server, api_key="k", sleep=nap) as catalogue:
        with suppress(asyncio.CancelledError):
            await catalogue.run()
        assert naps == [5.0, 15.0, 3600.0, 5.0, 3600.0]
        assert server.received[0].path == "/v1/models"
        assert server.received[0].headers["authorization"] == "Bearer k"


async def test_search_prefers_beginnings_then_words_then_anything() -> None:
    names = ["x/a-glm", "y/glamour", "z-ai/glm-5", "q/xglm", "glm/one", "q/other"]
    async with filled(*[{"id": name} for name in names]) as catalogue:
        assert [model.id for model in catalogue.search("GLM")] == ["z-ai/glm-5", "glm/one", "x/a-glm", "q/xglm"]
        assert [model.id for model in catalogue.search("glm 5")] == ["z-ai/glm-5"]
        assert [model.id for model in catalogue.search(" ", limit=2)] == names[:2]
        assert len(catalogue.search("glm", limit=3)) == 3


async def test_the_nearest_ids_are_suggested() -> None:
    async with filled(KIMI, GLM) as catalogue:
        assert catalogue.nearest("moonshot/kimi-k2-thinkin") == ("moonshotai/kimi-k2-thinking",)
        assert catalogue.nearest("???") == ()


async def test_retiring_models_are_told_the_first_to_go_first() -> None:
    dates = {"a/gone": "2026-11-01", "a/soon": "2026-12-24", "a/later": "2026-12-25", "a/never": None, "a/bad": "soon"}
    found = [{"id": name, "expiration_date": day} for name, day in reversed(dates.items())]
    async with filled(*found, today=lambda: date(2026, 11, 24)) as catalogue:
        assert [model.id for model in catalogue.retiring(within_days=30)] == ["a/gone", "a/soon"]


async def test_a_server_with_openrouters_list_is_asked_in_openrouters_way() -> None:
    turn = Turn(1, 1, (Said(1, 7, "Ada", (Text("Hi"),), 0.0),))
    request = ModelRequest(KIMI["id"], "Be brief.", (turn,), "session", fallbacks=("a/b",), effort="high")
    async with serving(Reply([HELLO]), listed(KIMI), Reply([HELLO])) as server, open_http(server.url) as http:
        catalogue = Catalogue(http, server.url)
        client = OpenRouter(http, server.url, "", catalogue=catalogue)
        _ = [event async for event in client.stream(request)]
        await catalogue.refresh()
        _ = [event async for event in client.stream(request)]
        before, _, after = (received.body if received.content else None for received in server.received)
    assert "models" not in before
    assert "reasoning" not in before
    assert after["models"] == [KIMI["id"], "a/b"]
    assert after["reasoning"] == {"effort": "high"}
    assert after["max_tokens"] == 16_384


@pytest.mark.parametrize(
    ("data", "phrase"),
    [
        ({"limit": 10, "limit_remaining": 4.2}, "$4.20 of $10.00 are left to spend"),
        ({"limit": None, "limit_remaining": None}, "it has no spending limit of its own"),
    ],
)
async def test_a_keys_status_is_a_phrase(data: dict[str, Any], phrase: str) -> None:
    async with serving(Reply([json.dumps({"data": data}).encode()])) as server, open_http(server.url) as http:
        assert await key_status(http, server.url, "k") == phrase
        assert server.received[0].path == "/v1/key"


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply(status=401), ModelFault.BAD_KEY),
        (Reply([b"{}"]), ModelFault.GARBLED),
        (Reply([b"x"]), ModelFault.GARBLED),
    ],
)
async def test_a_key_that_is_not_accepted_is_an_error(reply: Reply, fault: ModelFault) -> None:
    async with serving(reply) as server, open_http(server.url) as http:
        with pytest.raises(ModelError) as caught:
            await key_status(http, server.url, "k")
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("speaks", "replies", "paths"),
    [
        (True, [Reply([b'{"data": {"limit": 2, "limit_remaining": 1}}'])], ["/v1/key"]),
        (True, [Reply(status=404), Reply([b"{}"])], ["/v1/key", "/v1/models"]),
        (False, [Reply([b"{}"])], ["/v1/models"]),
    ],
)
async def test_a_key_is_checked_by_what_its_server_can_be_asked(
    speaks: bool, replies: list[Reply], paths: list[str]
) -> None:
    async with (
        filled(KIMI if speaks else {"id": "llama"}) as known,
        serving(*replies) as server,
        open_http(server.url) as http,
    ):
        allowance = await Account(http, server.url, catalogue=known).allowance("k")
    assert (allowance is None) == (paths[-1] == "/v1/models")
    assert [received.path for received in server.received] == paths
    assert {received.headers["authorization"] for received in server.received} == {"Bearer k"}


@pytest.mark.parametrize("speaks", [True, False])
async def test_a_key_that_its_server_refuses_is_a_bad_key(speaks: bool) -> None:
    async with (
        filled(KIMI if speaks else {"id": "llama"}) as known,
        serving(Reply(status=401)) as server,
        open_http(server.url) as http,
    ):
        with pytest.raises(ModelError) as caught:
            await Account(http, server.url, catalogue=known).allowance("k")
    assert caught.value.fault is ModelFault.BAD_KEY


async def test_a_model_that_is_relied_on_and_missing_or_retiring_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    relied_on = ("z-ai/glm-5", "z-ai/glm-6", "moonshotai/kimi-k2-thinking")
    async with filled(KIMI, GLM, relied_on=relied_on, today=lambda: date(2026, 11, 24)) as catalogue:
        await catalogue.refresh()

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        "the model moonshotai/kimi-k2-thinking retires on 2026-12-05; choose its successor as MODEL",
        "the model z-ai/glm-6 is not listed; choose another MODEL, such as z-ai/glm-5",
    ]
