"""What a model refuses although the body is well formed: the rules that real clients stumble over.

Each check is one function that raises a Refusal with the wording met in the field.
This module knows nothing of scripts, streams or sockets.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from bot.playground.model.catalogue import ReasoningStyle, StandIn
from bot.playground.model.files import check_files
from bot.playground.model.refusals import bad_request, bad_upstream, no_endpoints
from bot.playground.model.request import ChatMessage, ChatRequest

SMALLEST_OUTPUT = 16
"""Some providers refuse a smaller `max_tokens`."""

UNPROVEN = "skip_thought_signature_validator"
"""What Gemini accepts instead of its own signature, for history from elsewhere (Google, "Thought signatures")."""
_SEALS = {ReasoningStyle.SEALED: "xai-responses-v1", ReasoningStyle.PER_CALL: "google-gemini-v1"}


def check_request(request: ChatRequest, model: StandIn, prompt_tokens: int) -> None:
    """Raise the Refusal that `model` would answer this request with, if any."""
    _check_window(request, model, prompt_tokens)
    _check_reasoning(request, model)
    _check_abilities(request, model)
    _check_policy(request, model)
    _check_tool_pairs(request.messages)
    _check_contents(request.messages, model)
    check_files(request.messages)
    _check_replayed_reasoning(request.messages, model)
    if model.style is ReasoningStyle.SIGNED:
        _check_thinking_blocks(request, model)
    if model.style is ReasoningStyle.PER_CALL:
        _check_call_signatures(request.messages, model)
    if model.is_kimi:
        _check_kimi(request, model)


def sign(text: str) -> str:
    """The stand-in's signature under a reasoning text: it fits this text and no other."""
    return base64.b64encode(b"stand-in:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode()


def seal(text: str, reasoning_id: str) -> str:
    """The stand-in's encrypted reasoning: opaque to a client, recognised when it comes back."""
    plain = f"sealed:{reasoning_id}:{text}".encode("utf-8", "surrogatepass")
    return base64.b64encode(plain).decode()


def unseal(data: str) -> str | None:
    """The reasoning behind `data`, or None if the stand-in did not make it or it was altered."""
    try:
        kind, _, rest = base64.b64decode(data, validate=True).decode("utf-8", "surrogatepass").partition(":")
    except ValueError:
        return None
    return rest.partition(":")[2] if kind == "sealed" else None


def _check_window(request: ChatRequest, model: StandIn, prompt_tokens: int) -> None:
    wanted = request.output_limit
    if wanted is not None and wanted < SMALLEST_OUTPUT:
        raise bad_upstream(f"max_tokens must be at least {SMALLEST_OUTPUT}, got {wanted}", model.provider)
    total = prompt_tokens + (wanted or 0)
    if total <= model.context_tokens:
        return
    raise bad_request(
        f"This endpoint's maximum context length is {model.context_tokens} tokens. However, you requested about "
        f"{total} tokens ({prompt_tokens} of text input, {wanted or 0} in the output). Please reduce the length of "
        'either one, or use the "middle-out" transform to compress your prompt automatically.',
        "context_length_exceeded",
    )


def _check_reasoning(request: ChatRequest, model: StandIn) -> None:
    if model.must_reason and request.refuses_reasoning:
        raise bad_request("Reasoning is mandatory for this endpoint and cannot be disabled")
    wish = request.reasoning
    if wish is None:
        return
    if wish.effort is not None and wish.max_tokens is not None:
        raise bad_request('Only one of "reasoning.effort" and "reasoning.max_tokens" can be specified')
    if request.reasoning_effort and wish.effort and request.reasoning_effort != wish.effort:
        raise bad_request('"reasoning_effort" and "reasoning.effort" must agree')


def _check_abilities(request: ChatRequest, model: StandIn) -> None:
    if request.tools and not model.uses_tools:
        raise no_endpoints(
            "No endpoints found that support tool use. To learn more about provider routing, visit: "
            "https://openrouter.ai/docs/provider-routing",
            model.id,
        )
    if not model.sees_images and any(kind == "image_url" for message in request.messages for kind in _kinds(message)):
        raise no_endpoints("No endpoints found that support image input", model.id)


def _check_policy(request: ChatRequest, model: StandIn) -> None:
    if request.provider is not None and request.provider.zdr and model.keeps_prompts:
        raise no_endpoints(
            "No endpoints found matching your data policy (Zero data retention). "
            "Configure: https://openrouter.ai/settings/privacy",
            model.id,
            "privacy_restricted",
        )


def _kinds(message: ChatMessage) -> Iterator[str]:
    if isinstance(message.content, list):
        for part in message.content:
            yield part.type


def _check_tool_pairs(messages: list[ChatMessage]) -> None:
    """Every tool call has exactly one result right behind it, and every result a call right before it."""
    open_ids: list[str] = []
    for index, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id not in open_ids:
                raise bad_request(
                    f"messages.{index}: a message with role 'tool' must be a response to a preceding message "
                    "with 'tool_calls'",
                    "invalid_prompt",
                )
            open_ids.remove(message.tool_call_id)
            continue
        _check_all_answered(open_ids)
        open_ids = [call.id for call in message.tool_calls or ()]
    _check_all_answered(open_ids)


def _check_all_answered(open_ids: list[str]) -> None:
    if open_ids:
        raise bad_request(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_ids)}",
            "invalid_prompt",
        )


