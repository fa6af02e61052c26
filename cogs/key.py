"""`/key`: a server's own key, which pays for its answers; for the server's admins.

The key comes in through a form, never as a command's option, and is never shown
again. Who may do it is looked at when a command runs, when a form is submitted
and when a button is pressed.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.allowance import Allowance, dollars, left_to_spend
from bot.client import Client, tell
from bot.errors import ForUser
from bot.keys import CANNOT_KEEP, LONGEST_KEY, KeyReport
from cogs.admins import check_admin

NONE = "This server has no key of its own, so my operator pays for its answers. `/key set` changes that."
STORED = (
    "This server's own key is set: from the next answer on it pays for answers and titles here. It is stored "
    "encrypted, and nobody can see it again."
)
UNCHECKED = (
    "The model's server does not tell what a key may spend, so I could only see that it answers; `/key status` "
    "cannot tell more either."
)
UNLIMITED = "It has no spending limit of its own. You can give it one where you got it, and `/limits` holds as well."
SURE = (
    "Do you want to take back this server's own key? From the next answer on my operator pays again, as far as they "
    "allow it. I forget the key for good; where you got it, it stays valid until you revoke it there."
)
REMOVED = "This server's own key is forgotten: from the next answer on my operator pays."
KEPT = "This server keeps its own key."
CHANGED = "This server's key has been changed or taken back meanwhile, so I have done nothing. `/key status` shows it."
UNREADABLE = (
    "⚠ It cannot be read any more, because my operator has changed or removed the secret that it is kept with, so "
    "nobody here gets an answer. Set it again with `/key set`, or take it back with `/key remove`."
)


class KeyBox(discord.ui.Modal, title="This server's own key"):
    """Where the key is entered."""

    text = discord.ui.TextInput[Self](
        label="API key",
        placeholder="sk-or-v1-…",
        max_length=LONGEST_KEY,
        required=True,
    )

    def __init__(self) -> None:
        super().__init__(timeout=900)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        guild_id = check_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        allowance = await interaction.client.services.keys.set(guild_id, interaction.user.id, self.text.value)
        await interaction.followup.send(f"{STORED}\n{_told_at_once(allowance)}", ephemeral=True)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        await tell(interaction, error)


class KeyButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"key:(?P<does>remove|keep):(?P<key_id>[0-9a-f]{12})",
):
    """One of the two buttons of `/key remove`. It names the key that was meant, for there may be another by then."""

    def __init__(self, does: str, key_id: str) -> None:
        removes = does == "remove"
        button = discord.ui.Button[Any](
            label="Take it back" if removes else "Keep it",
            style=discord.ButtonStyle.danger if removes else discord.ButtonStyle.secondary,
            custom_id=f"key:{does}:{key_id}",
        )
        super().__init__(button)
        self._removes = removes
        self._key_id = key_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(match["does"], match["key_id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            text = await self._press(interaction)
        except Exception as error:  # noqa: BLE001 - the edge of one click: whatever went wrong is told to its person
            await tell(interaction, error)
        else:
            await interaction.response.edit_message(content=text, view=None)

    async def _press(self, interaction: discord.Interaction[Any]) -> str:
        guild_id = check_admin(interaction)
        if not self._removes:
            return KEPT
        removed = await interaction.client.services.keys.remove(guild_id, interaction.user.id, self._key_id)
        return REMOVED if removed else CHANGED


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.default_permissions(manage_guild=True)
class KeyCommands(commands.GroupCog, group_name="key", group_description="This server's own key, which pays here"):
    """The `/key` commands."""

    def __init__(self, client: Client) -> None:
        self._keys = client.services.keys
        client.add_dynamic_items(KeyButton)

    @app_commands.command(name="set", description="Let this server pay for its answers with a key of its own")
    async def set(self, interaction: discord.Interaction[Client]) -> None:
        check_admin(interaction)
        if not self._keys.can_keep:
            raise ForUser(CANNOT_KEEP)
        await interaction.response.send_modal(KeyBox())

    @app_commands.command(name="status", description="What this server's own key may still spend, and who set it")
    async def status(self, interaction: discord.Interaction[Client]) -> None:
        guild_id = check_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        report = await self._keys.report(guild_id)
        await interaction.followup.send(NONE if report is None else "\n".join(_lines(report)), ephemeral=True)

    @app_commands.command(name="remove", description="Take back this server's own key; my operator pays again")
    async def remove(self, interaction: discord.Interaction[Client]) -> None:
        guild_id = check_admin(interaction)
        key_id = await self._keys.id_of(guild_id)
        if key_id is None:
            raise ForUser(NONE)
        view = discord.ui.View(timeout=None)
        view.add_item(KeyButton("remove", key_id))
        view.add_item(KeyButton("keep", key_id))
        await interaction.response.send_message(SURE, view=view, ephemeral=True)


def _told_at_once(allowance: Allowance | None) -> str:
    """What whoever has just set a key should know of it."""
    if allowance is None:
        return UNCHECKED
    return UNLIMITED if allowance.limit is None else f"{_sentence(left_to_spend(allowance))}{_resets(allowance)}."


def _lines(report: KeyReport) -> list[str]:
    by = f" by <@{report.user_id}>" if report.user_id else ""
    lines = [f"Set <t:{int(report.at)}:f>{by}"]
    if not report.is_readable:
        lines.append(UNREADABLE)
    elif report.trouble is not None:
        lines.append(f"⚠ {report.trouble}")
    elif report.allowance is None:
        lines.append("What it may still spend is not known: the model's server does not tell")
    else:
        lines += _spending(report.allowance)
    return ["**This server's own key**", *(f"- {line}" for line in lines)]


def _spending(allowance: Allowance) -> list[str]:
    lines = [f"{_sentence(left_to_spend(allowance))}{_resets(allowance)}"]
    if allowance.used_today is not None:
        lines.append(f"{dollars(allowance.used_today)} have been spent today (UTC)")
    if allowance.expires_at is not None:
        lines.append(f"Expires <t:{int(allowance.expires_at)}:f>")
    if allowance.is_spent:
        lines.append("⚠ It has nothing left, so nobody here gets an answer until its limit is raised or starts anew")
    return lines


def _resets(allowance: Allowance) -> str:
    return f"; the limit starts anew {allowance.resets}" if allowance.resets else ""


def _sentence(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:]


async def setup(client: Client) -> None:
    await client.add_cog(KeyCommands(client))
