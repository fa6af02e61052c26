"""Covered reasoning: nothing that a model thinks can open its spoiler, show outside of it, or be lost."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.events import Answered, Ended, ReplyEvent, StartedOver, Thought, ToolEnded, ToolStarted
from bot.messages import Said, Step, Text, ToolCall, ToolResult, Turn, TurnStatus, Usage
from bot.render.inline import units
from bot.render.page import Control, Page, PageFile
from bot.render.reply import Reply
from bot.render.spoiler import Spoiler

SPACE = "\u200b"
ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
USAGE = Usage(completion_tokens=12)
THINKING = "-# 💭 Thinking…"


def covered(*pieces: str) -> str:
    spoiler = Spoiler()
    for piece in pieces:
        spoiler.add(piece)
    return spoiler.covered()


def read(text: str) -> str:
    """What is behind the spoiler, read as Discord reads it: up to the next pipes, with escapes and no other marks."""
    assert text.count("||") == 2, "it opens once and closes once"
    found = re.fullmatch(r"\|\|(.+?)\|\|", text, re.DOTALL)
    assert found is not None, "nothing stands outside of it"
    inner = found[1]
    assert inner.startswith(SPACE)
    assert all(line.startswith(SPACE) for line in inner.split("\n")), "no line begins a block"
    plain = ESCAPE.sub("", inner)
    assert not re.search(r"[\\*_~`<\[/]|@[a-z]", plain), "no marker is armed"
    return visible(ESCAPE.sub(r"\1", inner))


def visible(text: str) -> str:
    return text.replace(SPACE, "").strip(" \t\n\u200d")


@pytest.mark.parametrize(
    "text",
    [
        "a || b",
        "x = a||b|||c||||",
        "|",
        "||",
        "```py\nif a || b:\n    pass\n```",
        "`a || b`",
        "```\nnever closed",
        "ends with \\",
        "ends with |",
        "**bold** _it_ ~~gone~~ __u__",
        "# Heading\n> quote\n>>> quote\n- item\n1. item\n-# small",
        "[a](https://example.org) https://example.org/x discord.gg/abc",
        "<@1> <@&2> <#3> <:emoji:4> <t:5:R> @everyone @here",
        "a |\u200b| b",
        "\u200d||\u200d",
    ],
)
def test_the_text_is_shown_as_it_is_and_never_breaks_out(text: str) -> None:
    for end in range(1, len(text) + 1):
        if shown := covered(text[:end]):
            assert read(shown) == visible(text[:end])


def test_what_cannot_be_shown_is_taken_out() -> None:
    assert read(covered("a\x00b|\x1b|\u202ec\ud800\r\nd\u2028e\x85")) == "ab||c\ufffd\nd\ne"


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b", "\x00" * 9000])
def test_there_is_no_spoiler_around_nothing(text: str) -> None:
    assert covered(text) == ""


def test_many_blank_lines_are_one() -> None:
    assert read(covered("a", "\n" * 500, " \n", "b")) == "a\n\nb"


def test_words_after_what_cannot_be_shown_are_shown() -> None:
    assert read(covered("\x00" * 100_000 + "word")) == "word"


@pytest.mark.parametrize("text", ["word " * 5000, "|" * 9000, "`" * 9000, "🧠" * 9000, "x" * 1_000_000, "a|\n" * 5000])
@pytest.mark.parametrize("size", [7, 1_000_000])
def test_a_long_reasoning_shows_its_beginning_and_keeps_all(text: str, size: int) -> None:
    spoiler = Spoiler()
    for start in range(0, min(len(text), 20_000), size):
        spoiler.add(text[start : start + size])
    shown = spoiler.covered()
    assert 700 < units(shown) <= 1_860
    assert read(shown).endswith(" …")
    assert text.startswith(read(shown).removesuffix(" …"))
    assert spoiler.is_cut
    assert text.startswith(spoiler.whole())
    assert not shown.endswith("wo …||")


def test_what_has_been_shown_never_moves() -> None:
    spoiler, before = Spoiler(), ""
    for number in range(900):
        spoiler.add(f"thought {number} ")
        shown = read(spoiler.covered()).removesuffix(" …")
        assert shown.startswith(before.rpartition(" ")[0])
        before = shown


def test_work_is_constant_once_there_is_no_more_room() -> None:
    spoiler = Spoiler()
    began = time.process_time()
    for _ in range(500_000):
        spoiler.add("a | b ")
    assert time.process_time() - began < 5


MARKUP = st.text(st.sampled_from("|`\\*_~<>@[]()/#-\n \u200b\u200da1.:\x00\ud83d🧠"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(MARKUP, st.lists(st.integers(0, 60), max_size=6))
@example("|\\", [1])
def test_the_way_a_thought_is_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(text)]
    shown = covered(*(text[start:end] for start, end in pairwise(bounds) if start < end))
    assert shown == covered(text)
    if shown:
        read(shown)


def reply(*events: ReplyEvent) -> Reply:
    made = Reply(started_at=100.0, model="a/m", shows_reasoning=True)
    for event in events:
        made.apply(event)
    return made


def ended(status: TurnStatus = TurnStatus.DONE) -> Ended:
    return Ended(status, "a/m", USAGE, thinking_seconds=12.2, seconds=20.0, finish="stop")


def spoiler_page(status: str, text: str, files: tuple[PageFile, ...] = ()) -> Page:
    return Page(f"-# {status}\n||{SPACE}{text}{SPACE}||", files=files, announcement=THINKING)


def test_the_reasoning_streams_above_the_answer_in_a_message_of_its_own() -> None:
    made = reply()
    assert made.pages(101) == (Page("-# 💭 Thinking… 1 s", (Control.STOP,)),)
    made.apply(Thought("Hm,"))
    first = spoiler_page("💭 Thinking… 12 s", "Hm,")
    assert made.pages(112) == (Page(first.content, (Control.STOP,), announcement=THINKING),)
    made.apply(Answered("Hello."))
    assert made.pages(113) == (spoiler_page("💭 Thought", "Hm,"), Page("Hello.", (Control.STOP,)))
    made.apply(ended())
    assert made.pages(120) == (
        spoiler_page("💭 Thought for 12 s", "Hm,"),
        Page("Hello.\n-# m · thought 12 s · 12 tokens", (Control.RETRY, Control.REASONING, Control.SOURCE)),
    )


def test_the_message_of_the_reasoning_is_posted_without_a_word_of_it() -> None:
    for events in ([Thought("Secret.")], [Thought("Secret."), Answered("Hi.")], [Thought("Secret."), ended()]):
        page = reply(*events).pages(101)[0]
        assert page.announcement is not None
        assert "Secret" not in page.announcement
        assert "Secret" in page.content


def test_all_steps_think_in_the_same_message() -> None:
    made = reply(Thought("One."), ToolStarted("web", ""))
    assert [page.content for page in made.pages(104)] == [
        spoiler_page("💭 Thought", "One.").content,
        "-# 🔧 web · …\n-# ⚙️ Working… 4 s",
    ]
    made.apply(ToolEnded("web", 1.0, False))
    made.apply(Thought("Two."))
    pages = made.pages(105)
    assert pages[0] == spoiler_page("💭 Thinking…", f"One.\n{SPACE}\n{SPACE}Two.")
    assert pages[1].content == "-# 🔧 web · 1 s\n-# 💭 Thinking… 5 s"


def test_an_attempt_that_starts_over_leaves_no_thought_behind() -> None:
    made = reply(Thought("Wrong."), StartedOver())
    assert made.pages(101) == (Page("-# 💭 Thinking… 1 s", (Control.STOP,)),)


def test_without_reasoning_the_answer_comes_first() -> None:
    assert reply(Thought(""), Answered("Hi.")).pages(101) == (Page("Hi.", (Control.STOP,)),)


def test_a_long_reasoning_is_attached_whole_at_the_end() -> None:
    thought = "a || `b`\n" * 900
    made = reply(Thought(thought), Answered("Hi."))
    assert not made.pages(101)[0].files
    made.apply(ended())
    pages = made.pages(102)
    assert pages[0].files == (PageFile("SPOILER_reasoning.md", thought.encode()),)
    assert "all of it is in the file below" in pages[0].content
    assert made.pages(103)[0] is pages[0]


def test_a_file_that_discord_refuses_is_left_out_and_not_promised() -> None:
    made = reply(Thought("word " * 900), Answered("Hi."), ended())
    assert made.pages(102)[0].files
    assert made.has_files
    made.refuse_files()
    first, last = made.pages(102)
    assert not made.has_files
    assert first.files == ()
    assert "file" not in first.content.partition("\n")[0]
    assert "did not take the files" in last.content


def test_hidden_reasoning_is_in_no_page() -> None:
    made = Reply(started_at=0.0, model="a/m")
    for event in (Thought("Secret."), Answered("Hi."), ended()):
        made.apply(event)
        assert all("Secret" not in page.content and not page.files for page in made.pages(1))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(MARKUP, st.text("ab \n`|", max_size=20), st.booleans()), min_size=1, max_size=3),
    st.sampled_from([TurnStatus.DONE, TurnStatus.STOPPED, TurnStatus.INTERRUPTED]),
)
def test_a_stored_turn_looks_as_it_did_live_at_every_frame(
    thoughts: list[tuple[str, str, bool]], status: TurnStatus
) -> None:
    made, steps = reply(), list[Step]()
    for thought, text, calls in thoughts:
        pieces = [thought[start : start + 3] for start in range(0, len(thought), 3)]
        events: list[ReplyEvent] = [*map(Thought, pieces), *([Answered(text)] if text else [])]
        if calls:
            events += [ToolStarted("t", ""), ToolEnded("t", 0.0, False)]
        for event in events:
            made.apply(event)
            for page in made.pages(101):
                assert 0 < units(page.content) <= 2000
                if page.announcement:
                    read(page.content.partition("\n")[2])
        tools = ((ToolCall("1", "t", "{}"),), (ToolResult("1", "t", ""),)) if calls else ((), ())
        steps.append(Step(reasoning=thought, text=text, tool_calls=tools[0], tool_results=tools[1]))
    made.apply(Ended(status, "", Usage(), 0.0, 0.0))
    turn = Turn(1, 1, (Said(1, 2, "Ann", (Text("?"),), 0.0),), status=status, steps=tuple(steps))
    stored = Reply.of(turn, shows_reasoning=True).pages(0)
    assert [page.content.replace("-# m\n", "") for page in stored] == [
        page.content.replace("\n-# m", "") for page in made.pages(0)
    ]
