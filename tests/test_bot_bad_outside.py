"""The whole bot over real sockets when Discord, the database or the model does what it should not.

Whatever it is, it harms nobody else, people are told, and the log never learns what they wrote.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from bot.answer import UNEXPECTED
from bot.messages import JsonObject
from bot.openrouter.sse import Timeouts
from bot.playground.discord.permissions import BOT_PERMISSIONS, Permission
from bot.playground.model import load_script
from tests.bot_trouble import (
    BRIEF,
    ECHO,
    MARK,
    Private,
    discreet_log,
    guild_of,
    locked,
    running,
    still_answers,
    troubled_bot,
)
from tests.whole_bot import Stage, script_file, stage


@pytest.fixture(autouse=True)
def log() -> Generator[None]:
    with discreet_log():
        yield


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with troubled_bot(tmp_path) as running_bot:
        yield running_bot


# Discord


async def test_a_thread_deleted_under_its_answer_harms_nobody(bot: Stage) -> None:
    thread = await running(bot, bot.ben)

    bot.world.delete_channel(bot.ada, thread.id)

    await still_answers(bot)


@pytest.mark.parametrize("change", [{"archived": True}, {"locked": True}, {"locked": True, "archived": True}])
async def test_a_thread_closed_under_its_answer_harms_nobody(bot: Stage, change: JsonObject) -> None:
    thread = await running(bot, bot.ben)

    bot.world.edit_channel(bot.ada, thread.id, change)

    await still_answers(bot)


async def test_losing_the_permission_to_send_in_mid_answer_harms_nobody(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ben, f"slowly {MARK}"))
    role = next(role for role in guild_of(bot).roles.values() if role.bot_id == bot.bot)
    everyone = guild_of(bot).roles[guild_of(bot).id]
    await bot.until(lambda: f"{MARK} 3 " in bot.text(thread.id), "some of the answer")

    everyone.permissions &= ~Permission.SEND_MESSAGES_IN_THREADS
    role.permissions &= ~Permission.SEND_MESSAGES_IN_THREADS
    private = Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "stop")
    await private.told("Stopped.")
    role.permissions = int(BOT_PERMISSIONS)

    await still_answers(bot)


async def test_a_page_deleted_while_it_is_written_comes_back(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ben, f"briefly {MARK}"))
    await bot.until(lambda: f"{MARK} 3 " in bot.text(thread.id), "some of the answer")
    page = next(message for message in bot.messages(thread.id) if MARK in message.content)

    bot.world.delete_message(bot.ada, thread.id, page.id)

    shown = await bot.answered(thread.id)
    assert f"{MARK} 80" in shown


# The database


async def test_a_question_that_cannot_be_stored_is_answered_with_a_sentence(tmp_path: Path) -> None:
    script = script_file(tmp_path, ECHO)
    async with stage(tmp_path, script=script) as bot:
        url = f"{bot.settings.database_url}?timeout=0.05"
        async with bot.app(database_url=url):
            await bot.until(bot.ready.is_set, "the bot is ready")
            async with locked(tmp_path / "cogitor.db"):
                thread = await bot.thread_of(bot.mention(bot.ben, f"hello {MARK}"))

                await bot.until(
                    lambda: "Please try again" in bot.text(thread.id) + bot.text(bot.channel("general")), "a sentence"
                )
            assert not bot.model.requests
            await still_answers(bot)


async def test_an_answer_that_cannot_be_stored_is_shown_and_says_that_it_will_be_forgotten(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, BRIEF, ECHO), speed=1.0) as bot:
        url = f"{bot.settings.database_url}?timeout=0.05"
        async with bot.app(database_url=url):
            thread = await bot.thread_of(bot.mention(bot.ben, f"briefly {MARK}"))
            await bot.until(lambda: f"{MARK} 2 " in bot.text(thread.id), "some of the answer")
            async with locked(tmp_path / "cogitor.db"):
                await bot.until(lambda: "so I will not remember it" in bot.text(thread.id), "the remark")
                assert f"{MARK} 80" in bot.text(thread.id)


# The model


FAULTS = [phrase for scene in load_script().scenes for phrase in scene.when if phrase.startswith("fault ")]
ENDLESS = "fault huge delta"
"""A million characters take Discord many minutes to show; nothing else may wait for them."""


async def test_every_fault_of_the_model_ends_with_an_answer_or_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, in a thread each: none may keep the others waiting either."""
    hasty = Timeouts(first_byte=0.5, silence=0.5, event=1.0)
    monkeypatch.setattr("bot.openrouter.client.Timeouts", lambda: hasty)  # nobody waits minutes in a test
    async with stage(tmp_path) as bot:
        await bot.lift_limits()
        await _ask_for_every_fault(bot)


async def _ask_for_every_fault(bot: Stage) -> None:
    async with bot.app():
        threads = {phrase: await bot.thread_of(bot.mention(bot.ben, f"{phrase} {MARK}")) for phrase in FAULTS}

        for phrase, thread in threads.items():
            if phrase == ENDLESS:
                continue
            shown = await bot.answered(thread.id)
            assert UNEXPECTED not in shown, phrase
            assert "Traceback" not in shown, phrase
            body = [line for line in shown.splitlines() if line.strip() and not line.startswith("-# kimi")]
            assert body, f"{phrase}: {shown!r}"
