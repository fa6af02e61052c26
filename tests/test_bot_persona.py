"""The whole bot over real sockets: a thread's own instructions, and which messages in it are for the bot."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.persona import BUILT_IN, TOOLS
from bot.playground.discord.records import Channel
from tests.bot_trouble import Private
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "say": "You said: {question}"}
PIRATE = "Answer like a pirate.\n\nNever break character. 🏴‍☠️"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built, built.app():
        yield built


async def thread_of(bot: Stage, who: int) -> Channel:
    thread = await bot.thread_of(bot.mention(who, "hello"))
    await bot.answered(thread.id)
    return thread


async def box(bot: Stage, who: int, channel_id: int) -> Any:
    """Open the form of `/persona`; returns it as a client sees it."""
    opened: list[Any] = []
    bot.world.subscribe(lambda event: opened.append(event.data) if "MODAL" in event.name else None)
    await bot.command(who, channel_id, "persona")
    return (await bot.until(lambda: opened, "the form opens"))[0]


def field_of(modal: Any) -> Any:
    return modal["components"][0]["components"][0]


async def write(bot: Stage, who: int, channel_id: int, text: str) -> None:
    modal = await box(bot, who, channel_id)
    entered = {"type": 4, "custom_id": field_of(modal)["custom_id"], "value": text}
    data = {"id": modal["id"], "custom_id": modal["custom_id"], "components": [{"type": 1, "components": [entered]}]}
    await bot.interact(who, {"type": 5, "channel_id": str(channel_id), "data": data})


async def asked(bot: Stage, who: int, channel_id: int) -> str:
    """Ask once more; returns the instructions that went to the model."""
    bot.say(who, channel_id, "again")
    await bot.answered(channel_id, count=bot.ended(channel_id) + 1)
    messages: Any = bot.model.requests[-1].body["messages"]
    return str(messages[0]["content"])


async def test_a_thread_follows_its_own_instructions_byte_by_byte_until_they_are_emptied(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ben), Private(bot, bot.ben)
    assert "value" not in field_of(await box(bot, bot.ben, thread.id))

    await write(bot, bot.ben, thread.id, PIRATE)
    await private.told(f"I follow this thread's own instructions ({len(PIRATE)} of at most 4,000 characters).")
    first, second = await asked(bot, bot.ben, thread.id), await asked(bot, bot.ada, thread.id)
    assert first.startswith(PIRATE)
    assert BUILT_IN not in first
    assert first == second

    assert field_of(await box(bot, bot.ben, thread.id))["value"] == PIRATE
    await write(bot, bot.ben, thread.id, " \n")
    await private.told("I follow this server's instructions again.")
    assert (await asked(bot, bot.ben, thread.id)).startswith(BUILT_IN)


async def test_the_form_says_how_long_the_text_may_be(bot: Stage) -> None:
    thread = await thread_of(bot, bot.ben)
    field = field_of(await box(bot, bot.ben, thread.id))
    assert (field["label"], field["max_length"]) == ("Instructions (up to 4,000 characters)", 4_000)


async def test_moderators_may_change_it_and_others_may_not(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "persona")
    await private.told("Only the person who began this thread, or a moderator, can change who I am in it.")
    others, private = await thread_of(bot, bot.ben), Private(bot, bot.ada)
    await write(bot, bot.ada, others.id, PIRATE)
    await private.told("this thread's own instructions")


async def test_it_works_in_a_dm_from_the_start(bot: Stage) -> None:
    channel, private = bot.world.open_dm(bot.ben, bot.bot), Private(bot, bot.ben)
    await write(bot, bot.ben, channel.id, PIRATE)
    await private.told("own instructions")
    assert await asked(bot, bot.ben, channel.id) == PIRATE + TOOLS
    await write(bot, bot.ben, channel.id, "")
    await private.told("I follow my usual instructions again.")


async def test_a_thread_that_listens_to_mentions_is_quiet_until_it_is_called(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "listen", mode="mentions")
    await private.told("From now on only messages that mention me, or reply to me, are for me in this thread.")
    bot.say(bot.ben, thread.id, "not for you")
    bot.say(bot.ben, thread.id, f"<@{bot.bot}> for you")
    assert "You said: for you" in await bot.answered(thread.id, count=2)
    assert "You said: not for you" not in bot.text(thread.id)

    await bot.command(bot.ada, thread.id, "listen", mode="all")
    await private.told("From now on every message in this thread is for me")
    bot.say(bot.ben, thread.id, "for you again")
    assert "You said: for you again" in await bot.answered(thread.id, count=3)


async def test_only_the_threads_owner_and_moderators_say_what_it_listens_to(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "listen", mode="mentions")
    await private.told("Only the person who began this thread, or a moderator, can change what I listen to in it.")


async def test_in_a_dm_and_outside_of_conversations_it_says_why_there_is_nothing_to_set(bot: Stage) -> None:
    channel, private = bot.world.open_dm(bot.ben, bot.bot), Private(bot, bot.ben)
    await bot.command(bot.ben, channel.id, "listen", mode="mentions")
    await private.told("In a DM every message is for me")
    for command, options in (("listen", {"mode": "all"}), ("persona", {}), ("model", {})):
        private.seen.clear()
        await bot.command(bot.ben, bot.channel("general"), command, **options)
        await private.told("This is not one of my conversations.")
