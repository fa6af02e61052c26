"""Images, PDFs and notes on them, as they go to a model's server and come from it."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.annotations import MAX_ANNOTATIONS, MAX_CHARACTERS
from bot.assemble import StepAssembler
from bot.attachments import read_file
from bot.errors import ModelFault
from bot.events import Annotated, Finished, TextDelta
from bot.messages import Image, JsonObject, Part, Pdf, Said, Step, Text, Turn
from bot.model import ModelInfo, ModelRequest
from bot.openrouter.faults import from_error, from_response
from bot.openrouter.request import build_body, serialise
from bot.openrouter.wire import events
from tests.files_made import PDF, png

SCHEMAS = Path(__file__).parents[1].parent / "shared" / "data" / "openrouter-sdk-1.3.84-schemas.json"
SEES = ModelInfo("a/eye", "Eye", 100_000, sees_images=True)
BLIND = ModelInfo("a/mole", "Mole", 100_000)
IMAGE, DOCUMENT = read_file("x.png", png()), read_file("p.pdf", PDF)
assert isinstance(IMAGE, Image)
assert isinstance(DOCUMENT, Pdf)
SHOWN_IMAGE: JsonObject = {
    "type": "image_url",
    "image_url": {"url": f"data:image/png;base64,{b64encode(png()).decode()}"},
}
SHOWN_PDF: JsonObject = {
    "type": "file",
    "file": {"filename": "p.pdf", "file_data": f"data:application/pdf;base64,{b64encode(PDF).decode()}"},
}
PARSED: JsonObject = {
    "type": "file",
    "file": {"hash": "h", "name": "p.pdf", "content": [{"type": "text", "text": "t"}]},
}
CITED: JsonObject = {"type": "url_citation", "url_citation": {"url": "https://example.org"}}


def said(*parts: Part, author: int = 7) -> Said:
    return Said(author, author, f"Ada{author}", parts, 0.0)


def body(
    *burst: Said, info: ModelInfo | None = SEES, openrouter: bool = True, earlier: tuple[Turn, ...] = ()
) -> JsonObject:
    asked = ModelRequest("a/model", "Be brief.", (*earlier, Turn(9, 1, burst)), "session")
    return build_body(asked, info, openrouter=openrouter)


def content(*burst: Said, **more: Any) -> Any:
    messages: Any = body(*burst, **more)["messages"]
    return messages[-1]["content"]


def test_an_image_goes_as_data_after_the_text_that_names_it() -> None:
    assert content(said(Text("Look"), IMAGE)) == [{"type": "text", "text": "[Ada7] Look\n\n[image x.png]"}, SHOWN_IMAGE]


def test_a_pdf_goes_as_a_file() -> None:
    assert content(said(DOCUMENT)) == [{"type": "text", "text": "[Ada7] [PDF p.pdf]"}, SHOWN_PDF]


def test_the_files_of_a_burst_follow_its_whole_text_in_order() -> None:
    [text, *files] = content(said(Text("one"), DOCUMENT), said(IMAGE, Text("two"), author=8))
    assert text["text"] == "[Ada7] one\n\n[PDF p.pdf]\n[Ada8] [image x.png]\n\ntwo"
    assert files == [SHOWN_PDF, SHOWN_IMAGE]


@pytest.mark.parametrize("info", [BLIND, None])
def test_a_model_that_sees_nothing_is_told_what_it_cannot_see(info: ModelInfo | None) -> None:
    assert content(said(Text("Look"), IMAGE), info=info) == "[Ada7] Look\n\n[image x.png, which you cannot see]"


def test_a_server_that_parses_nothing_is_sent_no_pdf() -> None:
    assert content(said(DOCUMENT), openrouter=False) == "[Ada7] [PDF p.pdf, which you cannot read]"


def test_a_file_whose_bytes_are_gone_is_named() -> None:
    assert content(said(replace(IMAGE, data=None))) == "[Ada7] [image x.png, which is gone]"


def test_what_a_blind_model_is_sent_does_not_depend_on_whether_the_bytes_were_loaded() -> None:
    loaded, bare = said(Text("Look"), IMAGE), said(Text("Look"), replace(IMAGE, data=None))
    assert serialise(body(loaded, info=BLIND)) == serialise(body(bare, info=BLIND))


def test_what_is_serialised_is_the_body_whatever_people_call_their_files() -> None:
    hostile = replace(IMAGE, name='data:"\\,.png'), replace(DOCUMENT, name='data:x;base64,"\\\n\U0001f600')
    asked = said(Text('data:image/png;base64,AAAA "quoted" \U0001f600'), *hostile, IMAGE)
    whole = body(asked, info=SEES)
    assert json.loads(serialise(whole)) == whole
    assert serialise(whole) == json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    assert serialise({"messages": "none"}) == b'{"messages":"none"}'


def test_the_room_for_the_answer_shrinks_by_what_images_take() -> None:
    info = replace(SEES, context_tokens=10_000)
    with_image, without = (body(said(Text("Hi"), *parts), info=info)["max_tokens"] for parts in ((IMAGE,), ()))
    assert isinstance(with_image, int)
    assert isinstance(without, int)
    assert without - with_image > 1_500


def test_a_parsed_pdf_is_given_back_and_citations_are_not() -> None:
    answered = Turn(1, 1, (said(DOCUMENT),), steps=(Step("a/model", text="A paper.", annotations=(PARSED, CITED)),))
    messages: Any = body(said(Text("And?")), earlier=(answered,))["messages"]
    assert messages[2] == {"role": "assistant", "content": "A paper.", "annotations": [PARSED]}
    messages = body(said(Text("And?")), earlier=(answered,), openrouter=False)["messages"]
    assert messages[2] == {"role": "assistant", "content": "A paper."}


@pytest.mark.skipif(not SCHEMAS.exists(), reason="OpenRouter's schemas are not part of the repository")
def test_bodies_with_files_agree_with_openrouters_schema() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(SCHEMAS.read_text())["ChatRequest"])
    answered = Turn(1, 1, (said(IMAGE),), steps=(Step("a/model", text="Yes.", annotations=(PARSED,)),))
    schema.validate(body(said(Text("Look"), IMAGE, DOCUMENT), earlier=(answered,)))


# Notes on an answer


def chunk(**delta: Any) -> JsonObject:
    return {"choices": [{"delta": delta}]}


def test_notes_are_read_from_a_stream_and_from_a_whole_answer() -> None:
    assert events(chunk(content="", annotations=[PARSED, 7, None, CITED])) == (Annotated((PARSED, CITED)),)
    whole: JsonObject = {"choices": [{"message": {"content": "x", "annotations": [PARSED]}, "finish_reason": "stop"}]}
    assert events(whole) == (TextDelta("x"), Annotated((PARSED,)), Finished("stop"))
    for nothing in (None, [], {}, "x"):
        assert events(chunk(annotations=nothing)) == ()


def noted(*annotations: JsonObject) -> tuple[JsonObject, ...]:
    assembler = StepAssembler()
    for annotation in annotations:
        assembler.apply(Annotated((annotation,)))
    assembler.apply(TextDelta("x"))
    return assembler.snapshot().annotations


def test_notes_are_kept_in_order_as_received_and_repeats_once() -> None:
    strange: JsonObject = {"type": "new", "z": 1, "a": [1.0, True, None, {"": "é"}]}
    assert json.dumps(noted(PARSED, strange, PARSED, CITED)) == json.dumps([PARSED, strange, CITED])


def test_half_a_character_in_a_note_is_mended() -> None:
    assert noted({"type": "file", "half": "\ud83d"}) == ({"type": "file", "half": "\ufffd"},)


def test_notes_beyond_the_limits_are_left_out_and_the_answer_goes_on() -> None:
    deep: JsonObject = {}
    for _ in range(100):
        deep = {"in": deep}
    large: JsonObject = {"type": "file", "text": "x" * (MAX_CHARACTERS // 2)}
    assert noted(deep, large, {**large, "again": 1}, CITED) == (large, CITED)
    many: list[JsonObject] = [{"number": number} for number in range(MAX_ANNOTATIONS + 9)]
    assert len(noted(*many)) == MAX_ANNOTATIONS


# Files that are refused


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"code": 400, "metadata": {"error_type": "invalid_image"}}),
        (400, {"code": 400, "metadata": {"error_type": "image_too_large"}}),
        (400, {"message": "Provider returned error", "metadata": {"raw": '{"message":"Could not process image"}'}}),
        (400, {"message": "Failed to parse report.pdf"}),
        (422, {"message": "Invalid image data", "metadata": {"error_type": "unprocessable"}}),
        (400, {"message": "messages.0.content.1: image dimensions exceed max allowed size: 8000 pixels"}),
    ],
)
def test_the_refusal_of_a_file_is_known(status: int, error: JsonObject) -> None:
    found = from_response(status, {}, json.dumps({"error": error}).encode(), now=0.0)
    assert found.fault is ModelFault.FILE_REFUSED
    assert not found.retryable


def test_words_about_files_in_mid_stream_or_beside_another_fault_are_no_refusal_of_one() -> None:
    assert from_error({"message": "Could not process image"}).fault is ModelFault.CUT_OFF
    assert from_error({"message": "Could not process image", "code": 500}).fault is ModelFault.OVERLOADED
    assert from_error({"message": "prompt is too long, cannot read file", "code": 400}).fault is ModelFault.CONTEXT_FULL
