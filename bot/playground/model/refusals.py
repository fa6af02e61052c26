"""How OpenRouter says no: one exception that carries a status and the error envelope.

Envelope and fields after OpenRouter, "Errors and debugging" and "Model availability".
This module knows nothing of when a request is refused, nor of sockets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.messages import JsonObject

DOCS_URL = "https://openrouter.ai/docs/api-reference/errors"


class Refusal(Exception):
    """Read by the server, which sends it as the answer: HTTP status, envelope and headers."""

    def __init__(self, status: int, error: JsonObject, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body: JsonObject = {"error": error, "user_id": "user_playground"}
        self.headers = headers or {}


def bad_request(message: str, error_type: str = "invalid_request") -> Refusal:
    """A 400 that repeating will not mend."""
    return Refusal(400, {"code": 400, "message": message, "metadata": {"error_type": error_type}})


def bad_upstream(message: str, provider: str) -> Refusal:
    """A provider's own 400, passed on the way OpenRouter does: the real text hides in `metadata.raw`."""
    return Refusal(
        400,
        {
            "code": 400,
            "message": "Provider returned error",
            "metadata": {
                "error_type": "invalid_request",
                "provider_name": provider,
                "raw": json.dumps({"error": {"message": message, "type": "invalid_request_error"}}),
            },
        },
    )


def unknown_model(model: str) -> Refusal:
    """The 400 for an id that the catalogue does not hold."""
    return Refusal(
        400,
        {
            "code": 400,
            "message": f"{model} is not a valid model ID",
            "metadata": {"error_type": "invalid_request"},
            "availability": _availability("model_not_found", retryable=False, requested=[model]),
        },
    )


def no_endpoints(message: str, model: str, code: str = "no_endpoints") -> Refusal:
    """The 404 for a known model that nobody serves under the request's terms."""
    return Refusal(
        404,
        {
            "code": 404,
            "message": message,
            "metadata": {"error_type": "not_found"},
            "availability": _availability(code, retryable=False, requested=[model]),
        },
    )


def retired_model(model: str, successors: Sequence[str]) -> Refusal:
    """The 404 for a model that has left, naming what to use instead."""
    availability = _availability("model_deprecated", retryable=False, requested=[model])
    availability["fallback_models"] = list(successors)
    return Refusal(
        404,
        {
            "code": 404,
            "message": f"{model} has been deprecated. Please use one of the suggested models instead.",
            "metadata": {"error_type": "not_found"},
            "availability": availability,
        },
    )


def with_status(status: int, model: str, successors: Sequence[str], retry_after: float) -> Refusal:
    """A refusal of the given HTTP status with what OpenRouter says beside it; `retry_after` is in seconds."""
    if status == 404:
        return retired_model(model, successors)
    message, error_type = _STATUSES.get(status, ("Provider returned error", "unmapped"))
    metadata: JsonObject = {"error_type": error_type}
    error: JsonObject = {"code": status, "message": message, "metadata": metadata}
    headers: dict[str, str] = {}
    match status:
        case 403:
            metadata.update({"reasons": ["violence"], "flagged_input": "(shortened)", "provider_name": "Stand-in"})
        case 429:
            metadata["headers"] = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"}
            headers = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"}
        case 502:
            metadata.update({"provider_name": "Stand-in", "raw": '{"error":{"message":"upstream connect error"}}'})
        case 503:
            error["availability"] = _availability("capacity_exhausted", retryable=True, requested=[model]) | {
                "retry_after": retry_after
            }
        case _:
            pass
    if status in (429, 503):
        headers["Retry-After"] = f"{retry_after:g}"
    return Refusal(status, error, headers)


_STATUSES: dict[int, tuple[str, str]] = {
    400: ("Invalid request parameters", "invalid_request"),
    401: ("User not found.", "authentication"),
    402: (
        "This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, "
        "but can only afford 120. To increase, visit https://openrouter.ai/settings/credits",
        "payment_required",
    ),
    403: ("Your input was flagged by the provider's moderation", "content_policy_violation"),
    408: ("Request timed out", "timeout"),
    413: ("Request entity too large", "payload_too_large"),
    422: ("The request could not be processed", "unprocessable"),
    429: ("Rate limit exceeded: free-models-per-min", "rate_limit_exceeded"),
    500: ("Internal Server Error", "server"),
    502: ("Provider returned error", "provider_unavailable"),
    503: ("No instances available for this model right now", "provider_overloaded"),
    504: ("The provider did not answer in time", "timeout"),
    524: ("A timeout occurred", "timeout"),
    529: ("Provider returned error: overloaded", "provider_overloaded"),
}


def _availability(code: str, *, retryable: bool, requested: Sequence[str]) -> JsonObject:
    return {"code": code, "retryable": retryable, "requested_models": list(requested), "docs_url": DOCS_URL}
