"""The fold from model events to a Step: merging, mending, limits and time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import assemble, reasoning
from bot.assemble import StepAssembler
from bot.errors import ModelError, ModelFault
from bot.events import Finished, ModelEvent, Opened, ReasoningDelta, TextDelta, ToolCallDelta, UsageReported
from bot.messages import ReasoningDetail, Step, ToolCall, Usage
from bot.pieces import Joint, mend
from bot.reasoning import merge_details


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fold(*events: ModelEvent) -> Step:
    assembler = StepAssembler()
    for event in events:
        assembler.apply(event)
    return assembler.snapshot()


def text(value: str, **more: Any) -> ReasoningDetail:
    return {"type": "reasoning.text", "text": value, "format": "unknown", "index": 0, **more}


def test_a_whole_answer_becomes_a_step() -> None:
    step = fold(
        Opened("gen-1", "a/model"),
        ReasoningDelta("think", (text("think"),)),
        TextDelta("Hel"),
        TextDelta("lo"),
        Finished("stop"),
        Finished("stop"),
        UsageReported(Usage(1, 2)),
        UsageReported(Usage(3, 4)),
    )
    assert step == Step(
        model="a/model",
        generation_id="gen-1",
        reasoning="think",
        reasoning_details=(text("think"),),
        text="Hello",
        finish="stop",
        usage=Usage(3, 4),
        thinking_seconds=step.thinking_seconds,
    )


def test_nothing_yet_is_an_empty_unfinished_step() -> None:
    assert StepAssembler().snapshot() == Step()


def test_snapshots_may_be_taken_at_any_time_and_do_not_disturb_the_fold() -> None:
    assembler = StepAssembler()
    seen: list[str] = []
    for letter in "abc":
        assembler.apply(TextDelta(letter))
        seen.append(assembler.snapshot().text)
    assert seen == ["a", "ab", "abc"]


@pytest.mark.parametrize(
    ("fragments", "items"),
    [
        pytest.param([text("a"), text("b")], [text("ab")], id="text of one index grows"),
        pytest.param(
            [
                {"type": "reasoning.text", "text": "a", "format": "f", "index": 0},
                {"type": "reasoning.text", "signature": "S", "format": "f", "index": 0},
            ],
            [{"type": "reasoning.text", "text": "a", "format": "f", "index": 0, "signature": "S"}],
            id="a late signature joins its text",
        ),
        pytest.param(
            [text("a"), {"type": "reasoning.encrypted", "data": "X", "index": 0}, text("b")],
            [text("ab"), {"type": "reasoning.encrypted", "data": "X", "index": 0}],
            id="an encrypted item of the same index stays apart",
        ),
        pytest.param(
            [
                {"type": "reasoning.summary", "summary": "a", "index": 0},
                {"type": "reasoning.summary", "summary": "b", "index": 0},
            ],
            [{"type": "reasoning.summary", "summary": "ab", "index": 0}],
            id="summaries grow",
        ),
        pytest.param(
            [
                {"type": "reasoning.encrypted", "id": "r", "data": "X"},
                {"type": "reasoning.encrypted", "id": "r", "data": "X"},
            ],
            [{"type": "reasoning.encrypted", "id": "r", "data": "X"}],
            id="a repeated encrypted item is kept once",
        ),
        pytest.param(
            [
                {"type": "reasoning.encrypted", "id": "r", "data": "X"},
                {"type": "reasoning.encrypted", "id": "s", "data": "X"},
            ],
            [
                {"type": "reasoning.encrypted", "id": "r", "data": "X"},
                {"type": "reasoning.encrypted", "id": "s", "data": "X"},
            ],
            id="encrypted items are never joined",
        ),
        pytest.param(
            [{"type": "new", "a": 1}, {"type": "new", "a": 2}, {"type": "new", "a": 1}],
            [{"type": "new", "a": 1}, {"type": "new", "a": 2}],
            id="unknown types are kept whole, exact repeats once",
        ),
        pytest.param(
            [text("a", index=1), text("b"), text("c", index=1)],
            [text("ac", index=1), text("b")],
            id="order of beginning",
        ),
        pytest.param(
            [text("a", id="x"), text("b", id="y")], [text("a", id="x"), text("b", id="y")], id="ids in conflict"
        ),
        pytest.param([text("a", id="x"), text("b", id=None)], [text("ab", id="x")], id="null never overwrites"),
        pytest.param(
            [text("a", signature="S"), text("b")], [text("a", signature="S"), text("b")], id="signed text is complete"
        ),
        pytest.param(
            [text("a", signature="S"), text("a", signature="S")],
            [text("a", signature="S")],
            id="signed repeats are dropped",
        ),
        pytest.param([text("a"), text("a")], [text("aa")], id="unsigned text may repeat itself"),
        pytest.param(
            [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.text", "text": "b"}],
            [{"type": "reasoning.text", "text": "ab"}],
            id="without an index the last item grows",
        ),
        pytest.param(
            [{"type": "reasoning.text", "text": "a"}, {"type": "new"}, {"type": "reasoning.text", "text": "b"}],
            [{"type": "reasoning.text", "text": "a"}, {"type": "new"}, {"type": "reasoning.text", "text": "b"}],
            id="without an index only the last item grows",
        ),
        pytest.param(
            [{"type": "reasoning.text", "format": "f", "index": 0}],
            [{"type": "reasoning.text", "format": "f", "index": 0}],
            id="no text is invented",
        ),
        pytest.param([text("a", text=None), text("b")], [text("b")], id="a null text is filled by a later one"),
        pytest.param(
            [{"type": "reasoning.text", "text": 7}],
            [{"type": "reasoning.text", "text": 7}],
            id="a text of a wrong type is kept whole",
        ),
        pytest.param([{}], [{}], id="an empty item is kept"),
    ],
)
def test_details_merge(fragments: list[ReasoningDetail], items: list[ReasoningDetail]) -> None:
    assert list(merge_details(fragments)) == items


def test_an_explicit_empty_list_is_remembered_and_an_absent_one_is_none() -> None:
    assert fold(ReasoningDelta("", ())).reasoning_details == ()
    assert fold(ReasoningDelta("words", None)).reasoning_details is None


def test_what_was_received_is_not_changed_by_merging() -> None:
    fragments = [text("a", more=[1]), text("b")]
    before = json.dumps(fragments)
    merge_details(fragments)
    assert json.dumps(fragments) == before


wholes = st.lists(
    st.tuples(
        st.sampled_from(["reasoning.text", "reasoning.summary", "reasoning.encrypted"]),
        st.text(min_size=1, max_size=30),
        st.none() | st.text(min_size=1, max_size=5),
    ),
    max_size=6,
)


def whole_item(index: int, kind: str, words: str, signature: str | None) -> ReasoningDetail:
    key = {"reasoning.text": "text", "reasoning.summary": "summary"}.get(kind, "data")
    item: ReasoningDetail = {"type": kind, key: words, "format": "f", "index": index}
    extra = {"signature": signature} if signature and key == "text" else {"id": str(index)}
    return {**item, **extra}


def fragments_of(data: st.DataObject, item: ReasoningDetail) -> list[ReasoningDetail]:
    key = "text" if "text" in item else "summary"
    if key not in item:
        return [item]
    rest, pieces = str(item[key]), []
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        pieces.append(rest[:cut])
        rest = rest[cut:]
    common = {name: value for name, value in item.items() if name not in (key, "signature")}
    signed: list[ReasoningDetail] = [{**common, "signature": item["signature"]}] if "signature" in item else []
    return [{**common, key: piece} for piece in pieces] + signed


@given(wholes, st.data())
def test_however_details_are_cut_they_merge_to_the_same_list(
    items: list[tuple[str, str, str | None]], data: st.DataObject
) -> None:
    expected = [whole_item(index, *item) for index, item in enumerate(items)]
    fragments = [fragment for item in expected for fragment in fragments_of(data, item)]
    assert list(merge_details(fragments)) == expected


@given(st.text(), st.data())
def test_text_cut_anywhere_even_inside_a_character_comes_together(words: str, data: st.DataObject) -> None:
    halves = words.encode("utf-16-le")
    units = [halves[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(halves), 2)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(units)), max_size=6)))
    pieces = ["".join(units[a:b]) for a, b in zip([0, *cuts], [*cuts, len(units)], strict=True)]
    step = fold(*[event for piece in pieces for event in (TextDelta(piece), ReasoningDelta(piece, (text(piece),)))])
    assert (step.text, step.reasoning) == (words, words)
    assert step.reasoning_details == (text(words),)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["type", "text", "index", "id", "signature", "data", "x\ud800"]), anything),
        max_size=5,
    )
)
def test_any_details_at_all_give_a_step_that_can_be_stored(details: list[ReasoningDetail]) -> None:
    step = fold(
        ReasoningDelta("\udc00", tuple(details)), TextDelta("\ud83d"), ToolCallDelta(0, "\ud83d", "\udc01", "\ud83d")
    )
    json.dumps(step.reasoning_details, ensure_ascii=False).encode()
    for words in (step.text, step.reasoning, *(f"{call.id}{call.name}{call.arguments}" for call in step.tool_calls)):
        words.encode()


def test_a_character_cut_in_two_is_shown_when_it_is_whole() -> None:
    joint = Joint()
    assert [joint.join(piece) for piece in ("a\ud83d", "", "\ude00b", "\ud83d", "c")] == [
        "a",
        "",
        "\U0001f600b",
        "",
        "\ufffdc",
    ]


def test_lone_halves_become_the_replacement_character() -> None:
    assert mend("a\ud83db\udc00") == "a\ufffdb\ufffd"
    assert mend("\ud83d\ude00") == "\U0001f600"


def test_parallel_tool_calls_are_told_apart_by_index() -> None:
    step = fold(
        ToolCallDelta(0, "functions.add:0", "add", ""),
        ToolCallDelta(1, "functions.sub:1", "sub", "{}"),
        ToolCallDelta(0, None, None, '{"a"'),
        ToolCallDelta(0, None, None, ":1}"),
        Finished("stop"),
    )
    assert step.tool_calls == (ToolCall("functions.add:0", "add", '{"a":1}'), ToolCall("functions.sub:1", "sub", "{}"))
    assert step.finish == "tool_calls"


def test_parallel_tool_calls_that_share_an_index_are_told_apart_by_id() -> None:
    step = fold(ToolCallDelta(0, "a", "f", "1"), ToolCallDelta(0, "b", "f", "2"), ToolCallDelta(0, None, None, "3"))
    assert step.tool_calls == (ToolCall("a", "f", "1"), ToolCall("b", "f", "23"))


def test_id_and_name_repeated_in_each_fragment_make_one_call() -> None:
    step = fold(ToolCallDelta(0, "a", "f", "1"), ToolCallDelta(0, "a", "f", "2"))
    assert step.tool_calls == (ToolCall("a", "f", "12"),)


def test_a_call_without_an_id_is_given_one() -> None:
    step = fold(ToolCallDelta(0, None, "f", "{}"), ToolCallDelta(1, "", "g", "{}"))
    assert [call.id for call in step.tool_calls] == ["call_0", "call_1"]


def test_a_cut_off_tool_call_keeps_its_finish_reason() -> None:
    assert fold(ToolCallDelta(0, "a", "f", "{"), Finished("length")).finish == "length"
    assert fold(ToolCallDelta(0, "a", "f", "{")).finish is None


@pytest.mark.parametrize("end", [TextDelta("x"), ToolCallDelta(0, "a", "f", ""), Finished("length")])
def test_thinking_lasts_from_the_first_reasoning_to_the_first_sign_of_an_answer(end: ModelEvent) -> None:
    clock = Clock()
    assembler = StepAssembler(clock)
    assembler.apply(Opened(None, "m"))
    clock.now += 5
    assembler.apply(ReasoningDelta("hm", None))
    clock.now += 3
    assert assembler.snapshot().thinking_seconds == 3
    assembler.apply(TextDelta(""))
    clock.now += 1
    assembler.apply(end)
    clock.now += 10
    assembler.apply(ReasoningDelta("", (text("", signature="S"),)))
    assert assembler.snapshot().thinking_seconds == 4


def test_an_empty_details_list_is_not_thinking() -> None:
    clock = Clock()
    assembler = StepAssembler(clock)
    assembler.apply(ReasoningDelta("", ()))
    clock.now += 3
    assert assembler.snapshot().thinking_seconds == 0


@pytest.mark.parametrize(
    "event",
    [
        TextDelta("x" * 11),
        ReasoningDelta("x" * 11),
        ReasoningDelta("", (text("x" * 11),)),
        ReasoningDelta("", ({"type": "new", "x": "y" * 11},)),
        ToolCallDelta(1, "i", "n", "x" * 9),
    ],
)
def test_more_than_the_limit_is_an_error_and_what_came_before_is_kept(
    event: ModelEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assemble, "MAX_CHARACTERS", 10)
    monkeypatch.setattr(reasoning, "MAX_CHARACTERS", 10)
    assembler = StepAssembler()
    assembler.apply(TextDelta("kept"))
    with pytest.raises(ModelError) as caught:
        assembler.apply(event)
    assert caught.value.fault is ModelFault.GARBLED
    assert assembler.snapshot().text == "kept"


def test_the_number_of_tool_calls_and_details_is_limited() -> None:
    with pytest.raises(ModelError):
        fold(*[ToolCallDelta(index, str(index), "f", "") for index in range(assemble.MAX_TOOL_CALLS + 1)])
    with pytest.raises(ModelError):
        merge_details([text("x", index=index) for index in range(reasoning.MAX_DETAILS + 1)])


def test_a_detail_nested_too_deeply_is_an_error() -> None:
    nested: Any = None
    for _ in range(reasoning.MAX_NESTING + 1):
        nested = [nested]
    with pytest.raises(ModelError):
        merge_details([{"type": "new", "x": nested}])
