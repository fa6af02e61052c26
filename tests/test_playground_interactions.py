"""Interactions spoken to the letter: what people's clients may send, what the bot may answer, and until when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.discord.errors import ApiError
from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.interactions_components import check_modal
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from tests.discord_people import Clock, Person, channel_id, guild_id, person
from tests.discord_schema import check_response

STRING, INTEGER, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = 3, 4, 6, 7, 8, 9, 10, 11
EPHEMERAL, LOADING = 64, 128

COMMANDS: list[dict[str, Any]] = [
    {
        "name": "ask",
        "description": "Ask",
        "options": [
            {"name": "prompt", "type": STRING, "description": "p", "required": True, "max_length": 10},
            {"name": "file", "type": FILE, "description": "f"},
            {"name": "model", "type": STRING, "description": "m", "autocomplete": True},
            {"name": "effort", "type": STRING, "description": "e", "choices": [{"name": "High", "value": "high"}]},
            {"name": "count", "type": INTEGER, "description": "c", "min_value": 1, "max_value": 5},
            {"name": "who", "type": USER, "description": "w"},
            {"name": "where", "type": CHANNEL, "description": "w", "channel_types": [0]},
            {"name": "role", "type": ROLE, "description": "r"},
            {"name": "any", "type": MENTIONABLE, "description": "a"},
            {"name": "share", "type": NUMBER, "description": "s"},
        ],
    },
    {
        "name": "limits",
        "description": "Limits",
        "options": [{"name": "show", "type": 1, "description": "Show"}],
        "default_member_permissions": "32",
        "contexts": [0],
    },
    {"name": "private", "description": "Only in direct messages", "contexts": [1]},
    {"name": "mine", "description": "Only for those who installed it", "integration_types": [1]},
    {"name": "Profile", "type": 2},
    {"name": "Explain", "type": 3},
]


@pytest.fixture
def world() -> World:
    world = default_world()
    world.put_commands(COMMANDS)
    return world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(world: World, clock: Clock) -> AsyncIterator[DiscordServer]:
    async with DiscordServer(world, clock=clock, gateway_limits=GatewayLimits()) as server:
        yield server


@pytest.fixture
async def ben(server: DiscordServer) -> AsyncIterator[Person]:
    async with person(server, "ben") as ben:
        yield ben


@dataclass
class Bot:
    """The bot's side, call by call: what reaches it, and its HTTP requests."""

    server: DiscordServer
    session: aiohttp.ClientSession
    received: list[dict[str, Any]]
    token: str = ""

    @property
    def last(self) -> dict[str, Any]:
        return self.received[-1]

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.server.api_url + path, **more) as response:
            self.headers = response.headers
            body = await response.json() if response.status != 204 else None
            check_response(method, _template(path), response.status, body)
            return response.status, body

    async def respond(self, kind: int, data: object = None, *, to: dict[str, Any] | None = None) -> tuple[int, Any]:
        event = to or self.last
        path = f"/interactions/{event['id']}/{event['token']}/callback?with_response=1"
        return await self.call("POST", path, json={"type": kind, "data": data})

    def webhook(self, tail: str = "") -> str:
        return f"/webhooks/{self.server.world.application.id}/{self.last['token']}{tail}"


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[Bot]:
    received: list[dict[str, Any]] = []

    def listen(event: Any) -> None:
        if event.name == "INTERACTION_CREATE":
            received.append(event.data)

    stop = server.world.subscribe(listen)
    async with aiohttp.ClientSession() as session:
        yield Bot(server, session, received)
    stop()


def _template(path: str) -> str:
    """The route of a path, as Discord's schema writes it."""
    match path.partition("?")[0].split("/")[1:]:
        case ["interactions", *_]:
            return "/interactions/{interaction_id}/{interaction_token}/callback"
        case ["webhooks", _, _]:
            return "/webhooks/{webhook_id}/{webhook_token}"
        case ["webhooks", _, _, "messages", "@original"]:
            return "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        case ["webhooks", *_]:
            return "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
        case ["channels", _, "messages"]:
            return "/channels/{channel_id}/messages"
        case _:
            return "/channels/{channel_id}/messages/{message_id}"


ASK = {"prompt": (STRING, "why?")}


# What reaches the bot


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


# Components


BUTTON = {"type": 2, "style": 1, "label": "Press", "custom_id": "press"}
SELECTS: list[dict[str, Any]] = [
    {"type": 3, "custom_id": "words", "options": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]},
    {"type": 5, "custom_id": "users", "max_values": 2},
    {"type": 6, "custom_id": "roles"},
    {"type": 8, "custom_id": "channels"},
]


async def shown(world: World, *components: dict[str, Any]) -> dict[str, Any]:
    """A message of the bot with these components, one to a row."""
    rows: list[Any] = [{"type": 1, "components": [component]} for component in components]
    message = world.create_message(
        world.bot_id, channel_id(world, "general"), {"content": "choose", "components": rows}
    )
    return {"message_id": str(message.id)}


