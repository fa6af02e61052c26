"""From a scene and a request to a reply: the reasoning, words and tool calls to send, as tokens.

Pure: the same scene and request always make the same reply. This module knows
nothing of streams, faults or sockets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from bot.messages import JsonObject
from bot.playground.model.catalogue import CACHE_READ_RATIO, ReasoningStyle, StandIn
from bot.playground.model.checks import unseal
from bot.playground.model.files import parsed_now
from bot.playground.model.request import ChatMessage, ChatRequest, OfferedFunction
from bot.playground.model.script import Scene, Script, ScriptedCall
from bot.playground.model.titles import title_of

_TOKEN = re.compile(r" ?\w{1,8}| ?[^\w\s]{1,3}|\s+")
_PLACE = re.compile(r"\{(question|name|turns|asked|thoughts|results|tools|phrases|model|effort|title)\}")
_QUOTED_CHARS = 300
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to send, its arguments cut into tokens."""

    id: str
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model will say. Tokens, joined, give the text back exactly."""

    reasoning: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    notes: tuple[JsonObject, ...] = ()
    """The `annotations` of the answer."""
    finish: str = "stop"
    prompt_tokens: int = 0
    cached_tokens: int = 0
    shows_reasoning: bool = True
    speed: float = 70.0
    """Tokens a second."""
    delay: float = 0.4
    """Seconds before the first token."""

    @property
    def completion_tokens(self) -> int:
        return len(self.reasoning) + len(self.text) + sum(2 + len(call.arguments) for call in self.calls)


def tokens(text: str) -> tuple[str, ...]:
    """Cut a text into pieces about the size of a model's tokens, losing nothing."""
    return tuple(_TOKEN.findall(text))


def compose(script: Script, scene: Scene, request: ChatRequest, model: StandIn, prompt: tuple[int, int]) -> Reply:
    """Make the reply; `prompt` is how many tokens the request has, and how many of them were cached."""
    calls = _calls(scene, request, model)
    template = _template(script, scene, request) if not calls else ""
    reasoning = _fill(script.words(scene.think), script, request, model) if _thinks(request, model) else ""
    reply = Reply(
        reasoning=tokens(reasoning),
        text=tokens(_fill(template, script, request, model)),
        calls=calls,
        notes=parsed_now(request),
        finish="tool_calls" if calls else "stop",
        prompt_tokens=prompt[0],
        cached_tokens=prompt[1],
        shows_reasoning=not (request.reasoning and request.reasoning.exclude),
        speed=scene.speed,
        delay=scene.delay,
    )
    return _limited(reply, request.output_limit or model.max_output_tokens)


def cost(reply: Reply, model: StandIn) -> tuple[float, float]:
    """US dollars for the prompt and for the completion; cached tokens are cheaper."""
    full = reply.prompt_tokens - reply.cached_tokens
    prompt = (full + reply.cached_tokens * CACHE_READ_RATIO) * model.prompt_price / 1e6
    return round(prompt, 10), round(reply.completion_tokens * model.completion_price / 1e6, 10)


def _limited(reply: Reply, limit: int) -> Reply:
    """The reply cut to `limit` tokens: reasoning and answer share one budget, and no call is sent in part."""
    if reply.completion_tokens <= limit:
        return reply
    reasoning = reply.reasoning[:limit]
    text = reply.text[: limit - len(reasoning)]
    return replace(reply, reasoning=reasoning, text=text, calls=(), finish="length")


def _thinks(request: ChatRequest, model: StandIn) -> bool:
    return model.reasons and (model.must_reason or request.wants_reasoning)


def _template(script: Script, scene: Scene, request: ChatRequest) -> str:
    if scene.tools and not request.functions and scene.say_without_tools:
        return scene.say_without_tools
    return script.words(scene.say)


def _calls(scene: Scene, request: ChatRequest, model: StandIn) -> tuple[Call, ...]:
    """The calls of the round that is due; none when the rounds are over or the tools are not on offer."""
    called = [message for message in request.turn if message.tool_calls]
    if len(called) >= len(scene.tools) or not request.functions or request.tool_choice == "none":
        return ()
    earlier = sum(len(message.tool_calls or ()) for message in called)
    chosen = [(call, _function(call, request.functions)) for call in scene.tools[len(called)]]
    return tuple(
        Call(_call_id(model, function.name, earlier + index), function.name, tokens(_arguments(call, function)))
        for index, (call, function) in enumerate((call, function) for call, function in chosen if function)
    )


