"""The whole bot over real sockets: what happens when a limit is reached, and that the ledger is what was charged."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.limits import Bill
from bot.messages import JsonObject, TurnStatus, Usage
from bot.playground.discord.records import Channel, Message
from bot.playground.model.record import generation
from bot.store import Store
from bot.store import tables as t
from bot.store.reserving import Reserved
from bot.titles import ASKED
from tests.admin_talk import store_of, store_settings
from tests.bot_trouble import Private, guild_of
from tests.databases import rows
from tests.elsewhere import lounge, menu
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "Easy.", "say": "You said: {question}"}
SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": "Hm.",
    "say": {"repeat": 4_000, "text": "word {n} "},
    "speed": 60,
}
TOOLS: JsonObject = {"name": "tools", "when": "look it up", "tools": [[{}], [{}]], "say": "I looked: {results}"}
CUT: JsonObject = {"name": "cut", "when": "briefly", "say": {"repeat": 3_000, "text": "word {n} "}}
NAMED: JsonObject = {"name": "title", "when": "/\\AName this/", "think": "A name.", "say": "Counting words"}
HOURLY = re.compile(
    r"You have asked (\d+) of the (\d+) questions that one member may ask within an hour\. "
    r"There is room again <t:\d+:R>\."
)


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    script = script_file(tmp_path, NAMED, SLOW, TOOLS, CUT, ECHO)
    async with stage(tmp_path, script=script, speed=1.0) as built:
        yield built


@pytest.fixture
def helpers(servers: Stage) -> int:
    """A role that nobody has yet."""
    return servers.world.add_role(guild_of(servers).id, "Helpers").id


@pytest.fixture
async def bot(servers: Stage, helpers: int) -> AsyncGenerator[Stage]:
    async with servers.app():
        yield servers


async def asked(bot: Stage, text: str = "hello", who: int = 0) -> Channel:
    thread = await bot.thread_of(bot.mention(who or bot.ada, text))
    await bot.answered(thread.id)
    return thread


async def running(bot: Stage, who: int) -> Channel:
    thread = await bot.thread_of(bot.mention(who, "slowly"))
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
    return thread


async def told_publicly(bot: Stage, text: str, channel: str = "general") -> str:
    """What is told below a message that is refused."""
    place = bot.channel(channel)
    await bot.until(lambda: text in bot.text(place), f"told {text!r}")
    return bot.text(place)


async def ledger(bot: Stage) -> list[dict[str, Any]]:
    return await rows(bot.settings.database_url, t.usage)


async def settled(bot: Stage) -> list[dict[str, Any]]:
    """The ledger, once every request in it is settled for good."""
    async with asyncio.timeout(20):
        while True:
            found = await ledger(bot)
            if not any(row["pending"] for row in found):
                return found
            await asyncio.sleep(0.02)


def charged(bot: Stage) -> list[int]:
    """What the model's server has charged for each request, in nanodollars."""
    records = [generation(record) for record in bot.model.requests]
    totals = [Decimal(str(record["data"]["total_cost"])) for record in records if record]  # type: ignore[index,call-overload]  # JSON of a known shape
    return [round(total * 10**9) for total in totals]


def reactions(message: Message) -> list[str]:
    return [reaction.name for reaction in message.reactions]


async def test_a_mention_beyond_the_limit_is_refused_before_anything_is_opened_asked_or_stored(bot: Stage) -> None:
    await store_settings(bot, requests_per_user_hour=1)
    thread = await asked(bot)

    refused = bot.mention(bot.ada, "one too many")

    told = HOURLY.search(await told_publicly(bot, "questions that one member may ask"))
    assert told is not None
    assert told.groups() == ("1", "1")
    assert refused.id not in bot.world.records.channels
    assert len(bot.model.requests) == len(await ledger(bot)) == 1
    async with store_of(bot) as store:
        assert await store.turn_of_message(refused.id) is None
    bot.say(bot.ada, thread.id, "and here")
    await bot.until(lambda: HOURLY.search(bot.text(thread.id)), "told in the thread, too")
    assert "You said: still me" in bot.text((await asked(bot, "still me", bot.ben)).id)


