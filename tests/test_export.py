"""Conversations as files: JSON that is read back equal, Markdown and HTML in which nothing breaks out."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.errors import ForUser
from bot.export.apart import to_coloured_html
from bot.export.archive import VERSION, from_json, to_json
from bot.export.formatted import MOST_FORMATTED, Formatter
from bot.export.markdown import contained, fenced, to_markdown
from bot.export.pack import pack, stem
from bot.export.page import to_html
from bot.export.transcript import Transcript
from bot.messages import (
    Conversation,
    Listen,
    Said,
    ShowReasoning,
    Step,
    Text,
    TextFile,
    ToolCall,
    ToolResult,
    Turn,
    TurnStatus,
    Usage,
)
from tests.test_store_roundtrip import as_text, parts, steps, texts

ids = st.integers(1, 2**63 - 1)
moments = st.floats(0, 4e9)
sayings = st.builds(Said, ids, ids, texts, st.lists(parts, max_size=3).map(tuple), moments)
turns = st.builds(
    Turn,
    id=ids,
    conversation_id=st.just(1),
    question=st.lists(sayings, min_size=1, max_size=3).map(tuple),
    status=st.sampled_from(TurnStatus),
    steps=st.lists(steps, max_size=3).map(tuple),
    pages=st.lists(ids, max_size=3).map(tuple),
    error=st.none() | texts,
    notices=st.lists(texts, max_size=2).map(tuple),
)
conversations = st.builds(
    Conversation,
    id=st.just(1),
    guild_id=st.none() | ids,
    owner_id=ids,
    title=texts,
    model=st.none() | texts,
    effort=st.none() | texts,
    persona=st.none() | texts,
    listen=st.sampled_from(Listen),
    show_reasoning=st.sampled_from(ShowReasoning),
    first_turn_id=ids,
    created_at=moments,
)
transcripts = st.builds(Transcript, texts, conversations, st.lists(turns, max_size=3).map(tuple), moments)

DETAILS = ({"type": "reasoning.encrypted", "data": "AAAA", "index": 0, "id": None}, {"z": 1.0, "a": [True, 10**30]})
CALL = ToolCall("functions.web_fetch:0", "web_fetch", '{"url":"https://example.org"}')
FIRST = Turn(
    7,
    1,
    (
        Said(
            2**62,
            5,
            "Ada_*[x]*",
            (Text("How do I **count** words?"), TextFile("notes.txt", "one two")),
            1_780_000_000.0,
        ),
    ),
    TurnStatus.DONE,
    (
        Step(
            model="moonshotai/kimi-k2-thinking",
            reasoning="A Counter </details> does it.\n```",
            reasoning_details=DETAILS,
            tool_calls=(CALL,),
            tool_results=(ToolResult(CALL.id, "web_fetch", "a page ``` with </details>"),),
            usage=Usage(100, 40, 20, 10, 1_000_000),
            thinking_seconds=12.0,
        ),
        Step(model="moonshotai/kimi-k2-thinking", text="Like so:\n\n```python\nprint(1 < 2)\n```", usage=Usage(5, 5)),
    ),
    (11, 12),
)
STOPPED = Turn(8, 1, (Said(3, 6, "Ben", (Text("And ```js\nlines"),), 1_780_000_100.0),), TurnStatus.STOPPED)
EXAMPLE = Transcript("Count words", Conversation(1, 9, 5), (FIRST, STOPPED), 1_780_000_200.0)


class TestJson:
    @settings(deadline=None, max_examples=40)
    @given(transcripts)
    def test_everything_is_read_back_equal(self, transcript: Transcript) -> None:
        again = from_json(to_json(transcript))
        assert again == transcript
        for turn, same in zip(transcript.turns, again.turns, strict=True):
            assert [as_text(step.reasoning_details) for step in same.steps] == [
                as_text(step.reasoning_details) for step in turn.steps
            ]

    def test_half_a_character_survives(self) -> None:
        half = replace(EXAMPLE, title="half \ud83d", turns=(replace(FIRST, notices=("\udc00 \0",)),))
        assert from_json(to_json(half)) == half

    def test_ids_are_strings_and_letters_are_readable(self) -> None:
        body = json.loads(to_json(replace(EXAMPLE, title="Wörter zählen")))
        assert body["turns"][0]["question"][0]["id"] == str(2**62)
        assert "Wörter zählen" in to_json(replace(EXAMPLE, title="Wörter zählen")).decode()

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b'{"format": "cogitor-conversation"}',
            b'{"format": "cogitor-conversation", "version": 1}',
            b'{"format": "another", "version": 1}',
            b'{"format": "cogitor-conversation", "version": "x"}',
            b"[" * 100_000,
            b"\xff\xfe",
            to_json(EXAMPLE)[:-20],
            to_json(EXAMPLE).replace(b'"done"', b'"undone"'),
            to_json(EXAMPLE).replace(b'"type": "text"', b'"type": "hologram"'),
        ],
    )
    def test_anything_else_is_refused_in_a_sentence(self, data: bytes) -> None:
        with pytest.raises(ValueError, match=r"^This is not a conversation that was exported by Cogitor"):
            from_json(data)

    def test_a_newer_version_is_named(self) -> None:
        newer = to_json(EXAMPLE).replace(b'"version": 1', b'"version": 2')
        with pytest.raises(ValueError, match=f"version 2, I read {VERSION}"):
            from_json(newer)


class TestMarkdown:
    def test_it_reads_as_a_conversation(self) -> None:
        text = to_markdown(EXAMPLE).decode()
        assert text.startswith("# Count words\n\n*2 questions · exported 2026-05-28")
        assert (
            "## Ada\\_\\*\\[x\\]\\* · 2026-05-28 20:26 UTC\n\nHow do I **count** words?\n\n📎 notes.txt (7 char" in text
        )
        assert "## Cogitor (kimi-k2-thinking) · thought 12 s · 45 tokens · $0.0010" in text
        assert "```python\nprint(1 < 2)\n```" in text
        assert "<summary>💭 Reasoning</summary>" in text
        assert "<summary>🔧 web_fetch</summary>" in text
        assert "*This answer was stopped.*" in text

    @pytest.mark.parametrize(
        "text",
        [
            "```py\nx",
            "~~~~\nx",
            "````\n```\nx",
            "<!-- x",
            "<script>\nx",
            "<pre>\nx",
            "<![CDATA[",
            "<?php",
            "- a\n  ```\n  x",
        ],
    )
    def test_no_message_takes_in_what_follows_it(self, text: str) -> None:
        said = replace(FIRST.question[0], parts=(Text(text),))
        whole = to_markdown(replace(EXAMPLE, turns=(replace(FIRST, question=(said,)), STOPPED))).decode()
        assert headings(whole) == headings(to_markdown(EXAMPLE).decode())

    @given(st.text("`~<!-> \nab[]|#", max_size=60))
    def test_no_text_takes_in_what_follows_it(self, text: str) -> None:
        assert headings(f"{contained(text)}\n\n## end")[-1] == "end"

    @given(st.text("`~ \na", max_size=40))
    def test_nothing_ends_a_fence_from_within(self, text: str) -> None:
        tokens = MarkdownIt("commonmark").parse(f"{fenced(text)}\n\n## end")
        assert [token.type for token in tokens] == ["fence", "heading_open", "inline", "heading_close"]

    @given(transcripts)
    @settings(deadline=None, max_examples=15)
    def test_any_conversation_can_be_written(self, transcript: Transcript) -> None:
        to_markdown(transcript)


def headings(markdown: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [
        following.content for token, following in pairwise(tokens) if token.type == "heading_open" and token.level == 0
    ]


class Tags(HTMLParser):
    """Every tag and attribute of a page, as a browser would read them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "br", "hr"):
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("br", "hr")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