async def test_a_button_brings_its_message_and_updates_it(world: World, ben: Person, bot: Bot) -> None:
    where = await shown(world, BUTTON)
    await ben.interact(3, {"custom_id": "press", "component_type": 2}, **where)
    assert bot.last["message"]["id"] == where["message_id"]
    assert bot.last["data"]["custom_id"] == "press"
    _, answer = await bot.respond(7, {"content": "pressed", "components": []})
    assert (answer["resource"]["message"]["id"], answer["resource"]["type"]) == (where["message_id"], 7)
    assert (await ben.event("MESSAGE_UPDATE"))["content"] == "pressed"
    _, original = await bot.call("PATCH", bot.webhook("/messages/@original"), json={"content": "twice"})
    assert (original["id"], original["content"]) == (where["message_id"], "twice")


async def test_a_deferred_update_changes_nothing_yet(world: World, ben: Person, bot: Bot) -> None:
    where = await shown(world, BUTTON)
    nonce = await ben.interact(3, {"custom_id": "press", "component_type": 2}, **where)
    assert (await bot.respond(6))[0] == 200
    assert (await ben.event("INTERACTION_SUCCESS"))["nonce"] == nonce
    _, followup = await bot.call("POST", bot.webhook(), json={"content": "new"})
    assert followup["id"] != where["message_id"]
    assert followup["interaction_metadata"]["interacted_message_id"] == where["message_id"]


async def test_an_answer_to_a_button_replies_to_its_message(world: World, ben: Person, bot: Bot) -> None:
    where = await shown(world, BUTTON)
    await ben.interact(3, {"custom_id": "press", "component_type": 2}, **where)
    _, answer = await bot.respond(4, {"content": "hi"})
    message = answer["resource"]["message"]
    assert (message["type"], message["message_reference"]["message_id"]) == (19, where["message_id"])


async def test_selects_bring_their_values(world: World, ben: Person, bot: Bot) -> None:
    where = await shown(world, *SELECTS)
    await ben.interact(3, {"custom_id": "words", "component_type": 3, "values": ["b"]}, **where)
    assert bot.last["data"]["values"] == ["b"]
    people = [str(ben.id), str(world.bot_id)]
    await ben.interact(3, {"custom_id": "users", "component_type": 5, "values": people}, **where)
    assert set(bot.last["data"]["resolved"]["users"]) == set(people)
    role = str(guild_id(world))
    await ben.interact(3, {"custom_id": "roles", "component_type": 6, "values": [role]}, **where)
    assert role in bot.last["data"]["resolved"]["roles"]
    code = str(channel_id(world, "code"))
    await ben.interact(3, {"custom_id": "channels", "component_type": 8, "values": [code]}, **where)
    assert bot.last["data"]["resolved"]["channels"][code]["name"] == "code"


@pytest.mark.parametrize(
    "data",
    [
        {"custom_id": "gone", "component_type": 2},
        {"custom_id": "press", "component_type": 3},
        {"custom_id": "off", "component_type": 2},
        {"custom_id": "words", "component_type": 3, "values": ["c"]},
        {"custom_id": "words", "component_type": 3, "values": []},
        {"custom_id": "words", "component_type": 3, "values": ["a", "b"]},
        {"custom_id": "users", "component_type": 5, "values": ["1"]},
    ],
)
async def test_what_is_not_on_the_message_cannot_be_used(
    world: World, ben: Person, bot: Bot, data: dict[str, Any]
) -> None:
    off = BUTTON | {"custom_id": "off", "disabled": True}
    where = await shown(world, BUTTON, off, *SELECTS[:2])
    status, refused = await ben.try_interact(3, data, **where)
    assert (status, refused["code"], bot.received) == (400, 50035, [])


