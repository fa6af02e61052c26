"""The whole bot over real sockets: what an answer looks like, and what its buttons do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.messages import JsonObject
from tests.whole_bot import Stage, script_file, stage

SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": "Let me think about this for a while.",
    "say": {"repeat": 400, "text": "word {n} "},
    "speed": 40,
}
QUICK: JsonObject = {"name": "quick", "think": "Easy: forty-two.", "say": "The answer is 42."}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A running bot whose model answers at once, or slowly when told so."""
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, QUICK), speed=1.0) as built, built.app():
        yield built


async def test_while_the_model_thinks_there_is_a_status_line_with_stop(tmp_path: Path) -> None:
    thoughtful: JsonObject = {"name": "t", "think": {"repeat": 100, "text": "hm {n} "}, "say": "Done.", "speed": 60}
    async with stage(tmp_path, script=script_file(tmp_path, thoughtful), speed=1.0) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "hello"))

        await bot.until(lambda: "-# 💭 Thinking…" in bot.text(thread.id), "the status line")
        assert [label for label, _, _ in bot.buttons(thread.id)] == ["Stop"]
        assert "Thinking" not in await bot.answered(thread.id)


async def test_a_finished_answer_names_model_tokens_and_cost_and_has_its_buttons(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "quickly"))

    shown = await bot.answered(thread.id)

    assert "The answer is 42." in shown
    footer = shown.splitlines()[-1]
    assert footer.startswith("-# kimi-k2-thinking · ")
    assert "tokens" in footer
    assert "$0.0" in footer
    assert [label for label, _, _ in bot.buttons(thread.id)] == ["Retry", "Reasoning", "Source"]


async def test_stop_keeps_what_came_and_closes_the_providers_connection(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "slowly please"))
    await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")

    await bot.press(bot.ada, thread.id, "Stop")

    shown = await bot.answered(thread.id)
    assert "Stopped" in shown
    assert "word 3" in shown
    await bot.until(lambda: bot.model.requests[0].cancelled, "the provider's connection is closed")
    assert bot.model.requests[0].tokens_sent < 400
    assert [label for label, _, _ in bot.buttons(thread.id)] == ["Retry", "Continue", "Reasoning", "Source"]


async def test_somebody_else_may_not_stop_but_a_moderator_may(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ben, "slowly please"))
    await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")
    third = bot.world.add_user("cy", "Cy")
    bot.world.add_member(next(iter(bot.world.records.guilds)), third.id)

    await bot.press(third.id, thread.id, "Stop")
    await bot.until(lambda: "word 12" in bot.text(thread.id), "it goes on")
    await bot.press(bot.ada, thread.id, "Stop")

    assert "Stopped" in await bot.answered(thread.id)


async def test_what_was_said_before_stop_is_remembered(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "slowly please"))
    await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")
    await bot.press(bot.ada, thread.id, "Stop")
    await bot.answered(thread.id)

    bot.say(bot.ada, thread.id, "go quickly now")
    await bot.answered(thread.id, count=2)

    messages = bot.model.requests[-1].body["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]  # type: ignore[index]
    assert str(messages[2]["content"]).startswith("word 1 word 2 word 3")  # type: ignore[index]


async def test_retry_answers_again_in_the_same_messages(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "quickly"))
    await bot.answered(thread.id)
    before = [message.id for message in bot.messages(thread.id)]

    await bot.press(bot.ada, thread.id, "Retry")

    await bot.until(lambda: len(bot.model.requests) == 2, "the model is asked again")
    assert bot.model.requests[0].body["messages"] == bot.model.requests[1].body["messages"]
    await bot.answered(thread.id)
    assert [message.id for message in bot.messages(thread.id)] == before


async def test_continue_goes_on_after_a_stop(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "slowly please"))
    await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")
    await bot.press(bot.ada, thread.id, "Stop")
    await bot.answered(thread.id)

    await bot.press(bot.ada, thread.id, "Continue")

    await bot.answered(thread.id, count=2)
    assert "Continue exactly where you stopped" in str(bot.model.requests[-1].body["messages"])


