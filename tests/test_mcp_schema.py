"""What servers say of their tools, made fit for every provider."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.tools.mcp_schema import MAX_DESCRIPTION, MAX_SCHEMA, clean_schema, description, tool_names

# --- names


def test_tools_are_named_after_their_server() -> None:
    names = tool_names([("github", "create_issue"), ("My Files", "read/file")])
    assert list(names.values()) == ["mcp_github_create_issue", "mcp_My_Files_read_file"]


def test_names_that_would_be_the_same_are_kept_apart_whatever_the_order() -> None:
    pairs = [("a_b", "c"), ("a", "b_c"), ("a", "b.c"), ("a", "other")]
    names = tool_names(pairs)
    assert len(set(names.values())) == 4
    assert names["a", "other"] == "mcp_a_other"
    assert tool_names(reversed(pairs)) == names


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80))))
def test_any_names_become_different_names_that_every_provider_takes(pairs: list[tuple[str, str]]) -> None:
    names = tool_names(pairs)
    assert set(names) == set(pairs)
    assert len(set(names.values())) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names.values())


def test_a_description_is_cut_and_has_nothing_hidden() -> None:
    assert description(None) == ""
    assert description(" Reads\u200b files.\n") == "Reads files."
    assert len(description("x" * 5000)) == MAX_DESCRIPTION


# --- schemas


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("given_schema", "cleaned"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"type": "string"}, {"type": "object", "properties": {}}),
        ({"type": "object", "anyOf": [{"required": ["a"]}]}, {"type": "object", "properties": {}}),
        (
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "Arguments",
                "description": "What.",
                "type": "object",
                "properties": {"a": {"type": "string", "title": "A", "description": "An a.", "pattern": "^(a+)+$"}},
                "required": ["a", "gone", 5],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "description": "What.",
                "properties": {"a": {"type": "string", "description": "An a."}},
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        (
            {**schema(a={"$ref": "#/$defs/A", "description": "Mine."}), "$defs": {"A": {"enum": ["x", "y"]}}},
            schema(a={"enum": ["x", "y"], "description": "Mine."}),
        ),
        (schema(a={"$ref": "#/nowhere"}, b={"$ref": "https://x.example/s"}), schema(a={}, b={})),
        (schema(a={"$ref": "#/properties/a"}), schema(a={})),
        ({"$ref": "#/$defs/R", "$defs": {"R": schema(a={"type": "null"})}}, schema(a={"type": "null"})),
        (schema(a={"type": ["string", "null"]}), schema(a={"anyOf": [{"type": "string"}, {"type": "null"}]})),
        (schema(a={"oneOf": [{"type": "string"}, {"type": "integer"}]}),
         schema(a={"anyOf": [{"type": "string"}, {"type": "integer"}]})),
        (schema(a={"allOf": [schema(x={"type": "string"}), {**schema(y={"type": "number"}), "required": ["y"]}]}),
         schema(a={**schema(x={"type": "string"}, y={"type": "number"}), "required": ["y"]})),
        (schema(a={"type": "array"}), schema(a={"type": "array", "items": {}})),
        (schema(a={"const": 5}), schema(a={"enum": [5]})),
        (schema(a={"enum": [{"x": 1}, None]}), schema(a={})),
        (schema(a={"type": "integer", "minimum": 1, "maximum": True, "default": 3}),
         schema(a={"type": "integer", "minimum": 1, "default": 3})),
        (schema(**{"a b": {"type": "string"}, "x" * 65: {"type": "string"}, "ok.-_": True, "no": False}),
         schema(**{"ok.-_": {}})),
        (schema(a={"type": "object", "additionalProperties": {"type": "string"}}), schema(a=schema())),
        (schema(a=5, b=[1]), schema(a={}, b={})),
        ({"type": "object", "properties": [1], "required": "a"}, {"type": "object", "properties": {}}),
    ],
)  # fmt: skip
def test_a_schema_is_reduced_to_what_all_providers_take(given_schema: Any, cleaned: Any) -> None:
    assert clean_schema(given_schema) == cleaned


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    node = schema(children={"type": "array", "items": {"$ref": "#/$defs/Node"}})
    cleaned = clean_schema({**schema(root={"$ref": "#/$defs/Node"}), "$defs": {"Node": node}})
    assert "$ref" not in json.dumps(cleaned)
    assert cleaned["properties"]["root"]["properties"]["children"]["items"]["type"] == "object"  # type: ignore[index,call-overload]


def test_a_schema_that_doubles_itself_stays_small() -> None:
    definitions = {f"D{n}": schema(a={"$ref": f"#/$defs/D{n + 1}"}, b={"$ref": f"#/$defs/D{n + 1}"}) for n in range(30)}
    assert len(json.dumps(clean_schema({**schema(r={"$ref": "#/$defs/D0"}), "$defs": definitions}))) <= MAX_SCHEMA


def test_words_are_left_out_of_a_large_schema_before_it_is_given_up() -> None:
    wordy = schema(**{f"p{n}": {"type": "string", "description": "word " * 90} for n in range(100)})
    assert clean_schema(wordy) == schema(**{f"p{n}": {"type": "string"} for n in range(100)})
    huge = schema(**{f"p{n}": {"type": "string"} for n in range(5000)})
    assert clean_schema(huge) == {"type": "object", "properties": {}}


KEYWORDS = ["type", "properties", "items", "anyOf", "oneOf", "allOf", "$ref", "$defs", "enum", "const", "required"]
OTHER_KEYS = ["additionalProperties", "default", "minimum", "description", "a", "b c", "not", "prefixItems"]
WORDS = ["string", "object", "array", "#/$defs/a", "#", "a"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*KEYWORDS, *OTHER_KEYS]), inner, max_size=5)
    ),
    max_leaves=40,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "$ref", "$defs", "allOf", "required", "a"]), JSON))
def test_any_schema_becomes_a_small_one_of_an_object(given_schema: dict[str, Any]) -> None:
    cleaned = clean_schema(given_schema)
    text = json.dumps(cleaned)
    assert cleaned["type"] == "object"
    assert len(text) <= MAX_SCHEMA
    assert '"$ref"' not in text
    jsonschema.Draft202012Validator.check_schema(cleaned)
    assert clean_schema(cleaned) == cleaned
