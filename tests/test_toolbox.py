"""One call of a tool: whatever is wrong with it comes back in words that a model can act on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import JsonObject, ToolCall
from bot.model import ToolSpec
from bot.tools import DENIED, FORGOTTEN, KEPT_CLOSED, UNEXPECTED, Adapted, Asking, Toolbox, ToolFailed
from bot.tools.arguments import WrongArguments, checked, parsed
from bot.tools.results import MOST_CHARACTERS, bounded, together
from tests.tool_talk import ASKING, FakeTool

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "offset": {"type": "integer", "minimum": 0, "maximum": 100},
        "deep": {"type": "boolean"},
        "share": {"type": "number"},
        "kind": {"type": "string", "enum": ["new", "old"]},
        "many": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"]},
    },
    "required": ["url"],
    "additionalProperties": False,
}
SPEC = ToolSpec("fetch", "Fetches.", SCHEMA)


def fit(arguments: str) -> JsonObject:
    return checked(parsed(arguments), SPEC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('{"url": "x"}', {"url": "x"}),
        (json.dumps('{"url": "x"}'), {"url": "x"}),
        ('{"url": "5"}', {"url": "5"}),
        ('{"url": "x", "offset": "7"}', {"url": "x", "offset": 7}),
        ('{"url": "x", "offset": 7.0}', {"url": "x", "offset": 7}),
        ('{"url": "x", "deep": "True"}', {"url": "x", "deep": True}),
        ('{"url": "x", "share": "0.5"}', {"url": "x", "share": 0.5}),
        (f'{{"url": "x", "share": {10**400}}}', {"url": "x", "share": 10**400}),
        ('{"url": "x", "many": "[\\"a\\"]"}', {"url": "x", "many": ["a"]}),
        ('{"url": "x", "offset": null}', {"url": "x"}),
        ('{"url": "x", "note": null}', {"url": "x", "note": None}),
        ('{"url": "\\ud83d"}', {"url": b"\\ud83d".decode("unicode_escape")}),
    ],
)
def test_what_can_only_be_meant_one_way_is_taken_that_way(written: str, meant: JsonObject) -> None:
    assert fit(written) == meant


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{url: x}", "not JSON"),
        ('{"url": "x"', "not JSON"),
        ("[1]", "must be a JSON object"),
        ('"words"', "not JSON"),
        ("7", "must be a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"url": "x", "offset": NaN}', "NaN is no value in JSON"),
        ('{"url": "x", "other": -Infinity}', "-Infinity is no value in JSON"),
        ('{"url": "x", "share": 1e999}', "'share' must be a number"),
        ("", "'url' is missing"),
        ('{"url": null}', "'url' is missing"),
        ('{"link": "x"}', "'link' is not known; 'url' is missing"),
        ('{"url": 5}', "'url' must be a string"),
        ('{"url": "x", "offset": "two"}', "'offset' must be an integer"),
        ('{"url": "x", "offset": true}', "'offset' must be an integer"),
        ('{"url": "x", "offset": -1}', "'offset' must be at least 0"),
        ('{"url": "x", "offset": 101}', "'offset' must be at most 100"),
        ('{"url": "x", "kind": "odd"}', '\'kind\' must be one of "new", "old"'),
        ('{"url": "x", "many": [1]}', "'many'[0] must be a string"),
        ('{"url": "x", "note": 3}', "'note' must be a string or a null"),
    ],
)
def test_what_is_wrong_with_arguments_is_said_exactly(written: str, told: str) -> None:
    with pytest.raises(WrongArguments) as caught:
        fit(written)
    assert told in str(caught.value)


def test_wrong_arguments_come_with_what_the_tool_takes() -> None:
    with pytest.raises(WrongArguments) as caught:
        fit("{}")
    assert str(caught.value).endswith(
        "fetch takes url (string, required), offset (integer), deep (boolean), share (number), kind (string), "
        "many (array), note (string, null)."
    )


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_model_writes_is_either_fit_or_refused(written: str) -> None:
    try:
        found = fit(written)
    except WrongArguments:
        return
    assert isinstance(found["url"], str)


def box(*tools: Any, **more: Any) -> Toolbox:
    return Toolbox(tools, asking=ASKING, **more)


async def called(toolbox: Toolbox, name: str = "look", arguments: str = "{}") -> tuple[str, bool]:
    result, _ = await toolbox.call(ToolCall("id", name, arguments))
    assert (result.call_id, result.name) == ("id", name)
    return result.content, result.is_error


async def test_a_tool_that_does_not_exist_is_answered_with_those_that_do() -> None:
    assert await called(box(FakeTool("a"), FakeTool("b")), "c") == (
        "There is no tool named 'c'. There are: a, b.",
        True,
    )
    assert await called(Toolbox(), "c") == ("There are no tools here. Answer without them.", True)


async def fails(_arguments: JsonObject) -> str:
    raise ToolFailed("There is no such page.")


async def breaks(_arguments: JsonObject) -> str:
    raise RuntimeError("secret words")


async def hangs(_arguments: JsonObject) -> str:
    await asyncio.Event().wait()
    return "never"


async def gives_up(_arguments: JsonObject) -> str:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (fails, "There is no such page."),
        (breaks, UNEXPECTED),
        (hangs, "The tool did not finish within 0 seconds."),
        (gives_up, "The tool did not finish within 0 seconds."),
    ],
)
async def test_a_tool_that_fails_is_an_answer_too(does: Any, told: str) -> None:
    assert await called(box(FakeTool(does=does, seconds=0.01))) == (told, True)


async def test_what_a_tool_broke_on_is_logged_without_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    await called(box(FakeTool(does=breaks)))
    assert "RuntimeError" in caplog.text
    assert "secret words" not in caplog.text


@pytest.mark.parametrize("text", ["x" * 50_000_000, "é" * 100_000])
async def test_a_huge_result_is_cut_and_says_by_how_much(text: str) -> None:
    content, is_error = await called(box(FakeTool(gives=text)))
    assert not is_error
    assert len(content) < MOST_CHARACTERS + 200
    assert f"of {len(text):,} characters left out here" in content


async def test_binary_data_is_described() -> None:
    noise = bytes(range(256)).decode("latin-1") * 10
    assert (await called(box(FakeTool(gives=noise))))[0] == "[binary data of 2,560 characters, which cannot be shown]"


async def test_half_characters_in_a_result_cannot_spoil_a_request() -> None:
    content, _ = await called(box(FakeTool(gives="a\ud83d b")))
    assert content.encode() == "a\ufffd b".encode()


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=40), st.integers(1, 20_000))
def test_the_results_of_a_step_are_cut_together_the_longest_first(lengths: list[int], most: int) -> None:
    texts = ["x" * length for length in lengths]
    cut = together(texts, most)
    assert sum(map(len, cut)) <= max(most, 400 * len(texts)) + 100 * len(texts)
    kept = [length for length, text in zip(lengths, cut, strict=True) if len(text) == length]
    left = [length for length, text in zip(lengths, cut, strict=True) if len(text) != length]
    assert not (kept and left) or max(kept) <= min(left)


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert bounded("a\tb\r\n\x1b[31mred") == "a\tb\r\n\x1b[31mred"


class Person:
    """Somebody who is asked for consent."""

    def __init__(self, says: bool) -> None:
        self.says = says
        self.asked: list[tuple[Asking, str, str, JsonObject, int | None]] = []

    async def allows(
        self, asking: Asking, name: str, about: str, arguments: JsonObject, place: int | None = None
    ) -> bool:
        self.asked.append((asking, name, about, arguments, place))
        return self.says


@pytest.mark.parametrize("says", [True, False])
async def test_a_tool_that_needs_consent_runs_only_when_it_is_given(says: bool) -> None:
    tool, person = FakeTool(asks_first=True), Person(says)
    found = await called(box(tool, consent=person), arguments='{"q": "x"}')
    assert found == (("found", False) if says else (DENIED, True))
    assert len(tool.called) == says
    assert person.asked == [(ASKING, "look", "x", {"q": "x"}, None)]


@pytest.mark.parametrize("says", [True, False])
async def test_a_call_that_would_read_what_not_all_may_runs_only_when_that_is_allowed(says: bool) -> None:
    tool, person = FakeTool(place=66), Person(says)
    found = await called(box(tool, consent=person))
    assert found == (("found", False) if says else (KEPT_CLOSED, True))
    assert len(tool.called) == says
    assert [place for *_, place in person.asked] == [66]


async def test_where_nobody_can_be_asked_what_not_all_may_read_is_not_read() -> None:
    tool = FakeTool(place=66)
    assert await called(box(tool)) == (KEPT_CLOSED, True)
    assert not tool.called


async def test_where_nobody_can_be_asked_a_tool_that_needs_consent_does_not_run() -> None:
    tool = FakeTool(asks_first=True)
    assert await called(box(tool)) == (DENIED, True)
    assert not tool.called


class Notes:
    """Whose words tools gave, as somebody keeps it; `does` is what comes of keeping it."""

    def __init__(self, does: bool | Exception) -> None:
        self.does = does
        self.noted: list[tuple[int, set[int]]] = []

    async def __call__(self, turn_id: int, user_ids: Collection[int]) -> bool:
        self.noted.append((turn_id, {*user_ids}))
        if isinstance(self.does, Exception):
            raise self.does
        return self.does


@pytest.mark.parametrize(
    ("does", "told"),
    [(True, ("found", False)), (False, (FORGOTTEN, True)), (OSError("locked"), (UNEXPECTED, True))],
)
async def test_peoples_words_are_given_only_when_it_is_noted_whose_they_are(
    does: bool | Exception, told: tuple[str, bool]
) -> None:
    notes = Notes(does)
    assert await called(box(FakeTool(quoted=frozenset({5, 6})), note_quoted=notes)) == told
    assert notes.noted == [(ASKING.turn_id, {5, 6})]


async def test_what_quotes_nobody_needs_no_note() -> None:
    notes = Notes(does=False)
    assert await called(box(FakeTool(), note_quoted=notes)) == ("found", False)
    assert notes.noted == []


async def test_a_simple_tool_needs_nothing_but_its_arguments() -> None:
    class Simple:
        spec = ToolSpec("simple", "Says so.", {"type": "object"})

        async def call(self, arguments: JsonObject) -> str:
            return f"got {arguments}"

    toolbox = box(Adapted(Simple(), labelled=lambda arguments: str(arguments["n"])))
    assert await called(toolbox, "simple", '{"n": 1}') == ("got {'n': 1}", False)
    assert toolbox.about(ToolCall("id", "simple", '{"n": 1}')) == "1"
    assert toolbox.about(ToolCall("id", "simple", "no json")) == ""
    assert toolbox.about(ToolCall("id", "simple", "{}")) == ""
