"""What an error of the model's server means for us: status, headers and body become one ModelError.

Pure. Nothing the server wrote gets into the exception but what is on our own
lists, because servers quote the conversation in their messages. This module
knows nothing of connections, nor of what is done about a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.errors import ModelError, ModelFault
from bot.messages import JsonObject, JsonValue

MAX_BODY = 65_536
"""Bytes of an error's body that are worth reading."""

_RETRYABLE = frozenset({ModelFault.RATE_LIMITED, ModelFault.OVERLOADED, ModelFault.TIMEOUT, ModelFault.CUT_OFF})

_BY_TYPE: Mapping[str, ModelFault] = {
    # OpenRouter, "Errors and debugging": error.metadata.error_type
    "context_length_exceeded": ModelFault.CONTEXT_FULL,
    "token_limit_exceeded": ModelFault.CONTEXT_FULL,
    "string_too_long": ModelFault.CONTEXT_FULL,
    "payload_too_large": ModelFault.CONTEXT_FULL,
    "max_tokens_exceeded": ModelFault.REFUSED,
    "invalid_image": ModelFault.FILE_REFUSED,
    "image_too_large": ModelFault.FILE_REFUSED,
    "image_too_small": ModelFault.FILE_REFUSED,
    "unsupported_image_format": ModelFault.FILE_REFUSED,
    "image_not_found": ModelFault.FILE_REFUSED,
    "image_download_failed": ModelFault.FILE_REFUSED,
    "authentication": ModelFault.BAD_KEY,
    "permission_denied": ModelFault.FORBIDDEN,
    "payment_required": ModelFault.NO_CREDIT,
    "rate_limit_exceeded": ModelFault.RATE_LIMITED,
    "provider_overloaded": ModelFault.OVERLOADED,
    "provider_unavailable": ModelFault.OVERLOADED,
    "invalid_request": ModelFault.REFUSED,
    "invalid_prompt": ModelFault.REFUSED,
    "not_found": ModelFault.NO_MODEL,
    "precondition_failed": ModelFault.REFUSED,
    "unprocessable": ModelFault.REFUSED,
    "content_policy_violation": ModelFault.MODERATED,
    "refusal": ModelFault.MODERATED,
    "server": ModelFault.OVERLOADED,
    "timeout": ModelFault.TIMEOUT,
    # OpenAI-style servers: error.code or error.type
    "exceed_context_size_error": ModelFault.CONTEXT_FULL,
    "invalid_api_key": ModelFault.BAD_KEY,
    "authentication_error": ModelFault.BAD_KEY,
    "insufficient_quota": ModelFault.NO_CREDIT,
    "model_not_found": ModelFault.NO_MODEL,
    "unavailable_error": ModelFault.OVERLOADED,
    "server_error": ModelFault.OVERLOADED,
    # OpenRouter, "Model availability": error.availability.code
    "no_endpoints": ModelFault.NO_MODEL,
    "model_deprecated": ModelFault.NO_MODEL,
    "model_unavailable_upstream": ModelFault.NO_MODEL,
    "constraint_filtered": ModelFault.NO_MODEL,
    "privacy_restricted": ModelFault.POLICY,
    "free_variant_ended": ModelFault.NO_MODEL,
    "wrong_endpoint": ModelFault.NO_MODEL,
    "region_restricted": ModelFault.FORBIDDEN,
    "capacity_exhausted": ModelFault.OVERLOADED,
    "temporarily_unavailable": ModelFault.OVERLOADED,
}

_BY_STATUS: Mapping[int, ModelFault] = {
    401: ModelFault.BAD_KEY,
    402: ModelFault.NO_CREDIT,
    403: ModelFault.FORBIDDEN,
    404: ModelFault.NO_MODEL,
    408: ModelFault.TIMEOUT,
    413: ModelFault.CONTEXT_FULL,
    429: ModelFault.RATE_LIMITED,
    504: ModelFault.TIMEOUT,
    524: ModelFault.TIMEOUT,
}

