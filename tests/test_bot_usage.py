"""The whole bot over real sockets: `/usage` tells people what they used, and admins what their server used."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.render.usage_chart import draw_usage
from bot.spending import DAY, Period, Report, Spent
from bot.store import Store, tables
from tests.admin_talk import Shown, demote, promote
from tests.bot_trouble import Private, guild_of
from tests.databases import execute, fill
from tests.test_bot_export import Files
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "Easy.", "say": "You said: {question}"}
ADMINS_ONLY = "Only people with the permission **Manage Server** can do this."
ELSEWHERE = 999


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    """The first picture takes the time that matplotlib takes to import, which a busy machine stretches."""
    draw_usage(Report(Period.DAY, 0, Spent(), ((0, Spent(1)),)), "x")


@pytest.fixture
async def off(tmp_path: Path) -> AsyncGenerator[Stage]:
    """The stage without the bot, with tables that are there."""
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built:
        await (await Store.open(built.settings.database_url)).close()
        yield built


@pytest.fixture
async def bot(off: Stage) -> AsyncGenerator[Stage]:
    async with off.app():
        await off.until(off.ready.is_set, "the bot is ready")
        yield off


async def use(bot: Stage, who: int, *, guild: int | None, count: int = 1, days: int = 0, **more: Any) -> None:
    """Let somebody have made requests of 100 + 50 tokens for $0.01 each."""
    row = {
        "attempt": 1,
        "conversation_id": 7,
        "guild_id": guild,
        "user_id": who,
        "model": "moonshotai/kimi-k2-thinking",
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "reasoning_tokens": 30,
        "cached_tokens": 10,
        "cost": 10_000_000,
        "at": time.time() - days * DAY,
        "turn_id": time.monotonic_ns() // 1_000 % 10**15,
        **more,
    }
    await fill(bot.settings.database_url, tables.usage, [{**row, "step": step} for step in range(count)])


async def usage(bot: Stage, who: int, **options: str) -> Shown:
    shown = Shown(bot, who, "**What")
    await bot.command(who, bot.channel("general"), "usage", **options)
    await shown.shows("**By model**")
    return shown


async def read_csv(bot: Stage, files: Files) -> tuple[str, list[dict[str, str]]]:
    name, data, _ = await files.next()
    return name, list(csv.DictReader(io.StringIO(data.decode(), newline="")))


async def test_what_an_answer_used_is_told_with_a_picture(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ben, "hello"))
    await bot.answered(thread.id)
    files = Files(bot, bot.ben)
    shown = await usage(bot, bot.ben)
    assert shown.text.startswith("**What you used in this server in the last 30 days**\n- Requests to models: 1\n")
    assert "Everywhere, DMs and other servers included: 1 request, " in shown.text
    name, data, description = await files.next()
    assert name == "usage.png"
    assert data.startswith(b"\x89PNG")
    assert description.startswith("What you used in this server in the last 30 days, with a column for each day")


async def test_everybody_sees_what_is_their_own_and_how_much_that_is_everywhere(bot: Stage) -> None:
    here = guild_of(bot).id
    await use(bot, bot.ben, guild=here, count=3)
    await use(bot, bot.ben, guild=here, count=20, days=10)
    await use(bot, bot.ben, guild=ELSEWHERE, count=2)
    await use(bot, bot.ben, guild=None, count=2)
    await use(bot, bot.ada, guild=here, count=50)
    shown = await usage(bot, bot.ben, period="week")
    assert "Requests to models: 3\n- Prompt: 300 tokens, 30 of them (10 %) from the cache" in shown.text
    assert "- Completion: 150 tokens, 90 of them (60 %) for reasoning\n- Cost: $0.030\n" in shown.text
    assert "included: 7 requests, 1.1k tokens, $0.070." in shown.text
    assert f"<@{bot.ada}>" not in shown.text
    assert "By member" not in shown.text


async def test_in_a_dm_it_is_what_was_used_everywhere(bot: Stage) -> None:
    await use(bot, bot.ben, guild=guild_of(bot).id, count=3)
    await use(bot, bot.ben, guild=None, count=2)
    channel, shown = bot.world.open_dm(bot.ben, bot.bot), Shown(bot, bot.ben, "**What")
    await bot.command(bot.ben, channel.id, "usage", period="day")
    await shown.shows("**What you used everywhere in the last 24 hours**\n- Requests to models: 5\n")
    assert "By hour" in shown.text
    private = Private(bot, bot.ben)
    await bot.command(bot.ben, channel.id, "usage", scope="server")
    await private.told("This works in a server only.")


async def test_an_admin_sees_the_server_by_day_model_and_member_and_nobody_is_pinged(bot: Stage) -> None:
    here = guild_of(bot).id
    await use(bot, bot.ben, guild=here, count=3)
    await use(bot, bot.ada, guild=here, count=2, days=2, model="a/other", cost=None)
    await use(bot, bot.ada, guild=ELSEWHERE, count=50)
    shown = await usage(bot, bot.ada, scope="server")
    assert "**What this server used in the last 30 days**\n- Requests to models: 5\n" in shown.text
    assert "- Cost: $0.030, without 2 requests whose cost was not reported" in shown.text
    assert ": 3 requests, 450 tokens, $0.030\n- " in shown.text
    assert "- `a/other`: 2 requests, 300 tokens, cost not reported" in shown.text
    assert f"- <@{bot.ben}>: 3 requests, 450 tokens, $0.030\n- <@{bot.ada}>: 2 requests" in shown.text
    assert shown.message.pinged == []
    assert "Everywhere" not in shown.text


async def test_others_are_told_that_this_is_for_admins(bot: Stage) -> None:
    await use(bot, bot.ben, guild=guild_of(bot).id)
    private = Private(bot, bot.ben)
    await bot.command(bot.ben, bot.channel("general"), "usage", scope="server")
    await private.told(ADMINS_ONLY)
    assert not any("By member" in text for text in private.seen)


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("server", "Nobody has used me in this server in the last 7 days. Mention me"),
        ("me", "You have not used me in this server in the last 7 days.\nEverywhere, DMs and other servers"),
    ],
)
async def test_where_nothing_was_used_there_is_a_kind_sentence_alone(bot: Stage, scope: str, said: str) -> None:
    await use(bot, bot.ada, guild=ELSEWHERE)
    await use(bot, bot.ada, guild=guild_of(bot).id, days=8)
    shown = Shown(bot, bot.ada, said)
    await bot.command(bot.ada, bot.channel("general"), "usage", period="week", scope=scope)
    await shown.shows(said)
    assert (shown.controls, shown.message.attachments) == ([], [])


async def test_the_words_come_alone_when_the_picture_fails(bot: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(sys.modules["cogs.usage"], "draw_usage", fail)  # discord.py keeps it there alone
    await use(bot, bot.ben, guild=guild_of(bot).id)
    shown = await usage(bot, bot.ben)
    assert "Requests to models: 1" in shown.text
    assert shown.message.attachments == []
    assert [control["label"] for control in shown.controls] == ["CSV"]


async def test_the_file_has_a_row_for_each_day_model_and_member_also_after_a_restart(off: Stage) -> None:
    here = guild_of(off).id
    await use(off, off.ben, guild=here, count=3)
    await use(off, off.ben, guild=here, count=2, model="a/other", cost=None)
    await use(off, off.ada, guild=here, days=3)
    await use(off, off.ada, guild=ELSEWHERE)
    async with off.app():
        await off.until(off.ready.is_set, "the bot is ready")
        shown = await usage(off, off.ada, scope="server")
    async with off.app():
        await off.until(off.ready.is_set, "the bot is ready again")
        files = Files(off, off.ada)
        await shown.use("usage:csv:month:server")
        name, rows = await read_csv(off, files)
    assert name == "usage-month-server.csv"
    told = [
        (row["model"], row["member"], row["requests"], row["cost_usd"], row["requests_without_cost"]) for row in rows
    ]
    kimi = "moonshotai/kimi-k2-thinking"
    assert told == [
        ("a/other", f"<@{off.ben}>", "2", "", "2"),
        (kimi, f"<@{off.ben}>", "3", "0.030000000", "0"),
        (kimi, f"<@{off.ada}>", "1", "0.010000000", "0"),
    ]
    assert [row["day_utc"] for row in rows] == sorted((row["day_utc"] for row in rows), reverse=True)


async def test_ones_own_file_has_only_ones_own_rows(bot: Stage) -> None:
    here, files = guild_of(bot).id, Files(bot, bot.ben)
    await use(bot, bot.ben, guild=here)
    await use(bot, bot.ben, guild=ELSEWHERE)
    await use(bot, bot.ada, guild=here)
    shown = await usage(bot, bot.ben, period="day")
    await files.next()
    await shown.use("usage:csv:day:me")
    name, rows = await read_csv(bot, files)
    assert name == "usage-day-me.csv"
    assert [(row["member"], row["requests"]) for row in rows] == [(f"<@{bot.ben}>", "1")]


async def test_a_file_that_would_be_too_large_has_the_newest_rows_and_says_so(
    bot: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["cogs.usage"], "MOST_LINES", 2)
    for days in range(3):
        await use(bot, bot.ben, guild=guild_of(bot).id, days=days, count=days + 1)
    shown, private, files = await usage(bot, bot.ben), Private(bot, bot.ben), Files(bot, bot.ben)
    await shown.use("usage:csv:month:me")
    await private.told("The file has the newest 2 rows; older ones did not fit.")
    assert [row["requests"] for row in (await read_csv(bot, files))[1]] == ["1", "2"]


async def test_who_is_no_admin_any_more_gets_no_file_of_the_server(bot: Stage) -> None:
    await use(bot, bot.ada, guild=guild_of(bot).id)
    promote(bot, bot.ben)
    shown, private = await usage(bot, bot.ben, scope="server"), Private(bot, bot.ben)
    files = Files(bot, bot.ben)
    demote(bot, bot.ben)
    await shown.use("usage:csv:month:server")
    await private.told(ADMINS_ONLY)
    promote(bot, bot.ben)
    await shown.use("usage:csv:month:server")
    assert (await read_csv(bot, files))[0] == "usage-month-server.csv"


async def test_a_file_of_nothing_is_a_sentence(bot: Stage) -> None:
    await use(bot, bot.ben, guild=guild_of(bot).id)
    shown, private = await usage(bot, bot.ben, period="day"), Private(bot, bot.ben)
    await execute(bot.settings.database_url, "DELETE FROM usage")
    await shown.use("usage:csv:day:me")
    await private.told("nothing was used in the last 24 hours")
