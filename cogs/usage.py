"""`/usage`: what oneself, or the server, used in a period: a picture, the same in words, and a file if asked for.

Private. What the whole server used is for its admins.
"""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any, Literal, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client, tell
from bot.panel_items import Button, Screen
from bot.render.usage_chart import draw_usage
from bot.render.usage_facts import alt_text, headline, nothing, table
from bot.spending import Period, Scope
from bot.spending_csv import to_csv
from cogs.admins import check_admin
from cogs.panel_view import view_of

MOST_LINES = 40_000
"""Rows of one file: even with the longest names far less than the 10 MB that Discord takes."""
NOTHING_THERE = "There is nothing to put into a file any more: nothing was used in {}."
CUT = "The file has the newest {:,} rows; older ones did not fit."
_LONGEST_DESCRIPTION = 1024
"""Discord, "Attachment Object"."""


class CsvButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"usage:csv:(day|week|month):(me|server)"):
    """**CSV**; it carries what the file is about, so that it works after a restart."""

    def __init__(self, custom_id: str, period: Period, scope: Scope) -> None:
        super().__init__(discord.ui.Button(custom_id=custom_id))
        self._period, self._scope = period, scope

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(match.string, Period(match[1]), Scope(match[2]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await _send_file(interaction, self._period, self._scope)
        except Exception as error:  # noqa: BLE001 - the edge of one click: whatever went wrong is told to its person
            await tell(interaction, error)


class Usage(commands.Cog):
    """The `/usage` command."""

    def __init__(self, client: Client) -> None:
        self._services = client.services
        client.add_dynamic_items(CsvButton)

    @app_commands.command(name="usage", description="What you used: requests, tokens and cost")
    @app_commands.describe(period="How far back; a month if left out", scope="You, or the whole server (for admins)")
    async def usage(
        self,
        interaction: discord.Interaction[Client],
        period: Literal["day", "week", "month"] = "month",
        scope: Literal["me", "server"] = "me",
    ) -> None:
        asked, whose = Period(period), Scope(scope)
        wanted = _wanted(interaction, whose)
        await interaction.response.defer(ephemeral=True)
        store, in_server = self._services.store, interaction.guild_id is not None
        report = await store.report(asked, **wanted, by_member=whose is Scope.SERVER)
        total = None
        if in_server and whose is Scope.ME:
            total = await store.spent(report.begins(report.first_slot).timestamp(), user_id=interaction.user.id)
        if not report.total.requests:
            await interaction.followup.send(nothing(asked, whose, total=total), ephemeral=True)
            return
        title = headline(asked, whose, in_server=in_server)
        text = table(report, title, total=total)
        view = view_of(Screen(text, ((Button(f"usage:csv:{asked}:{whose}", "CSV"),),)))
        picture = await self._services.easel.draw(lambda: draw_usage(report, title))
        if picture is None:
            await interaction.followup.send(text, view=view, ephemeral=True)
            return
        description = alt_text(report, title)[:_LONGEST_DESCRIPTION]
        file = discord.File(io.BytesIO(picture), "usage.png", description=description)
        await interaction.followup.send(text, file=file, view=view, ephemeral=True)


async def _send_file(interaction: discord.Interaction[Any], period: Period, scope: Scope) -> None:
    wanted = _wanted(interaction, scope)
    await interaction.response.defer(ephemeral=True, thinking=True)
    lines = await interaction.client.services.store.spent_lines(period, most=MOST_LINES + 1, **wanted)
    if not lines:
        await interaction.followup.send(NOTHING_THERE.format(period.words), ephemeral=True)
        return
    data = await asyncio.to_thread(to_csv, lines[:MOST_LINES])
    file = discord.File(io.BytesIO(data), f"usage-{period}-{scope}.csv")
    told = CUT.format(MOST_LINES) if len(lines) > MOST_LINES else ""
    await interaction.followup.send(told, file=file, ephemeral=True)


def _wanted(interaction: discord.Interaction[Any], scope: Scope) -> dict[str, int | None]:
    """Whose usage is looked at: in this server, or in a DM everywhere. Raises ForUser for who may not."""
    if scope is Scope.SERVER:
        return {"guild_id": check_admin(interaction)}
    return {"guild_id": interaction.guild_id, "user_id": interaction.user.id}


async def setup(client: Client) -> None:
    await client.add_cog(Usage(client))
