"""The whole bot over real sockets: admins decide in the panel of /settings, alone, together, late and twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.persona import BUILT_IN
from bot.playground.discord.records import ChannelType
from tests.admin_talk import Shown, demote, open_panel, open_setting, promote, store_of, store_settings, stored
from tests.bot_trouble import Private, forged, guild_of
from tests.elsewhere import commands, private
from tests.model_talk import CLAUDE, KIMI
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "say": "You said: {question}"}
NOT_ALLOWED = "Only people with the permission **Manage Server** can do this."
STALE = "This had been changed since it was shown here, so nothing was changed now."


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built:
        yield built


@pytest.fixture
async def bot(servers: Stage) -> AsyncGenerator[Stage]:
    async with servers.app():
        yield servers


async def audited(bot: Stage) -> list[tuple[int, str, Any, Any]]:
    async with store_of(bot) as store:
        return [(it.user_id, it.what, it.before, it.after) for it in await store.audit(guild_of(bot).id)]


def switch(panel: Shown, state: str) -> Any:
    """The button that turns a setting on or off."""
    return next(item for item in panel.controls if str(item["custom_id"]).endswith(f":{state}"))


def field_text(form: Any) -> str:
    """What stands in a form's field when it opens."""
    return form["components"][0]["components"][0].get("value") or ""


async def test_admins_commands_are_hidden_from_others_and_of_servers_only(bot: Stage) -> None:
    for name in ("settings", "limits", "audit"):
        assert commands(bot)[name]["default_member_permissions"] == "32"
        assert commands(bot)[name]["contexts"] == [0]


async def test_a_member_to_whom_the_server_showed_the_command_learns_nothing(bot: Stage) -> None:
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "settings")
    command.body["default_member_permissions"] = None
    told = Private(bot, bot.ben)
    await bot.command(bot.ben, bot.channel("general"), "settings")
    await told.told(NOT_ALLOWED)
    assert "### Settings" not in private(bot, bot.ben)


async def test_a_number_is_typed_into_a_form_stored_shown_and_audited(bot: Stage) -> None:
    panel = await open_setting(bot, bot.ada, "limits", "requests_per_user_hour")
    await panel.shows("60 questions (default)")
    form = await panel.open("panel:open:requests_per_user_hour")
    assert field_text(form) == "60"
    await panel.send(form, "1k")
    await panel.shows("✅ Saved.\n**Questions a member and hour** · 1,000 questions\n")
    assert await stored(bot) == {"requests_per_user_hour": 1_000}

    await panel.send(await panel.open("panel:open:requests_per_user_hour"), "off")
    await panel.shows("hour** · off\n")
    await panel.use("panel:reset:requests_per_user_hour")
    await panel.shows("60 questions (default)")
    assert await stored(bot) == {}
    assert await audited(bot) == [
        (bot.ada, "requests_per_user_hour", "off", None),
        (bot.ada, "requests_per_user_hour", 1_000, "off"),
        (bot.ada, "requests_per_user_hour", None, 1_000),
    ]


@pytest.mark.parametrize("text", ["-5", "9999999999", "NaN", "", "1.000", "lots"])
async def test_a_value_that_cannot_be_meant_changes_nothing_and_is_told_why(bot: Stage, text: str) -> None:
    panel = await open_setting(bot, bot.ada, "limits", "requests_per_user_hour")
    told = Private(bot, bot.ada)
    await panel.send(await panel.open("panel:open:requests_per_user_hour"), text)
    await told.told("takes a whole number of questions from 0 to 1,000,000, or `off`.")
    assert await stored(bot) == {}


async def test_switches_and_choices_hold_at_once(bot: Stage) -> None:
    panel = await open_setting(bot, bot.ada, "answers", "footer")
    await panel.use_as(switch(panel, "off"))
    await panel.shows("**Footer** · off\n")
    panel = await open_setting(bot, bot.ada, "privacy", "data_policy")
    await panel.use("panel:set:data_policy", "zero_retention")
    await panel.shows("**Providers** · zero retention\n")
    assert await stored(bot) == {"footer": False, "data_policy": "zero_retention"}

    thread = await bot.thread_of(bot.mention(bot.ben, "hello"))
    assert "tokens" not in await bot.answered(thread.id)


async def test_two_admins_at_once_lose_nothing_of_each_others_settings(bot: Stage) -> None:
    promote(bot, bot.ben)
    adas = await open_setting(bot, bot.ada, "answers", "footer")
    bens = await open_setting(bot, bot.ben, "privacy", "retention_days")
    form = await bens.open("panel:open:retention_days")
    await adas.use_as(switch(adas, "off"))
    await bens.send(form, "30")
    await bens.shows("✅ Saved.")
    await adas.shows("✅ Saved.")
    assert await stored(bot) == {"footer": False, "retention_days": 30}