_OVERFLOW = re.compile(
    r"maximum context length|context_length_exceeded|exceeds? the (available |model'?s? )?context"
    r"|(context (window|length|size)|prompt).{0,60}(exceed|too (long|large))|exceed.{0,60}context (window|length|size)",
    re.IGNORECASE | re.DOTALL,
)
_FILE = re.compile(
    r"(could not|cannot|failed to|unable to) (process|parse|read|decode|download) .{0,60}(image|pdf|file)"
    r"|(invalid|unsupported|corrupt\w*) (image|pdf|file)|image dimensions exceed",
    re.IGNORECASE | re.DOTALL,
)
_TOOLS = re.compile(
    r"does not support (tools|tool use|tool calling|function calling)|endpoints found that support tool use"
    r"|tools param requires|unsupported param: tools|tool choice requires",
    re.IGNORECASE,
)
"""Ollama, OpenRouter, llama.cpp (two ways, with status 500) and vLLM, in this order."""
_POLICY = re.compile(r"\bdata policy\b|\bguardrail restrictions\b|\bzero data retention\b", re.IGNORECASE)
_UNSPECIFIC = (None, ModelFault.REFUSED, ModelFault.NO_MODEL, ModelFault.OVERLOADED)
_SEARCHED = 4_096
"""Characters of a message that are searched for signs of a fault that has no type of its own."""

_MODEL_ID = re.compile(r"~?[\w.-]{1,80}/[\w.:-]{1,120}", re.ASCII)
_MAX_FALLBACKS = 5


def from_response(status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> ModelError:
    """The fault behind a response that is not a success. `now` is Unix time, for a Retry-After that is a date."""
    if 300 <= status < 400:
        return ModelError(ModelFault.GARBLED, status=status, error_type="redirect")
    try:
        parsed: JsonValue = json.loads(body[:MAX_BODY])
    except (ValueError, RecursionError):
        parsed = None
    error = _object(parsed)
    inner = error.get("error")
    return from_error(inner if isinstance(inner, dict | str) else error, status, _seconds(headers, now))


def from_error(error: JsonValue, status: int | None = None, retry_after: float | None = None) -> ModelError:
    """The fault behind an error object (or sentence), of a response's body or in the middle of a stream.

    An error in a stream that says nothing we know is a stream cut off. The
    object's own status is believed before the response's, which is 200 for
    whatever happens after the first byte.
    """
    content: JsonObject = {"message": error} if isinstance(error, str) else _object(error)
    metadata, availability = _object(content.get("metadata")), _object(content.get("availability"))
    status = _status(content.get("code")) or _status(content.get("http_status")) or status
    # The availability says more: for an id that nobody knows, the type is a mere "invalid_request".
    names = [availability.get("code"), metadata.get("error_type"), content.get("error_type")]
    names += [content.get("code"), content.get("type")]
    known = next((name for name in names if isinstance(name, str) and name in _BY_TYPE), None)
    fault = _fault(known, status, content, metadata)
    retryable = availability.get("retryable")
    wish = availability.get("retry_after")
    return ModelError(
        fault,
        status=status,
        error_type=known,
        retryable=retryable if isinstance(retryable, bool) else fault in _RETRYABLE,
        retry_after=_positive(wish) if retry_after is None else retry_after,
        fallback_models=_models(availability.get("fallback_models")),
    )


def _fault(known: str | None, status: int | None, error: JsonObject, metadata: JsonObject) -> ModelFault:
    named = None if known is None else _BY_TYPE[known]
    if named in (None, ModelFault.REFUSED) and status in (None, 400, 413, 422):
        if _says(_OVERFLOW, error, metadata):
            return ModelFault.CONTEXT_FULL
        if status is not None and _says(_FILE, error, metadata):
            return ModelFault.FILE_REFUSED
    if named in _UNSPECIFIC and status in (400, 404, 422, 500, 501) and _says(_TOOLS, error, metadata):
        return ModelFault.TOOLS_REFUSED
    if named in (None, ModelFault.NO_MODEL) and status in (None, 404) and _says(_POLICY, error, metadata):
        return ModelFault.POLICY
    if status == 403 and ("flagged_input" in metadata or "reasons" in metadata):
        return ModelFault.MODERATED
    if named is not None:
        return named
    if status is None or status < 400:
        return ModelFault.CUT_OFF
    by_class = ModelFault.OVERLOADED if status >= 500 else ModelFault.REFUSED
    return _BY_STATUS.get(status, by_class)


def _says(signs: re.Pattern[str], error: JsonObject, metadata: JsonObject) -> bool:
    """Whether the words tell of a fault: not every provider has a type for it."""
    words = [error.get("message"), metadata.get("raw")]
    return any(isinstance(text, str) and signs.search(text[:_SEARCHED]) for text in words)


def _status(value: JsonValue) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[1-5]\d\d", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and 100 <= value < 600 else None


def _seconds(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the moment that Retry-After names, as a number or as a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(now, UTC)).total_seconds())


def _positive(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return None
    return float(value)


def _models(value: JsonValue) -> tuple[str, ...]:
    ids = value if isinstance(value, list) else []
    return tuple(name for name in ids if isinstance(name, str) and _MODEL_ID.fullmatch(name))[:_MAX_FALLBACKS]


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