def _function(call: ScriptedCall, functions: list[OfferedFunction]) -> OfferedFunction | None:
    if call.name is None:
        return functions[0]
    return next((function for function in functions if function.name == call.name), None)


def _call_id(model: StandIn, name: str, index: int) -> str:
    """Kimi's ids start again in every turn, so they repeat within a conversation; the others' tell less."""
    match model.style:
        case ReasoningStyle.SIGNED:
            return f"toolu_standin_{name}_{index}"
        case ReasoningStyle.SEALED | ReasoningStyle.PER_CALL:
            return f"call_standin_{name}_{index}"
        case ReasoningStyle.RAW | ReasoningStyle.NONE:
            return f"functions.{name}:{index}"


def _arguments(call: ScriptedCall, function: OfferedFunction) -> str:
    arguments = call.arguments if call.arguments is not None else _sample_arguments(function.parameters)
    return json.dumps(arguments, ensure_ascii=False)


def _sample_arguments(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Something that fits the schema: its required properties, each with a plain value of its type."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return {}
    return {name: _sample(properties.get(name)) for name in required if isinstance(name, str)}


def _sample(node: JsonValue) -> JsonValue:
    if not isinstance(node, dict):
        return "example"
    options = node.get("enum")
    if isinstance(options, list) and options:
        return options[0]
    values: dict[str, JsonValue] = {
        "integer": 1,
        "number": 1.5,
        "boolean": True,
        "array": [],
        "object": {},
        "string": "https://example.org/" if node.get("format") == "uri" else "example",
    }
    return values.get(str(node.get("type")), "example")


def _fill(template: str, script: Script, request: ChatRequest, model: StandIn) -> str:
    """Put facts of the request in the places that the template leaves for them; other braces stay."""
    facts: dict[str, Callable[[], str]] = {
        "question": lambda: _one_line(request.questions[-1][1]) if request.questions else "(nothing)",
        "name": lambda: (request.questions[-1][0] if request.questions else None) or "friend",
        "turns": lambda: str(len(request.questions)),
        "asked": lambda: _asked(request),
        "thoughts": lambda: _thoughts(request),
        "results": lambda: _results(request),
        "tools": lambda: ", ".join(f"`{function.name}`" for function in request.functions) or "no tools",
        "phrases": lambda: _phrases(script),
        "model": lambda: model.id,
        "effort": lambda: request.effort or "not given",
        "title": lambda: title_of(request.questions[-1][1] if request.questions else ""),
    }
    return _PLACE.sub(lambda place: facts[place[1]](), template)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED_CHARS else line[:_QUOTED_CHARS].rstrip() + "…"


def _asked(request: ChatRequest) -> str:
    earlier = request.questions[:-1]
    if not earlier:
        return "Nothing: this is the first question of the conversation that reached me."
    lines = [f"{n}. {name or 'someone'}: {_one_line(text)}" for n, (name, text) in enumerate(earlier, 1)]
    left_out = len(lines) - _LISTED
    return "\n".join([f"({left_out} earlier ones left out)", *lines[-_LISTED:]] if left_out > 0 else lines)


def _thoughts(request: ChatRequest) -> str:
    """The reasoning that came back with the last assistant message, quoted."""
    past = [message for message in request.messages if message.role == "assistant"]
    if not past:
        return "Nothing yet: no answer of mine was sent back to me."
    text = _reasoning_of(past[-1])
    quote = "\n".join(f"> {line}" for line in text[: 4 * _QUOTED_CHARS].splitlines())
    return quote or "Nothing: my last answer came back to me without its reasoning."


def _reasoning_of(message: ChatMessage) -> str:
    details = message.reasoning_details or ()
    pieces = [str(detail.get("text") or detail.get("summary") or "") for detail in details]
    sealed = [
        unseal(str(detail.get("data"))) or "" for detail in details if detail.get("type") == "reasoning.encrypted"
    ]
    return "".join(sealed) or "".join(pieces) or message.reasoning or message.reasoning_content or ""


def _results(request: ChatRequest) -> str:
    results = [message for message in request.turn if message.role == "tool"]
    return "\n".join(f"- {_one_line(message.text) or '(empty)'}" for message in results) or "- no result"


def _phrases(script: Script) -> str:
    return "\n".join(f"- `{scene.phrase}`: {scene.about}" for scene in script.scenes if scene.phrase and scene.about)
