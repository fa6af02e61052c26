"""Interactions to the letter: what people's clients may send, and what of it reaches the bot."""

# ruff: noqa: F811 - imported fixtures share their names with the parameters that ask for them

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.discord.errors import ApiError
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from tests.discord_people import Person, channel_id, guild_id, person
from tests.interaction_bot import (  # noqa: F401 - pytest finds its fixtures here
    ASK,
    CHANNEL,
    FILE,
    INTEGER,
    JSON,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    USER,
    Bot,
    ben,
    bot,
    clock,
    server,
    world,
)


async def test_a_command_arrives_with_everything_about_it(world: World, ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    event = bot.last
    assert event["data"]["options"] == [{"name": "prompt", "type": STRING, "value": "why?"}]
    assert (event["type"], event["version"], event["context"]) == (2, 1, 0)
    assert event["application_id"] == str(world.application.id)
    assert event["member"]["user"]["id"] == str(ben.id)
    assert event["member"]["permissions"] == str(world.permissions_in(ben.id, channel_id(world, "general")))
    assert event["app_permissions"] == str(world.permissions_in(world.bot_id, channel_id(world, "general")))
    assert event["guild"]["id"] == event["guild_id"] == str(guild_id(world))
    assert event["authorizing_integration_owners"] == {"0": str(guild_id(world))}
    assert event["attachment_size_limit"] == 10 * 1024 * 1024
    assert event["channel"]["name"] == "general"


async def test_in_a_direct_message_there_is_a_user_and_no_server(world: World, ben: Person, bot: Bot) -> None:
    dm = world.open_dm(ben.id, world.bot_id)
    await ben.interact(2, ben.command("private"), channel_id=str(dm.id))
    assert bot.last["user"]["id"] == str(ben.id)
    assert (bot.last["context"], bot.last["authorizing_integration_owners"]) == (1, {"0": "0"})
    assert not {"member", "guild", "guild_id"} & bot.last.keys()


async def test_what_options_name_is_resolved(world: World, ben: Person, bot: Bot) -> None:
    role = next(role for role in world.guild(guild_id(world)).roles.values() if role.name == "Admin")
    code, bot_user = channel_id(world, "code"), str(world.bot_id)
    options = ASK | {
        "file": (FILE, "0"),
        "who": (USER, bot_user),
        "where": (CHANNEL, str(code)),
        "role": (ROLE, str(role.id)),
        "any": (MENTIONABLE, str(role.id)),
    }
    await ben.interact(2, ben.command("ask", **options), {"notes.txt": b"words"})
    data = bot.last["data"]
    file_id = next(option["value"] for option in data["options"] if option["name"] == "file")
    resolved = data["resolved"]
    assert resolved["attachments"][file_id]["filename"] == "notes.txt"
    assert resolved["users"][bot_user]["username"] == "cogitor"
    assert "user" not in resolved["members"][bot_user]
    assert list(resolved["channels"]) == [str(code)]
    assert list(resolved["roles"]) == [str(role.id)]
    async with bot.session.get(resolved["attachments"][file_id]["url"]) as response:
        assert await response.read() == b"words"


async def test_menus_bring_their_target(world: World, ben: Person, bot: Bot) -> None:
    said = await ben.say("x = 1")
    await ben.interact(2, ben.command("Explain") | {"target_id": said["id"]})
    assert bot.last["data"]["resolved"]["messages"][said["id"]]["content"] == "x = 1"
    await ben.interact(2, ben.command("Profile") | {"target_id": str(ben.id)})
    assert str(ben.id) in bot.last["data"]["resolved"]["users"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prompt": (STRING, "")},
        {"prompt": (STRING, "longer than ten")},
        {"prompt": (INTEGER, 3)},
        ASK | {"unknown": (STRING, "x")},
        ASK | {"effort": (STRING, "low")},
        ASK | {"count": (INTEGER, 0)},
        ASK | {"count": (INTEGER, 6)},
        ASK | {"count": (INTEGER, 1.5)},
        ASK | {"share": (NUMBER, "half")},
        ASK | {"who": (USER, "12")},
        ASK | {"role": (ROLE, "x")},
        ASK | {"file": (FILE, "0")},
    ],
)
async def test_options_that_do_not_fit_never_reach_the_bot(
    ben: Person, bot: Bot, options: dict[str, tuple[int, Any]]
) -> None:
    status, refused = await ben.try_interact(2, ben.command("ask", **options))
    assert status in (400, 404)
    assert refused["message"]
    assert bot.received == []


async def test_a_channel_of_the_wrong_kind_is_refused(world: World, ben: Person, bot: Bot) -> None:
    options = ASK | {"where": (CHANNEL, str(channel_id(world, "questions")))}
    status, refused = await ben.try_interact(2, ben.command("ask", **options))
    assert (status, refused["code"], bot.received) == (400, 50035, [])


@pytest.mark.parametrize("name", ["limits", "private", "mine"])
async def test_commands_that_are_not_for_this_place_or_person_are_refused(ben: Person, bot: Bot, name: str) -> None:
    status, refused = await ben.try_interact(2, ben.command(name))
    assert (status, refused["code"], bot.received) == (403, 50013, [])


async def test_an_unknown_command_is_refused(ben: Person, bot: Bot) -> None:
    status, refused = await ben.try_interact(2, {"id": "1", "name": "ask"})
    assert (status, refused["code"], bot.received) == (404, 10063, [])


async def test_a_subcommand_is_named_in_full(server: DiscordServer, bot: Bot) -> None:
    async with person(server, "ada") as ada:
        data = ada.command("limits") | {"options": [{"name": "show", "type": 1}]}
        await ada.interact(2, data)
        assert bot.last["data"]["options"] == [{"name": "show", "type": 1, "options": []}]
        _, answer = await bot.respond(4, {"content": "these"})
        assert answer["resource"]["message"]["interaction_metadata"]["name"] == "limits show"


async def test_exactly_one_option_is_completed(ben: Person, bot: Bot) -> None:
    data = ben.command("ask", model=(STRING, "kimi"))
    assert (await ben.try_interact(4, data))[0] == 400
    data["options"][0]["focused"] = True
    nonce = await ben.interact(4, data)
    assert bot.last["data"]["options"] == [{"name": "model", "type": STRING, "value": "kimi", "focused": True}]
    status, _ = await bot.respond(8, {"choices": [{"name": "Kimi", "value": "kimi-k2"}] * 26})
    assert status == 400
    assert (await bot.respond(8, {"choices": [{"name": "Kimi", "value": "kimi-k2"}]}))[0] == 200
    assert (await ben.event("APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE"))["nonce"] == nonce


async def test_an_archived_thread_takes_no_commands(world: World, ben: Person, bot: Bot) -> None:
    thread = world.start_thread(ben.id, channel_id(world, "general"), {"name": "old", "type": 11})
    world.edit_channel(ben.id, thread.id, {"archived": True})
    status, refused = await ben.try_interact(2, ben.command("ask", **ASK), channel_id=str(thread.id))
    assert (status, refused["code"], bot.received) == (400, 50083, [])


@given(body=st.dictionaries(st.sampled_from(["type", "channel_id", "data", "message_id", "nonce", "guild_id"]), JSON))
def test_any_interaction_of_a_person_is_accepted_or_refused(body: dict[str, Any]) -> None:
    server = DiscordServer(default_world())
    with pytest.raises(ApiError):
        server.interactions.start(server.world.application.owner_id, body)
