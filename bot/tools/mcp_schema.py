"""Makes what an MCP server says of a tool fit for every provider: its name, its description, its schema.

Servers may send any JSON Schema; providers take a part of it, each another one.
What is kept is what all of them take. This module knows nothing of servers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import cast

from bot.messages import JsonObject, JsonValue
from bot.readable.invisible import visible

MAX_NAME = 64
MAX_DESCRIPTION = 1024
MAX_SCHEMA = 12_000
"""Characters of JSON. Schemas are sent with every request."""

_DEEPEST = 12
_MOST_NODES = 1000
_MOST_CHOICES = 200
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_NUMBERS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")

_EMPTY: JsonObject = {"type": "object", "properties": {}}


def tool_names(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """A name for each tool, by server and its name there: at most 64 letters, digits, `_` and `-`, all different."""
    wanted = {pair: _plain(*pair) for pair in pairs}
    times = Counter(wanted.values())
    return {
        pair: name if times[name] == 1 and len(name) <= MAX_NAME else _told_apart(name, pair)
        for pair, name in wanted.items()
    }


def description(text: str | None) -> str:
    """What a tool is for, without what people would not see, and not too long."""
    text = visible(text or "").strip()
    return text if len(text) <= MAX_DESCRIPTION else text[: MAX_DESCRIPTION - 1] + "…"


def clean_schema(schema: Mapping[str, object]) -> JsonObject:
    """A schema of an object, without references, and small. Where that cannot be, one that takes any object."""
    for keeps_words in (True, False):
        cleaned = _Cleaning(schema, keeps_words=keeps_words).whole()
        if len(json.dumps(cleaned)) <= MAX_SCHEMA:
            return cleaned
    return _EMPTY


def _plain(server: str, tool: str) -> str:
    return f"mcp_{_UNFIT.sub('_', server).strip('_') or 'server'}_{_UNFIT.sub('_', tool)}"


def _told_apart(name: str, pair: tuple[str, str]) -> str:
    return f"{name[: MAX_NAME - 9]}_{sha256(json.dumps(pair).encode()).hexdigest()[:8]}"


class _Cleaning:
    """One pass over a schema, which ends whatever refers to what."""

    def __init__(self, root: Mapping[str, object], *, keeps_words: bool) -> None:
        self._root = root
        self._keeps_words = keeps_words
        self._nodes = 0

    def whole(self) -> JsonObject:
        cleaned = self._object(self._resolved(self._root, 0), 0)
        if self._keeps_words and isinstance(text := self._root.get("description"), str):
            cleaned["description"] = description(text)
        return cleaned

    def _clean(self, schema: object, depth: int) -> JsonObject:
        self._nodes += 1
        if depth > _DEEPEST or self._nodes > _MOST_NODES or not isinstance(schema, dict):
            return {}
        node = self._resolved(cast(dict[str, object], schema), depth)
        cleaned = self._typed(node, depth)
        if self._keeps_words and isinstance(text := node.get("description"), str):
            cleaned["description"] = visible(text)[:500]
        return cleaned

    def _resolved(self, node: Mapping[str, object], depth: int) -> Mapping[str, object]:
        """A node without its reference: what it refers to, and what stands beside it."""
        for _ in range(_DEEPEST - min(depth, _DEEPEST)):
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = self._lookup(reference) | beside
        return node

    def _lookup(self, reference: str) -> dict[str, object]:
        if not reference.startswith("#"):
            return {}
        place: object = self._root
        for step in reference[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            place = _mapping(place).get(key)
        return _mapping(place)

    def _typed(self, node: Mapping[str, object], depth: int) -> JsonObject:
        choices = node.get("anyOf") or node.get("oneOf")
        if isinstance(choices, list):
            return {"anyOf": [self._clean(choice, depth + 1) for choice in cast(list[object], choices)[:_MOST_CHOICES]]}
        if isinstance(parts := node.get("allOf"), list):
            node = self._merged(node, cast(list[object], parts), depth)
        kinds = _kinds(node)
        if len(kinds) > 1:
            return {"anyOf": [self._of_kind({**node, "type": kind}, kind, depth) for kind in kinds]}
        return self._of_kind(node, kinds[0] if kinds else None, depth)

    def _merged(self, node: Mapping[str, object], parts: list[object], depth: int) -> Mapping[str, object]:
        merged: dict[str, object] = {}
        properties: dict[str, object] = {}
        required: list[object] = []
        for part in [*parts[:_MOST_CHOICES], {key: value for key, value in node.items() if key != "allOf"}]:
            if isinstance(part, dict):
                fields = self._resolved(cast(dict[str, object], part), depth)
                merged |= fields
                properties |= _mapping(fields.get("properties"))
                required += _list(fields.get("required"))
        merged.pop("allOf", None)
        return {**merged, "properties": properties, "required": required} if properties else merged

    def _of_kind(self, node: Mapping[str, object], kind: str | None, depth: int) -> JsonObject:
        if kind == "object":
            return self._object(node, depth)
        cleaned: JsonObject = {} if kind is None else {"type": kind}
        if kind == "array":
            cleaned["items"] = self._clean(node.get("items"), depth + 1)
        if "const" in node or isinstance(node.get("enum"), list):
            choices = [node["const"]] if "const" in node else _list(node["enum"])
            plain = [choice for choice in choices if isinstance(choice, str | int | float | bool)]
            cleaned["enum"] = cast(JsonValue, plain[:_MOST_CHOICES])
            if not plain:
                del cleaned["enum"]
        for key in _NUMBERS:
            if isinstance(limit := node.get(key), int | float) and not isinstance(limit, bool):
                cleaned[key] = limit
        if isinstance(default := node.get("default"), str | int | float | bool) and self._keeps_words:
            cleaned["default"] = default
        return cleaned

    def _object(self, node: Mapping[str, object], depth: int) -> JsonObject:
        if isinstance(parts := node.get("allOf"), list):
            node = self._merged(node, cast(list[object], parts), depth)
        properties: JsonObject = {
            name: self._clean(schema, depth + 1)
            for name, schema in _mapping(node.get("properties")).items()
            if _NAME.fullmatch(name) and schema is not False
        }
        cleaned: JsonObject = {"type": "object", "properties": properties}
        required = [name for name in _list(node.get("required")) if isinstance(name, str) and name in properties]
        if required:
            cleaned["required"] = cast(JsonValue, list(dict.fromkeys(required)))
        if node.get("additionalProperties") is False:
            cleaned["additionalProperties"] = False
        return cleaned


def _kinds(node: Mapping[str, object]) -> list[str]:
    named = node.get("type")
    listed = [named] if isinstance(named, str) else _list(named)
    kinds = [kind for kind in listed if isinstance(kind, str) and kind in _TYPES]
    if not kinds and isinstance(node.get("properties"), dict):
        return ["object"]
    return kinds


def _list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}
