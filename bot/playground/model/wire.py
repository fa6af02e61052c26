"""A reply as bytes: the server-sent events of a stream, and the JSON of an unstreamed answer.

Shapes after recorded OpenRouter streams: comments first, `role` and `content` in
every delta, the finish reason twice, usage in the last chunk. What is to be done on
the connection is described by Actions. This module knows nothing of sockets or clocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bot.messages import JsonObject, JsonValue
from bot.playground.model.catalogue import ReasoningStyle, StandIn
from bot.playground.model.checks import seal, sign
from bot.playground.model.reply import Call, Reply, cost


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes; they carry so many tokens, which sets the pace."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Let so many seconds pass at natural speed; `math.inf`: until the client goes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Abort:
    """Break the connection without a proper end."""


Action: TypeAlias = Send | Wait | Abort

COMMENT = Send(b": OPENROUTER PROCESSING\n\n")
DONE = Send(b"data: [DONE]\n\n")
_PADDING = b"\n         " * 6
_NATIVE_FINISH = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}


def event(data: JsonObject, tokens: int = 0) -> Send:
    """One server-sent event."""
    return Send(b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n", tokens)


@dataclass(frozen=True, slots=True)
class Wire:
    """Makes the chunks of one answer: everything they have in common, and their order."""

    generation_id: str
    created: int
    model: StandIn

    def stream(self, reply: Reply) -> Iterator[Action]:
        """The whole stream of an answer to which nothing happens."""
        yield from self.opening(reply)
        yield from self.body(reply)
        yield self.finish(reply.finish)
        yield self.usage(reply)
        yield DONE

    def opening(self, reply: Reply) -> Iterator[Action]:
        """What comes while the provider is being found."""
        yield COMMENT
        yield COMMENT
        yield Wait(reply.delay)

    def body(self, reply: Reply) -> Iterator[Action]:
        """Notes on parsed files; then reasoning, words and tool calls, a token at a time."""
        if reply.notes:
            yield self.delta({"annotations": [*reply.notes]})
        if reply.shows_reasoning:
            yield from self._reasoning(reply)
        else:
            yield from (Send(COMMENT.data, tokens=1) for _ in reply.reasoning)
        for token in reply.text:
            yield self.delta({"content": token}, 1)
        for index, call in enumerate(reply.calls):
            yield from self._call(index, call)

    def delta(self, delta: JsonObject, tokens: int = 0) -> Send:
        """A chunk that carries more of the answer."""
        return event(self._chunk([self._choice({"content": "", "role": "assistant"} | delta, None)]), tokens)

    def finish(self, reason: str | None) -> Send:
        """The chunk that tells why the model stopped, the first time."""
        delta: JsonObject = {"content": "", "role": "assistant", "reasoning": None}
        return event(self._chunk([self._choice(delta, reason)]))

    def usage(self, reply: Reply, *, with_choice: bool = True) -> Send:
        """The last chunk: usage, and the finish reason again."""
        choice = self._choice({"content": "", "role": "assistant"}, reply.finish)
        return event({**self._chunk([choice] if with_choice else []), "usage": usage(reply, self.model)})

    def error(self, error: JsonObject, *, on_choice: bool = False, with_choice: bool = True) -> Send:
        """A chunk that ends the stream with an error, in the places where errors are met."""
        choice = self._choice({"content": ""}, "error")
        if on_choice:
            return event(self._chunk([{**choice, "error": error}]))
        return event({**self._chunk([choice] if with_choice else []), "error": error})

    def whole(self, reply: Reply, error: JsonObject | None = None) -> bytes:
        """The JSON of an unstreamed answer, after the whitespace that kept the connection alive."""
        message: JsonObject = {"role": "assistant", "content": "".join(reply.text) or None, "refusal": None}
        if reply.reasoning and reply.shows_reasoning:
            message |= {"reasoning": "".join(reply.reasoning), "reasoning_details": self._whole_details(reply)}
        if reply.notes:
            message["annotations"] = [*reply.notes]
        if reply.calls:
            message["tool_calls"] = [
                _tool_call(index, call, "".join(call.arguments)) for index, call in enumerate(reply.calls)
            ]
        choice: JsonObject = {"index": 0, "logprobs": None, **self._end(reply.finish), "message": message}
        if error is not None:
            choice["error"] = error
        body: JsonObject = {
            **self._chunk([choice]),
            "object": "chat.completion",
            "system_fingerprint": None,
            "usage": usage(reply, self.model),
        }
        return _PADDING + json.dumps(body, ensure_ascii=False).encode()

    def _chunk(self, choices: list[JsonValue]) -> JsonObject:
        return {
            "id": self.generation_id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model.canonical_slug,
            "provider": self.model.provider,
            "choices": choices,
        }

    def _choice(self, delta: JsonObject, finish: str | None) -> JsonObject:
        return {"index": 0, "delta": delta, **self._end(finish)}

    def _end(self, finish: str | None) -> JsonObject:
        return {"finish_reason": finish, "native_finish_reason": native_finish(finish, self.model)}

    def _reasoning(self, reply: Reply) -> Iterator[Action]:
        for token in reply.reasoning:
            yield self.delta({"reasoning": token, "reasoning_details": [_fragment(self.model, token)]}, 1)
        if reply.reasoning:
            for detail in self._closing_details(reply):
                yield self.delta({"reasoning_details": [detail]})

    def _closing_details(self, reply: Reply) -> list[JsonObject]:
        """What proves the reasoning: a late signature without text, or the whole of it encrypted."""
        text = "".join(reply.reasoning)
        match self.model.style:
            case ReasoningStyle.SIGNED:
                return [_fragment(self.model, None) | {"signature": sign(text)}]
            case ReasoningStyle.SEALED:
                reasoning_id = f"rs_{self.generation_id.rpartition('-')[2]}"
                sealed = {"type": "reasoning.encrypted", "data": seal(text, reasoning_id), "id": reasoning_id}
                return [{**sealed, "format": "xai-responses-v1", "index": 0}]
            case ReasoningStyle.PER_CALL:
                of_call: JsonObject = {"id": reply.calls[0].id} if reply.calls else {}
                proof: JsonObject = {"type": "reasoning.encrypted", "data": seal(text, ""), **of_call}
                return [proof | {"format": "google-gemini-v1", "index": 0}]
            case ReasoningStyle.RAW | ReasoningStyle.NONE:
                return []

    def _whole_details(self, reply: Reply) -> list[JsonValue]:
        text = _fragment(self.model, "".join(reply.reasoning))
        match self._closing_details(reply):
            case [{"signature": signature}]:
                return [text | {"signature": signature}]
            case closing:
                return [text, *(detail | {"index": 1} for detail in closing)]

    def _call(self, index: int, call: Call) -> Iterator[Action]:
        yield self.delta({"content": None, "tool_calls": [_tool_call(index, call, "")]}, 2)
        for token in call.arguments:
            yield self.delta({"content": None, "tool_calls": [{"index": index, "function": {"arguments": token}}]}, 1)


def native_finish(finish: str | None, model: StandIn) -> str | None:
    """The provider's own word for a finish reason."""
    if finish is None or model.style is not ReasoningStyle.SIGNED:
        return finish
    return _NATIVE_FINISH.get(finish, finish)


