"""The whole bot over real sockets: the operator sees how it is doing, and publishes its commands anew."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot import __version__
from bot.messages import JsonObject
from bot.playground.discord.records import Command
from bot.playground.discord.rest_faults import Answer, Fault, Hang, TooMany
from tests.admin_talk import Shown, subcommand
from tests.bot_trouble import Private
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "say": "You said: {question}"}
SLOW: JsonObject = {"name": "slow", "when": "slowly", "say": {"repeat": 400, "text": "word {n} "}, "speed": 60}
OPERATOR_ONLY = "Only this bot's operator can do this."
COMMANDS = "/applications/{application_id}/commands"
MESSAGES = "/channels/{channel_id}/messages"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    """Ada is the operator; Ben is none, even where he sees the commands."""
    script = script_file(tmp_path, SLOW, ECHO)
    async with stage(tmp_path, script=script, speed=1.0) as built, built.app(owner_ids=(built.ada,)):
        await built.until(built.ready.is_set, "the bot is ready")
        yield built


class Published:
    """How often commands are sent to Discord from now on, each time all of them."""

    def __init__(self, bot: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        put = bot.world.put_commands

        def counted(body: Any, guild_id: int | None) -> list[Command]:
            self.count += 1
            return put(body, guild_id)

        monkeypatch.setattr(bot.world, "put_commands", counted)


async def status(bot: Stage, who: int) -> str:
    shown = Shown(bot, who, "### Status")
    await subcommand(bot, who, "admin", "status")
    await shown.shows("catalogue")
    return shown.text


async def test_the_status_tells_how_the_bot_is_doing(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "hello"))
    await bot.answered(thread.id)
    text = ""
    while "0 running" not in text:  # an answer is shown a moment before it has ended
        text = await status(bot, bot.ada)
    assert f"- Versions: Cogitor {__version__}, Python 3." in text
    assert "discord.py 2." in text
    assert "- Running since: <t:" in text
    assert "- Servers: 1\n- Gateway: 1 shard, latency " in text
    assert "- Answers: 0 running, 0 questions wait\n" in text
    assert "- Refused by Discord (429): 0 requests since the start\n" in text
    assert "- Database: SQLite\n- Last 24 hours: 1 request, " in text
    assert f"- Model: `{bot.settings.model}`, in the catalogue of " in text


async def test_running_answers_waiting_questions_and_refusals_are_counted(bot: Stage) -> None:
    bot.discord.rest.faults.add("POST", MESSAGES, TooMany(0.01))
    thread = await bot.thread_of(bot.mention(bot.ada, "slowly"))
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
    for text in ("second", "third"):
        bot.say(bot.ben, thread.id, text)
        bot.say(bot.ada, thread.id, text)
    await bot.until(lambda: len(bot.world.records.messages[thread.id]) >= 5, "the questions are there")
    text = ""
    while "4 questions wait" not in text:
        text = await status(bot, bot.ada)
    assert "- Answers: 1 running, 4 questions wait\n" in text
    assert "- Refused by Discord (429): 1 request since the start\n" in text


async def test_only_the_operator_may_see_and_do_this(bot: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    published = Published(bot, monkeypatch)
    dm = bot.world.open_dm(bot.ben, bot.bot).id
    for part in ("status", "sync"):
        private = Private(bot, bot.ben)
        await subcommand_in(bot, bot.ben, dm, part)
        await private.told(OPERATOR_ONLY)
        assert not any("Versions" in text for text in private.seen)
    assert published.count == 0


async def test_an_admin_who_is_no_operator_is_told_so_and_the_operator_may_ask_in_a_dm(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot, bot.app(owner_ids=(bot.ben,)):
        await bot.until(bot.ready.is_set, "the bot is ready")
        private = Private(bot, bot.ada)
        await subcommand(bot, bot.ada, "admin", "status")
        await private.told(OPERATOR_ONLY)
        private = Private(bot, bot.ben)
        await subcommand_in(bot, bot.ben, bot.world.open_dm(bot.ben, bot.bot).id, "status")
        await private.told("### Status")


async def test_without_operators_nobody_is_one(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot, bot.app():
        await bot.until(bot.ready.is_set, "the bot is ready")
        private = Private(bot, bot.ada)
        await subcommand(bot, bot.ada, "admin", "sync")
        await private.told(OPERATOR_ONLY)


async def test_commands_are_published_again_though_nothing_changed(bot: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    private, published = Private(bot, bot.ada), Published(bot, monkeypatch)
    count = len(bot.world.records.commands)
    await subcommand(bot, bot.ada, "admin", "sync")
    await private.told(f"{count} commands are published.")
    assert published.count == 1
    assert len(bot.world.records.commands) == count


async def test_nobody_publishes_twice_at_once(bot: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    published = Published(bot, monkeypatch)
    bot.discord.rest.faults.add("PUT", COMMANDS, Hang(1.0))
    private = Private(bot, bot.ada)
    await subcommand(bot, bot.ada, "admin", "sync")
    await subcommand(bot, bot.ada, "admin", "sync")
    await private.told("I am publishing the commands already. Please wait until that has ended.")
    await private.told("commands are published.")
    assert published.count == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Answer(403), "Discord refused the commands (status 403). The old ones stay."),
        (TooMany(120.0), "Discord takes no more commands for now. Please try again in 2 minutes."),
    ],
)
async def test_discords_refusal_is_a_sentence_and_the_next_try_goes_through(
    bot: Stage, fault: Fault, said: str
) -> None:
    bot.discord.rest.faults.add("PUT", COMMANDS, fault)
    private = Private(bot, bot.ada)
    await subcommand(bot, bot.ada, "admin", "sync")
    await private.told(said)
    await subcommand(bot, bot.ada, "admin", "sync")
    await private.told("commands are published.")


async def subcommand_in(bot: Stage, who: int, channel_id: int, part: str) -> None:
    """Use a part of /admin in any channel."""
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "admin")
    data: JsonObject = {"id": str(command.id), "name": "admin", "type": 1, "options": [{"name": part, "type": 1}]}
    await bot.interact(who, {"type": 2, "channel_id": str(channel_id), "data": data})
