"""Talking to the embedded model in tests: requests to send, streams to read, shapes to hold them against."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from bot.playground.model import load_script

SCHEMAS = Path(__file__).parents[1].parent / "shared" / "data" / "openrouter-sdk-1.3.84-schemas.json"
KIMI = "moonshotai/kimi-k2-thinking"
CLAUDE = "anthropic/claude-haiku-4.5"
GROK = "x-ai/grok-4.1-fast"
GEMINI = "google/gemini-3-flash-preview"
PLAIN = "openai/gpt-4.1-mini"
SMALL = "mistralai/mistral-7b-instruct"
SCRIPT = load_script()
TOOL = {
    "type": "function",
    "function": {
        "name": "web_fetch",
        "description": "Fetch a page.",
        "parameters": {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]},
    },
}

Json = dict[str, Any]


def ask(question: str, model: str = KIMI, **more: Any) -> Json:
    return {"model": model, "stream": True, "messages": [{"role": "user", "content": question}], **more}


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def chunks_of(text: str) -> list[Json]:
    lines = [line for line in text.split("\n") if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


async def stream(client: httpx.AsyncClient, body: Json) -> list[Json]:
    response = await client.post("/chat/completions", json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return chunks_of(response.text)


def deltas(chunks: list[Json]) -> list[Json]:
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def said(chunks: list[Json]) -> str:
    return "".join(delta["content"] or "" for delta in deltas(chunks))


def merged_reasoning(chunks: list[Json]) -> list[Json]:
    """Fold fragments by (type, index), as a careful client does."""
    items: list[Json] = []
    for detail in [detail for delta in deltas(chunks) for detail in delta.get("reasoning_details", [])]:
        known = next(
            (item for item in items if (item["type"], item["index"]) == (detail["type"], detail["index"])), None
        )
        if known is None:
            items.append(dict(detail))
            continue
        for key in ("text", "summary"):
            if key in detail:
                known[key] = known.get(key, "") + detail[key]
        known |= {key: value for key, value in detail.items() if key not in ("text", "summary")}
    return items


def merged_calls(chunks: list[Json]) -> list[Json]:
    calls: list[Json] = []
    for fragment in [call for delta in deltas(chunks) for call in delta.get("tool_calls", [])]:
        if "id" in fragment:
            calls.append({"id": fragment["id"], "type": "function", "function": dict(fragment["function"])})
        else:
            calls[fragment["index"]]["function"]["arguments"] += fragment["function"]["arguments"]
    return calls


def check_schema(name: str, values: list[Json]) -> None:
    """Hold values against a schema of OpenRouter's own SDK; those that differ only in their words count once."""
    if not SCHEMAS.exists():
        pytest.skip("the SDK's schemas are not on this machine")
    validator = _validator(name)
    for value in {json.dumps(_shape(value)): value for value in values}.values():
        validator.validate(value)


@cache
def _validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMAS.read_text())[name])


def _shape(value: Any) -> Any:
    match value:
        case dict():
            return {key: _shape(item) for key, item in value.items()}
        case list():
            return [_shape(item) for item in value]
        case _:
            return type(value).__name__
