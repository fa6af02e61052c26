"""What the bot may answer to an interaction, until when, and who sees it."""

# ruff: noqa: F811 - imported fixtures share their names with the parameters that ask for them

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World
from tests.discord_people import Clock, Person, channel_id, person
from tests.interaction_bot import (  # noqa: F401 - pytest finds its fixtures here
    ASK,
    EPHEMERAL,
    LOADING,
    Bot,
    ben,
    bot,
    clock,
    server,
    world,
)

# The first response


async def test_with_response_shows_the_message_and_without_nothing(ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    status, answer = await bot.respond(4, {"content": "because"})
    assert status == 200
    message = answer["resource"]["message"]
    assert answer["interaction"]["response_message_id"] == message["id"]
    assert (message["type"], message["content"], answer["resource"]["type"]) == (20, "because", 4)
    assert message["interaction_metadata"]["user"]["id"] == str(ben.id)
    await ben.interact(2, ben.command("ask", **ASK))
    path = f"/interactions/{bot.last['id']}/{bot.last['token']}/callback"
    assert await bot.call("POST", path, json={"type": 5}) == (204, None)


async def test_a_second_response_is_refused(ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    assert (await bot.respond(5))[0] == 200
    status, refused = await bot.respond(4, {"content": "again"})
    assert (status, refused["code"]) == (400, 40060)


async def test_after_three_seconds_it_is_too_late(ben: Person, bot: Bot, clock: Clock, server: DiscordServer) -> None:
    nonce = await ben.interact(2, ben.command("ask", **ASK))
    clock.seconds += 3.1
    status, refused = await bot.respond(4, {"content": "late"})
    assert (status, refused["code"]) == (404, 10062)
    server.interactions.sweep()
    server.interactions.sweep()
    failure = await ben.event("INTERACTION_FAILURE")
    assert (failure["nonce"], failure["reason"]) == (nonce, "The application did not respond.")
    assert "INTERACTION_FAILURE" not in [ben.events.get_nowait()["t"] for _ in range(ben.events.qsize())]


async def test_a_wrong_token_is_an_unknown_interaction(ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    status, refused = await bot.respond(4, {"content": "x"}, to=bot.last | {"token": "made-up"})
    assert (status, refused["code"]) == (404, 10062)


@pytest.mark.parametrize("kind", [1, 6, 7, 8, 10, "4", None])
async def test_a_command_takes_only_its_own_kinds_of_answer(ben: Person, bot: Bot, kind: Any) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    status, refused = await bot.respond(kind, {"content": "x"})
    assert (status, refused["code"]) == (400, 50035)
    assert "type" in refused["errors"]


async def test_an_empty_answer_is_refused_and_may_be_tried_again(ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    status, refused = await bot.respond(4, {})
    assert (status, refused["code"]) == (400, 50006)
    assert (await bot.respond(4, {"content": "something"}))[0] == 200


async def test_nobody_is_pinged_but_who_was_named(world: World, ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    _, answer = await bot.respond(4, {"content": f"@everyone <@{ben.id}>"})
    message = answer["resource"]["message"]
    assert (message["mention_everyone"], [user["id"] for user in message["mentions"]]) == (False, [str(ben.id)])


# Followups


async def test_a_followup_after_a_deferral_becomes_the_answer(ben: Person, bot: Bot) -> None:
    """It keeps the deferral's ephemerality, whatever its own flags say."""
    await ben.interact(2, ben.command("ask", **ASK))
    _, deferred = await bot.respond(5, {"flags": EPHEMERAL})
    assert deferred["interaction"]["response_message_loading"] is True
    assert "resource" not in deferred
    status, first = await bot.call("POST", bot.webhook(), json={"content": "answer"})
    assert (status, first["id"]) == (200, deferred["interaction"]["response_message_id"])
    assert first["flags"] & (EPHEMERAL | LOADING) == EPHEMERAL
    _, second = await bot.call("POST", bot.webhook(), json={"content": "more"})
    assert second["id"] != first["id"]
    assert second["flags"] & EPHEMERAL == 0
    assert second["interaction_metadata"]["original_response_message_id"] == first["id"]


async def test_the_original_can_be_read_edited_and_deleted(ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    await bot.respond(4, {"content": "one"})
    original = bot.webhook("/messages/@original")
    assert (await bot.call("GET", original))[1]["content"] == "one"
    assert (await bot.call("PATCH", original, json={"content": "two"}))[1]["content"] == "two"
    assert (await ben.event("MESSAGE_UPDATE"))["content"] == "two"
    assert await bot.call("DELETE", original) == (204, None)
    await ben.event("MESSAGE_DELETE")
    status, refused = await bot.call("GET", original)
    assert (status, refused["code"]) == (404, 10008)


async def test_a_followup_can_be_edited_but_no_message_of_others(ben: Person, bot: Bot) -> None:
    said = await ben.say("mine")
    await ben.interact(2, ben.command("ask", **ASK))
    await bot.respond(4, {"content": "one"})
    _, more = await bot.call("POST", bot.webhook(), json={"content": "more"})
    status, edited = await bot.call("PATCH", bot.webhook(f"/messages/{more['id']}"), json={"content": "less"})
    assert (status, edited["content"]) == (200, "less")
    for unknown in (said["id"], "12", "x"):
        status, refused = await bot.call("PATCH", bot.webhook(f"/messages/{unknown}"), json={"content": "x"})
        assert (status, refused["code"]) == (404, 10008)


async def test_a_webhook_opens_with_the_first_response_and_closes_after_a_quarter_of_an_hour(
    ben: Person, bot: Bot, clock: Clock, server: DiscordServer
) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    status, refused = await bot.call("POST", bot.webhook(), json={"content": "early"})
    assert (status, refused["code"]) == (404, 10015)
    await bot.respond(5)
    clock.seconds += 899
    assert (await bot.call("POST", bot.webhook(), json={"content": "in time"}))[0] == 200
    clock.seconds += 2
    for _ in range(2):
        status, refused = await bot.call("POST", bot.webhook(), json={"content": "too late"})
        assert (status, refused["code"]) == (401, 50027)
        server.interactions.sweep()


async def test_a_webhook_takes_five_requests_in_two_seconds(ben: Person, bot: Bot, clock: Clock) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    await bot.respond(4, {"content": "0"})
    for left in (4, 3, 2, 1, 0):
        assert (await bot.call("GET", bot.webhook("/messages/@original")))[0] == 200
        assert bot.headers["X-RateLimit-Remaining"] == str(left)
    status, body = await bot.call("GET", bot.webhook("/messages/@original"))
    assert (status, body["retry_after"], body["global"], bot.headers["Via"]) == (429, 2.0, False, "1.1 google")
    clock.seconds += 2
    assert (await bot.call("GET", bot.webhook("/messages/@original")))[0] == 200


# Ephemeral messages


async def test_an_ephemeral_answer_is_seen_by_one_person_and_kept_by_no_channel(
    world: World, server: DiscordServer, ben: Person, bot: Bot
) -> None:
    async with person(server, "ada") as ada:
        await ben.interact(2, ben.command("ask", **ASK))
        await bot.respond(4, {"content": "secret", "flags": EPHEMERAL})
        message = await ben.event("MESSAGE_CREATE")
        path = f"/channels/{message['channel_id']}/messages"
        assert (await ada.call("GET", path))[1] == []
        headers = {"Authorization": f"Bot {server.token}"}
        assert (await bot.call("GET", path, headers=headers))[1] == []
        status, refused = await bot.call("PATCH", f"{path}/{message['id']}", json={"content": "x"}, headers=headers)
        assert (status, refused["code"]) == (404, 10008)
        await bot.call("PATCH", bot.webhook("/messages/@original"), json={"content": "still secret"})
        assert (await ben.event("MESSAGE_UPDATE"))["content"] == "still secret"
        world.type_in(ben.id, channel_id(world, "general"))
        assert (await ada.events.get())["t"] == "TYPING_START"
        assert (await ben.call("DELETE", f"{path}/{message['id']}"))[0] == 204
        await ben.event("MESSAGE_DELETE")
