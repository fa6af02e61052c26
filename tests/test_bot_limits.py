"""The whole bot over real sockets: /limits, and /audit, which tells who changed what."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.messages import JsonObject
from tests.admin_talk import Shown, demote, promote, store_of, store_settings, stored, subcommand
from tests.bot_trouble import Private, guild_of
from tests.elsewhere import commands, private
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "say": "You said: {question}"}
NOT_ALLOWED = "Only people with the permission **Manage Server** can do this."


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built:
        yield built


@pytest.fixture
async def bot(servers: Stage) -> AsyncGenerator[Stage]:
    async with servers.app():
        yield servers


async def told(bot: Stage, text: str, part: str, **options: str | int) -> None:
    """Use a part of /limits as the admin, and wait for what is told."""
    private = Private(bot, bot.ada)
    await subcommand(bot, bot.ada, "limits", part, **options)
    await private.told(text)


async def open_audit(bot: Stage, who: int, head: str = "### What was changed here") -> Shown:
    shown = Shown(bot, who, head)
    await bot.command(who, bot.channel("general"), "audit")
    await shown.shows(head)
    return shown


async def test_the_options_are_limit_value_and_role(bot: Stage) -> None:
    parts = {part["name"]: part for part in commands(bot)["limits"]["options"]}
    assert sorted(parts) == ["reset", "role", "set", "show"]
    assert [option["name"] for option in parts["set"]["options"]] == ["limit", "value", "role"]
    assert len(parts["set"]["options"][0]["choices"]) == 12
    assert [(option["name"], option["required"]) for option in parts["reset"]["options"]] == [
        ("limit", False),
        ("role", False),
    ]


async def test_a_limit_is_set_turned_off_and_reset(bot: Stage) -> None:
    limit = "requests_per_user_hour"
    await told(bot, "**Questions a member and hour** is now: 5 questions.", "set", limit=limit, value="5")
    assert await stored(bot) == {limit: 5}
    await told(bot, "is now: off.", "set", limit=limit, value="off")
    assert await stored(bot) == {limit: None}
    await told(bot, "is now: 60 questions.", "reset", limit=limit)
    assert await stored(bot) == {}
    await told(bot, "is now: $2.50.", "set", limit="usd_per_user_day", value="$2.50")
    assert await stored(bot) == {"usd_per_user_day": 2_500_000_000}
    await told(bot, "- `usd_per_user_day` · off (default)", "reset")
    assert await stored(bot) == {}


@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [
        ("usd_per_user_day", "1,000", "two different numbers"),
        ("max_tool_calls", "301", "takes a whole number of tool calls from 0 to 300."),
        ("max_output_tokens", "off", "**Longest answer** cannot be off."),
        ("concurrent_per_user", "-1", "from 1 to 1,000, or `off`."),
    ],
)
async def test_a_bad_value_is_refused_with_what_the_limit_takes(bot: Stage, limit: str, value: str, why: str) -> None:
    await told(bot, why, "set", limit=limit, value=value)
    assert await stored(bot) == {}


async def test_a_role_has_its_own_values_of_what_concerns_one_member(servers: Stage) -> None:
    role = servers.world.add_role(guild_of(servers).id, "Helpers").id
    limit = "requests_per_user_hour"
    async with servers.app():
        await told(servers, f"hour** for <@&{role}> is now: off.", "set", limit=limit, value="off", role=role)
        assert await stored(servers) == {"role_limits": {str(role): {limit: None}}}
        await told(servers, f"- `{limit}` · off (its own)", "role", role=role)
        await told(
            servers, f"**Roles' own limits** (whoever has several has the most generous value)\\n- <@&{role}>", "show"
        )
        await told(servers, "is for everybody together", "set", limit="usd_per_server_day", value="5", role=role)
        await told(servers, "@everyone is the whole server", "set", limit=limit, value="5", role=guild_of(servers).id)
        await told(servers, "is the server's now", "reset", limit=limit, role=role)
        assert await stored(servers) == {}


async def test_limits_of_a_deleted_role_are_shown_as_such(bot: Stage) -> None:
    await store_settings(bot, role_limits={"77": {"max_tool_calls": 5}})
    await told(bot, "- deleted role `77`: `max_tool_calls` 5 tool calls", "show")


async def test_the_operators_ceiling_is_named_where_it_binds(servers: Stage) -> None:
    async with servers.app() as app:
        client = app._client  # pyright: ignore[reportPrivateUsage]  # the environment's ceilings are wired elsewhere
        assert client is not None
        client.services = replace(client.services, ceilings={"requests_per_user_hour": 30, "max_tool_calls": 60})
        await told(servers, "60 questions; the operator's ceiling holds: 30 questions (default)", "show")
        limit = "requests_per_user_hour"
        await told(servers, "allows at most 30 questions here.", "set", limit=limit, value="31")
        await told(servers, "is now: 30 questions", "set", limit=limit, value="30")


async def test_who_has_no_rights_learns_and_changes_nothing(bot: Stage) -> None:
    await store_settings(bot, persona="Secret instructions.")
    for command in bot.world.records.commands.values():
        command.body["default_member_permissions"] = None
    promote(bot, bot.ben)
    demote(bot, bot.ben)
    seen = Private(bot, bot.ben)
    await subcommand(bot, bot.ben, "limits", "set", limit="max_tool_calls", value="300")
    await seen.told(NOT_ALLOWED)
    for part in ("show", "reset"):
        seen = Private(bot, bot.ben)
        await subcommand(bot, bot.ben, "limits", part)
        await seen.told(NOT_ALLOWED)
    seen = Private(bot, bot.ben)
    await bot.command(bot.ben, bot.channel("general"), "audit")
    await seen.told(NOT_ALLOWED)
    assert "Secret" not in private(bot, bot.ben)
    assert await stored(bot) == {"persona": "Secret instructions."}


async def test_the_audit_log_tells_who_changed_what_page_by_page_also_after_a_restart(servers: Stage) -> None:
    async with servers.app():
        for value in range(1, 15):
            await told(servers, f"is now: {value} ", "set", limit="max_tool_calls", value=str(value))
        page = await open_audit(servers, servers.ada)
        assert page.text.count(f"<@{servers.ada}> **Tool calls**") == 6
        assert "> 13 tool calls → 14 tool calls" in page.text
        assert page.control("audit:after")["disabled"]
        await page.use("audit:before")
        await page.shows("> 7 tool calls → 8 tool calls")
    async with servers.app():
        await page.use("audit:before")
        await page.shows("> default → 1 tool call")
        assert page.control("audit:before")["disabled"]
        await page.use("audit:after")
        await page.shows("> 7 tool calls → 8 tool calls")
        await page.use("audit:after")
        await page.shows("> 13 tool calls → 14 tool calls")


async def test_an_empty_log_says_so_and_entries_of_other_kinds_are_shown(bot: Stage) -> None:
    await open_audit(bot, bot.ada, "Nobody has changed a setting yet.")
    async with store_of(bot) as store:
        await store.enter_audit(guild_of(bot).id, bot.ada, "key", after="set")
        await store.enter_audit(guild_of(bot).id + 1, bot.ada, "key", after="of another server")
    page = await open_audit(bot, bot.ada)
    assert "**Key**\n> nothing → `set`" in page.text
    assert "another server" not in page.text


async def test_turning_the_page_needs_the_right_to_see_it(bot: Stage) -> None:
    promote(bot, bot.ben)
    for value in range(1, 9):
        await told(bot, f"is now: {value} ", "set", limit="max_tool_calls", value=str(value))
    page = await open_audit(bot, bot.ben)
    demote(bot, bot.ben)
    seen = Private(bot, bot.ben)
    await page.use("audit:before")
    await seen.told(NOT_ALLOWED)
    assert "default → 1" not in page.text