async def test_a_direct_message_beyond_the_limit_is_refused_there(bot: Stage) -> None:
    """No server's settings hold there, but the operator's ceilings and the defaults do."""
    async with store_of(bot) as store:
        channel = bot.world.open_dm(bot.ben, bot.bot)
        bot.say(bot.ben, channel.id, "hello")
        await bot.answered(channel.id)
        (row,) = await ledger(bot)
        assert row["guild_id"] is None
        for number in range(1, 60):
            bill = Bill(10**6 + number, 1, None, bot.ben)
            reserved = await store.reserve(bill, model="a/b", key_id="", estimate=Usage())
            assert isinstance(reserved, Reserved)
            await store.settle(reserved.id, Usage())
            await store.end_running(bill.turn_id)
    bot.say(bot.ben, channel.id, "the 61st")
    await bot.until(lambda: "asked 60 of the 60 questions" in bot.text(channel.id), "refused")
    assert len(bot.model.requests) == 1


async def test_a_command_a_menu_and_a_retry_beyond_the_limit_are_refused_privately(bot: Stage) -> None:
    await store_settings(bot, requests_per_user_hour=1)
    thread = await asked(bot)
    before = bot.text(thread.id)
    channels = set(bot.world.records.channels)
    note = bot.say(bot.ben, bot.channel("general"), "some code")

    for act in (
        bot.command(bot.ada, bot.channel("general"), "ask", prompt="one too many"),
        menu(bot, bot.ada, "Explain this code", note),
        menu(bot, bot.ada, "Ask about this", note),
        bot.press(bot.ada, thread.id, "Retry"),
        bot.command(bot.ada, thread.id, "retry"),
    ):
        seen = Private(bot, bot.ada)
        await act
        await seen.told("You have asked 1 of the 1 questions")
    assert bot.text(thread.id) == before
    assert bot.text(bot.channel("general")) == ""
    assert set(bot.world.records.channels) == channels
    assert len(bot.model.requests) == 1
    async with store_of(bot) as store:
        assert (await store.turns(thread.id))[0].text == "You said: hello"


async def test_to_continue_beyond_the_limit_is_refused_privately_and_leaves_the_answer(bot: Stage) -> None:
    await store_settings(bot, requests_per_user_hour=1, max_output_tokens=256)
    thread = await asked(bot, "briefly")
    before = bot.text(thread.id)

    seen = Private(bot, bot.ada)
    await bot.press(bot.ada, thread.id, "Continue")

    await seen.told("You have asked 1 of the 1 questions")
    assert bot.text(thread.id) == before
    assert len(bot.model.requests) == 1


async def test_in_place_of_an_interaction_a_refusal_is_private_and_a_retry_leaves_the_answer(
    servers: Stage,
) -> None:
    async with servers.app(ceiling_requests_per_user_hour=1):
        place = lounge(servers)
        await servers.command(servers.ben, place.id, "ask", prompt="hello")
        await servers.answered(place.id)
        before = servers.text(place.id)
        for act in (
            servers.command(servers.ben, place.id, "ask", prompt="one too many"),
            servers.press(servers.ben, place.id, "Retry"),
        ):
            seen = Private(servers, servers.ben)
            await act
            await seen.told("You have asked 1 of the 1 questions")
        assert servers.text(place.id) == before
        assert len(servers.model.requests) == 1


async def test_a_member_may_have_so_many_answers_at_once_and_another_after(bot: Stage) -> None:
    await store_settings(bot, concurrent_per_user=1)
    thread = await running(bot, bot.ada)

    bot.mention(bot.ada, "elsewhere")
    await told_publicly(bot, "1 of the 1 answers that one member may have at once are running for you.")
    await asked(bot, "me", bot.ben)

    await bot.press(bot.ada, thread.id, "Stop")
    await bot.answered(thread.id)
    await asked(bot, "elsewhere now")


async def test_a_question_that_waits_needs_no_place_until_its_turn(bot: Stage) -> None:
    await store_settings(bot, concurrent_per_user=1)
    thread = await running(bot, bot.ada)
    waiting = bot.say(bot.ada, thread.id, "next")
    await bot.until(lambda: reactions(waiting) == ["⏳"], "it waits")

    await bot.press(bot.ada, thread.id, "Stop")

    assert "You said: next" in await bot.answered(thread.id, count=2)


