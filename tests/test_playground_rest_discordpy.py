"""An unmodified discord.py works with the embedded Discord's HTTP API as with the real one."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
from discord import app_commands, ui

from bot.playground.discord.rest_faults import Answer, TooMany
from tests.discord_rest import TOKEN, Bench, bench, channel_named, user_named

MESSAGES = "/channels/{channel_id}/messages"


@asynccontextmanager
async def logged_in(monkeypatch: pytest.MonkeyPatch, **options: Any) -> AsyncIterator[tuple[Bench, discord.Client]]:
    """A client that has logged in over HTTP; the gateway is not needed here."""
    async with bench(**options) as it:
        monkeypatch.setattr(discord.http.Route, "BASE", it.url)
        async with discord.Client(intents=discord.Intents.default()) as client:
            await client.login(TOKEN)
            yield it, client


async def general(it: Bench, client: discord.Client) -> discord.TextChannel:
    channel = await client.fetch_channel(it.ids["channel_id"])
    assert isinstance(channel, discord.TextChannel)
    return channel


async def test_a_wrong_token_is_a_login_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as it:
        monkeypatch.setattr(discord.http.Route, "BASE", it.url)
        async with discord.Client(intents=discord.Intents.none()) as client:
            with pytest.raises(discord.LoginFailure):
                await client.login("wrong")


async def test_it_knows_itself_and_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(monkeypatch) as (it, client):
        assert client.user is not None
        assert (client.user.id, client.application_id) == (it.world.bot_id, it.world.application.id)
        guild = await client.fetch_guild(it.ids["guild_id"])
        assert [channel.name for channel in await guild.fetch_channels()] == ["general", "code", "questions"]
        member = await guild.fetch_member(user_named(it.world, "ada"))
        assert (member.display_name, member.id == guild.owner_id) == ("Ada", True)


async def test_a_message_lives_and_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    view = ui.View().add_item(ui.Button(label="Stop", custom_id="stop"))
    async with logged_in(monkeypatch) as (it, client):
        channel = await general(it, client)
        file = discord.File(io.BytesIO(b"print()"), "a b.py", description="code")
        message = await channel.send("hi", file=file, view=view, silent=True)
        assert (message.attachments[0].filename, message.attachments[0].description) == ("a_b.py", "code")
        assert (message.flags.suppress_notifications, message.components[0].children[0].label) == (True, "Stop")
        edited = await message.edit(content="ho", view=None, attachments=[])
        assert (edited.content, edited.components, edited.attachments) == ("ho", [], [])
        await edited.add_reaction("⏳")
        fetched = await channel.fetch_message(message.id)
        assert (str(fetched.reactions[0].emoji), fetched.reactions[0].me) == ("⏳", True)
        reply = await fetched.reply("yes", mention_author=False)
        assert reply.reference is not None
        assert reply.reference.message_id == message.id
        await message.delete()
        with pytest.raises(discord.NotFound):
            await channel.fetch_message(message.id)


async def test_a_layout_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = ui.LayoutView().add_item(ui.Container(ui.TextDisplay("thought"), ui.Separator(), spoiler=True))
    async with logged_in(monkeypatch) as (it, client):
        message = await (await general(it, client)).send(view=layout)
        container = message.components[0]
        assert isinstance(container, discord.Container)
        assert (container.spoiler, message.flags.components_v2) == (True, True)


async def test_threads_and_posts_are_opened_and_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(monkeypatch) as (it, client):
        channel = await general(it, client)
        message = await channel.send("why?")
        thread = await message.create_thread(name="Why")
        await thread.send("because")
        kinds = [entry.type async for entry in thread.history(oldest_first=True)]
        assert kinds == [discord.MessageType.thread_starter_message, discord.MessageType.default]
        renamed = await thread.edit(name="Because", archived=True)
        assert (renamed.name, renamed.archived, renamed.id) == ("Because", True, message.id)
        forum = await client.fetch_channel(channel_named(it.world, "questions").id)
        assert isinstance(forum, discord.ForumChannel)
        post = await forum.create_thread(name="How", content="how?", applied_tags=[forum.available_tags[0]])
        assert post.message.id == post.thread.id
        assert it.world.channel(post.thread.id).as_thread.applied_tags == [forum.available_tags[0].id]


async def test_commands_are_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(monkeypatch) as (it, client):
        tree = app_commands.CommandTree(client)

        @tree.command(name="ask", description="Ask something.")
        @app_commands.describe(prompt="The question.", count="How many.")
        @app_commands.choices(effort=[app_commands.Choice(name="High", value="high")])
        async def ask(
            interaction: discord.Interaction,
            prompt: str,
            file: discord.Attachment | None = None,
            count: app_commands.Range[int, 1, 9] = 1,
            effort: str = "high",
        ) -> None: ...

        @tree.context_menu(name="Explain this code")
        async def explain(interaction: discord.Interaction, message: discord.Message) -> None: ...

        group = app_commands.Group(name="limits", description="Limits.", default_permissions=discord.Permissions(32))
        group.command(name="show", description="Show them.")(_show)
        tree.add_command(group)
        synced = await tree.sync()
        assert sorted(command.name for command in synced) == ["Explain this code", "ask", "limits"]
        assert [command.id for command in await tree.fetch_commands()] == [command.id for command in synced]
        assert next(c for c in it.world.commands() if c.body["name"] == "limits").body[
            "default_member_permissions"
        ] == str(32)


async def _show(interaction: discord.Interaction) -> None: ...


async def test_it_retries_what_may_be_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(monkeypatch) as (it, client):
        channel = await general(it, client)
        it.api.faults.add("POST", MESSAGES, TooMany(0.001))
        assert (await channel.send("after a 429")).content == "after a 429"
        assert it.api.requests["POST", MESSAGES] == 2


async def test_a_429_without_via_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(monkeypatch) as (it, client):
        channel = await general(it, client)
        it.api.faults.add("POST", MESSAGES, TooMany(0.001, via=False))
        with pytest.raises(discord.HTTPException) as refused:
            await channel.send("banned")
        assert (refused.value.status, it.api.requests["POST", MESSAGES]) == (429, 1)


async def test_errors_arrive_with_their_code_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async with logged_in(monkeypatch) as (it, client):
        channel = await general(it, client)
        with pytest.raises(discord.HTTPException, match="In content: Must be 2000 or fewer in length") as refused:
            await channel.send("x" * 2001)
        assert refused.value.code == 50035
        it.api.faults.add("POST", MESSAGES, Answer(503))
        with pytest.raises(discord.DiscordServerError):
            await channel.send("x")
        with pytest.raises(discord.Forbidden):
            await channel.delete()
