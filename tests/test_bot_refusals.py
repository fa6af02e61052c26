"""The whole bot over real sockets: whom admins' and operators' rules reach, and what a stopped answer has cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.store import tables as t
from tests.admin_talk import store_settings
from tests.bot_trouble import guild_of
from tests.databases import rows
from tests.whole_bot import Stage, script_file, stage

SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": "Let me think.",
    "say": {"repeat": 400, "text": "word {n} "},
    "speed": 40,
}
SILENT: JsonObject = {"name": "silent", "when": "silently", "say": "Nothing.", "fault": {"name": "comments"}}
QUICK: JsonObject = {"name": "quick", "think": "Easy.", "say": "You said: {question}"}


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, SILENT, QUICK), speed=1.0) as built:
        yield built


@pytest.fixture
async def bot(servers: Stage) -> AsyncGenerator[Stage]:
    async with servers.app():
        await servers.until(lambda: servers.world.records.commands, "the commands are published")
        yield servers


async def ledger(bot: Stage) -> list[dict[str, Any]]:
    return await rows(bot.settings.database_url, t.usage)


async def settled(bot: Stage, count: int) -> list[dict[str, Any]]:
    """So many requests, once all of them are settled."""
    while len(found := await ledger(bot)) < count or any(row["pending"] for row in found):
        await bot.until(lambda: True)
    return found


def told(bot: Stage, channel: str = "general") -> str:
    return bot.text(bot.channel(channel))


async def asked_once(bot: Stage, **settings: Any) -> int:
    """The thread in which Ben has been answered, under these settings of the server."""
    await store_settings(bot, **settings)
    thread = await bot.thread_of(bot.mention(bot.ben, "first"))
    await bot.answered(thread.id)
    return thread.id


async def test_a_role_has_its_own_value_also_for_what_was_written_while_the_bot_was_away(servers: Stage) -> None:
    """Messages that are looked up come without roles, which have to be looked up, too."""
    role = servers.world.add_role(guild_of(servers).id, "Helpers")
    guild_of(servers).members[servers.ben].roles.append(role.id)
    async with servers.app():
        thread = await asked_once(
            servers, requests_per_user_hour=1, role_limits={str(role.id): {"requests_per_user_hour": 2}}
        )
    servers.say(servers.ben, thread, "written meanwhile")
    async with servers.app():
        assert "You said: written meanwhile" in await servers.answered(thread, count=2)


async def test_in_other_channels_only_those_who_call_the_bot_are_told_where_to_ask(bot: Stage) -> None:
    thread = await asked_once(bot)
    elsewhere = bot.world.add_channel(guild_of(bot).id, "elsewhere")
    await store_settings(bot, allowed_channels=[elsewhere.id])
    before = len(bot.messages(thread))
    bot.say(bot.ben, thread, "just talking")
    called = bot.say(bot.ben, thread, f"<@{bot.bot}> but this is for you")
    await bot.until(lambda: f"<#{elsewhere.id}>" in bot.text(thread), "the refusal")
    assert len(bot.messages(thread)) == before + 1
    refusal = bot.messages(thread)[-1]
    assert refusal.reference is not None
    assert refusal.reference.message_id == called.id
    other = await bot.thread_of(bot.mention(bot.ben, "hello", channel="elsewhere"))
    assert "You said: hello" in await bot.answered(other.id)
    bot.say(bot.ben, other.id, "a thread counts as its channel")
    assert "You said: a thread counts" in await bot.answered(other.id, count=2)


@pytest.mark.parametrize("question", ["slowly", "silently"])
async def test_a_stopped_answer_is_accounted_by_its_record_even_if_not_a_word_had_come(
    bot: Stage, question: str
) -> None:
    thread = await bot.thread_of(bot.mention(bot.ben, question))
    await bot.until(lambda: bot.model.requests and bot.model.requests[0].status == 200, "the stream has begun")
    await bot.until(lambda: any(label == "Stop" for label, _, _ in bot.buttons(thread.id)), "Stop")
    if question == "slowly":
        await bot.until(lambda: "word 3" in bot.text(thread.id), "some words")
    await bot.press(bot.ben, thread.id, "Stop")
    await bot.answered(thread.id)
    (row,) = await settled(bot, 1)
    record = bot.model.requests[0]
    assert row["generation_id"] == record.generation_id
    assert record.reply is not None
    assert (row["prompt_tokens"], row["completion_tokens"]) == (record.reply.prompt_tokens, record.tokens_sent)


async def test_the_operators_ceiling_binds_a_server_that_has_no_limit_and_direct_messages(servers: Stage) -> None:
    dm = servers.world.open_dm(servers.ben, servers.bot)
    async with servers.app(ceiling_requests_per_user_hour=1):
        await asked_once(servers, requests_per_user_hour=None)
        servers.mention(servers.ben, "second")
        await servers.until(lambda: "1 of the 1 questions" in told(servers), "the refusal")
        servers.say(servers.ben, dm.id, "first")
        await servers.answered(dm.id)
        servers.say(servers.ben, dm.id, "second")
        await servers.until(lambda: "1 of the 1 questions" in servers.text(dm.id), "the refusal in a DM")