async def test_a_question_that_is_refused_when_its_turn_comes_is_no_part_of_the_conversation_until_there_is_room(
    bot: Stage,
) -> None:
    thread = await running(bot, bot.ada)
    waiting = bot.say(bot.ada, thread.id, "next please")
    await bot.until(lambda: reactions(waiting) == ["⏳"], "it waits")
    await store_settings(bot, requests_per_user_hour=1)

    await bot.press(bot.ada, thread.id, "Stop")

    shown = await bot.answered(thread.id, count=2)
    assert "🚦 You have asked 1 of the 1 questions" in shown
    await bot.until(lambda: reactions(waiting) == [], "it waits no more")
    bot.say(bot.ben, thread.id, "and me")
    await bot.answered(thread.id, count=3)
    prompt = str(bot.model.requests[-1].body["messages"])
    assert "slowly" in prompt
    assert "next please" not in prompt

    await store_settings(bot, requests_per_user_hour=5)
    await bot.press(bot.ada, thread.id, "Retry", which=1)
    await bot.until(lambda: "You said: next please" in bot.text(thread.id), "answered")
    assert "🚦" not in bot.text(thread.id)
    bot.say(bot.ben, thread.id, "me again")
    await bot.answered(thread.id, count=4)
    assert "next please" in str(bot.model.requests[-1].body["messages"])


KEPT = "This is the answer I gave before; I could not give a new one. $"


async def test_an_answer_that_waits_to_be_given_anew_stands_where_a_limit_is_reached_when_its_turn_comes(
    bot: Stage,
) -> None:
    thread = await asked(bot, "the first")
    question = bot.say(bot.ada, thread.id, "the second")
    await bot.answered(thread.id, count=2)
    await settled(bot)
    bot.say(bot.ada, thread.id, "slowly")
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "the third is being answered")
    await bot.press(bot.ada, thread.id, "Retry", which=1)
    await bot.until(lambda: reactions(question) == ["⏳"], "the second waits")
    await store_settings(bot, usd_per_server_day=1)

    await bot.press(bot.ada, thread.id, "Stop")

    await stands(bot, thread, "You said: the second", most="$0.000000001")
    assert "You said: the second" in await bot.answered(thread.id, count=3)
    assert len(bot.model.requests) == 3
    await store_settings(bot, usd_per_server_day=None)
    await bot.press(bot.ada, thread.id, "Retry", which=1)
    await bot.until(lambda: len(bot.model.requests) == 4, "asked again")
    await bot.until(lambda: KEPT not in bot.text(thread.id) and bot.ended(thread.id) == 3, "answered anew")


async def test_an_answer_stands_where_its_question_is_edited_and_a_limit_is_reached(bot: Stage) -> None:
    thread = await asked(bot, "the first")
    second = bot.say(bot.ada, thread.id, "the second")
    await bot.answered(thread.id, count=2)
    await settled(bot)
    for most in (1, 2):
        await store_settings(bot, usd_per_server_day=most)

        bot.world.edit_message(bot.ada, thread.id, second.id, {"content": f"in {most} words"})

        await stands(bot, thread, "You said: the second", most=f"$0.00000000{most}")
    assert len(bot.model.requests) == 2


