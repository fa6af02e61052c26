"""The whole bot over real sockets: the two entries in a message's menu."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.messages import JsonObject
from bot.playground.discord.form_message import Upload
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import ChannelOverwrite, ChannelType
from bot.playground.discord.world import default_world
from tests.elsewhere import Forms, menu, private, prompts, submit
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "say": "That is all."}
ASK, EXPLAIN = "Ask about this", "Explain this code"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built, built.app():
        yield built


async def test_explain_opens_a_thread_on_the_message_and_answers_there(bot: Stage) -> None:
    code = bot.say(bot.ben, bot.channel("general"), "```py\nprint(sum(range(3)))\n```")

    await menu(bot, bot.ada, EXPLAIN, code)

    shown = await bot.answered(code.id)
    assert "Ada asked me to explain" in shown
    assert bot.world.channel(code.id).name == "print(sum(range(3)))"
    assert "message by Ben:\n> ```py\n> print(sum(range(3)))\n> ```" in prompts(bot)
    await bot.until(lambda: f"I am answering in <#{code.id}>." in private(bot, bot.ada), "it is said where")
    assert bot.messages(bot.channel("general")) == []


async def test_ask_about_asks_for_the_question_first(bot: Stage) -> None:
    forms = Forms(bot)
    code = bot.say(bot.ben, bot.channel("general"), "x = 1 / 0")

    await menu(bot, bot.ada, ASK, code)
    await bot.until(lambda: forms.shown, "a form")
    assert not bot.model.requests
    await submit(bot, bot.ada, code.channel_id, forms.shown[-1], "Why does this fail?")

    shown = await bot.answered(code.id)
    assert "Ada asked about" in shown
    assert ">>> Why does this fail?" in shown
    assert prompts(bot).startswith("[Ada] Why does this fail?\n\nThis is about the following message by Ben:\n> x = 1")
    assert bot.world.channel(code.id).name == "Why does this fail?"


async def test_a_form_that_is_sent_twice_is_answered_once(bot: Stage) -> None:
    forms = Forms(bot)
    code = bot.say(bot.ben, bot.channel("general"), "x = 1 / 0")
    await menu(bot, bot.ada, ASK, code)
    await bot.until(lambda: forms.shown, "a form")

    for _ in range(2):
        await submit(bot, bot.ada, code.channel_id, forms.shown[-1], "Why?")
        await bot.answered(code.id)

    await bot.until(lambda: "being answered already" in private(bot, bot.ada), "the second is told")
    assert len(bot.model.requests) == 1


async def test_a_form_that_comes_back_to_another_process_gives_the_words_back(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
        forms = Forms(bot)
        async with bot.app():
            code = bot.say(bot.ben, bot.channel("general"), "x = 1 / 0")
            await menu(bot, bot.ada, ASK, code)
            await bot.until(lambda: forms.shown, "a form")
        async with bot.app():
            await submit(bot, bot.ada, code.channel_id, forms.shown[-1], "a long question of mine")
            await bot.until(lambda: ">>> a long question of mine" in private(bot, bot.ada), "nothing is lost")


async def test_a_message_that_has_a_thread_already_is_answered_in_it_with_what_was_said_there(bot: Stage) -> None:
    code = bot.say(bot.ben, bot.channel("general"), "x = 1")
    bot.world.start_thread_from_message(bot.ben, code.channel_id, code.id, {"name": "About x"})
    bot.say(bot.ben, code.id, "it should be two")

    await menu(bot, bot.ada, EXPLAIN, code)

    await bot.answered(code.id)
    assert "Ben: it should be two" in prompts(bot)
    bot.say(bot.ben, code.id, "just us")
    bot.say(bot.ben, code.id, f"<@{bot.bot}> and now you")
    await bot.answered(code.id, count=2)
    assert len(bot.model.requests) == 2


async def test_in_a_thread_of_ours_the_answer_joins_the_conversation(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "first"))
    await bot.answered(thread.id)
    code = bot.say(bot.ben, thread.id, "// y = 2")

    await menu(bot, bot.ben, EXPLAIN, code)

    await bot.answered(thread.id, count=2)
    assert "> // y = 2" in prompts(bot)
    assert len(bot.model.requests[-1].body["messages"]) == 4  # type: ignore[arg-type]  # JSON of a known shape
    await bot.until(lambda: not private(bot, bot.ben), "nothing private is left")


async def test_in_a_direct_message_it_is_answered_in_place(bot: Stage) -> None:
    dm = bot.world.open_dm(bot.ben, bot.bot)
    code = bot.say(bot.ben, dm.id, "// z = 3")

    await menu(bot, bot.ben, EXPLAIN, code)

    await bot.answered(dm.id)
    assert "> // z = 3" in prompts(bot)


async def test_the_files_of_the_message_come_along(bot: Stage) -> None:
    file = Upload(0, "fix.py", "text/x-python", b"print(1)\n")
    code = bot.world.create_message(bot.ben, bot.channel("general"), {}, [file])

    await menu(bot, bot.ada, EXPLAIN, code)

    await bot.answered(code.id)
    assert "Attached file `fix.py`" in prompts(bot)
    assert bot.world.channel(code.id).name == "fix.py"


async def test_what_the_bot_may_not_read_otherwise_comes_with_the_click(tmp_path: Path) -> None:
    world = default_world(message_content=False)
    async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot, bot.app():
        code = bot.say(bot.ben, bot.channel("general"), "secret = 42")

        await menu(bot, bot.ada, EXPLAIN, code)

        await bot.answered(code.id)
        assert "> secret = 42" in prompts(bot)


async def test_a_message_of_a_bot_may_say_it_in_embeds(bot: Stage) -> None:
    other = bot.world.add_user("ci", "CI", bot=True)
    bot.world.add_member(next(iter(bot.world.records.guilds)), other.id)
    embed: JsonObject = {"title": "Build failed", "fields": [{"name": "Step", "value": "lint"}]}
    report = bot.world.create_message(other.id, bot.channel("general"), {"embeds": [embed]})

    await menu(bot, bot.ada, EXPLAIN, report)

    await bot.answered(report.id)
    assert "message by CI:\n> Build failed\n>\n> Step: lint" in prompts(bot)


@pytest.mark.parametrize("name", [ASK, EXPLAIN])
async def test_a_message_with_nothing_to_read_is_refused_privately(bot: Stage, name: str) -> None:
    empty = bot.say(bot.ben, bot.channel("general"), "\u200b")

    await menu(bot, bot.ada, name, empty)

    await bot.until(lambda: "nothing in this message that I can read" in private(bot, bot.ada), "a sentence")
    assert empty.id not in bot.world.records.channels


async def test_a_message_that_is_only_a_file_nobody_can_read_opens_no_thread(bot: Stage) -> None:
    blob = bot.world.create_message(
        bot.ben, bot.channel("general"), {}, [Upload(0, "a.bin", "application/octet-stream", b"\0\1\2\0")]
    )

    await menu(bot, bot.ada, EXPLAIN, blob)

    await bot.until(lambda: "I could not use a.bin" in private(bot, bot.ada), "a sentence")
    assert blob.id not in bot.world.records.channels
    assert not bot.model.requests


async def test_where_no_thread_can_be_opened_it_is_said_before_the_form(bot: Stage) -> None:
    forms = Forms(bot)
    guild = next(iter(bot.world.records.guilds))
    voice = bot.world.add_channel(guild, "Meeting", ChannelType.VOICE)
    said = bot.say(bot.ben, voice.id, "x = 1")

    await menu(bot, bot.ada, ASK, said)

    await bot.until(lambda: "in this kind of channel" in private(bot, bot.ada), "a sentence")
    assert not forms.shown


async def test_a_missing_permission_is_named_before_the_form(tmp_path: Path) -> None:
    world = default_world()
    general = next(channel for channel in world.records.channels.values() if channel.name == "general")
    denied = int(Permission.SEND_MESSAGES_IN_THREADS)
    general.overwrites.append(ChannelOverwrite(world.bot_id, for_member=True, deny=denied))
    async with stage(tmp_path, world=world) as bot, bot.app():
        await menu(bot, bot.ada, ASK, bot.say(bot.ben, general.id, "x = 1"))

        await bot.until(
            lambda: "the permission **Send Messages in Threads** in this channel" in private(bot, bot.ada), "a sentence"
        )
