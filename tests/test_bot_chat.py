"""The whole bot over real sockets: who is answered, where, and in which order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.messages import JsonObject
from bot.playground.discord.form_message import Upload
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import ChannelOverwrite
from bot.playground.discord.world import default_world
from tests.whole_bot import Held, Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "They asked something.", "say": "You said: {question}"}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A running bot whose model repeats the question."""
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built, built.app():
        yield built


def prompts(bot: Stage, which: int = -1) -> list[JsonObject]:
    """The messages of a request that reached the model."""
    messages = bot.model.requests[which].body["messages"]
    assert isinstance(messages, list)
    return messages  # type: ignore[return-value]  # JSON of a known shape


async def test_a_mention_opens_a_thread_named_from_the_question_and_answers_there(bot: Stage) -> None:
    question = bot.mention(bot.ada, "How do I sort a list?")

    thread = await bot.thread_of(question)

    assert thread.name == "How do I sort a list?"
    assert "You said: How do I sort a list?" in await bot.answered(thread.id)
    assert bot.messages(bot.channel("general")) == []


async def test_in_its_thread_every_member_is_answered_without_a_mention_and_by_name(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "first"))
    await bot.answered(thread.id)

    bot.say(bot.ben, thread.id, "second")

    assert "You said: second" in await bot.answered(thread.id, count=2)
    asked = [message["content"] for message in prompts(bot) if message["role"] == "user"]
    assert asked == ["[Ada] first", "[Ben] second"]


async def test_what_is_not_for_the_bot_is_left_alone(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "first"))
    await bot.answered(thread.id)

    bot.say(bot.ben, bot.channel("general"), "just talking")
    bot.say(bot.ben, thread.id, "// an aside")
    bot.say(bot.ben, thread.id, f"<@{bot.ada}> what do you think?")
    bens = bot.say(bot.ben, thread.id, "// look at this")
    bot.say(bot.ada, thread.id, "I like it", message_reference={"message_id": str(bens.id)})
    bot.say(bot.ada, thread.id, "and now you")

    shown = await bot.answered(thread.id, count=2)
    assert "You said: and now you" in shown
    assert len(bot.model.requests) == 2
    assert bot.messages(bot.channel("general")) == []


async def test_a_direct_message_is_answered_in_place(bot: Stage) -> None:
    channel = bot.world.open_dm(bot.ben, bot.bot)

    bot.say(bot.ben, channel.id, "hello")

    assert "You said: hello" in await bot.answered(channel.id)
    assert prompts(bot)[-1]["content"] == "hello"


async def test_ask_opens_a_thread_below_a_quote_of_the_prompt(bot: Stage) -> None:
    await bot.command(bot.ben, bot.channel("general"), "ask", prompt="What is a monad?")

    thread = await bot.until(
        lambda: next((c for c in bot.world.records.channels.values() if c.name == "What is a monad?"), None),
        "a thread is opened",
    )
    assert "You said: What is a monad?" in await bot.answered(thread.id)
    assert "Ben asked\n>>> What is a monad?" in bot.text(bot.channel("general"))


async def test_a_burst_of_one_person_is_one_question(tmp_path: Path) -> None:
    now, held = time.time(), Held()
    world = default_world(lambda: now)  # on Discord both come at once, however late the bot sees them
    script = script_file(tmp_path, ECHO)
    async with stage(tmp_path, world=world, script=script, sleep=held.sleep) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "one"))
        await bot.until(lambda: bot.model.requests, "the model is asked at once")

        bot.say(bot.ada, thread.id, "and two")

        await bot.until(lambda: len(bot.model.requests) == 2, "the model is asked for both")
        await bot.until(lambda: bot.model.requests[0].cancelled, "the first request has ended")
        held.release()
        await bot.answered(thread.id)
        assert bot.ended(thread.id) == 1
        assert prompts(bot)[-1]["content"] == "[Ada] one\nand two"


async def test_questions_during_an_answer_wait_with_a_mark_and_are_answered_in_order(tmp_path: Path) -> None:
    held = Held()
    async with stage(tmp_path, script=script_file(tmp_path, ECHO), sleep=held.sleep) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "one"))
        await bot.until(lambda: bot.model.requests, "the first question is asked")

        waiting = [bot.say(bot.ben, thread.id, "two"), bot.say(bot.ada, thread.id, "three")]
        await bot.until(lambda: waiting[1].reactions, "the question that waits is marked")
        held.release()
        shown = await bot.answered(thread.id, count=3)

        assert [shown.index(f"You said: {word}") for word in ("one", "two", "three")] == sorted(
            shown.index(f"You said: {word}") for word in ("one", "two", "three")
        )
        await bot.until(lambda: not any(message.reactions for message in waiting), "the marks are gone")


