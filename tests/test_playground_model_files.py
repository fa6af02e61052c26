"""The embedded model on a real socket, shown images and PDFs: does it look at them as OpenRouter does?"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import httpx
import pytest

from tests.files_made import JPEG, PDF, png
from tests.model_talk import CLAUDE, KIMI, Json, ask, check_schema, deltas, said, stream

pytest_plugins = ["tests.model_fixtures"]


def image(data: bytes, media_type: str = "image/png") -> Json:
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{b64encode(data).decode()}"}}


def pdf(data: bytes = PDF) -> Json:
    url = f"data:application/pdf;base64,{b64encode(data).decode()}"
    return {"type": "file", "file": {"filename": "p.pdf", "file_data": url}}


def question(*parts: Json, model: str = CLAUDE, before: tuple[Json, ...] = ()) -> Json:
    asked = {"role": "user", "content": [{"type": "text", "text": "hello"}, *parts]}
    return ask("", model) | {"messages": [*before, asked]}


async def refusal(client: httpx.AsyncClient, body: Json) -> tuple[int, Any]:
    response = await client.post("/chat/completions", json=body)
    return response.status_code, response.json()["error"]["metadata"].get("error_type")


async def test_an_image_counts_as_one_whatever_its_bytes(model_client: httpx.AsyncClient) -> None:
    small, large = png(), png(2_000, 2_000) + bytes(200_000)
    usages = [(await stream(model_client, question(image(data))))[-1]["usage"] for data in (small, large)]
    assert 1_000 < usages[0]["prompt_tokens"] == usages[1]["prompt_tokens"] < 1_200


@pytest.mark.parametrize(
    "part", [image(JPEG), image(png()[:-4]), image(b"no image"), {"type": "image_url", "image_url": {"url": "data:,"}}]
)
async def test_an_image_that_is_none_is_refused(model_client: httpx.AsyncClient, part: Json) -> None:
    assert await refusal(model_client, question(part)) == (400, "invalid_image")


async def test_a_pdf_that_is_none_is_refused(model_client: httpx.AsyncClient) -> None:
    assert await refusal(model_client, question(pdf(b"PK"))) == (400, "invalid_request")


async def test_a_pdf_is_parsed_for_a_model_that_reads_only_text_and_noted(model_client: httpx.AsyncClient) -> None:
    chunks = await stream(model_client, question(pdf(), model=KIMI))
    [note] = [note for delta in deltas(chunks) for note in delta.get("annotations", [])]
    assert (note["type"], note["file"]["name"]) == ("file", "p.pdf")
    assert said(chunks)
    check_schema("ChatStreamChunk", chunks)


async def test_a_note_that_is_sent_back_spares_the_parsing(model_client: httpx.AsyncClient) -> None:
    chunks = await stream(model_client, question(pdf()))
    [notes] = [delta["annotations"] for delta in deltas(chunks) if "annotations" in delta]
    before = (
        {"role": "user", "content": [{"type": "text", "text": "hello"}, pdf()]},
        {"role": "assistant", "content": "Hi.", "annotations": notes},
    )
    chunks = await stream(model_client, question(before=before))
    assert not [delta for delta in deltas(chunks) if "annotations" in delta]


async def test_an_unstreamed_answer_has_the_notes_too(model_client: httpx.AsyncClient) -> None:
    response = await model_client.post("/chat/completions", json=question(pdf()) | {"stream": False})
    assert [note["type"] for note in response.json()["choices"][0]["message"]["annotations"]] == ["file"]
