"""What the server's errors mean: status, type, headers and bodies of any kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ModelFault
from bot.openrouter.faults import from_error, from_response

NOON = 1_800_000_000.0
"""Fri, 15 Jan 2027 08:00:00 GMT."""


def respond(status: int, error: Any = None, **headers: str) -> Any:
    body = b"" if error is None else json.dumps({"error": error}).encode()
    return from_response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, now=NOON)


@pytest.mark.parametrize(
    ("status", "fault", "retryable"),
    [
        (400, ModelFault.REFUSED, False),
        (401, ModelFault.BAD_KEY, False),
        (402, ModelFault.NO_CREDIT, False),
        (403, ModelFault.FORBIDDEN, False),
        (404, ModelFault.NO_MODEL, False),
        (408, ModelFault.TIMEOUT, True),
        (413, ModelFault.CONTEXT_FULL, False),
        (422, ModelFault.REFUSED, False),
        (429, ModelFault.RATE_LIMITED, True),
        (500, ModelFault.OVERLOADED, True),
        (502, ModelFault.OVERLOADED, True),
        (503, ModelFault.OVERLOADED, True),
        (504, ModelFault.TIMEOUT, True),
        (524, ModelFault.TIMEOUT, True),
        (529, ModelFault.OVERLOADED, True),
    ],
)
def test_the_status_alone_says_enough(status: int, fault: ModelFault, retryable: bool) -> None:
    error = respond(status)
    assert (error.fault, error.status, error.retryable) == (fault, status, retryable)


@pytest.mark.parametrize(
    ("status", "error", "fault"),
    [
        (400, {"code": 400, "metadata": {"error_type": "context_length_exceeded"}}, ModelFault.CONTEXT_FULL),
        (400, {"message": "This endpoint's maximum context length is 131072 tokens. However"}, ModelFault.CONTEXT_FULL),
        (400, {"type": "exceed_context_size_error", "n_ctx": 4096}, ModelFault.CONTEXT_FULL),
        (400, {"message": "the request exceeds the available context size"}, ModelFault.CONTEXT_FULL),
        (
            400,
            {"message": "x", "metadata": {"raw": '{"message":"prompt is too long"}'}},
            ModelFault.CONTEXT_FULL,
        ),
        (400, {"message": "x", "metadata": {"error_type": "invalid_request"}}, ModelFault.REFUSED),
        (400, {"message": "x", "availability": {"code": "model_not_found"}}, ModelFault.NO_MODEL),
        (403, {"code": 403, "metadata": {"reasons": [], "flagged_input": "y"}}, ModelFault.MODERATED),
        (403, {"code": 403, "metadata": {"error_type": "permission_denied", "reasons": []}}, ModelFault.MODERATED),
        (403, {"code": 403, "metadata": {"patterns": []}}, ModelFault.FORBIDDEN),
        (400, {"metadata": {"error_type": "content_policy_violation"}}, ModelFault.MODERATED),
        (500, {"error_type": "provider_overloaded", "http_status": 529}, ModelFault.OVERLOADED),
        (500, {"code": "server_error"}, ModelFault.OVERLOADED),
        (502, {"code": 429}, ModelFault.RATE_LIMITED),
        (404, "model 'x' not found, try pulling it first", ModelFault.NO_MODEL),
        (400, {"metadata": {"error_type": "something new"}}, ModelFault.REFUSED),
        (400, {"metadata": None, "code": None}, ModelFault.REFUSED),
        (400, [1, 2], ModelFault.REFUSED),
        (
            404,
            {"code": 404, "message": "No endpoints found matching your data policy (Zero data retention)."},
            ModelFault.POLICY,
        ),
        (
            404,
            {
                "message": "No endpoints available matching your guardrail restrictions and data policy.",
                "metadata": {"error_type": "not_found"},
            },
            ModelFault.POLICY,
        ),
        (404, {"message": "x", "availability": {"code": "privacy_restricted"}}, ModelFault.POLICY),
        (404, {"message": "No endpoints found that support tool use."}, ModelFault.TOOLS_REFUSED),
        (400, {"message": "gemma3:4b does not support tools", "type": "api_error"}, ModelFault.TOOLS_REFUSED),
        (500, {"message": "tools param requires --jinja flag", "type": "server_error"}, ModelFault.TOOLS_REFUSED),
        (500, {"message": "Unsupported param: tools", "type": "server_error"}, ModelFault.TOOLS_REFUSED),
        (
            400,
            {"message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'},
            ModelFault.TOOLS_REFUSED,
        ),
        (429, {"message": "This plan does not support tools"}, ModelFault.RATE_LIMITED),
        (400, {"message": "my data policy is odd"}, ModelFault.REFUSED),
    ],
)
def test_the_body_says_it_more_exactly(status: int, error: Any, fault: ModelFault) -> None:
    assert respond(status, error).fault is fault


def test_an_error_without_an_envelope_is_read_too() -> None:
    body = b'{"object":"error","message":"maximum context length is 10","code":400}'
    assert from_response(400, {}, body, now=NOON).fault is ModelFault.CONTEXT_FULL


def test_availability_decides_whether_to_try_again_and_names_other_models() -> None:
    availability = {
        "code": "capacity_exhausted",
        "retryable": False,
        "retry_after": 12,
        "fallback_models": ["a/b", "c/d:free", 7, "not an id", "~e/f-latest"],
    }
    error = respond(503, {"availability": availability, "http_status": 503})
    assert (error.fault, error.retryable, error.retry_after) == (ModelFault.OVERLOADED, False, 12.0)
    assert error.fallback_models == ("a/b", "c/d:free", "~e/f-latest")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 08:00:30 -0000", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("9" * 40, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert respond(429, retry_after=value).retry_after == seconds


@given(st.text())
def test_any_retry_after_is_understood_or_ignored(value: str) -> None:
    seconds = respond(429, retry_after=value).retry_after
    assert seconds is None or seconds >= 0


@given(st.integers(300, 599), st.binary())
def test_any_body_gives_a_fault(status: int, body: bytes) -> None:
    assert from_response(status, {}, body, now=NOON).status == status


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["code", "message", "metadata", "error_type", "availability", "http_status", "type", "raw"])
error_objects = st.dictionaries(keys, json_values | st.dictionaries(keys, json_values), max_size=6)


@given(json_values | error_objects)
def test_any_error_object_gives_a_fault(error: Any) -> None:
    assert from_error(error).fault in ModelFault


def test_an_error_in_a_stream_that_says_nothing_known_is_a_stream_cut_off() -> None:
    error = from_error({"message": "?"})
    assert (error.fault, error.retryable) == (ModelFault.CUT_OFF, True)


@pytest.mark.parametrize(
    "error",
    [
        {
            "message": "secret",
            "code": "secret",
            "type": "secret",
            "metadata": {"error_type": "secret", "raw": "secret"},
        },
        {"message": "secret", "availability": {"code": "secret", "fallback_models": ["a secret"]}},
        "secret",
    ],
)
def test_nothing_the_server_wrote_gets_into_the_error(error: Any) -> None:
    raised = respond(400, error)
    assert "secret" not in f"{raised} {raised!r} {vars(raised)} {raised.sentence}"


def test_an_html_page_is_an_error_of_its_status() -> None:
    error = from_response(502, {}, b"<html>Bad gateway</html>" * 10_000, now=NOON)
    assert (error.fault, error.retryable) == (ModelFault.OVERLOADED, True)


def test_a_body_nested_too_deeply_is_an_error_of_its_status() -> None:
    assert from_response(400, {}, b'{"error":' + b"[" * 60_000, now=NOON).fault is ModelFault.REFUSED


def test_a_redirect_is_not_an_answer() -> None:
    error = from_response(302, {"location": "https://elsewhere.example"}, b"", now=NOON)
    assert (error.fault, error.error_type, error.retryable) == (ModelFault.GARBLED, "redirect", False)