def usage(reply: Reply, model: StandIn) -> JsonObject:
    """The `usage` object (OpenRouter, "Usage accounting"); cost in US dollars."""
    prompt_cost, completion_cost = cost(reply, model)
    total = round(prompt_cost + completion_cost, 10)
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "cost": total,
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": reply.cached_tokens,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": total,
            "upstream_inference_prompt_cost": prompt_cost,
            "upstream_inference_completions_cost": completion_cost,
        },
        "completion_tokens_details": {
            "reasoning_tokens": len(reply.reasoning),
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }


def _fragment(model: StandIn, text: str | None) -> JsonObject:
    match model.style:
        case ReasoningStyle.SEALED:
            return {"type": "reasoning.summary", "summary": text, "format": "xai-responses-v1", "index": 0}
        case ReasoningStyle.SIGNED:
            words: JsonObject = {"text": text} if text is not None else {}
            return {"type": "reasoning.text", **words, "format": "anthropic-claude-v1", "index": 0}
        case ReasoningStyle.PER_CALL:
            return {"type": "reasoning.text", "text": text, "format": "google-gemini-v1", "index": 0}
        case ReasoningStyle.RAW | ReasoningStyle.NONE:
            return {"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}


def _tool_call(index: int, call: Call, arguments: str) -> JsonObject:
    function: JsonObject = {"name": call.name, "arguments": arguments}
    return {"index": index, "id": call.id, "type": "function", "function": function}
