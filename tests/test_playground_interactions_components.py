"""Buttons, selects and forms: what can be used, what comes back, and what is refused."""

# ruff: noqa: F811 - imported fixtures share their names with the parameters that ask for them

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.discord.errors import ApiError
from bot.playground.discord.interactions_components import check_modal
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World
from tests.discord_people import Person, channel_id, guild_id, person
from tests.interaction_bot import (  # noqa: F401 - pytest finds its fixtures here
    ASK,
    EPHEMERAL,
    JSON,
    Bot,
    ben,
    bot,
    clock,
    server,
    world,
)

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


@pytest.mark.parametrize(("flags", "quoted"), [(EPHEMERAL, "just you"), (0, None)])
async def test_an_answer_to_an_ephemeral_button_shows_what_it_replies_to_to_its_reader_only(
    ben: Person, bot: Bot, flags: int, quoted: str | None
) -> None:
    await ben.interact(2, ben.command("ask", **ASK))
    rows = [{"type": 1, "components": [BUTTON]}]
    _, answer = await bot.respond(4, {"content": "just you", "flags": EPHEMERAL, "components": rows})
    await ben.interact(3, {"custom_id": "press", "component_type": 2}, message_id=answer["resource"]["message"]["id"])
    _, answer = await bot.respond(4, {"content": "hi", "flags": flags})
    original = answer["resource"]["message"]["referenced_message"]
    assert (original and original["content"]) == quoted


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


@given(st.dictionaries(st.sampled_from(["custom_id", "title", "components", "type"]), JSON))
def test_any_modal_is_accepted_or_refused(data: dict[str, Any]) -> None:
    try:
        assert check_modal(data)["custom_id"]
    except ApiError as refused:
        assert refused.status == 400