async def test_the_reasoning_is_shown_to_the_one_who_asks_for_it_only(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "quickly"))
    await bot.answered(thread.id)
    private: list[JsonObject] = []
    bot.world.subscribe(lambda event: private.append(event.data) if event.only_user == bot.ben else None)

    await bot.press(bot.ben, thread.id, "Reasoning")

    await bot.until(lambda: any("Easy: forty-two." in str(data) for data in private), "Ben sees it")
    assert "Easy" not in bot.text(thread.id)


async def test_the_reasoning_goes_back_to_the_model_unaltered_with_the_next_question(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "quickly"))
    await bot.answered(thread.id)
    bot.say(bot.ada, thread.id, "and again")
    await bot.answered(thread.id, count=2)

    messages = bot.model.requests[-1].body["messages"]
    assert isinstance(messages, list)
    assert messages[2]["reasoning_details"] == [  # type: ignore[index]
        {"type": "reasoning.text", "text": "Easy: forty-two.", "format": "unknown", "index": 0}
    ]


async def test_a_long_program_is_shown_on_five_messages_with_every_fence_closed_and_attached_whole(
    tmp_path: Path,
) -> None:
    program = "\n".join(f"    value_{n} = compute({n})  # line {n}" for n in range(300))
    scene: JsonObject = {"name": "code", "say": f"Here:\n\n```python\n{program}\n```\nThat is all."}
    async with stage(tmp_path, script=script_file(tmp_path, scene)) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "program"))

        await bot.answered(thread.id)

        pages = [message.content for message in bot.messages(thread.id) if message.content]
        assert len(pages) == 5
        assert all(len(page) <= 2000 and page.count("```") % 2 == 0 for page in pages)
        lines = [line for page in pages for line in page.splitlines() if line.startswith("    value_")]
        assert lines == program.splitlines()[: len(lines)]
        assert len(lines) > 200
        files = await bot.until(lambda: bot.messages(thread.id)[-1].attachments, "the files")
        assert [file.filename for file in files] == ["answer.md", "code-1.py"]
        assert files[1].data.decode() == f"{program}\n"


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [
        ("fault 401", "The key for the model's server is missing or invalid."),
        ("fault 402", "no credit left"),
        ("fault empty", "finished without saying anything"),
        ("fault garbage", "something that is not an answer"),
    ],
)
async def test_a_fault_of_the_model_is_one_sentence_with_retry(tmp_path: Path, phrase: str, sentence: str) -> None:
    async with stage(tmp_path) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, phrase))

        shown = await bot.answered(thread.id)

        assert sentence in shown
        assert "Traceback" not in shown
        assert "Retry" in [label for label, _, _ in bot.buttons(thread.id)]


async def test_an_answer_cut_in_mid_stream_keeps_what_came(tmp_path: Path) -> None:
    async with stage(tmp_path) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "fault cut"))

        shown = await bot.answered(thread.id)

        assert "broke off in the middle" in shown
        assert len(shown) > 120
        assert "Retry" in [label for label, _, _ in bot.buttons(thread.id)]


async def test_the_question_that_a_thread_was_opened_on_is_marked_where_it_stands_while_it_waits(bot: Stage) -> None:
    question = bot.mention(bot.ada, "quickly")
    thread = await bot.thread_of(question)
    await bot.answered(thread.id)
    bot.say(bot.ada, thread.id, "slowly please")
    await bot.until(lambda: "word 3" in bot.text(thread.id), "the next question is being answered")

    await bot.press(bot.ada, thread.id, "Retry", which=0)

    await bot.until(lambda: [mark.name for mark in question.reactions] == ["⏳"], "the first one waits")
    await bot.press(bot.ada, thread.id, "Stop")
    await bot.until(lambda: not question.reactions, "it waits no more")
