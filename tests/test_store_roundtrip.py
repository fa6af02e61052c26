"""Whatever comes from outside comes back equal: JSON of any shape, text of any characters."""

from __future__ import annotations

import asyncio
import json
import math
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from bot.messages import (
    Conversation,
    Image,
    JsonObject,
    Part,
    Pdf,
    Said,
    Step,
    Text,
    TextFile,
    ToolCall,
    ToolResult,
    Turn,
    TurnStatus,
    Usage,
)
from bot.store import Store
from bot.store.codec import decode_part, decode_step, encode_part, encode_step
from bot.store.tables import Json

pytest_plugins = ["tests.database_fixtures"]

# Surrogates are left to a test of their own: two halves side by side become one character.
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
details = st.none() | st.lists(st.dictionaries(texts, values, max_size=5), max_size=4).map(tuple)
counts = st.integers(0, 10**12)
images = st.builds(Image, texts, texts, counts, counts, counts, texts)
parts = st.builds(Text, texts) | st.builds(TextFile, texts, texts) | images | st.builds(Pdf, texts, counts, texts)
steps = st.builds(
    Step,
    model=texts,
    generation_id=st.none() | texts,
    reasoning=texts,
    reasoning_details=details,
    text=texts,
    annotations=st.lists(st.dictionaries(texts, values, max_size=5), max_size=3).map(tuple),
    tool_calls=st.lists(st.builds(ToolCall, texts, texts, texts), max_size=3).map(tuple),
    tool_results=st.lists(
        st.builds(ToolResult, texts, texts, texts, st.booleans(), files=st.lists(texts, max_size=2).map(tuple)),
        max_size=3,
    ).map(tuple),
    finish=st.none() | texts,
    usage=st.none() | st.builds(Usage, counts, counts, counts, counts, st.none() | counts),
    thinking_seconds=st.floats(0, 1e6),
)


def as_text(value: object) -> str:
    """JSON with its key order and number types, which == does not see: 1 == 1.0 == True."""
    return json.dumps(value)


@given(steps)
def test_steps(step: Step) -> None:
    body = json.loads(json.dumps(encode_step(step)))
    again = decode_step(body)
    assert again == step
    assert as_text(again.reasoning_details) == as_text(step.reasoning_details)


@given(st.lists(parts))
def test_parts(saying: list[Part]) -> None:
    assert [decode_part(json.loads(json.dumps(encode_part(part)))) for part in saying] == saying


@given(values)
def test_any_json_value_is_stored_as_plain_ascii(value: object) -> None:
    """Which every database takes: no NUL, no surrogate, nothing to fold or to normalise."""
    column, dialect = Json(), SQLiteDialect()
    stored = column.process_bind_param([value, "\0\ud800"], dialect)
    assert stored is not None
    assert stored.isascii()
    assert stored.isprintable()
    assert as_text(column.process_result_value(stored, dialect)) == as_text([value, "\0\ud800"])


def test_a_part_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown type 'hologram'"):
        decode_part({"type": "hologram"})


def test_a_step_of_an_older_version_gets_the_defaults() -> None:
    """Fields are added over time; what was stored before them stays readable."""
    body = encode_step(Step(text="old"))
    del body["thinking_seconds"], body["finish"], body["annotations"]
    assert decode_step(body) == Step(text="old")


def _nested(depth: int) -> JsonObject:
    body: JsonObject = {"end": None}
    for _ in range(depth):
        body = {"in": [body, None]}
    return body


async def test_awkward_reasoning_through_the_database(store: Store) -> None:
    awkward: tuple[JsonObject, ...] = (
        {"type": "reasoning.encrypted", "data": "A" * 100_000, "index": 0},
        {"z": 1, "a": 1.0, "m": True, "big": 10**40, "small": 5e-324, "minus": -0.0, "most": 2**63},
        {"": {"null": None, "empty": [], "none": {}}, "NUL \0 inside": "\0", "line\u2028": "\x85\ufeff\x1b"},
        {"half": "\ud83d", "other half": "\udc00 \ud800", "whole": "🎉", "combining": "e\u0301", "wide": "\U0010ffff"},
        {"infinite": math.inf, "deep": _nested(150)},
        {},
    )
    await store.add_conversation(Conversation(id=1, guild_id=None, owner_id=1))
    turn = await store.ask(1, Said(1, 1, "\0", (Text("\0\ud800"),), 0.1 + 0.2))
    assert turn is not None
    await store.finish(turn.id, TurnStatus.DONE, [Step(reasoning_details=awkward)], error=None, notices=["\0"])
    [stored] = await store.turns(1)
    assert stored.question == turn.question == (Said(1, 1, "\0", (Text("\0\ud800"),), 0.1 + 0.2),)
    assert stored.steps[0].reasoning_details == awkward
    assert as_text(stored.steps[0].reasoning_details) == as_text(awkward)


@settings(max_examples=25, deadline=None)
@given(st.lists(steps, max_size=4), st.lists(parts, max_size=4).map(tuple), texts)
def test_turns_through_sqlite(answer: list[Step], saying: tuple[Part, ...], name: str) -> None:
    async def through() -> None:
        with TemporaryDirectory() as folder:
            store = await Store.open(f"sqlite:///{folder}/cogitor.db")
            try:
                await store.add_conversation(Conversation(id=1, guild_id=None, owner_id=1))
                turn = await store.ask(1, Said(1, 1, name, saying, 1.0))
                assert turn is not None
                await store.finish(turn.id, TurnStatus.DONE, answer, error=name, notices=[name])
                await store.requeue(turn.id, model=name)
                [stored] = await store.turns(1)
            finally:
                await store.close()
        assert stored == Turn(
            turn.id, 1, (Said(1, 1, name, saying, 1.0),), TurnStatus.QUEUED, tuple(answer), (), name, (name,), name
        )

    asyncio.run(through())