async def test_an_answer_that_was_forgotten_meanwhile_does_not_come_back_when_a_limit_is_reached(
    bot: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = await asked(bot, "the first")
    second = bot.say(bot.ada, thread.id, "the second")
    await bot.answered(thread.id, count=2)
    await settled(bot)
    await store_settings(bot, usd_per_server_day=1)
    begin = Store.begin

    async def begin_and_forget(store: Store, turn_id: int) -> None:
        await begin(store, turn_id)
        await store.save_steps(turn_id, 0, [])

    monkeypatch.setattr(Store, "begin", begin_and_forget)
    bot.world.edit_message(bot.ada, thread.id, second.id, {"content": "in other words"})

    await bot.until(lambda: "🚦" in bot.text(thread.id), "refused")
    assert "You said: the second" not in bot.text(thread.id)
    async with store_of(bot) as store:
        assert [turn.text for turn in await store.turns(thread.id)] == ["You said: the first", ""]


async def stands(bot: Stage, thread: Channel, text: str, *, most: str) -> None:
    """Wait until an answer is shown and stored as it was, with one remark that there is no new one, and why."""
    await bot.until(lambda: f"of the {most} that" in bot.text(thread.id), "why there is no new answer is shown")
    assert text in bot.text(thread.id)
    async with store_of(bot) as store:
        (turn,) = (turn for turn in await store.turns(thread.id) if text in turn.text)
    assert turn.status is TurnStatus.DONE
    assert [notice.startswith(KEPT) for notice in turn.notices] == [True]


async def test_a_role_lifts_a_members_limit_also_for_questions_from_before_they_had_it(
    bot: Stage, helpers: int
) -> None:
    await store_settings(
        bot,
        requests_per_user_hour=1,
        role_limits={str(helpers): {"requests_per_user_hour": 3}, "77": {"requests_per_user_hour": None}},
    )
    thread = await asked(bot, "hello", bot.ben)
    seen = Private(bot, bot.ben)
    await bot.press(bot.ben, thread.id, "Retry")
    await seen.told("You have asked 1 of the 1 questions")

    guild_of(bot).members[bot.ben].roles.append(helpers)
    await bot.press(bot.ben, thread.id, "Retry")
    await bot.until(lambda: len(bot.model.requests) == 2, "asked again")
    await bot.answered(thread.id)
    await asked(bot, "the third", bot.ben)
    bot.mention(bot.ben, "the fourth")
    await told_publicly(bot, "You have asked 3 of the 3 questions")


async def test_an_answer_whose_end_can_not_be_stored_does_not_keep_its_place(
    bot: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_settings(bot, concurrent_per_user=1)
    monkeypatch.setattr("bot.chat.PLACE_BACK_AFTER", (0.0, 0.05, 0.05))
    finish, end_running, given_back = Store.finish, Store.end_running, list[int]()

    async def failing(*_: Any, **__: Any) -> None:
        raise OSError("the database is gone")

    async def giving_back(store: Store, turn_id: int) -> None:
        given_back.append(turn_id)
        if len(given_back) == 1:
            raise OSError("the database is gone")
        await end_running(store, turn_id)

    monkeypatch.setattr(Store, "finish", failing)
    monkeypatch.setattr(Store, "end_running", giving_back)
    thread = await bot.thread_of(bot.mention(bot.ada, "hello"))
    await bot.until(lambda: "could not be saved" in bot.text(thread.id), "it is told")
    monkeypatch.setattr(Store, "finish", finish)
    await bot.until(lambda: len(given_back) == 2, "given back at the second attempt")
    await asked(bot, "another")


async def test_members_are_told_where_they_may_ask_and_who_may(bot: Stage, helpers: int) -> None:
    thread = await asked(bot)
    other = bot.world.add_channel(guild_of(bot).id, "bots").id
    await store_settings(bot, allowed_channels=[other])
    bot.mention(bot.ada, "here")
    await told_publicly(bot, f"I answer in some channels only. Please ask me there: <#{other}>.")
    seen = Private(bot, bot.ada)
    await bot.press(bot.ada, thread.id, "Retry")
    await seen.told("I answer in some channels only.")
    there = await bot.thread_of(bot.mention(bot.ada, "there", "bots"))
    await bot.answered(there.id)
    bot.say(bot.ada, there.id, "in its thread")
    await bot.answered(there.id, count=2)

    await store_settings(bot, allowed_roles=[helpers])
    bot.mention(bot.ben, "may I?")
    await told_publicly(bot, "only members with certain roles may ask me")
    seen = Private(bot, bot.ben)
    await bot.command(bot.ben, bot.channel("general"), "ask", prompt="may I?")
    await seen.told("only members with certain roles may ask me")
    guild_of(bot).members[bot.ben].roles.append(helpers)
    await asked(bot, "and now?", bot.ben)
    assert len(bot.model.requests) == 4


async def test_the_operators_ceilings_bind_whatever_admins_say(servers: Stage) -> None:
    await store_settings(servers, requests_per_user_hour=None, max_output_tokens=9_000)
    async with servers.app(ceiling_requests_per_user_hour=1, ceiling_max_output_tokens=2_000):
        await asked(servers)
        assert servers.model.requests[0].body["max_tokens"] == 2_000
        servers.mention(servers.ada, "one too many")
        await told_publicly(servers, "You have asked 1 of the 1 questions")


async def test_a_ceiling_on_everybody_together_binds_all_direct_messages_together(servers: Stage) -> None:
    async with servers.app(ceiling_requests_per_server_hour=1):
        ben, ada = (servers.world.open_dm(who, servers.bot).id for who in (servers.ben, servers.ada))
        servers.say(servers.ben, ben, "hello")
        await servers.answered(ben)
        servers.say(servers.ada, ada, "hello")
        told = "1 of the 1 questions that all direct messages with me together may ask within an hour are asked."
        await servers.until(lambda: told in servers.text(ada), "refused")
        await asked(servers)


async def test_a_budget_that_is_spent_stops_the_next_question_and_tells_what_is_used(bot: Stage) -> None:
    await store_settings(bot, usd_per_server_day=1)
    await asked(bot)
    (row,) = await settled(bot)
    assert row["cost"] > 1
    bot.mention(bot.ben, "one too many")
    told = await told_publicly(bot, "that this server may spend within 24 hours are used.")
    assert f"${row['cost'] / 1e9:.9f}".rstrip("0") in told
    assert "of the $0.000000001 that" in told


async def test_an_answer_is_stopped_between_its_steps_when_the_money_is_used_up_and_keeps_what_it_has(
    bot: Stage,
) -> None:
    await store_settings(bot, usd_per_user_day=1)
    thread = await bot.thread_of(bot.mention(bot.ada, "look it up"))

    shown = await bot.answered(thread.id)

    assert "I had to stop here. You have used $0.0" in shown
    assert "🚦" not in shown
    assert len(bot.model.requests) == 1
    async with store_of(bot) as store:
        (turn,) = await store.turns(thread.id)
    assert turn.status is TurnStatus.STOPPED
    assert [len(step.tool_results) for step in turn.steps] == [1]
    await store_settings(bot, usd_per_user_day=None)
    await bot.press(bot.ada, thread.id, "Retry")
    await bot.until(lambda: "I looked:" in bot.text(thread.id), "it goes through")
    assert sum(row["is_question"] for row in await settled(bot)) == 2


async def test_a_title_that_the_budget_does_not_pay_for_is_refused_in_the_same_words(bot: Stage) -> None:
    thread = await asked(bot)
    await settled(bot)
    await store_settings(bot, usd_per_user_day=1)
    seen = Private(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "title")
    await seen.told("of the $0.000000001 that one member may spend within 24 hours.")
    assert len(bot.model.requests) == 1


async def test_a_stopped_answer_is_charged_as_the_models_server_records_it(bot: Stage) -> None:
    thread = await running(bot, bot.ada)
    await bot.press(bot.ada, thread.id, "Stop")
    await bot.answered(thread.id)

    (row,) = await settled(bot)

    record = bot.model.requests[0]
    assert record.cancelled
    assert [row["cost"]] == charged(bot)
    assert row["completion_tokens"] == record.tokens_sent
    assert row["generation_id"] == record.generation_id


async def test_a_crash_in_the_middle_of_an_answer_is_settled_by_the_next_process(servers: Stage) -> None:
    async with servers.app():
        await running(servers, servers.ada)
    async with store_of(servers) as store:
        assert [left.generation_id for left in await store.take_over()] == [servers.model.requests[0].generation_id]
    async with servers.app():
        (row,) = await settled(servers)
    assert [row["cost"]] == charged(servers)


async def test_the_ledger_is_what_the_models_server_charged_to_the_nanodollar(servers: Stage) -> None:
    async with servers.app(titles=True):
        thread = await asked(servers, "how do I count words?")
        for number in (2, 3):
            servers.say(servers.ben, thread.id, f"and question {number}?")
            await servers.answered(thread.id, count=number)
        await servers.press(servers.ben, thread.id, "Retry")
        await servers.until(lambda: len(servers.model.requests) == 5, "answered again")
        other = await running(servers, servers.ada)
        await servers.press(servers.ada, other.id, "Stop")
        await servers.answered(other.id)
        found = await settled(servers)
    assert sorted(row["cost"] for row in found) == sorted(charged(servers))
    assert sum(ASKED in str(record.body["messages"]) for record in servers.model.requests) == 1
    assert [row["is_question"] for row in found if row["step"] < 0] == [False]
    assert sum(row["is_question"] for row in found) == 5
