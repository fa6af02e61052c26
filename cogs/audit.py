"""`/audit`: who changed which setting, newest first, page by page."""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.audit_words import entry
from bot.client import Client, tell
from bot.panel_items import Button, Screen
from cogs.admins import check_admin
from cogs.panel_view import view_of
from cogs.server import facts_of

PAGE = 6
NOTHING = "Nobody has changed a setting yet."


class PageButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"audit:(before|after):([0-9]{1,18})"):
    """**Older** or **Newer**; it carries the entry at the edge of the page, so that it works after a restart."""

    def __init__(self, custom_id: str, side: str, edge: int) -> None:
        super().__init__(discord.ui.Button(custom_id=custom_id))
        self._side, self._edge = side, edge

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(match.string, match[1], int(match[2]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            edge = {"before": self._edge} if self._side == "before" else {"after": self._edge}
            screen = await _page(interaction, check_admin(interaction), **edge)
            await interaction.response.edit_message(content=screen.text, view=view_of(screen))
        except Exception as error:  # noqa: BLE001 - the edge of one click: whatever went wrong is told to its person
            await tell(interaction, error)


class Audit(commands.Cog):
    """The `/audit` command."""

    def __init__(self, client: Client) -> None:
        client.add_dynamic_items(PageButton)

    @app_commands.command(name="audit", description="Who changed which setting of this server, and when")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def audit(self, interaction: discord.Interaction[Client]) -> None:
        screen = await _page(interaction, check_admin(interaction))
        await interaction.response.send_message(screen.text, view=view_of(screen), ephemeral=True)


async def _page(
    interaction: discord.Interaction[Any], guild_id: int, *, before: int | None = None, after: int | None = None
) -> Screen:
    """One page of the log: the newest, or the one beyond an entry; without anything beyond it, the newest."""
    store, facts = interaction.client.services.store, facts_of(interaction)
    found = await store.audit(guild_id, before=before, after=after, n=PAGE)
    if not found and (before, after) != (None, None):
        found = await store.audit(guild_id, n=PAGE)
    if not found:
        return Screen(NOTHING, ())
    is_last = not await store.audit(guild_id, before=found[-1].id, n=1)
    is_first = not await store.audit(guild_id, after=found[0].id, n=1)
    lines = [entry(it.user_id, it.what, it.before, it.after, it.at, facts) for it in found]
    buttons = (
        Button(f"audit:after:{found[0].id}", "Newer", disabled=is_first),
        Button(f"audit:before:{found[-1].id}", "Older", disabled=is_last),
    )
    return Screen("\n".join(["### What was changed here", *lines]), (buttons,))


async def setup(client: Client) -> None:
    await client.add_cog(Audit(client))
