"""`/tools`: a server's admins see which tools there are, and turn them on and off.

Nothing of the panel is kept here: its controls say by their ids what they do, so
that it works after a restart and beside another admin's.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client, tell
from bot.errors import ForUser
from bot.guild import GuildSettings
from bot.messages import JsonObject
from bot.panel_items import Screen
from bot.tools_panel import TOOLS, screen, turned
from cogs.admins import check_admin
from cogs.panel_view import view_of

SAVED = "✅ Saved. It holds from the next question on."
OTHER_VERSION = "This panel is of another version of mine. Please use `/tools` again."


class Tools(commands.Cog):
    """The `/tools` command."""

    def __init__(self, client: Client) -> None:
        self._store = client.services.store
        self._kit = client.services.kit

    @app_commands.command(name="tools", description="See which tools I may use in this server, and turn them on or off")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def tools(self, interaction: discord.Interaction[Client]) -> None:
        shown = await self._screen(check_admin(interaction))
        await interaction.response.send_message(shown.text, view=view_of(shown), ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Take presses; discord.py itself knows only those of this process."""
        data: Any = interaction.data or {}
        which, *parts = str(data.get("custom_id", "")).split(":")
        if which != TOOLS or interaction.type is not discord.InteractionType.component:
            return
        try:
            await self._pressed(interaction, parts, [str(value) for value in data.get("values", ())])
        except Exception as error:  # noqa: BLE001 - the edge of one press: whatever went wrong is told to its person
            await tell(interaction, error)

    async def _pressed(self, interaction: discord.Interaction[Client], parts: list[str], values: list[str]) -> None:
        """Do what a control says. Raises ForUser."""
        guild_id = check_admin(interaction)
        match parts:
            case ["page", page] if page.removeprefix("-").isdecimal():
                shown = await self._screen(guild_id, int(page))
            case ["set", page] if page.isdecimal():
                await self._turn(guild_id, interaction.user.id, int(page), values)
                shown = await self._screen(guild_id, int(page), SAVED)
            case _:
                raise ForUser(OTHER_VERSION)
        await interaction.response.edit_message(content=shown.text, view=view_of(shown))

    async def _turn(self, guild_id: int, user_id: int, page: int, chosen: list[str]) -> None:
        """Turn the tools of one page on or off, by the settings as they are at that moment."""

        def change(stored: JsonObject) -> JsonObject:
            settings = GuildSettings.model_validate(stored)
            wanted = turned(settings.tools, self._kit.listed(settings), page, chosen)
            return {"tools": list(wanted)} if set(wanted) != set(settings.tools) else {}

        await self._store.change_settings(guild_id, user_id, change)

    async def _screen(self, guild_id: int, page: int = 0, note: str = "") -> Screen:
        settings = GuildSettings.model_validate(await self._store.guild_settings(guild_id) or {})
        return screen(self._kit.listed(settings), page, note=note, remarks=self._kit.remarks())


async def setup(client: Client) -> None:
    await client.add_cog(Tools(client))
