"""The whole bot over real sockets: reasoning behind a spoiler, in private, and what `/reasoning` changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.playground.discord.records import Channel
from bot.store import Store
from tests.bot_trouble import Private
from tests.whole_bot import Stage, script_file, stage

THOUGHT = "If `a || b` holds, then forty-two."
LEAK: JsonObject = {
    "name": "leak",
    "when": "leak",
    "say": f"<think>{THOUGHT}</think>\n\nIt is 42.<|tool_calls_section_begin|><|tool_calls_section_end|><|im_end|>",
}
QUICK: JsonObject = {"name": "quick", "think": THOUGHT, "say": "The answer is 42."}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, LEAK, QUICK)) as built, built.app():
        yield built


async def thread_of(bot: Stage, who: int, text: str = "hello") -> Channel:
    thread = await bot.thread_of(bot.mention(who, text))
    await bot.answered(thread.id)
    return thread


def created(bot: Stage) -> list[str]:
    """The content of every message that the bot posts from now on, as it was when people were notified of it."""
    contents: list[str] = []

    def note(event: Any) -> None:
        if event.name == "MESSAGE_CREATE" and str(event.data["author"]["id"]) == str(bot.bot):
            contents.append(str(event.data["content"]))

    bot.world.subscribe(note)
    return contents


async def test_with_spoiler_the_reasoning_stands_covered_above_the_next_answer(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
    before = len(bot.messages(thread.id))

    await bot.command(bot.ada, thread.id, "reasoning", show="spoiler")
    await private.told("behind a spoiler")
    contents = created(bot)
    bot.say(bot.ada, thread.id, "again")
    await bot.answered(thread.id, count=2)

    thought, answer = bot.messages(thread.id)[before:]
    assert thought.content.startswith("-# 💭 Thought")
    assert "||\u200bIf \\`a |\u200b|\u200b b\\` holds, then forty-two.\u200b||" in thought.content
    assert answer.content.startswith("The answer is 42.")
    assert len(contents) == 2
    assert "forty-two" not in "".join(contents)


async def test_what_exceeds_the_message_is_attached_covered_at_the_end(tmp_path: Path) -> None:
    scene: JsonObject = {"name": "long", "think": {"repeat": 300, "text": "Thought {n}. "}, "say": "Done."}
    async with stage(tmp_path, script=script_file(tmp_path, scene)) as bot, bot.app():
        thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
        await bot.command(bot.ada, thread.id, "reasoning", show="spoiler")
        await private.told("behind a spoiler")
        bot.say(bot.ada, thread.id, "again")

        def attached() -> list[str]:
            return [file.filename for message in bot.messages(thread.id) for file in message.attachments]

        await bot.until(attached, "the reasoning is attached")
        assert attached() == ["SPOILER_reasoning.md"]


async def test_what_a_host_leaks_is_shown_as_reasoning_and_goes_back_as_such(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada, "leak"), Private(bot, bot.ben)

    assert bot.messages(thread.id)[-1].content.startswith("It is 42.\n-# ")
    await bot.press(bot.ben, thread.id, "Reasoning")
    await private.told("If `a || b` holds, then forty-two.")
    bot.say(bot.ada, thread.id, "and again")
    await bot.answered(thread.id, count=2)
    messages = bot.model.requests[-1].body["messages"]
    assert isinstance(messages, list)
    assert messages[2]["content"] == "It is 42."  # type: ignore[index]  # JSON of a known shape
    assert messages[2]["reasoning"] == THOUGHT  # type: ignore[index]


async def test_without_options_the_command_tells_how_the_thread_is_set(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "reasoning")
    await private.told("Effort: the model's own default (on offer: low, medium, high)")


async def test_the_efforts_of_the_threads_model_are_offered_while_one_types(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ben)
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "reasoning")
    typed: JsonObject = {"name": "effort", "type": 3, "value": "", "focused": True}
    data: JsonObject = {"id": str(command.id), "name": "reasoning", "type": 1, "options": [typed]}

    await bot.interact(bot.ben, {"type": 4, "channel_id": str(thread.id), "data": data})

    names = [{"name": name, "value": name} for name in ("low", "medium", "high", "default")]
    await private.told(str({"choices": names})[1:-1])


async def test_only_the_threads_owner_and_moderators_change_it(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "reasoning", effort="low")
    await private.told("Only the person who began this thread, or a moderator")


async def test_outside_of_a_conversation_it_says_where_it_works(bot: Stage) -> None:
    private = Private(bot, bot.ben)
    await bot.command(bot.ben, bot.channel("general"), "reasoning", effort="low")
    await private.told("Use this command in a thread with me, or in a DM.")


async def test_in_a_dm_it_works_before_the_first_question(bot: Stage) -> None:
    channel, private = bot.world.open_dm(bot.ben, bot.bot), Private(bot, bot.ben)
    await bot.command(bot.ben, channel.id, "reasoning", effort="low")
    await private.told("Effort: **low**")
    bot.say(bot.ben, channel.id, "hello")
    await bot.answered(channel.id)
    assert bot.model.requests[-1].body["reasoning"] == {"effort": "low"}


async def test_the_servers_maximum_holds_for_choices_and_for_what_was_chosen_before(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, QUICK)) as bot:
        async with bot.app():
            thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
            await bot.command(bot.ada, thread.id, "reasoning", effort="HIGH")
            await private.told("Effort: **high**")
        store = await Store.open(bot.settings.database_url)
        await store.save_guild_settings(next(iter(bot.world.records.guilds)), {"max_effort": "medium"})
        await store.close()
        async with bot.app():
            private = Private(bot, bot.ada)
            await bot.command(bot.ada, thread.id, "reasoning", effort="high")
            await private.told("This server allows an effort of at most “medium”. Please choose one of: low, medium")
            await bot.command(bot.ada, thread.id, "reasoning", effort="none")
            await private.told("kimi-k2-thinking does not offer this effort.")
            bot.say(bot.ada, thread.id, "again")
            await bot.answered(thread.id, count=2)
            assert bot.model.requests[-1].body["reasoning"] == {"effort": "medium"}
            await bot.press(bot.ada, thread.id, "Reasoning", which=0)
            await private.told(THOUGHT)