def _check_contents(messages: list[ChatMessage], model: StandIn) -> None:
    for index, message in enumerate(messages):
        silent = message.content is None and message.tool_calls is not None
        if message.role != "tool" and not silent and not message.content:
            raise bad_upstream(
                f"message at position {index} with role '{message.role}' must not be empty", model.provider
            )


def _check_replayed_reasoning(messages: list[ChatMessage], model: StandIn) -> None:
    """Signed and encrypted reasoning is only good for the model that made it, unaltered and once."""
    seen: set[JsonValue] = set()
    for index, message in enumerate(messages):
        for detail in message.reasoning_details or ():
            _check_detail(index, detail, model)
            is_item = model.style is ReasoningStyle.SEALED and detail.get("type") == "reasoning.encrypted"
            identity = detail.get("id") if is_item else None
            if isinstance(identity, str) and identity in seen:
                raise bad_upstream(f"Duplicate item found with id {identity}", model.provider)
            seen.add(identity if isinstance(identity, str) else None)


def _check_detail(index: int, detail: Mapping[str, JsonValue], model: StandIn) -> None:
    match detail.get("type"):
        case "reasoning.text" if model.style is ReasoningStyle.SIGNED:
            if detail.get("signature") != sign(str(detail.get("text") or "")):
                raise bad_upstream(
                    f"messages.{index}.content.0: Invalid `signature` in `thinking` block", model.provider
                )
        case "reasoning.encrypted":
            data = str(detail.get("data"))
            skips = model.style is ReasoningStyle.PER_CALL and data == UNPROVEN
            ours = model.style in _SEALS and detail.get("format") == _SEALS[model.style]
            if not ours or (unseal(data) is None and not skips):
                raise bad_upstream("The encrypted content could not be verified.", model.provider)
        case _:
            pass


def _check_thinking_blocks(request: ChatRequest, model: StandIn) -> None:
    """While Claude thinks, the calls of the running turn must begin with a thought of its own ("Extended thinking")."""
    called = [message for message in request.turn if message.tool_calls]
    if request.wants_reasoning and called and not called[-1].reasoning_details:
        raise bad_upstream(
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When "
            "`thinking` is enabled, a final `assistant` message must start with a thinking block",
            model.provider,
        )


def _check_call_signatures(messages: list[ChatMessage], model: StandIn) -> None:
    """Gemini wants to see, beside the first call of each step, what it sent with it (Google, "Thought signatures")."""
    for message in messages:
        signed = [detail.get("id") for detail in message.reasoning_details or () if "data" in detail]
        if message.tool_calls and message.tool_calls[0].id not in signed:
            name = message.tool_calls[0].function.name
            raise bad_upstream(
                f"Function call is missing a thought_signature in functionCall parts: function call `{name}`.",
                model.provider,
            )


def _check_kimi(request: ChatRequest, model: StandIn) -> None:
    if model.reasons:
        for index, message in enumerate(request.messages):
            if message.tool_calls and not message.carries_reasoning:
                raise bad_upstream(
                    "thinking is enabled but reasoning_content is missing in assistant tool call message "
                    f"at index {index}",
                    model.provider,
                )
        if request.tool_choice == "required" or isinstance(request.tool_choice, dict):
            raise bad_upstream("tool_choice 'required' is incompatible with thinking enabled", model.provider)
    for function in request.functions:
        if not _is_moonshot_schema(function.parameters):
            raise bad_upstream(
                f"tools.function.parameters of {function.name} is not a valid moonshot flavored json schema",
                model.provider,
            )


def _is_moonshot_schema(schema: Mapping[str, JsonValue]) -> bool:
    """Whether every node of a JSON schema has a type, which Moonshot insists on."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return True
    return all(
        isinstance(node, dict) and ("type" in node or "anyOf" in node or "$ref" in node) and _is_moonshot_schema(node)
        for node in properties.values()
    )
