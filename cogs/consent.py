"""The buttons by which people allow or deny that a tool is used for their answer."""

from __future__ import annotations

from typing import Any

import discord
from discord.ext import commands

from bot.client import Client, tell
from bot.consents import OVER, Verdict
from bot.wishes import CONSENT


class Consent(commands.Cog):
    """Takes presses of these buttons; those of an earlier process too, which then say that it is over."""

    def __init__(self, client: Client) -> None:
        self._consents = client.services.consents

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        data: Any = interaction.data or {}
        which, *parts = str(data.get("custom_id", "")).split(":")
        if which != CONSENT or interaction.type is not discord.InteractionType.component:
            return
        try:
            match parts:
                case [token, verdict] if verdict in set(Verdict) and self._consents.is_open(token):
                    self._consents.decide(token, interaction.user.id, Verdict(verdict))
                    await interaction.response.defer()
                case _:
                    await interaction.response.send_message(OVER, ephemeral=True)
                    if interaction.message is not None:
                        await interaction.message.delete()
        except Exception as error:  # noqa: BLE001 - the edge of one press: whatever went wrong is told to its person
            await tell(interaction, error)


async def setup(client: Client) -> None:
    await client.add_cog(Consent(client))
