"""The whole bot over real sockets: admins see the tools in /tools and turn them on and off."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.tools.kit import Listed
from bot.tools_panel import on_page, pages_of, screen, turned
from tests.admin_talk import Shown, demote, promote, store_of, stored
from tests.bot_trouble import guild_of
from tests.elsewhere import commands, private
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "say": "You said: {question}"}
HEAD = "**Tools**"
NOT_ALLOWED = "Only people with the permission **Manage Server** can do this."


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built, built.app():
        yield built


async def open_tools(bot: Stage, who: int) -> Shown:
    shown = Shown(bot, who, HEAD)
    await bot.command(who, bot.channel("general"), "tools")
    await shown.shows(HEAD)
    return shown


def line(shown: Shown, name: str) -> str:
    return next(line for line in shown.text.splitlines() if f"`{name}`" in line)


async def test_the_panel_tells_what_is_on_off_and_not_to_be_had_and_why(bot: Stage) -> None:
    shown = await open_tools(bot, bot.ada)
    assert [line(shown, name)[0] for name in ("web_fetch", "read_attachment", "read_thread")] == ["✅"] * 3
    assert [line(shown, name)[0] for name in ("search_messages", "run_python", "web_search")] == ["⬜"] * 3
    assert "not to be had" in line(shown, "run_python")
    assert "not to be had" not in line(shown, "search_messages")
    (select,) = shown.controls
    options: Any = select["options"]
    assert [option["value"] for option in options if option.get("default")] == [
        "web_fetch",
        "read_attachment",
        "read_thread",
    ]


async def test_tools_turned_on_and_off_are_stored_audited_and_used_from_the_next_question_on(bot: Stage) -> None:
    shown = await open_tools(bot, bot.ada)
    await shown.use("tools:set:0", "search_messages", "read_thread")
    await bot.until(lambda: "Saved" in shown.message.content, "saved")
    assert (await stored(bot))["tools"] == ["read_thread", "search_messages"]
    async with store_of(bot) as store:
        (entry,) = await store.audit(guild_of(bot).id)
    assert (entry.user_id, entry.what, entry.after) == (bot.ada, "tools", ["read_thread", "search_messages"])
    thread = await bot.thread_of(bot.mention(bot.ben, "hello"))
    await bot.answered(thread.id)
    tools: Any = bot.model.requests[-1].body["tools"]
    assert [tool["function"]["name"] for tool in tools] == ["read_thread", "search_messages"]


async def test_all_tools_can_be_turned_off(bot: Stage) -> None:
    shown = await open_tools(bot, bot.ada)
    await shown.use("tools:set:0")
    await bot.until(lambda: "Saved" in shown.message.content, "saved")
    assert (await stored(bot))["tools"] == []


async def test_the_web_is_searched_by_openrouter_once_admins_have_turned_it_on(bot: Stage) -> None:
    shown = await open_tools(bot, bot.ada)
    await shown.use("tools:set:0", "web_search")
    await bot.until(lambda: "Saved" in shown.message.content, "saved")
    thread = await bot.thread_of(bot.mention(bot.ben, "hello"))
    await bot.answered(thread.id)
    tools: Any = bot.model.requests[-1].body["tools"]
    assert [tool["type"] for tool in tools] == ["openrouter:web_search"]


async def test_members_may_neither_see_nor_use_it(bot: Stage) -> None:
    assert commands(bot)["tools"]["default_member_permissions"] == "32"
    assert commands(bot)["tools"]["contexts"] == [0]
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "tools")
    command.body["default_member_permissions"] = None
    await bot.command(bot.ben, bot.channel("general"), "tools")
    await bot.until(lambda: NOT_ALLOWED in str(private(bot, bot.ben)), "it is refused")


async def test_a_panel_left_open_by_somebody_who_is_no_admin_any_more_does_nothing(bot: Stage) -> None:
    promote(bot, bot.ben)
    shown = await open_tools(bot, bot.ben)
    demote(bot, bot.ben)
    await shown.use("tools:set:0", "search_messages")
    await bot.until(lambda: NOT_ALLOWED in str(private(bot, bot.ben)), "it is refused")
    assert "tools" not in await stored(bot)


def many(n: int) -> list[Listed]:
    return [Listed(f"server_tool_{number}", "does things " * 30, is_on=number % 2 == 0) for number in range(n)]


@pytest.mark.parametrize("n", [1, 25, 26, 130])
def test_however_many_tools_there_are_each_is_on_one_page_within_discords_limits(n: int) -> None:
    listed = many(n)
    seen: list[str] = []
    for page in range(pages_of(listed)):
        shown = screen(listed, page, note="Saved.", remarks=["A server is away. " * 20] * 9)
        assert len(shown.text) <= 2_000
        select: Any = shown.rows[0]
        assert 1 <= len(select.options) <= 25
        assert select.most == len(select.options)
        assert all(len(option.description) <= 100 for option in select.options)
        seen += [option.value for option in select.options]
    assert seen == [tool.name for tool in listed]


def test_choosing_on_one_page_leaves_the_other_pages_alone() -> None:
    listed = many(30)
    before = tuple(tool.name for tool in listed if tool.is_on)
    after = turned(before, listed, 1, ["server_tool_25", "unknown"])
    assert set(after) == {name for name in before if name in {tool.name for tool in on_page(listed, 0)}} | {
        "server_tool_25"
    }


def test_a_tool_that_is_on_but_not_there_says_so() -> None:
    text = screen([Listed("run_python", "runs programs", is_on=True, why_not="the sandbox is not installed")]).text
    assert "⚠️ `run_python` runs programs, but not to be had: the sandbox is not installed" in text


def test_a_description_that_is_a_sentence_goes_on_without_its_full_stop() -> None:
    listed = [Listed("mcp_desk_add", "Add two numbers.", is_on=False, asks_first=True)]
    assert "`mcp_desk_add` Add two numbers; asks the member before each call" in screen(listed).text
