"""The whole bot over real sockets: questions that a limit, a channel or a role refuses, and what answers have cost."""

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
from tests.elsewhere import private
from tests.whole_bot import Stage, script_file, stage

SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": "Let me think.",
    "say": {"repeat": 400, "text": "word {n} "},
    "speed": 40,
}
SILENT: JsonObject = {"name": "silent", "when": "silently", "say": "Nothing.", "fault": {"name": "comments"}}
BROKEN: JsonObject = {"name": "broken", "when": "brokenly", "say": "So " * 50, "fault": {"name": "reset", "after": 9}}
QUICK: JsonObject = {"name": "quick", "think": "Easy.", "say": "You said: {question}"}
DOLLAR = 10**9


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, SILENT, BROKEN, QUICK), speed=1.0) as built:
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


def threads(bot: Stage) -> int:
    return sum(channel.type in (10, 11, 12) for channel in bot.world.records.channels.values())


def told(bot: Stage, channel: str = "general") -> str:
    return bot.text(bot.channel(channel))


async def asked_once(bot: Stage, **settings: Any) -> int:
    """The thread in which Ben has been answered, under these settings of the server."""
    await store_settings(bot, **settings)
    thread = await bot.thread_of(bot.mention(bot.ben, "first"))
    await bot.answered(thread.id)
    return thread.id


async def test_a_mention_beyond_the_limit_is_refused_in_place_and_nothing_is_opened_stored_or_asked(
    bot: Stage,
) -> None:
    await asked_once(bot, requests_per_user_hour=1)
    bot.mention(bot.ben, "second")
    await bot.until(lambda: "You have asked 1 of the 1 questions" in told(bot), "the refusal")
    assert "<t:" in told(bot)
    assert (threads(bot), len(bot.model.requests)) == (1, 1)
    assert len(await rows(bot.settings.database_url, t.turns)) == 1
    assert len(await ledger(bot)) == 1


async def test_a_limit_on_one_member_leaves_the_others_alone(bot: Stage) -> None:
    await asked_once(bot, requests_per_user_hour=1)
    thread = await bot.thread_of(bot.mention(bot.ada, "hello"))
    assert "You said: hello" in await bot.answered(thread.id)


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


async def test_a_command_beyond_the_limit_is_refused_privately(bot: Stage) -> None:
    await asked_once(bot, requests_per_user_hour=1)
    await bot.command(bot.ben, bot.channel("general"), "ask", prompt="second")
    await bot.until(lambda: "You have asked 1 of the 1 questions" in private(bot, bot.ben), "the refusal")
    assert threads(bot) == 1
    assert "second" not in told(bot)


@pytest.mark.parametrize("how", ["button", "command"])
async def test_retry_beyond_the_limit_is_refused_privately_and_the_old_answer_stays(bot: Stage, how: str) -> None:
    thread = await asked_once(bot, requests_per_user_hour=1)
    before = bot.text(thread)
    if how == "button":
        await bot.press(bot.ben, thread, "Retry")
    else:
        await bot.command(bot.ben, thread, "retry")
    await bot.until(lambda: "You have asked 1 of the 1 questions" in private(bot, bot.ben), "the refusal")
    assert bot.text(thread) == before
    assert len(bot.model.requests) == 1
    (turn,) = await rows(bot.settings.database_url, t.turns)
    assert turn["status"] == "done"


async def test_a_second_answer_at_once_is_refused_until_the_first_has_ended(bot: Stage) -> None:
    await store_settings(bot, concurrent_per_user=1)
    thread = await bot.thread_of(bot.mention(bot.ben, "slowly"))
    await bot.until(lambda: "word 3" in bot.text(thread.id), "the first answer runs")
    bot.mention(bot.ben, "and another")
    await bot.until(lambda: "1 of the 1 answers" in told(bot), "the refusal")
    assert threads(bot) == 1
    await bot.press(bot.ben, thread.id, "Stop")
    await bot.answered(thread.id)
    other = await bot.thread_of(bot.mention(bot.ben, "now"))
    assert "You said: now" in await bot.answered(other.id)


async def test_a_question_that_waits_in_its_thread_needs_no_place_until_it_is_its_turn(bot: Stage) -> None:
    await store_settings(bot, concurrent_per_user=1)
    thread = await bot.thread_of(bot.mention(bot.ben, "slowly"))
    await bot.until(lambda: "word 3" in bot.text(thread.id), "the first answer runs")
    bot.say(bot.ben, thread.id, "waiting")
    await bot.until(lambda: len(bot.world.records.messages[thread.id]) > 1, "it is written")
    await bot.press(bot.ben, thread.id, "Stop")
    assert "You said: waiting" in await bot.answered(thread.id, count=2)


async def test_a_place_is_not_kept_by_an_answer_that_a_crash_ended(servers: Stage) -> None:
    async with servers.app():
        await store_settings(servers, concurrent_per_user=1)
        thread = await servers.thread_of(servers.mention(servers.ben, "slowly"))
        await servers.until(lambda: "word 3" in servers.text(thread.id), "the answer runs")
    async with servers.app():
        other = await servers.thread_of(servers.mention(servers.ben, "hello"))
        assert "You said: hello" in await servers.answered(other.id)


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


async def test_where_roles_are_asked_for_one_of_them_is_enough(bot: Stage) -> None:
    admin = next(role.id for role in guild_of(bot).roles.values() if role.name == "Admin")
    await store_settings(bot, allowed_roles=[admin, 4])
    bot.mention(bot.ben, "hello")
    await bot.until(lambda: "only members with certain roles" in told(bot), "the refusal")
    await bot.command(bot.ben, bot.channel("general"), "ask", prompt="hello")
    await bot.until(lambda: "only members with certain roles" in private(bot, bot.ben), "the private refusal")
    assert threads(bot) == 0
    thread = await bot.thread_of(bot.mention(bot.ada, "hello"))
    assert "You said: hello" in await bot.answered(thread.id)


async def test_an_answer_is_accounted_with_what_the_models_server_says_it_cost(bot: Stage) -> None:
    await asked_once(bot)
    (row,) = await settled(bot, 1)
    told_by_server = bot.model.requests[0]
    assert told_by_server.reply is not None
    assert row["prompt_tokens"] == told_by_server.reply.prompt_tokens
    assert row["completion_tokens"] == told_by_server.reply.completion_tokens
    assert (row["user_id"], row["guild_id"], row["key_id"]) == (bot.ben, guild_of(bot).id, "")
    assert row["cost"] > 0


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


async def test_when_the_money_is_gone_the_next_question_is_refused_and_says_how_much_was_spent(bot: Stage) -> None:
    await asked_once(bot, usd_per_user_day=1)
    await settled(bot, 1)
    bot.mention(bot.ben, "second")
    await bot.until(lambda: "one member may spend within 24 hours" in told(bot), "the refusal")
    assert threads(bot) == 1


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