async def test_an_ephemeral_button_works_for_its_reader_only(server: DiscordServer, ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    rows = [{"type": 1, "components": [BUTTON]}]
    _, answer = await bot.respond(4, {"content": "just you", "flags": EPHEMERAL, "components": rows})
    where = {"message_id": answer["resource"]["message"]["id"]}
    press = {"custom_id": "press", "component_type": 2}
    async with person(server, "ada") as ada:
        status, refused = await ada.try_interact(3, press, **where)
        assert (status, refused["code"]) == (404, 10008)
    await ben.interact(3, press, **where)
    _, answer = await bot.respond(7, {"content": "pressed", "components": []})
    assert answer["resource"]["message"]["flags"] & EPHEMERAL
    assert (await ben.event("MESSAGE_UPDATE"))["content"] == "pressed"


# Modals


def modal(*components: dict[str, Any]) -> dict[str, Any]:
    return {"custom_id": "m", "title": "A form", "components": list(components)}


def label(component: dict[str, Any]) -> dict[str, Any]:
    return {"type": 18, "label": "L", "component": component}


TEXT = {"type": 4, "custom_id": "t", "style": 1, "max_length": 5}
PICK = {"type": 3, "custom_id": "p", "required": False, "options": [{"label": "A", "value": "a"}]}


async def test_a_modal_comes_back_with_its_values_and_its_button(world: World, ben: Person, bot: Bot) -> None:
    where = await shown(world, BUTTON)
    nonce = await ben.interact(3, {"custom_id": "press", "component_type": 2}, **where)
    assert (await bot.respond(9, modal(label(TEXT), label(PICK), {"type": 10, "content": "Note"})))[0] == 200
    opened = await ben.event("INTERACTION_MODAL_CREATE")
    assert (opened["nonce"], opened["title"]) == (nonce, "A form")
    entered = [label({"type": 4, "custom_id": "t", "value": "words"}), label({"type": 3, "custom_id": "p"})]
    await ben.interact(5, {"id": opened["id"], "custom_id": "m", "components": entered})
    assert bot.last["message"]["id"] == where["message_id"]
    first, second, note = bot.last["data"]["components"]
    assert first["component"] == {"type": 4, "id": 0, "custom_id": "t", "value": "words"}
    assert second["component"] == {"type": 3, "id": 0, "custom_id": "p", "values": []}
    assert note == {"type": 10, "id": 0}
    status, answer = await bot.respond(7, {"content": "filled in"})
    assert (status, answer["resource"]["message"]["id"]) == (200, where["message_id"])


@pytest.mark.parametrize("value", ["", "too long", None, 5])
async def test_a_field_that_does_not_fit_stays_in_the_form(ben: Person, bot: Bot, value: object) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    await bot.respond(9, modal(label(TEXT)))
    opened = await ben.event("INTERACTION_MODAL_CREATE")
    entered = [label({"type": 4, "custom_id": "t", "value": value})]
    form = {"id": opened["id"], "custom_id": "m", "components": entered}
    status, refused = await ben.try_interact(5, form)
    assert (status, refused["code"], len(bot.received)) == (400, 50035, 1)
    entered[0]["component"]["value"] = "fits"
    await ben.interact(5, form)


async def test_a_modal_cannot_answer_a_modal_and_a_command_has_no_message_to_update(ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    await bot.respond(9, modal(label(TEXT)))
    opened = await ben.event("INTERACTION_MODAL_CREATE")
    entered = [label({"type": 4, "custom_id": "t", "value": "x"})]
    await ben.interact(5, {"id": opened["id"], "custom_id": "m", "components": entered})
    for kind in (9, 7, 6):
        assert (await bot.respond(kind, modal(label(TEXT))))[0] == 400
    _, answer = await bot.respond(4, {"content": "thanks"})
    metadata = answer["resource"]["message"]["interaction_metadata"]
    assert metadata["triggering_interaction_metadata"]["name"] == "ask"


async def test_somebody_elses_modal_cannot_be_submitted(server: DiscordServer, ben: Person, bot: Bot) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    await bot.respond(9, modal(label(TEXT)))
    opened = await ben.event("INTERACTION_MODAL_CREATE")
    form = {"id": opened["id"], "custom_id": "m", "components": []}
    async with person(server, "ada") as ada:
        assert (await ada.try_interact(5, form))[0] == 404


@pytest.mark.parametrize(
    "data",
    [
        {},
        modal(),
        modal(*[label(TEXT | {"custom_id": str(n)}) for n in range(6)]),
        modal(label(TEXT), label(TEXT)),
        modal(TEXT),
        modal({"type": 1, "components": [BUTTON]}),
        modal({"type": 1, "components": [TEXT]}),
        modal(label(TEXT | {"style": 3})),
        modal(label(TEXT | {"custom_id": "x" * 101})),
        modal(label(TEXT | {"max_length": 4001})),
        modal(label(TEXT)) | {"title": "x" * 46},
        modal(label(TEXT)) | {"custom_id": ""},
        modal(label(TEXT) | {"label": "x" * 46}),
    ],
)
def test_a_malformed_modal_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        check_modal(data)
    assert refused.value.code == 50035


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["custom_id", "title", "components", "type"]), JSON))
def test_any_modal_is_accepted_or_refused(data: dict[str, Any]) -> None:
    try:
        assert check_modal(data)["custom_id"]
    except ApiError as refused:
        assert refused.status == 400


@given(body=st.dictionaries(st.sampled_from(["type", "channel_id", "data", "message_id", "nonce", "guild_id"]), JSON))
def test_any_interaction_of_a_person_is_accepted_or_refused(body: dict[str, Any]) -> None:
    server = DiscordServer(default_world())
    with pytest.raises(ApiError):
        server.interactions.start(server.world.application.owner_id, body)


async def test_an_archived_thread_takes_no_commands(world: World, ben: Person, bot: Bot) -> None:
    thread = world.start_thread(ben.id, channel_id(world, "general"), {"name": "old", "type": 11})
    world.edit_channel(ben.id, thread.id, {"archived": True})
    status, refused = await ben.try_interact(2, ben.command("ask", **ASK), channel_id=str(thread.id))
    assert (status, refused["code"], bot.received) == (400, 50083, [])
