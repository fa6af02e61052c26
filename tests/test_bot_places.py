"""The whole bot over real sockets, where the place of an answer changes under it: archived, locked, hidden, deleted."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.messages import JsonObject
from bot.playground.discord.interactions import INVALID_WEBHOOK_TOKEN
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel
from bot.playground.discord.rest_faults import Refuse
from bot.playground.discord.world import default_world
from tests.whole_bot import Stage, script_file, stage

SLOW: JsonObject = {"name": "slow", "say": {"repeat": 60, "text": "word {n} "}, "speed": 50}
LONG: JsonObject = {"name": "long", "when": "for long", "say": {"repeat": 2000, "text": "word {n} "}, "speed": 50}
WEBHOOK = ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original")


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A running bot whose model takes a few seconds for an answer."""
    async with stage(tmp_path, script=script_file(tmp_path, LONG, SLOW), speed=1.0) as built, built.app():
        yield built


async def streaming(bot: Stage, who: int, question: str = "slowly please") -> Channel:
    """The thread of a question whose answer is half there."""
    thread = await bot.thread_of(bot.mention(who, question))
    await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")
    return thread


def letters(bot: Stage, who: int) -> str:
    """What the bot has written to somebody privately."""
    private = [channel for channel in bot.world.records.channels.values() if channel.guild_id is None]
    return "".join(bot.text(channel.id) for channel in private if who in channel.recipients)


def pages(bot: Stage, channel_id: int) -> list[int]:
    """The messages that show the bot's answers."""
    return [message.id for message in bot.messages(channel_id) if message.content]


async def test_a_thread_that_is_archived_meanwhile_is_opened_again(bot: Stage) -> None:
    thread = await streaming(bot, bot.ben)

    bot.world.edit_channel(bot.ada, thread.id, {"archived": True})

    assert "word 60" in await bot.answered(thread.id)
    assert thread.thread is not None
    assert not thread.thread.archived


async def test_a_thread_that_is_closed_for_good_is_told_privately_and_nothing_more_is_paid_for(bot: Stage) -> None:
    thread = await streaming(bot, bot.ben, "for long please")

    bot.world.edit_channel(bot.ada, thread.id, {"archived": True, "locked": True})

    await bot.until(lambda: letters(bot, bot.ben), "a letter")
    assert letters(bot, bot.ben) == (
        f"I could not show you my answer in <#{thread.id}>. "
        "The thread is archived and I may not open it again: a moderator can."
    )
    assert bot.model.requests[0].cancelled
    assert not letters(bot, bot.ada)


async def test_a_channel_that_the_bot_may_not_see_any_more_is_told_privately(bot: Stage) -> None:
    await streaming(bot, bot.ben, "for long please")

    hidden = {"id": str(bot.bot), "type": 1, "allow": "0", "deny": str(int(Permission.VIEW_CHANNEL))}
    bot.world.edit_channel(bot.ada, bot.channel("general"), {"permission_overwrites": [hidden]})

    await bot.until(lambda: "**View Channel**" in letters(bot, bot.ben), "a letter that says what to do")
    await bot.until(lambda: bot.model.requests[0].cancelled, "the provider's connection is closed")


async def test_a_deleted_thread_stops_its_answer_without_another_word(bot: Stage) -> None:
    thread = await streaming(bot, bot.ben, "for long please")

    bot.world.delete_channel(bot.ada, thread.id)

    await bot.until(lambda: bot.model.requests[0].cancelled, "the provider's connection is closed")
    other = await bot.thread_of(bot.mention(bot.ben, "again"))
    await bot.answered(other.id)
    assert not letters(bot, bot.ben)


async def test_after_the_trouble_is_over_retry_shows_the_answer(bot: Stage) -> None:
    thread = await streaming(bot, bot.ben)
    bot.world.edit_channel(bot.ada, thread.id, {"archived": True, "locked": True})
    await bot.until(lambda: letters(bot, bot.ben), "a letter")

    bot.world.edit_channel(bot.ada, thread.id, {"archived": False, "locked": False})
    await bot.command(bot.ben, thread.id, "retry")

    assert "word 60" in await bot.answered(thread.id)


async def test_the_click_on_retry_lends_its_token_to_the_new_answer(bot: Stage) -> None:
    thread = await streaming(bot, bot.ben)
    await bot.press(bot.ben, thread.id, "Stop")
    await bot.answered(thread.id)
    before = pages(bot, thread.id)

    await bot.press(bot.ben, thread.id, "Retry")

    await bot.until(lambda: len(bot.model.requests) == 2, "the model is asked again")
    assert "word 60" in await bot.answered(thread.id)
    assert pages(bot, thread.id) == before
    assert bot.discord.rest.requests[WEBHOOK] >= 2
    assert not bot.discord.rest.limited


async def test_a_token_that_is_refused_is_done_without(bot: Stage) -> None:
    thread = await streaming(bot, bot.ben)
    await bot.press(bot.ben, thread.id, "Stop")
    await bot.answered(thread.id)
    bot.discord.rest.faults.add(*WEBHOOK, Refuse(INVALID_WEBHOOK_TOKEN), times=100)

    await bot.press(bot.ben, thread.id, "Retry")

    await bot.until(lambda: len(bot.model.requests) == 2, "the model is asked again")
    assert "word 60" in await bot.answered(thread.id)
    assert bot.discord.rest.requests[WEBHOOK] == 1


async def test_an_answer_goes_on_in_a_new_message_when_the_old_one_takes_no_more_edits(tmp_path: Path) -> None:
    ahead = 0.0
    world = default_world(lambda: time.time() + ahead)
    async with stage(tmp_path, world=world, script=script_file(tmp_path, SLOW), speed=1.0) as bot, bot.app():
        thread = await streaming(bot, bot.ben)
        [old] = pages(bot, thread.id)
        ahead = 4000.0
        for number in range(3):  # so many edits of old messages a channel takes
            bot.world.edit_message(bot.bot, thread.id, old, {"content": f"edit {number}"})

        shown = await bot.answered(thread.id)

        assert "word 60" in shown
        assert "the answer goes on here" in shown
        await bot.until(lambda: old not in pages(bot, thread.id), "the old message is gone")