async def test_who_decides_on_an_old_state_is_told_so_and_shown_the_new_one(bot: Stage) -> None:
    promote(bot, bot.ben)
    general, code = bot.channel("general"), bot.channel("code")
    adas = await open_setting(bot, bot.ada, "places", "allowed_channels")
    bens = await open_setting(bot, bot.ben, "places", "allowed_channels")
    await adas.use("panel:set:allowed_channels", general)
    await adas.shows(f"**Channels** · <#{general}>\n")
    await bens.use("panel:set:allowed_channels", code)
    await bens.shows(STALE)
    assert f"**Channels** · <#{general}>\n" in bens.text
    assert await stored(bot) == {"allowed_channels": [general]}
    assert [item["id"] for item in bens.control("panel:set:allowed_channels")["default_values"]] == [str(general)]

    await bens.use("panel:set:allowed_channels", general, code)
    await bens.shows("✅ Saved.")
    assert await stored(bot) == {"allowed_channels": [general, code]}


async def test_an_admin_who_was_demoted_with_the_panel_open_changes_nothing(bot: Stage) -> None:
    promote(bot, bot.ben)
    panel = await open_setting(bot, bot.ben, "privacy", "retention_days")
    form = await panel.open("panel:open:retention_days")
    demote(bot, bot.ben)
    for act in ("panel:group", "panel:open:retention_days", "panel:pick:privacy"):
        told = Private(bot, bot.ben)
        await panel.use(act, *{"panel:group": ["roles"], "panel:pick:privacy": ["data_policy"]}.get(act, []))
        await told.told(NOT_ALLOWED)
    told = Private(bot, bot.ben)
    await panel.send(form, "30")
    await told.told(NOT_ALLOWED)
    assert await stored(bot) == {}
    assert "Retention" in panel.text


async def test_an_open_panel_and_an_open_form_work_after_a_restart(servers: Stage) -> None:
    async with servers.app():
        panel = await open_setting(servers, servers.ada, "privacy", "retention_days")
        form = await panel.open("panel:open:retention_days")
    async with servers.app():
        await panel.send(form, "7 days")
        await panel.shows("**Retention** · 7 days\n")
        await panel.use("panel:reset:retention_days")
        await panel.shows("off (default)")


async def test_a_form_that_is_sent_twice_is_taken_once(bot: Stage) -> None:
    panel = await open_setting(bot, bot.ada, "privacy", "retention_days")
    form = await panel.open("panel:open:retention_days")
    await panel.send(form, "7")
    await panel.shows("✅ Saved.")
    await panel.send(form, "7")
    await panel.shows("It was like that already.")
    await panel.send(form, "8")
    await panel.shows(STALE)
    assert await stored(bot) == {"retention_days": 7}
    assert len(await audited(bot)) == 1


async def test_a_long_text_that_came_too_late_is_given_back(bot: Stage) -> None:
    promote(bot, bot.ben)
    panel = await open_setting(bot, bot.ada, "answers", "persona")
    form = await panel.open("panel:open:persona")
    others = await open_setting(bot, bot.ben, "answers", "persona")
    await others.send(await others.open("panel:open:persona"), "Be kind.")
    await others.shows("Be kind.")
    await panel.send(form, "Be brief.\n```py\nx\n```")
    await panel.shows(STALE)
    await bot.until(lambda: "This is what you had written" in private(bot, bot.ada), "it is given back")
    back = next(it for it in bot.world.records.ephemeral.values() if "had written" in it.content)
    assert [file.filename for file in back.attachments] == ["persona.txt"]
    assert (await stored(bot))["persona"] == "Be kind."


async def test_the_servers_persona_replaces_or_extends_the_built_in_one_byte_by_byte(bot: Stage) -> None:
    panel = await open_setting(bot, bot.ada, "answers", "persona")
    await panel.send(await panel.open("panel:open:persona"), "Be {kind}.")
    await panel.shows("**Persona** · 10 characters\n")
    thread = await bot.thread_of(bot.mention(bot.ben, "hello"))
    await bot.answered(thread.id)

    def system() -> str:
        messages: Any = bot.model.requests[-1].body["messages"]
        return str(messages[0]["content"])

    assert system().startswith("Be {kind}.")
    assert BUILT_IN not in system()
    panel = await open_setting(bot, bot.ada, "answers", "persona_extends")
    await panel.use_as(switch(panel, "on"))
    await panel.shows("**Persona extends** · on")
    seen: list[str] = []
    for count in (2, 3):
        bot.say(bot.ben, thread.id, "again")
        await bot.answered(thread.id, count=count)
        seen.append(system())
    assert seen[0].startswith(f"{BUILT_IN}\nWhat the admins of this server add\nBe {{kind}}.\n")
    assert seen[0] == seen[1]


