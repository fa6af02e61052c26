"""An unmodified discord.py lives in the embedded Discord: events, interactions, and every way to lose a connection."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.gateway_frames import CloseCode
from bot.playground.discord.server import DiscordServer, make_token
from bot.playground.discord.world import World, default_world
from tests.discord_people import Bot, Person, person, point_at, running_bot

OFTEN = GatewayLimits(identify_window=0)


@pytest.fixture
def world() -> World:
    return default_world()


@pytest.fixture
async def server(world: World) -> AsyncIterator[DiscordServer]:
    async with DiscordServer(world, gateway_limits=OFTEN, rate_limits=False) as server:
        yield server


@pytest.fixture
async def ben(server: DiscordServer) -> AsyncIterator[Person]:
    async with person(server, "ben") as ben:
        yield ben


class Greeter(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"greet:(?P<name>\w+)"):
    """A button whose meaning is in its custom_id, as after a restart."""

    def __init__(self, name: str) -> None:
        super().__init__(discord.ui.Button(label="Greet", custom_id=f"greet:{name}"))
        self.name = name

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str]) -> Greeter:
        return cls(match["name"])

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content=f"Hello {self.name}", view=None)


class Form(discord.ui.Modal, title="Your words"):
    words: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Words", max_length=20)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"You wrote {self.words.value}", ephemeral=True)


def add_commands(bot: Bot) -> None:
    """One command for each kind of answer."""

    @bot.tree.command(description="Answers at once")
    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("pong", ephemeral=True)

    @bot.tree.command(description="Thinks first")
    async def think(interaction: discord.Interaction, topic: str, file: discord.Attachment | None = None) -> None:
        await interaction.response.defer(thinking=True)
        read = "" if file is None else (await file.read()).decode()
        await interaction.followup.send(f"{topic}{read}: done")
        await interaction.followup.send("and more")

    @think.autocomplete("topic")
    async def topics(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current.upper(), value=current)]

    @bot.tree.command(description="Opens a form")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())

    @bot.tree.command(description="Shows a button")
    async def button(interaction: discord.Interaction) -> None:
        view = discord.ui.View(timeout=None).add_item(Greeter("Ben"))
        await interaction.response.send_message("Press", view=view)

    @bot.tree.context_menu(name="Quote")
    async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"> {message.content}")

    @bot.tree.command(description="For admins")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.guild_only()
    async def settings(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("settings of " + str(interaction.guild), ephemeral=True)

    bot.add_dynamic_items(Greeter)


# Events


async def test_it_logs_in_and_knows_its_server(
    server: DiscordServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch) as bot:
        assert bot.user is not None and bot.user.id == world.bot_id
        assert [guild.name for guild in bot.guilds] == ["Cogitor playground"]
        channels = {channel.name: channel for channel in bot.guilds[0].channels}
        assert isinstance(channels["questions"], discord.ForumChannel)
        assert channels["general"].permissions_for(bot.guilds[0].me).send_messages
        assert server.gateway.online


async def test_it_hears_what_people_say_and_answers_in_a_thread(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch) as bot:
        await ben.say("hello")
        message = await bot.next_event("message")
        assert (message.content, message.author.display_name, message.channel.name) == ("hello", "Ben", "general")
        thread = await message.create_thread(name="Talk")
        await thread.send("hi")
        created = await ben.event("THREAD_CREATE")
        assert created["name"] == "Talk"
        while (said := await ben.event("MESSAGE_CREATE"))["content"] != "hi":
            pass
        assert said["channel_id"] == created["id"]


async def test_it_sees_edits_deletions_and_reactions(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch) as bot:
        said = await ben.say("frist")
        path = f"/channels/{said['channel_id']}/messages/{said['id']}"
        await ben.call("PATCH", path, json={"content": "first"})
        _, after = await bot.next_event("message_edit")
        assert after.content == "first"
        assert (await ben.call("PUT", path + "/reactions/%F0%9F%91%8D"))[0] == 204
        reaction = await bot.next_event("raw_reaction_add")
        assert (str(reaction.emoji), reaction.user_id) == ("👍", ben.id)
        await ben.call("DELETE", path)
        assert (await bot.next_event("raw_message_delete")).message_id == int(said["id"])


async def test_it_answers_direct_messages(
    server: DiscordServer, world: World, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch) as bot:
        _, dm = await ben.call("POST", "/dms", json={"recipient_id": str(world.bot_id)})
        await ben.call("POST", f"/channels/{dm['id']}/messages", json={"content": "psst"})
        message = await bot.next_event("message")
        assert message.guild is None
        await message.channel.send("yes?")
        while (await ben.event("MESSAGE_CREATE"))["content"] != "yes?":
            pass


# Interactions


async def test_a_slash_command_is_answered_privately(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch, add_commands), person(server, "ada") as ada:
        nonce = await ben.interact(2, ben.command("ping"))
        answer = await ben.event("MESSAGE_CREATE")
        assert (answer["content"], answer["flags"] & 64) == ("pong", 64)
        assert (await ben.event("INTERACTION_SUCCESS"))["nonce"] == nonce
        _, history = await ben.call("GET", f"/channels/{answer['channel_id']}/messages")
        assert history == []
        assert "MESSAGE_CREATE" not in [event["t"] for event in drained(ada)]


async def test_a_deferred_answer_replaces_the_thinking(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a command option is read; the first followup takes the place of the deferral."""
    async with running_bot(server, monkeypatch, add_commands):
        data = ben.command("think", topic=(3, "cats"), file=(11, "0"))
        data["attachments"] = [{"id": "0", "filename": "a.txt"}]
        await ben.interact(2, data, {"a.txt": b" and dogs"})
        thinking = await ben.event("MESSAGE_CREATE")
        assert thinking["flags"] & 128 and thinking["content"] == ""
        done = await ben.event("MESSAGE_UPDATE")
        assert (done["id"], done["content"], done["flags"] & 128) == (thinking["id"], "cats and dogs: done", 0)
        more = await ben.event("MESSAGE_CREATE")
        assert more["content"] == "and more"
        assert more["message_reference"]["message_id"] == thinking["id"]