async def test_other_bots_are_ignored(bot: Stage) -> None:
    other = bot.world.add_user("otherbot", "Other", bot=True)
    guild = next(iter(bot.world.records.guilds))
    bot.world.add_member(guild, other.id)

    bot.mention(other.id, "answer me")
    thread = await bot.thread_of(bot.mention(bot.ada, "no, me"))

    await bot.answered(thread.id)
    assert len(bot.model.requests) == 1


async def test_nobody_is_ever_pinged_by_what_the_model_says(tmp_path: Path) -> None:
    async with stage(tmp_path) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "ping everyone"))

        assert "@everyone" in await bot.answered(thread.id)
        assert [message.pinged for message in bot.messages(thread.id)] == [[]] * len(bot.messages(thread.id))


async def test_text_files_are_read_and_others_are_named(bot: Stage) -> None:
    code, picture = Upload(0, "fix.py", "text/x-python", b"print(1)\n"), Upload(1, "a.png", "image/png", b"\x89PNG\0\0")
    bot.world.create_message(
        bot.ada, bot.channel("general"), {"content": f"<@{bot.bot}> what is wrong?"}, [code, picture]
    )

    thread = await bot.until(
        lambda: next((c for c in bot.world.records.channels.values() if c.name == "what is wrong?"), None), "a thread"
    )
    shown = await bot.answered(thread.id)
    assert "I could not use a.png, because it is neither text, nor an image (PNG, JPEG, GIF, WebP), nor a PDF." in shown
    assert "print(1)" in str(prompts(bot)[-1]["content"])
    assert "fix.py" in str(prompts(bot)[-1]["content"])


async def test_a_long_paste_that_discord_made_a_file_is_the_message(bot: Stage) -> None:
    channel = bot.world.open_dm(bot.ben, bot.bot)
    paste = "def f():\n    return 1\n" * 190

    bot.world.create_message(bot.ben, channel.id, {}, [Upload(0, "message.txt", "text/plain", paste.encode())])

    await bot.answered(channel.id)
    assert prompts(bot)[-1]["content"] == paste


@pytest.mark.parametrize("text", ["", "\u200b", "\u202e\u202c"])
async def test_a_mention_without_a_question_gets_a_sentence_and_no_thread(bot: Stage, text: str) -> None:
    question = bot.mention(bot.ada, text)

    await bot.until(lambda: "called me without a question" in bot.text(bot.channel("general")), "a sentence")
    assert question.id not in bot.world.records.channels
    assert not bot.model.requests


async def test_without_the_right_to_open_threads_the_member_is_told_what_to_ask_for(tmp_path: Path) -> None:
    world = default_world()
    general = next(channel for channel in world.records.channels.values() if channel.name == "general")
    general.overwrites.append(
        ChannelOverwrite(world.bot_id, for_member=True, deny=int(Permission.CREATE_PUBLIC_THREADS))
    )
    async with stage(tmp_path, world=world) as bot, bot.app():
        bot.mention(bot.ada, "hello")

        await bot.until(lambda: "Create Public Threads" in bot.text(general.id), "the sentence")
        assert not bot.model.requests


async def test_a_mention_in_somebodys_thread_brings_its_history_along(bot: Stage) -> None:
    message = bot.say(bot.ben, bot.channel("general"), "our release plan")
    thread = bot.world.start_thread_from_message(bot.ben, bot.channel("general"), message.id, {"name": "Plans"})
    bot.say(bot.ben, thread.id, "ship on Friday")

    bot.say(bot.ada, thread.id, f"<@{bot.bot}> is that wise?")

    await bot.answered(thread.id)
    content = str(prompts(bot)[-1]["content"])
    assert "Ben: ship on Friday" in content
    assert content.endswith("is that wise?")
    bot.say(bot.ben, thread.id, "just us talking")
    bot.say(bot.ben, thread.id, f"<@{bot.bot}> again")
    await bot.answered(thread.id, count=2)
    assert len(bot.model.requests) == 2


async def test_the_prompt_grows_without_changing_its_beginning(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "first"))
    await bot.answered(thread.id)
    bot.say(bot.ben, thread.id, "second")
    await bot.answered(thread.id, count=2)

    earlier, later = bot.model.requests[0].raw, bot.model.requests[1].raw
    messages = earlier[earlier.index(b'"messages":[') : earlier.index(b"first") + len(b"first")]
    assert messages in later


async def test_two_threads_are_answered_at_the_same_time(tmp_path: Path) -> None:
    held = Held()
    async with stage(tmp_path, script=script_file(tmp_path, ECHO), sleep=held.sleep) as bot, bot.app():
        threads = [await bot.thread_of(bot.mention(who, "go")) for who in (bot.ada, bot.ben)]

        await bot.until(lambda: len(bot.model.requests) == 2, "both are asked")
        assert not any(request.ended_at for request in bot.model.requests)
        held.release()
        await asyncio.gather(*(bot.answered(thread.id) for thread in threads))
