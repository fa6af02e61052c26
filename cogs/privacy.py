"""`/privacy`: what is stored about the one who asks, all of it as a file, and the end of it.

The button that lets the bot forget somebody carries their id and the time, so that
it works after a restart, for them alone, and not for ever.
"""

from __future__ import annotations

import asyncio
import io
import re
import time
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client, Services, tell
from bot.errors import ForUser
from bot.export.mine import pack_mine
from bot.forgetting import Forgot
from bot.holdings import Terms, gather, told
from bot.housekeeping import days_kept

CONFIRM_SECONDS = 15 * 60
"""How long the button is good for."""

WAIT_SECONDS = 120.0
"""How long to wait for one's turn and for the files; beyond, people are asked to come back."""

BUSY = "I am writing somebody else's data down just now. Please try again in a minute."
NOTHING = "I store nothing about you, so there is nothing to export."
NOT_YOURS = "Only the person who asked to be forgotten can press this."
TOO_LATE = "This question is older than 15 minutes, so I did nothing. Please use `/privacy forget` again."
KEPT = "Nothing was deleted."
AT_WORK = "I am forgetting you. This may take a moment…"
UNFINISHED = (
    "Not everything could be deleted yet. I have noted that you want to be forgotten, and go on by myself within the "
    "hour. If `/privacy show` still shows something tomorrow, please tell the operator of this bot."
)
WARNING = """\
**Do you want me to forget you?** I would delete, for good:
- everything that you wrote to me, everywhere, with its files and its copies in forks
- the answers to it with their reasoning, here and in my messages on Discord; what is running or waiting is cut
- answers to others that repeat your words or your name, or for which I read your messages
- instructions that you gave to threads

What stays: your own messages on Discord, which are yours to delete, and the names of threads; what others wrote, \
even about you; what I cannot reach on Discord, such as answers where I am not a member; and how much you used, with \
your id for another day, because your limits go on counting, and then without it. This cannot be undone, so you may \
want `/privacy export` first."""


class Choice(StrEnum):
    """What the buttons below the warning do."""

    FORGET = "forget"
    KEEP = "keep"


class PrivacyButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"privacy:(?P<choice>forget|keep):(?P<user>[0-9]{1,20}):(?P<at>[0-9]{1,12})",
):
    """A button below the warning of `/privacy forget`."""

    def __init__(self, choice: Choice, user_id: int, asked_at: int) -> None:
        forgets = choice is Choice.FORGET
        button = discord.ui.Button[Any](
            label="Forget me" if forgets else "Keep everything",
            style=discord.ButtonStyle.danger if forgets else discord.ButtonStyle.secondary,
            custom_id=f"privacy:{choice}:{user_id}:{asked_at}",
        )
        super().__init__(button)
        self._choice = choice
        self._user_id = user_id
        self._asked_at = asked_at

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(Choice(match["choice"]), int(match["user"]), int(match["at"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await self._press(interaction)
        except Exception as error:  # noqa: BLE001 - the edge of one click: whatever went wrong is told to its person
            await tell(interaction, error)

    async def _press(self, interaction: discord.Interaction[Any]) -> None:
        """Forget whoever presses, if it is they who asked, and not long ago."""
        if interaction.user.id != self._user_id:
            raise ForUser(NOT_YOURS)
        if self._choice is Choice.KEEP:
            await interaction.response.edit_message(content=KEPT, view=None)
            return
        pressed_at = interaction.created_at.timestamp()
        if not 0 <= pressed_at - self._asked_at + 1 <= CONFIRM_SECONDS:
            await interaction.response.edit_message(content=TOO_LATE, view=None)
            return
        await interaction.response.edit_message(content=AT_WORK, view=None)
        try:
            forgot = await interaction.client.services.forgetting.forget(self._user_id, pressed_at)
        except Exception:
            await interaction.edit_original_response(content=UNFINISHED)
            raise
        await interaction.edit_original_response(content=_done(forgot))


class Privacy(commands.GroupCog, group_name="privacy", group_description="What is stored about you, and how to end it"):
    """The `/privacy` commands."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._services = client.services
        self._one_at_a_time = asyncio.Lock()
        client.add_dynamic_items(PrivacyButton)

    @app_commands.command(name="show", description="What is stored about you, for how long, and who processes it")
    async def show(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.defer(ephemeral=True)
        held = await self._services.store.held(interaction.user.id)
        terms = await _terms(self._services, interaction.guild_id)
        await interaction.followup.send(told(held, terms), ephemeral=True, suppress_embeds=True)

    @app_commands.command(name="export", description="Everything that is stored about you, as a file for you alone")
    async def export(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.defer(ephemeral=True)
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._one_at_a_time:
                mine = await gather(self._services.store, interaction.user.id, clock=time.time)
                if not (mine.turns or mine.usage or mine.changes):
                    raise ForUser(NOTHING)
                packed = await asyncio.to_thread(pack_mine, mine, limit=interaction.filesize_limit)
        except TimeoutError:
            raise ForUser(BUSY) from None
        number = len(packed.files)
        for index, file in enumerate(packed.files, 1):
            note = "Everything that I store about you" + (f", file {index} of {number}:" if number > 1 else ":")
            if packed.left_out and index == number:
                note += (
                    f"\nDiscord takes only so much: {packed.left_out:,} questions with their answers, the oldest or "
                    "largest, are not in it. The operator of this bot can give them to you; `/export` gives one thread."
                )
            sent = discord.File(io.BytesIO(file.data), file.name)
            await interaction.followup.send(note, file=sent, ephemeral=True)

    @app_commands.command(name="forget", description="Delete what is stored about you, after asking once more")
    async def forget(self, interaction: discord.Interaction[Client]) -> None:
        asked_at = int(interaction.created_at.timestamp())
        view = discord.ui.View(timeout=None)
        for choice in Choice:
            view.add_item(PrivacyButton(choice, interaction.user.id, asked_at))
        await interaction.response.send_message(WARNING, view=view, ephemeral=True)
        view.stop()  # the buttons are found by their ids, so nothing of it is kept


async def _terms(services: Services, guild_id: int | None) -> Terms:
    guild, settings = await services.admission.settings_of(guild_id), services.settings
    return Terms(
        host=urlsplit(settings.openrouter_base_url).hostname or "",
        enforces_policy=services.catalogue.speaks_openrouter,
        policy=guild.data_policy,
        days_kept=days_kept(guild.retention_days, settings.retention_days),
        in_server=guild_id is not None,
        privacy_url=settings.privacy_url,
    )


def _done(forgot: Forgot) -> str:
    if forgot == Forgot():
        return "There was nothing of yours left to delete, and I remember nothing of you."
    mine = "my message" if forgot.shown == 1 else f"my {forgot.shown:,} messages"
    shown = f" I am deleting {mine} with them on Discord, as fast as it lets me." if forgot.shown else ""
    answers = "1 answer" if forgot.answers == 1 else f"{forgot.answers:,} answers"
    return (
        f"I have forgotten you: {forgot.messages:,} of your messages and {answers} are deleted.{shown}"
        "\nWhat you used is counted for one more day under your id, and then without it."
    )


async def setup(client: Client) -> None:
    await client.add_cog(Privacy(client))