async def test_choices_complete_an_option(server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_bot(server, monkeypatch, add_commands):
        data = ben.command("think", topic=(3, "ca"))
        data["options"][0]["focused"] = True
        nonce = await ben.interact(4, data)
        answer = await ben.event("APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE")
        assert (answer["nonce"], answer["choices"]) == (nonce, [{"name": "CA", "value": "ca"}])


async def test_a_form_is_opened_and_submitted(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch, add_commands):
        await ben.interact(2, ben.command("form"))
        modal = await ben.event("INTERACTION_MODAL_CREATE")
        assert modal["title"] == "Your words"
        field = modal["components"][0]["components"][0]
        entered = [{"type": 1, "components": [{"type": 4, "custom_id": field["custom_id"], "value": "a word"}]}]
        submitted = {"id": modal["id"], "custom_id": modal["custom_id"], "components": entered}
        await ben.interact(5, submitted)
        assert (await ben.event("MESSAGE_CREATE"))["content"] == "You wrote a word"


async def test_a_button_survives_in_its_custom_id(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch, add_commands):
        await ben.interact(2, ben.command("button"))
        message = await ben.event("MESSAGE_CREATE")
    async with running_bot(server, monkeypatch, add_commands):
        await ben.interact(3, {"custom_id": "greet:Ben", "component_type": 2}, message_id=message["id"])
        changed = await ben.event("MESSAGE_UPDATE")
        assert (changed["id"], changed["content"], changed["components"]) == (message["id"], "Hello Ben", [])


async def test_a_message_menu_brings_its_message(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content comes along even without the message-content intent."""
    intents = discord.Intents(guilds=True, messages=True)
    async with running_bot(server, monkeypatch, add_commands, intents):
        said = await ben.say("to be quoted")
        await ben.interact(2, ben.command("Quote") | {"target_id": said["id"]})
        while (quoted := await ben.event("MESSAGE_CREATE"))["content"] != "> to be quoted":
            pass
        assert quoted["type"] == 23


async def test_a_command_for_admins_is_hidden_from_members(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch, add_commands), person(server, "ada") as ada:
        offered = await ben.event("APPLICATION_COMMANDS")
        assert "settings" not in {command["name"] for command in offered["commands"]}
        assert "settings" in {command["name"] for command in (await ada.call("GET", "/start"))[1]["commands"]}
        status, refused = await ben.try_interact(2, ben.command("settings"))
        assert (status, refused["code"]) == (403, 50013)
        await ada.interact(2, ada.command("settings"))
        assert (await ada.event("MESSAGE_CREATE"))["content"] == "settings of Cogitor playground"


# Losing the connection


async def test_it_resumes_after_a_drop_and_hears_everything_once(
    server: DiscordServer, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch) as bot:
        await ben.say("before")
        assert (await bot.next_event("message")).content == "before"
        server.gateway.drop_all()
        await ben.say("meanwhile")
        while server.gateway.resumes == 0:
            await bot.dispatched.get()
        await ben.say("after")
        heard = ["before"]
        while heard[-1] != "after":
            heard.append((await bot.next_event("message")).content)
        assert heard == ["before", "meanwhile", "after"]
        assert (server.gateway.identifies, server.gateway.resumes) == (1, 1)


async def test_it_reconnects_when_asked(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_bot(server, monkeypatch) as bot:
        server.gateway.reconnect_all()
        await bot.next_event("resumed")
        assert (server.gateway.identifies, server.gateway.resumes) == (1, 1)


async def test_it_starts_over_when_its_session_is_invalid(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bot(server, monkeypatch) as bot:
        bot.is_up.clear()
        server.gateway.invalidate_all()
        async with asyncio.timeout(5):
            await bot.is_up.wait()
        assert (server.gateway.identifies, server.gateway.resumes) == (2, 0)


async def test_it_resumes_a_session_that_may_be_resumed(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_bot(server, monkeypatch) as bot:
        server.gateway.invalidate_all(resumable=True)
        await bot.next_event("resumed")
        assert (server.gateway.identifies, server.gateway.resumes) == (1, 1)


async def test_it_resumes_after_a_recoverable_close(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_bot(server, monkeypatch) as bot:
        server.gateway.close_all(CloseCode.UNKNOWN_ERROR)
        await bot.next_event("resumed")


async def test_a_missing_privileged_intent_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.application.flags = 0
    async with DiscordServer(world) as server:
        point_at(server, monkeypatch)
        async with Bot(discord.Intents(guilds=True, message_content=True)) as bot:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await bot.start(server.token)


async def test_a_wrong_token_is_a_login_failure(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(server, monkeypatch)
    async with Bot(discord.Intents.none()) as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login(make_token())


async def test_the_server_leaves_promptly_under_a_connected_bot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await DiscordServer(world, gateway_limits=OFTEN).__aenter__()
    async with running_bot(server, monkeypatch) as bot:
        leaving = asyncio.get_running_loop().time()
        await server.__aexit__(None, None, None)
        assert asyncio.get_running_loop().time() - leaving < 1
        await bot.next_event("disconnect")


def drained(someone: Person) -> list[dict[str, Any]]:
    """Everything that has reached somebody so far."""
    events: list[dict[str, Any]] = []
    while not someone.events.empty():
        events.append(someone.events.get_nowait())
    return events
