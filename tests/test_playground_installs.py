"""Commands that people brought along: where they work, what the bot is told, and what it may answer."""

# ruff: noqa: F811 - imported fixtures share their names with the parameters that ask for them

from __future__ import annotations

import pytest

from bot.playground.discord.errors import ApiError
from bot.playground.discord.permissions import MEMBER_PERMISSIONS, Permission
from bot.playground.discord.records import Channel, ChannelType
from bot.playground.discord.world import World
from tests.discord_people import Clock, Person, channel_id, guild_id
from tests.interaction_bot import (  # noqa: F401 - pytest finds its fixtures here
    EPHEMERAL,
    Bot,
    ben,
    bot,
    clock,
    server,
    world,
)

ANYWHERE = {"name": "anywhere", "description": "Use it everywhere", "integration_types": [0, 1]}
SERVERS = {"name": "servers", "description": "Only where it is a member"}


@pytest.fixture
def elsewhere(world: World) -> Channel:
    """A channel of a server that the bot is not in; Ben is, and has installed the bot for himself."""
    world.put_commands([ANYWHERE, SERVERS])
    ben_id = next(user.id for user in world.records.users.values() if user.username == "ben")
    world.application.installed_by.append(ben_id)
    guild = world.add_guild("Elsewhere", world.application.owner_id)
    world.add_member(guild.id, ben_id)
    return world.add_channel(guild.id, "lounge")


async def test_in_a_server_without_the_bot_the_person_is_who_installed_it(
    world: World, elsewhere: Channel, ben: Person, bot: Bot
) -> None:
    await ben.interact(2, ben.command("anywhere"), channel_id=str(elsewhere.id))

    assert bot.last["authorizing_integration_owners"] == {"1": str(ben.id)}
    assert (bot.last["context"], bot.last["guild_id"]) == (0, str(elsewhere.guild_id))
    assert int(bot.last["app_permissions"]) == int(MEMBER_PERMISSIONS)


async def test_in_a_server_with_the_bot_both_have_installed_it(
    world: World, elsewhere: Channel, ben: Person, bot: Bot
) -> None:
    await ben.interact(2, ben.command("anywhere"))
    assert bot.last["authorizing_integration_owners"] == {"0": str(guild_id(world)), "1": str(ben.id)}

    await ben.interact(2, ben.command("servers"))
    assert bot.last["authorizing_integration_owners"] == {"0": str(guild_id(world))}


async def test_in_a_conversation_of_two_people_the_context_is_a_private_channel(
    world: World, elsewhere: Channel, ben: Person, bot: Bot
) -> None:
    dm = world.open_dm(ben.id, world.application.owner_id)
    await ben.interact(2, ben.command("anywhere"), channel_id=str(dm.id))

    assert bot.last["context"] == 2
    assert bot.last["user"]["id"] == str(ben.id)


async def test_a_command_that_was_not_brought_along_is_refused(
    world: World, elsewhere: Channel, ben: Person, bot: Bot
) -> None:
    assert (await ben.try_interact(2, ben.command("servers"), channel_id=str(elsewhere.id)))[0] == 403
    world.application.installed_by.clear()
    assert (await ben.try_interact(2, ben.command("anywhere"), channel_id=str(elsewhere.id)))[0] == 403
    assert not bot.received


async def test_there_are_five_followups_and_no_more_even_if_some_are_deleted(
    elsewhere: Channel, ben: Person, bot: Bot, clock: Clock
) -> None:
    await ben.interact(2, ben.command("anywhere"), channel_id=str(elsewhere.id))
    await bot.respond(4, {"content": "first"})
    statuses: list[int] = []
    for number in range(6):
        clock.seconds += 2.0  # the token's own limit is another matter
        status, body = await bot.call("POST", bot.webhook(), json={"content": f"more {number}"})
        statuses.append(status)
        if number == 0:
            await bot.call("DELETE", bot.webhook(f"/messages/{body['id']}"))

    assert statuses == [200] * 5 + [400]
    assert body["code"] == 40094


async def test_a_server_may_refuse_what_its_members_bring_along_and_then_only_they_see_it(
    world: World, elsewhere: Channel, ben: Person, bot: Bot
) -> None:
    guild = world.guild(elsewhere.guild_id or 0)
    guild.roles[guild.id].permissions &= ~int(Permission.USE_EXTERNAL_APPS)

    await ben.interact(2, ben.command("anywhere"), channel_id=str(elsewhere.id))
    _, answer = await bot.respond(4, {"content": "psst"})

    assert answer["interaction"]["response_message_ephemeral"]
    assert answer["resource"]["message"]["flags"] & EPHEMERAL


async def test_buttons_under_such_an_answer_rest_on_the_same_installation(
    world: World, elsewhere: Channel, ben: Person, bot: Bot
) -> None:
    button = {"type": 2, "style": 1, "label": "Press", "custom_id": "press"}
    await ben.interact(2, ben.command("anywhere"), channel_id=str(elsewhere.id))
    _, answer = await bot.respond(4, {"content": "x", "components": [{"type": 1, "components": [button]}]})

    await ben.interact(
        3,
        {"custom_id": "press", "component_type": 2},
        channel_id=str(elsewhere.id),
        message_id=answer["resource"]["message"]["id"],
    )

    assert bot.last["authorizing_integration_owners"] == {"1": str(ben.id)}


def test_voice_channels_take_messages_and_no_threads(world: World) -> None:
    voice = world.add_channel(guild_id(world), "Meeting", ChannelType.VOICE)
    said = world.create_message(world.application.owner_id, voice.id, {"content": "hello"})
    with pytest.raises(ApiError):
        world.start_thread_from_message(world.application.owner_id, voice.id, said.id, {"name": "no"})
    assert channel_id(world, "Meeting") == voice.id
