"""The fold from a turn's events to the pages of its answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import (
    Answered,
    Cited,
    Ended,
    FilesMade,
    Noticed,
    ReplyEvent,
    StartedOver,
    Thought,
    ToolEnded,
    ToolStarted,
)
from bot.messages import MadeFile, Said, Source, Step, Text, ToolCall, ToolResult, Turn, TurnStatus, Usage
from bot.render.footer import dollars, seconds, short_model
from bot.render.inline import units
from bot.render.page import Control, Page
from bot.render.reply import Reply

MODEL = "moonshotai/kimi-k2-thinking-20251106"
USAGE = Usage(prompt_tokens=900, completion_tokens=1204, reasoning_tokens=300, cost=2_100_000)
FOOTER = "-# kimi-k2-thinking · thought 12 s · 1,204 tokens · $0.0021"


def reply(
    *events: ReplyEvent, footer: bool = True, reasoning_model: bool = True, needs_reply_button: bool = False
) -> Reply:
    made = Reply(
        started_at=100.0,
        model=MODEL,
        footer=footer,
        reasoning_model=reasoning_model,
        needs_reply_button=needs_reply_button,
    )
    for event in events:
        made.apply(event)
    return made


def ended(status: TurnStatus = TurnStatus.DONE, *, finish: str | None = "stop", error: str | None = None) -> Ended:
    return Ended(status, MODEL, USAGE, thinking_seconds=12.2, seconds=20.0, finish=finish, error=error)


def content(made: Reply, now: float = 112.4) -> str:
    return "\n---\n".join(page.content for page in made.pages(now))


def test_thinking_counts_the_seconds() -> None:
    made = reply()
    assert made.pages(112.4) == (Page("-# 💭 Thinking… 12 s", (Control.STOP,)),)
    assert content(made, 175) == "-# 💭 Thinking… 1 min 15 s"


def test_a_model_that_does_not_reason_is_said_to_write() -> None:
    assert content(reply(reasoning_model=False)) == "-# ✍️ Writing…"
    assert content(reply(Thought("Hm."), reasoning_model=False)).startswith("-# 💭 Thinking")


def test_text_takes_the_place_of_the_status_line() -> None:
    made = reply(Thought("Hm."), Answered("Hello"))
    assert made.pages(112.4) == (Page("Hello", (Control.STOP,)),)


def test_a_withdrawn_reply_shows_nothing_whatever_still_happens() -> None:
    made = reply(Answered("Hello"))
    made.withdraw()
    assert (made.over, made.pages(112.4)) == (True, ())
    for event in (Answered(" again"), ended()):
        made.apply(event)
        assert (made.over, made.pages(112.4)) == (True, ())


def test_text_that_is_held_back_leaves_the_status() -> None:
    """A page is never empty, not even while a marker is undecided."""
    assert content(reply(Answered("``"))) == "-# ✍️ Writing…"
    assert content(reply(Answered("\n"))).startswith("-# 💭 Thinking")


def test_a_finished_answer_carries_its_figures_and_buttons() -> None:
    made = reply(Thought("Hm."), Answered("Hello."), ended())
    assert made.pages(200.0) == (Page(f"Hello.\n{FOOTER}", (Control.RETRY, Control.REASONING, Control.SOURCE)),)
    assert made.over


def test_a_server_may_turn_the_figures_off() -> None:
    assert content(reply(Answered("Hello."), ended(), footer=False)) == "Hello."


def test_one_token_is_no_tokens() -> None:
    made = reply(Answered("Yes."), replace(ended(), usage=replace(USAGE, completion_tokens=1)))
    assert "· 1 token ·" in content(made)


def test_only_what_is_known_is_told() -> None:
    made = reply(Answered("Hi."), Ended(TurnStatus.DONE, "", Usage(), 0.0, 1.0))
    assert content(made) == "Hi.\n-# kimi-k2-thinking"


@pytest.mark.parametrize(
    ("status", "finish", "text", "continues"),
    [
        (TurnStatus.DONE, "stop", "Hi.", False),
        (TurnStatus.DONE, "length", "Hi.", True),
        (TurnStatus.STOPPED, None, "Hi.", True),
        (TurnStatus.STOPPED, None, "", False),
        (TurnStatus.INTERRUPTED, None, "Hi.", True),
        (TurnStatus.INTERRUPTED, None, "", True),
        (TurnStatus.FAILED, None, "Hi.", False),
    ],
)
def test_continue_is_offered_where_it_applies(
    status: TurnStatus, finish: str | None, text: str, continues: bool
) -> None:
    made = reply(Answered(text), ended(status, finish=finish, error="It failed."))
    controls = made.pages(0)[-1].controls
    assert (Control.CONTINUE in controls) == continues
    assert (Control.SOURCE in controls) == bool(text)


def test_the_reply_button_comes_last_and_at_the_end_only() -> None:
    made = reply(Answered("Hi."), needs_reply_button=True)
    assert made.pages(0)[-1].controls == (Control.STOP,)
    made.apply(ended())
    assert made.pages(0)[-1].controls == (Control.RETRY, Control.SOURCE, Control.REPLY)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (TurnStatus.STOPPED, "-# ⏹ Stopped."),
        (TurnStatus.INTERRUPTED, "-# ⚡ Interrupted by a restart."),
        (TurnStatus.FAILED, "⚠️ The provider is down."),
    ],
)
def test_what_came_stays_above_how_it_ended(status: TurnStatus, line: str) -> None:
    end = ended(status, error="The provider is down.")
    assert content(reply(Answered("Half an"), end)) == f"Half an\n{line}\n{FOOTER}"
    assert content(reply(end)) == f"{line}\n{FOOTER}"


def test_an_answer_without_text_says_so() -> None:
    assert content(reply(ended())).startswith("⚠️ The model finished without saying anything.")


@pytest.mark.parametrize("text", ["\x00", "\x00\x1b" * 5000, "\u200b", "\u202e\u202c", "\ufeff \n", "\u2060"])
def test_an_answer_that_nobody_can_see_is_as_good_as_none(text: str) -> None:
    made = reply(Answered(text), Answered(text), ended())
    assert "⚠️ The model finished without saying anything." in content(made)
    assert Control.SOURCE not in made.pages(0)[-1].controls
    assert file_names(made) == [[]]


@pytest.mark.parametrize("text", ["```\n```", "```py\n\n", "```\n" * 5000])
def test_an_answer_of_which_discord_can_show_nothing_comes_as_a_file(text: str) -> None:
    made = reply(Answered(text))
    assert content(made) == "-# ✍️ Writing…"
    made.apply(ended())
    assert content(made).startswith("-# 📄 The whole answer is in answer.md (")
    assert made.pages(0)[-1].files[0].data.decode() == text


def test_notices_stand_below_the_answer_once_each() -> None:
    made = reply(Noticed("Trimmed."), StartedOver(), Noticed("Trimmed."), Answered("Hi."), ended())
    assert content(made) == f"Hi.\n-# Trimmed.\n{FOOTER}"


def test_starting_over_clears_what_was_shown() -> None:
    made = reply(Thought("Hm."), ToolStarted("web", ""), Answered("Half an"), StartedOver())
    assert content(made) == "-# 💭 Thinking… 12 s"
    made.apply(Answered("New."))
    made.apply(ended())
    assert content(made) == f"New.\n{FOOTER}"
    assert made.pages(0)[-1].controls == (Control.RETRY, Control.SOURCE)


def test_tools_are_shown_while_they_work() -> None:
    made = reply(ToolStarted("web_fetch", "docs.python.org"), ToolStarted("run_python", ""))
    made.apply(ToolEnded("web_fetch", 0.84, False))
    assert content(made) == ("-# 🔧 web\\_fetch docs.python.org · 0.8 s\n-# 🔧 run\\_python · …\n-# ⚙️ Working… 12 s")
    made.apply(ToolEnded("run_python", 3.0, True))
    assert "run\\_python · failed after 3 s" in content(made)


def used(number: int, name: str = "t", about: str = "", *, step: int | None = None) -> tuple[ReplyEvent, ReplyEvent]:
    place = number if step is None else step
    return ToolStarted(name, about, number, place), ToolEnded(name, 2.0, False, number)


def test_many_tools_are_folded_into_how_many_they_were_and_how_long_they_took() -> None:
    made = reply(*(event for number in range(9) for event in used(number, about=f"{number}")))
    assert content(made).startswith("-# 🔧 5 steps · 10 s before\n-# 🔧 t 5 · 2 s\n")
    made.apply(Answered("Hi."))
    made.apply(ended())
    assert content(made) == f"Hi.\n-# 🔧 9 steps · 18 s · t ×9\n{FOOTER}"


def test_tools_that_ran_at_the_same_time_count_their_time_once() -> None:
    made = reply(*(event for number in range(6) for event in used(number, step=number // 3)), Answered("Hi."), ended())
    assert "-# 🔧 6 steps · 4 s · t ×6\n" in content(made)


def test_few_tools_keep_a_line_each_at_the_end() -> None:
    made = reply(*used(0, "a", "docs.python.org"), *used(1, "b"), Answered("Hi."))
    assert content(made) == "Hi."
    made.apply(ended())
    assert content(made) == f"Hi.\n-# 🔧 a docs.python.org · 2 s\n-# 🔧 b · 2 s\n{FOOTER}"


def test_of_calls_at_the_same_time_each_end_is_that_of_its_own_call() -> None:
    made = reply(ToolStarted("t", "x", 0), ToolStarted("t", "y", 1), ToolEnded("t", 1.0, False, 0))
    assert content(made).splitlines()[:2] == ["-# 🔧 t x · 1 s", "-# 🔧 t y · …"]


def test_a_tool_that_was_stopped_says_that_it_did_not_finish() -> None:
    made = reply(ToolStarted("t", "x"), ended(TurnStatus.STOPPED))
    assert "-# 🔧 t x · not finished" in content(made)


@pytest.mark.parametrize("status", [TurnStatus.STOPPED, TurnStatus.FAILED, TurnStatus.INTERRUPTED])
def test_an_answer_that_ended_between_tools_can_be_continued(status: TurnStatus) -> None:
    (page,) = reply(*used(0), ended(status, error="Broken.")).pages(0)
    assert Control.CONTINUE in page.controls


def test_sources_are_links_under_the_answer_without_previews() -> None:
    sources = (Source("https://a.example/x?y=1", "A *bold* [title]"), Source("https://b.example", ""))
    shown = content(reply(Answered("Hi."), Cited(sources), Cited(sources), ended()))
    links = "-# 🔗 [A \\*bold\\* \\[title\\]](<https://a.example/x?y=1>)\n-# 🔗 <https://b.example>"
    assert shown == f"Hi.\n{links}\n{FOOTER}"


def test_a_title_that_looks_like_a_link_does_not_stand_for_another_one() -> None:
    shown = content(reply(Answered("Hi."), Cited((Source("https://evil.example", "https://bank.example"),)), ended()))
    assert "bank" not in shown


def test_many_sources_and_tools_leave_room_for_how_it_ended() -> None:
    sources = tuple(Source(f"https://{n}.example/{'x' * 380}", "long title " * 9) for n in range(40))
    events = [event for number in range(4) for event in used(number, "tool" * 15, "about " * 20)]
    notices = [Noticed(f"{n} " + "remark " * 60) for n in range(9)]
    made = reply(*events, *notices, Cited(sources), Answered("x" * 1_990), ended(TurnStatus.FAILED, error="e" * 900))
    assert all(units(page.content) <= 2_000 for page in made.pages(0))
    assert "eee" in made.pages(0)[-1].content


def test_files_that_tools_made_come_with_the_end_and_names_stay_apart() -> None:
    code = "```python title=chart.png\n" + "x = 1\n" * 100 + "```"
    files = (MadeFile("chart.png", b"1"), MadeFile("chart.png", b"2"))
    made = reply(FilesMade(files), Answered(code))
    assert not any(page.files for page in made.pages(0))
    made.apply(ended())
    names = [file.name for file in made.pages(0)[-1].files]
    assert len(names) == len(set(names)) == 3
    assert [file.data for file in made.pages(0)[-1].files[:2]] == [b"1", b"2"]


def test_starting_over_forgets_files_and_sources() -> None:
    made = reply(FilesMade((MadeFile("a.png", b"1"),)), Cited((Source("https://a.example", "A"),)), StartedOver())
    made.apply(Answered("Hi."))
    made.apply(ended())
    assert content(made) == f"Hi.\n{FOOTER}"
    assert not made.pages(0)[-1].files


def test_text_after_a_tool_begins_a_new_paragraph() -> None:
    made = reply(Answered("First."), ToolStarted("t", ""), ToolEnded("t", 1, False), Thought("x"))
    assert content(made) == "First.\n-# 🔧 t · 1 s\n-# 💭 Thinking…"
    made.apply(Answered("Then."))
    assert content(made) == "First.\n\nThen."


def test_pages_that_do_not_change_are_the_same_objects() -> None:
    made = reply(Answered("word " * 900))
    before = made.pages(0)
    made.apply(Answered("more"))
    after = made.pages(1)
    assert len(before) == len(after) == 3
    assert all(left is right for left, right in zip(before[:2], after[:2], strict=True))
    assert made.pages(2) == after


def test_the_version_grows_when_the_pages_would_differ() -> None:
    made = reply()
    versions = [made.version]
    for event in (Thought("a"), Answered("b"), Noticed("c"), ended()):
        made.apply(event)
        versions.append(made.version)
    assert versions == sorted(set(versions))
    made = reply(Thought("a"))
    before = made.version
    made.apply(Thought("b"))
    assert made.version == before


def test_the_figures_fit_below_a_full_page() -> None:
    """Room for the small print is made on the last page; no page is ever too long."""
    for size in range(1700, 2300, 13):
        text = ("A plain sentence of words. " * 100)[:size]
        pages = reply(Noticed("Trimmed."), Answered(text), ended()).pages(0)
        assert all(units(page.content) <= 2000 for page in pages)
        assert pages[-1].content.endswith(FOOTER)
        assert not pages[-1].content.startswith("-#")


def test_endless_small_print_is_shortened() -> None:
    notices = [Noticed(f"{number} {'words ' * 300}") for number in range(50)]
    pages = reply(*notices, Answered("Hi."), ended(TurnStatus.FAILED, error="long " * 1000)).pages(0)
    assert all(units(page.content) <= 2000 for page in pages)
    assert "And 46 more remarks." in pages[-1].content


def turn(*steps: Step, status: TurnStatus = TurnStatus.DONE, **rest: object) -> Turn:
    question = Said(1, 2, "Ann", (Text("?"),), 0.0)
    return replace(Turn(1, 1, (question,), status=status, steps=steps), **rest)


def test_a_stored_turn_looks_as_it_did_live() -> None:
    call, result = ToolCall("1", "web", "{}"), ToolResult("1", "web", "found", about="q", seconds=2.0)
    stored = turn(
        Step(
            model=MODEL,
            reasoning="Hm.",
            text="Let me look.",
            tool_calls=(call,),
            tool_results=(result,),
            finish="tool_calls",
        ),
        Step(model=MODEL, text="Found.", finish="stop", usage=USAGE, thinking_seconds=12.2),
        notices=("Trimmed.",),
    )
    live = reply(
        Noticed("Trimmed."), Thought("Hm."), Answered("Let me "), Answered("look."), ToolStarted("web", "q"),
        ToolEnded("web", 2.0, False), Answered("Fo"), Answered("und."), ended(),
    )  # fmt: skip
    assert Reply.of(stored).pages(0) == live.pages(0)
    assert content(live) == f"Let me look.\n\nFound.\n-# 🔧 web q · 2 s\n-# Trimmed.\n{FOOTER}"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["word ", "**", "```py\n", "```\n", "\n\n", "`", "| a | b |\n", "x" * 700]), max_size=30),
    st.sampled_from([TurnStatus.DONE, TurnStatus.STOPPED, TurnStatus.INTERRUPTED, TurnStatus.FAILED]),
)
def test_any_stored_turn_looks_as_it_did_live(pieces: list[str], status: TurnStatus) -> None:
    live = reply(Thought("Hm."), *map(Answered, pieces), ended(status, finish=None, error="No."))
    step = Step(model=MODEL, reasoning="Hm.", text="".join(pieces), usage=USAGE, thinking_seconds=12.2)
    assert Reply.of(turn(step, status=status, error="No.")).pages(0) == live.pages(0)


def test_an_unfinished_turn_is_shown_as_running() -> None:
    made = Reply.of(turn(Step(text="Half"), status=TurnStatus.RUNNING))
    assert not made.over
    assert made.pages(0) == (Page("Half", (Control.STOP,)),)


@pytest.mark.parametrize(
    ("nanodollars", "shown"),
    [
        (0, "$0"),
        (900, "<$0.00001"),
        (12_000, "$0.000012"),
        (2_100_000, "$0.0021"),
        (9_999_999, "$0.010"),
        (21_400_000, "$0.021"),
        (214_000_000, "$0.21"),
        (1_239_000_000, "$1.24"),
    ],
)
def test_costs_have_two_digits(nanodollars: int, shown: str) -> None:
    assert dollars(nanodollars) == shown


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("moonshotai/kimi-k2-thinking", "kimi-k2-thinking"),
        ("moonshotai/kimi-k2-thinking-20251106", "kimi-k2-thinking"),
        ("openai/gpt-4o-2024-08-06", "gpt-4o"),
        ("deepseek/deepseek-r1-0528:free", "deepseek-r1-0528:free"),
        ("local", "local"),
    ],
)
def test_models_are_named_shortly(model: str, shown: str) -> None:
    assert short_model(model) == shown


def test_durations_are_told_as_people_do() -> None:
    assert [seconds(value) for value in (0.04, 0.84, 12.4, 59.6, 125)] == [
        "0.0 s",
        "0.8 s",
        "12 s",
        "1 min 0 s",
        "2 min 5 s",
    ]


LONG_ANSWER = "Some ordinary words in a row. " * 500 + "\n\n"
PROGRAM = "```python title=app.py\n" + "x = 1\n" * 61 + "```\n"


def file_names(made: Reply) -> list[list[str]]:
    return [[file.name for file in page.files] for page in made.pages(0)]


def test_long_code_is_shown_and_comes_as_a_file_when_the_answer_ends() -> None:
    made = reply(Answered(f"Here:\n{PROGRAM}"))
    assert file_names(made) == [[]]
    made.apply(ended())
    assert file_names(made) == [["app.py"]]
    assert made.pages(0)[0].content.count("x = 1") == 61
    assert made.pages(0)[0].content.endswith(f"```\n{FOOTER}")


def test_an_answer_too_long_for_five_messages_goes_on_unseen_while_it_streams() -> None:
    made = reply(Answered(LONG_ANSWER))
    pages = made.pages(0)
    assert len(pages) == 5
    line = "-# ✍️ Goes on: 15,000 characters so far. All of it will be in answer.md."
    assert pages[-1].content.endswith(line)
    assert pages[-1].controls == (Control.STOP, Control.SOURCE)
    made.apply(Answered("More. " * 50))
    assert made.pages(0)[:-1] == pages[:-1]
    assert made.pages(0)[-1].content == pages[-1].content.replace("15,000", "15,300")


@pytest.mark.parametrize("status", [TurnStatus.DONE, TurnStatus.STOPPED, TurnStatus.INTERRUPTED, TurnStatus.FAILED])
def test_an_answer_too_long_for_five_messages_comes_whole_as_a_file_however_it_ends(status: TurnStatus) -> None:
    made = reply(Answered(LONG_ANSWER), Answered(PROGRAM))
    words = made.pages(0)[-1].content.split("\n-#")[0]
    made.apply(ended(status, error="It failed."))
    pages = made.pages(0)
    assert file_names(made) == [[], [], [], [], ["answer.md", "app.py"]]
    assert pages[-1].files[0].data.decode() == LONG_ANSWER + PROGRAM
    assert pages[-1].content.startswith(f"{words}\n-# 📄 The whole answer is in answer.md (15 kB).\n")
    assert pages[-1].content.endswith(FOOTER)
    assert Control.SOURCE in pages[-1].controls


def test_an_answer_whose_small_print_alone_does_not_fit_five_messages_is_long_as_well() -> None:
    """Where the text fills five messages to the end, the closing lines would need a sixth."""
    found = [
        (len(made.pages(0)), bool(made.pages(0)[-1].files))
        for made in (reply(Answered("word " * count), ended()) for count in range(1900, 2000, 3))
    ]
    assert {pages for pages, _ in found} == {5}
    assert {has_files for _, has_files in found} == {True, False}


def test_small_print_without_end_moves_below_an_excerpt() -> None:
    notices = [Noticed(f"{number} {'words ' * 300}") for number in range(50)]
    pages = reply(*notices, Answered(LONG_ANSWER), ended(TurnStatus.FAILED, error="long " * 1000)).pages(0)
    assert all(units(page.content) <= 2000 for page in pages)
    assert [file.name for file in pages[-1].files] == ["answer.md"]


def test_files_that_discord_refuses_are_spoken_of() -> None:
    made = reply(Answered(LONG_ANSWER), ended())
    before, version = made.pages(0), made.version
    made.refuse_files()
    pages = made.pages(0)
    assert made.version > version
    assert not made.has_files
    assert file_names(made) == [[]] * 5
    assert "Discord did not take the files. Press Source for the whole answer." in pages[-1].content
    assert "is in answer.md" not in pages[-1].content
    assert pages[:-1] == before[:-1]


def test_starting_over_forgets_the_files() -> None:
    made = reply(Answered(LONG_ANSWER), StartedOver(), Answered("Short."), ended())
    assert made.pages(0) == (Page(f"Short.\n{FOOTER}", (Control.RETRY, Control.SOURCE)),)


@pytest.mark.parametrize(
    ("status", "seconds_taken", "text", "line"),
    [
        (TurnStatus.DONE, 72.0, "Hi.", "<@9> Done in 1 min 12 s."),
        (TurnStatus.FAILED, 72.0, "Hi.", "<@9> This could not be answered, after 1 min 12 s."),
        (TurnStatus.DONE, 72.0, "", "<@9> This could not be answered, after 1 min 12 s."),
        (TurnStatus.DONE, 60.0, "Hi.", None),
        (TurnStatus.STOPPED, 72.0, "Hi.", None),
        (TurnStatus.INTERRUPTED, 72.0, "Hi.", None),
    ],
)
def test_the_asker_of_a_long_turn_is_notified_by_a_message_of_its_own(
    status: TurnStatus, seconds_taken: float, text: str, line: str | None
) -> None:
    made = Reply(started_at=100.0, model=MODEL, asker_id=9)
    made.apply(Answered(text))
    made.apply(replace(ended(status), seconds=seconds_taken))
    answer, *closing = made.pages(0)
    assert Control.RETRY in answer.controls
    assert closing == ([Page(line, notifies=9)] if line else [])