TAGS = """
html head meta title style body header main h1 h2 h3 h4 h5 h6 p div article small bdi details summary pre code span a em
strong s ul ol li blockquote table thead tbody tr th td br hr
"""
ATTRIBUTES = "lang charset http-equiv content name class dir aria-hidden href title rel start"


class TestHtml:
    def test_it_looks_like_the_conversation(self) -> None:
        page = to_html(EXAMPLE).decode()
        assert "<title>Count words</title>" in page
        assert "How do I <strong>count</strong> words?" in page
        assert "📎 notes.txt" in page
        assert "<summary>💭 Reasoning</summary>" in page
        assert "This answer was stopped." in page

    @given(transcripts)
    @settings(deadline=None, max_examples=15)
    def test_any_conversation_makes_a_page_of_harmless_tags_that_all_end(self, transcript: Transcript) -> None:
        page = Tags(to_html(transcript).decode())
        assert page.tags <= set(TAGS.split())
        assert page.attributes.keys() <= set(ATTRIBUTES.split())
        assert page.open == []

    @given(st.text("<>\"'`&[]()!:/*_|\\-\n #a=x", max_size=80))
    @settings(max_examples=200, deadline=None)
    def test_no_markdown_makes_other_tags(self, text: str) -> None:
        page = Tags(Formatter().format(text))
        assert page.tags <= set(TAGS.split())
        assert page.attributes.keys() <= set(ATTRIBUTES.split())

    def test_a_page_asks_for_nothing_and_runs_nothing(self) -> None:
        page = to_html(EXAMPLE).decode()
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
        assert policy is not None
        assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy[1]
        assert not re.search(r"\bsrc=|url\(|@import|<script", page)

    def test_code_is_coloured_where_its_language_is_known(self) -> None:
        formatter = Formatter(colours=True)
        assert '<span class="mi">1</span>' in formatter.format("```python\n1\n```")
        assert formatter.format("```klingon\n1<\n```") == '<pre><code class="language-klingon">1&lt;\n</code></pre>\n'
        assert "<span" not in formatter.format("```\n1\n```") + Formatter().format("```python\n1\n```")

    async def test_colours_are_made_in_a_process_of_their_own(self) -> None:
        page = await to_coloured_html(EXAMPLE, seconds=50)
        assert '<span class="mi">1</span>' in page.decode()
        assert page == to_html(EXAMPLE, colours=True)

    async def test_colours_that_take_too_long_are_left_out(self) -> None:
        code = "```c#\n" + "a\n" * 9_000 + "```"  # minutes, with the lexer's rules of today
        hostile = replace(EXAMPLE, turns=(replace(FIRST, steps=(Step(text=code),)),))
        assert await to_coloured_html(hostile, seconds=2) == to_html(hostile)

    def test_alignment_needs_no_style_of_its_own(self) -> None:
        assert '<td class="right">2</td>' in Formatter().format("|a|b|\n|-|-:|\n|1|2|")

    def test_what_is_huge_or_late_is_shown_as_it_was_written(self) -> None:
        now = 0.0
        formatter = Formatter(clock=lambda: now)
        assert "<strong>" in formatter.format("**a**")
        assert formatter.format("**a**" * MOST_FORMATTED).startswith('<pre class="wrapped">**a**')
        now = 60.0
        assert formatter.format("**a**") == '<pre class="wrapped">**a**</pre>'


class TestPack:
    def test_a_file_is_named_for_the_conversation(self) -> None:
        assert pack("Count words!", "md", b"x", limit=10).name == "count-words.md"

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("Zażółć gęślą", "zazoc-gesla"),
            ("日本語", "conversation"),
            ("../../etc/passwd", "etc-passwd"),
            ("", "conversation"),
        ],
    )
    def test_names_are_harmless(self, title: str, name: str) -> None:
        assert stem(title) == name

    def test_what_is_too_large_is_packed(self) -> None:
        file = pack("Long", "md", b"abc" * 1_000, limit=1_000)
        assert file.name == "long.md.zip"
        with zipfile.ZipFile(BytesIO(file.data)) as archive:
            assert archive.read("long.md") == b"abc" * 1_000

    def test_what_is_too_large_even_so_is_told(self) -> None:
        with pytest.raises(ForUser, match="too large to send"):
            pack("Long", "md", b"abc" * 1_000, limit=100)