async def test_a_model_is_chosen_or_typed_and_its_nearest_names_are_told(bot: Stage) -> None:
    panel = await open_setting(bot, bot.ada, "models", "model")
    await panel.shows(f"`{KIMI}`, the operator's default")
    await panel.use("panel:set:model", CLAUDE)
    await panel.shows(f"**Model** · `{CLAUDE}`\n")
    told = Private(bot, bot.ada)
    await panel.send(await panel.open("panel:open:model"), "moonshotai/kimi-k2-thinkin")
    await told.told(f"Did you mean `{KIMI}`")
    await panel.send(await panel.open("panel:open:model"), "")
    await panel.shows("the operator's default")


async def test_what_was_deleted_or_vanished_is_shown_and_taken_out(bot: Stage) -> None:
    general = bot.channel("general")
    await store_settings(
        bot, allowed_channels=[general, 123], allowed_models=["gone/model"], model="gone/model", notice_channel=5
    )
    panel = await open_setting(bot, bot.ada, "places", "allowed_channels")
    await panel.shows(f"<#{general}>, deleted channel `123`")
    await panel.use("panel:drop:allowed_channels", 1)
    await panel.shows(f"**Channels** · <#{general}>\n")
    panel = await open_setting(bot, bot.ada, "places", "notice_channel")
    await panel.shows("deleted channel `5`")
    await panel.use("panel:reset:notice_channel")
    await panel.shows("the owner, by DM")
    panel = await open_setting(bot, bot.ada, "models", "model")
    await panel.shows("`gone/model` (not listed any more)")
    panel = await open_setting(bot, bot.ada, "models", "allowed_models")
    await panel.use("panel:drop:allowed_models", 0)
    await panel.shows("**Allowed models** · all (default)")
    assert await stored(bot) == {"allowed_channels": [general], "model": "gone/model"}


async def test_a_channel_that_is_deleted_while_the_bot_runs_is_shown_as_such(bot: Stage) -> None:
    extra = bot.world.add_channel(guild_of(bot).id, "extra", ChannelType.TEXT)
    await store_settings(bot, notice_channel=extra.id)
    panel = await open_setting(bot, bot.ada, "places", "notice_channel")
    await panel.shows(f"**Notices** · <#{extra.id}>")
    bot.world.publish_channel("CHANNEL_DELETE", extra)
    del bot.world.records.channels[extra.id]
    panel = await open_setting(bot, bot.ada, "places", "notice_channel")
    await panel.shows(f"**Notices** · deleted channel `{extra.id}`")


async def test_a_role_gets_limits_of_its_own_in_the_panel(bot: Stage) -> None:
    role = bot.world.add_role(guild_of(bot).id, "Helpers")
    panel = await open_panel(bot, bot.ada)
    await panel.use("panel:group", "roles")
    await panel.shows("### Settings · Roles' own limits")
    told = Private(bot, bot.ada)
    await panel.use("panel:role", guild_of(bot).id)
    await told.told("@everyone is the whole server")
    await panel.use("panel:role", role.id)
    await panel.shows("It has no limits of its own")
    await panel.send(await panel.open(f"panel:own:{role.id}", "requests_per_user_hour"), "200")
    await panel.shows("Questions a member and hour · **200 questions** (others: 60 questions)")
    assert await stored(bot) == {"role_limits": {str(role.id): {"requests_per_user_hour": 200}}}
    await panel.use(f"panel:ownreset:{role.id}")
    await panel.shows("It has no limits of its own")
    assert await stored(bot) == {}


async def test_a_control_that_no_version_made_is_answered_with_a_sentence(bot: Stage) -> None:
    general = bot.channel("general")
    for custom_id in ("panel:set:secret:0", "panel:open:__class__", "panel:", "panel:own:1:x", "panel:form:model:0"):
        forged(bot, general, custom_id, custom_id)
        told = Private(bot, bot.ada)
        await bot.press(bot.ada, general, custom_id)
        await told.told("This panel is of another version of me.")
    assert await stored(bot) == {}


async def test_a_second_panel_shows_what_the_first_one_changed(bot: Stage) -> None:
    first = await open_setting(bot, bot.ada, "privacy", "retention_days")
    await first.send(await first.open("panel:open:retention_days"), "9")
    await first.shows("9 days")
    second: Shown = await open_panel(bot, bot.ada)
    await second.use("panel:group", "privacy")
    await second.shows("**Retention** · 9 days")
