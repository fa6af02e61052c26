"""The whole bot over real sockets: threads get a title once, beside the answers, and `/title` gives them another."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.playground.discord.records import Channel
from bot.playground.model.reply import cost as price
from bot.store import Store
from bot.titles import ASKED
from tests.bot_trouble import Private, guild_of
from tests.whole_bot import Stage, script_file, stage

NAMED: JsonObject = {
    "name": "title",
    "when": "/\\AName this/",
    "think": "A name.",
    "say": '**Title:** "Counting words."',
}
ECHO: JsonObject = {"name": "echo", "think": "Easy.", "say": "You said: {question}"}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, ECHO)) as built, built.app(titles=True):
        yield built


def name_of(bot: Stage, thread: Channel) -> str:
    return bot.world.channel(thread.id).name or ""


def asked_for_titles(bot: Stage) -> list[JsonObject]:
    return [record.body for record in bot.model.requests if ASKED in str(record.body["messages"])]


async def thread_of(bot: Stage, text: str = "how do I count words?") -> Channel:
    thread = await bot.thread_of(bot.mention(bot.ada, text))
    await bot.answered(thread.id)
    return thread


async def named(bot: Stage, thread: Channel, name: str = "Counting words") -> None:
    await bot.until(lambda: name_of(bot, thread) == name, f"the thread is called {name}")


async def settled(bot: Stage, thread: Channel) -> None:
    """Whatever was to happen after the answers has happened: a further thread, asked later, has its title."""
    await named(bot, await thread_of(bot, "another one"))


async def ledger(bot: Stage, thread: Channel) -> list[tuple[int, int]]:
    """Requests and cost of each turn."""
    store = await Store.open(bot.settings.database_url)
    spent = await store.spending(thread.id)
    await store.close()
    return [(item.requests, item.usage.cost or 0) for item in spent]


async def test_after_the_first_answer_the_thread_gets_a_title_once(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "how do I count words?"))
    assert name_of(bot, thread) == "how do I count words?"
    await named(bot, thread)
    bot.say(bot.ada, thread.id, "and lines?")
    await bot.answered(thread.id, count=2)
    await bot.press(bot.ada, thread.id, "Retry", which=0)
    await bot.until(lambda: len(bot.model.requests) >= 4, "the first question is asked again")
    await bot.answered(thread.id, count=2)
    await settled(bot, thread)
    assert len(asked_for_titles(bot)) == 2  # one for each thread


async def test_the_request_is_small_and_thinks_as_little_as_the_model_can(bot: Stage) -> None:
    thread = await thread_of(bot)
    await named(bot, thread)
    (body,) = asked_for_titles(bot)
    assert body["reasoning"] == {"effort": "low"}
    assert body["max_tokens"] == 2_100
    assert "You said: how do I count words?" in str(body["messages"])
    assert body["session_id"] == f"cogitor-{thread.id}-title"
    assert "tools" not in body


async def test_what_a_title_costs_is_in_the_ledger(bot: Stage) -> None:
    thread = await thread_of(bot)
    await named(bot, thread)
    ((requests, cost),) = await ledger(bot, thread)
    assert requests == 2
    charged = [sum(price(record.reply, record.model)) for record in bot.model.requests if record.reply and record.model]
    assert len(charged) == 2
    assert cost == round(sum(charged) * 1e9)


async def test_a_thread_that_a_person_renamed_keeps_that_name(tmp_path: Path) -> None:
    slow = {**ECHO, "name": "slow", "when": "slowly", "say": {"repeat": 60, "text": "word {n} "}, "speed": 60}
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, slow, ECHO), speed=1.0) as bot, bot.app(titles=True):
        thread = await bot.thread_of(bot.mention(bot.ada, "slowly"))
        await bot.until(lambda: "word 2 " in bot.text(thread.id), "some of the answer")
        bot.world.edit_channel(bot.ada, thread.id, {"name": "My own name"})
        await bot.answered(thread.id)
        await settled(bot, thread)
        assert name_of(bot, thread) == "My own name"
        assert len(asked_for_titles(bot)) == 1  # the other thread's


async def test_threads_of_others_and_direct_messages_get_no_title(bot: Stage) -> None:
    thread = bot.world.start_thread(bot.ada, bot.channel("general"), {"name": "Ours", "type": 11})
    bot.say(bot.ada, thread.id, f"<@{bot.bot}> hello")
    await bot.answered(thread.id)
    channel = bot.world.open_dm(bot.ben, bot.bot)
    bot.say(bot.ben, channel.id, "hello")
    await bot.answered(channel.id)
    await settled(bot, thread)
    assert name_of(bot, thread) == "Ours"
    assert len(asked_for_titles(bot)) == 1


async def test_an_answer_that_failed_gives_no_title_but_the_next_one_does(tmp_path: Path) -> None:
    broken = {"name": "broken", "when": "first", "fault": {"name": "status", "code": 402}}
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, broken, ECHO)) as bot, bot.app(titles=True):
        thread = await thread_of(bot, "first")
        await settled(bot, thread)
        assert name_of(bot, thread) == "first"
        bot.say(bot.ada, thread.id, "second")
        await named(bot, thread)


@pytest.mark.parametrize("said", ["<think>I cannot decide", "...", "Untitled"])
async def test_without_a_usable_title_the_thread_keeps_its_first_name(tmp_path: Path, said: str) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, {**NAMED, "say": said}, ECHO)) as bot, bot.app(titles=True):
        thread = await thread_of(bot)
        await bot.until(lambda: asked_for_titles(bot), "a title is asked for")
        bot.say(bot.ada, thread.id, "again")
        await bot.answered(thread.id, count=2)
        assert name_of(bot, thread) == "how do I count words?"
        assert len(asked_for_titles(bot)) == 1


async def test_a_title_is_never_asked_for_twice_even_after_a_restart(tmp_path: Path) -> None:
    hang: JsonObject = {**NAMED, "fault": {"name": "hang"}}
    async with stage(tmp_path, script=script_file(tmp_path, hang, ECHO)) as bot:
        async with bot.app(titles=True):
            thread = await thread_of(bot)
            await bot.until(lambda: asked_for_titles(bot), "a title is asked for")
        async with bot.app(titles=True):
            bot.say(bot.ada, thread.id, "again")
            await bot.answered(thread.id, count=2)
            await bot.until(lambda: len(bot.model.requests) == 3, "all requests have come")
            assert len(asked_for_titles(bot)) == 1


async def test_a_title_in_the_making_does_not_hold_up_the_next_answer(tmp_path: Path) -> None:
    hang: JsonObject = {**NAMED, "fault": {"name": "hang"}}
    async with stage(tmp_path, script=script_file(tmp_path, hang, ECHO)) as bot, bot.app(titles=True):
        thread = await thread_of(bot)
        await bot.until(lambda: asked_for_titles(bot), "a title is asked for")
        bot.say(bot.ada, thread.id, "again")
        assert "You said: again" in await bot.answered(thread.id, count=2)


async def test_admins_and_the_operator_can_turn_titles_off(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, ECHO)) as bot:
        async with bot.app(titles=False):
            await thread_of(bot)
        store = await Store.open(bot.settings.database_url)
        await store.save_guild_settings(guild_of(bot).id, {"titles": False})
        await store.close()
        async with bot.app(titles=True):
            thread = await thread_of(bot)
            bot.say(bot.ada, thread.id, "again")
            await bot.answered(thread.id, count=2)
            assert asked_for_titles(bot) == []


async def test_title_with_a_text_renames_the_thread(bot: Stage) -> None:
    thread, private = await thread_of(bot), Private(bot, bot.ada)
    await named(bot, thread)
    await bot.command(bot.ada, thread.id, "title", text="Words **&** @everyone")
    await named(bot, thread, "Words **&** @everyone")
    await private.told("This thread is now called")


async def test_title_by_hand_counts_as_the_one_rename(tmp_path: Path) -> None:
    slow = {**ECHO, "name": "slow", "when": "slowly", "say": {"repeat": 60, "text": "word {n} "}, "speed": 60}
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, slow, ECHO), speed=1.0) as bot, bot.app(titles=True):
        thread = await bot.thread_of(bot.mention(bot.ada, "slowly"))
        await bot.until(lambda: "word 2 " in bot.text(thread.id), "some of the answer")
        await bot.command(bot.ada, thread.id, "title", text="slowly")
        await bot.answered(thread.id)
        await settled(bot, thread)
        assert name_of(bot, thread) == "slowly"


async def test_title_without_a_text_makes_one_of_the_conversation(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, ECHO)) as bot, bot.app(titles=False):
        thread, private = await thread_of(bot), Private(bot, bot.ada)
        await bot.command(bot.ada, thread.id, "title")
        await named(bot, thread)
        await private.told("This thread is now called **Counting words**.")
        assert len(await ledger(bot, thread)) == 1
        assert (await ledger(bot, thread))[0][0] == 2


async def test_the_third_new_name_in_ten_minutes_is_refused_with_the_time_to_wait(bot: Stage) -> None:
    thread, private = await thread_of(bot), Private(bot, bot.ada)
    await named(bot, thread)
    await bot.command(bot.ada, thread.id, "title", text="Second")
    await named(bot, thread, "Second")
    await bot.command(bot.ada, thread.id, "title", text="Third")
    await private.told("Discord takes only two new names of a thread in ten minutes. Please try again <t:")
    assert name_of(bot, thread) == "Second"
    requests = len(bot.model.requests)
    await bot.command(bot.ada, thread.id, "title")
    await bot.until(lambda: len([text for text in private.seen if "two new names" in text]) == 2, "refused again")
    assert len(bot.model.requests) == requests  # nothing is paid for a title that cannot be shown


async def test_discords_own_refusal_is_told_and_does_not_stop_other_edits(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, ECHO)) as bot:
        async with bot.app(titles=True):
            thread, private = await thread_of(bot), Private(bot, bot.ada)
            await named(bot, thread)
            await bot.command(bot.ada, thread.id, "title", text="Second")
            await named(bot, thread, "Second")
        async with bot.app(titles=True):  # which does not remember what an earlier process renamed
            await bot.command(bot.ada, thread.id, "title", text="Third")
            await private.told("Discord takes only two new names of a thread in ten minutes.")
            (seconds,) = re.findall(r"<t:(\d+):R>", str(private.seen))[:1]
            assert int(seconds) > 1_000_000_000
            bot.say(bot.ada, thread.id, "again")
            await bot.answered(thread.id, count=2)


async def test_only_the_threads_owner_and_moderators_name_it(bot: Stage) -> None:
    thread, private = await thread_of(bot), Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "title", text="Mine")
    await private.told("Only the person who began this thread, or a moderator, can rename it.")


async def test_where_there_is_nothing_to_name_it_says_so(bot: Stage) -> None:
    private = Private(bot, bot.ada)
    await bot.command(bot.ada, bot.channel("general"), "title", text="Mine")
    await private.told("This is not one of my conversations.")
    thread = await thread_of(bot)
    await bot.command(bot.ada, thread.id, "title", text="\u200b\u2060")
    await private.told("Nothing can be seen of this title.")


async def test_a_model_without_a_title_is_told(tmp_path: Path) -> None:
    async with (
        stage(tmp_path, script=script_file(tmp_path, {**NAMED, "say": "..."}, ECHO)) as bot,
        bot.app(titles=False),
    ):
        thread, private = await thread_of(bot), Private(bot, bot.ada)
        await bot.command(bot.ada, thread.id, "title")
        await private.told("The model did not come up with a title.")


async def test_neither_titles_nor_questions_are_logged(bot: Stage, caplog: Any) -> None:
    caplog.set_level("INFO")
    thread = await thread_of(bot)
    await named(bot, thread)
    assert "ounting words" not in caplog.text
    assert "count words" not in caplog.text
