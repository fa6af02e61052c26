"""The whole bot: what its tools have read of somebody goes when that person is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.playground.discord.records import Channel
from bot.playground.discord.world import World, default_world
from bot.store import tables
from bot.tools import FORGOTTEN
from tests.databases import rows
from tests.test_bot_privacy import CANARY, Letters, ask_to_forget, forget, press, raw, stored
from tests.test_bot_tools import results, running, upload, using
from tests.whole_bot import Stage

TOOLS = ["read_thread", "search_messages", "read_attachment"]
LONG: JsonObject = {"repeat": 4_000, "text": f"{CANARY} "}
ON: JsonObject = {"name": "on", "when": "Continue exactly", "say": f"It goes on about {CANARY}."}


def told_in(world: World) -> dict[str, tuple[str, Any]]:
    """A call of each tool that reads what Ben has told others, with a file."""
    ben = next(user.id for user in world.records.users.values() if user.global_name == "Ben")
    general = next(channel.id for channel in world.records.channels.values() if channel.name == "general")
    told = world.create_message(ben, general, {"content": f"my {CANARY} plan"}, [upload("b.txt", CANARY.encode())])
    return {
        "read_thread": ("read_thread", {"channel": str(general)}),
        "search_messages": ("search_messages", {"words": CANARY}),
        "read_attachment": (
            "read_attachment",
            {"name": "b.txt", "message": f"https://discord.com/channels/1/{general}/{told.id}"},
        ),
    }


async def is_gone(bot: Stage, thread: Channel) -> None:
    """Nothing of Ben is stored or shown, and what Ada asked is still there."""
    left = await stored(bot)
    assert CANARY not in left
    assert str(bot.ben) not in left
    assert "please look" in left
    assert CANARY.encode() not in raw(bot)
    await bot.until(lambda: CANARY not in bot.text(thread.id), "the answer is deleted")


@pytest.mark.parametrize("tool", TOOLS)
async def test_what_tools_have_read_of_somebody_goes_with_the_answer(tmp_path: Path, tool: str) -> None:
    world = default_world()
    async with running(tmp_path, using([told_in(world)[tool]]), world=world, tools=TOOLS) as bot:
        thread = await bot.thread_of(bot.mention(bot.ada, "please look"))
        await bot.answered(thread.id)
        assert CANARY in results(bot)[0]
        assert CANARY in await stored(bot)
        await forget(bot, bot.ben, bot.channel("code"))
        await is_gone(bot, thread)


async def test_of_those_whose_messages_were_only_looked_through_nothing_is_noted(tmp_path: Path) -> None:
    world = default_world()
    told_in(world)
    async with running(tmp_path, using([("search_messages", {"words": "look"})]), world=world, tools=TOOLS) as bot:
        thread = await bot.thread_of(bot.mention(bot.ada, "please look"))
        await bot.answered(thread.id)
        assert "please look" in results(bot)[0]
        assert await rows(bot.settings.database_url, tables.quoted) == []


async def test_whose_words_they_are_is_noted_before_the_model_reads_them(tmp_path: Path) -> None:
    world = default_world()
    scene = using([told_in(world)["read_thread"]], say=LONG, speed=40)
    async with running(tmp_path, scene, world=world, speed=1.0) as bot:
        thread = await bot.thread_of(bot.mention(bot.ada, "please look"))
        await bot.until(lambda: len(bot.model.requests) == 2, "the model reads them")
        (noted,) = await rows(bot.settings.database_url, tables.quoted)
        assert noted["user_id"] == bot.ben
        await bot.press(bot.ada, thread.id, "Stop")
        await bot.answered(thread.id)


async def test_an_answer_that_is_running_begins_anew_without_what_is_forgotten(tmp_path: Path) -> None:
    world = default_world()
    scene = using([told_in(world)["read_thread"]], say=LONG, speed=40)
    async with running(tmp_path, scene, world=world, speed=1.0) as bot:
        thread = await bot.thread_of(bot.mention(bot.ada, "please look"))
        await bot.until(lambda: CANARY in bot.text(thread.id), "the answer has begun")
        await forget(bot, bot.ben, bot.channel("code"))
        await bot.until(lambda: len(bot.model.requests) == 4, "it is asked again")
        assert results(bot) == [FORGOTTEN]
        await bot.press(bot.ada, thread.id, "Stop")
        await bot.answered(thread.id)
        assert "plan" not in await stored(bot)
        assert str(bot.ben) not in await stored(bot)


async def test_what_went_on_with_such_an_answer_goes_with_it(tmp_path: Path) -> None:
    world = default_world()
    scene = using([told_in(world)["read_thread"]], say=LONG, speed=40)
    async with running(tmp_path, ON, scene, world=world, speed=1.0) as bot:
        thread = await bot.thread_of(bot.mention(bot.ada, "please look"))
        await bot.until(lambda: CANARY in bot.text(thread.id), "the answer has begun")
        await bot.press(bot.ada, thread.id, "Stop")
        await bot.answered(thread.id)
        await bot.press(bot.ada, thread.id, "Continue")
        await bot.until(lambda: "It goes on" in bot.text(thread.id), "it goes on")
        await bot.answered(thread.id, count=2)
        await forget(bot, bot.ben, bot.channel("code"))
        await is_gone(bot, thread)


async def test_who_asks_later_has_read_what_is_still_on_discord(tmp_path: Path) -> None:
    world = default_world()
    async with running(tmp_path, using([told_in(world)["read_thread"]]), world=world) as bot:
        _, warning = await ask_to_forget(bot, bot.ben, bot.channel("code"))
        letters = Letters(bot, bot.ben)
        await press(bot, bot.ben, warning, "Forget me")
        await letters.told("There was nothing of yours left to delete")
        thread = await bot.thread_of(bot.mention(bot.ada, "please look"))
        await bot.answered(thread.id)
        assert CANARY in results(bot)[0]
        await forget(bot, bot.ben, bot.channel("code"))
        await is_gone(bot, thread)
