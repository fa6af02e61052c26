"""What the endpoint notes beside an answer: sources."""

from __future__ import annotations

from typing import Any

import pytest

from bot.annotations import citations
from bot.messages import Source


def cited(url: Any, title: Any = "T") -> Any:
    return {"type": "url_citation", "url_citation": {"url": url, "title": title, "start_index": 0, "end_index": 9}}


def test_each_source_is_named_once_in_order() -> None:
    found = citations([cited("https://a.example", " A\n b "), cited("https://b.example"), cited("https://a.example")])
    assert found == (Source("https://a.example", "A b"), Source("https://b.example", "T"))


@pytest.mark.parametrize(
    "annotation",
    [
        cited("javascript:alert(1)"),
        cited("https://a.example/)[x](https://evil.example"),
        cited("https://a.example>\n@everyone"),
        cited("https://" + "a" * 1_000),
        cited(5),
        {"type": "url_citation", "url_citation": "https://a.example"},
        {"type": "file", "url_citation": {"url": "https://a.example"}},
        {},
    ],
)
def test_what_is_no_plain_link_is_no_source(annotation: Any) -> None:
    assert citations([annotation]) == ()


def test_a_source_without_a_title_is_one_too() -> None:
    assert citations([cited("https://a.example", None)]) == (Source("https://a.example", ""),)
