"""`/admin status` and `/admin sync`: for the operator, in any server and in DMs."""

from __future__ import annotations

import platform
import time

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot import __version__
from bot.client import Client
from bot.errors import ForUser
from bot.spending import DAY
from bot.status import Status, status_text

OPERATOR_ONLY = "Only this bot's operator can do this."
PUBLISHED = "{:,} commands are published. Discord's apps may show the old ones until they are reloaded."
REFUSED = "Discord refused the commands (status {}). The old ones stay. Please look at the log, and try again later."
TOO_OFTEN = "Discord takes no more commands for now. Please try again in {}."
LATE = "Discord did not take the commands in time. Please try again in a few minutes."


@app_commands.default_permissions(administrator=True)
class Admin(commands.GroupCog, group_name="admin", group_description="For this bot's operator"):
    """The `/admin` commands."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._services = client.services

    @app_commands.command(name="status", description="How the bot is doing")
    async def status(self, interaction: discord.Interaction[Client]) -> None:
        self._check(interaction)
        await interaction.response.defer(ephemeral=True)
        client, services = self._client, self._services
        model = services.settings.model
        status = Status(
            version=__version__,
            python=platform.python_version(),
            library=discord.__version__,
            began_at=services.began_at,
            servers=len(client.guilds),
            shards=len(client.shards),
            lost_shards=client.lost_shards,
            latency=client.latency,
            running=services.chat.running,
            waiting=services.chat.waiting,
            refusals=services.traffic.refusals,
            database=services.store.database_name,
            spent=await services.store.spent(time.time() - DAY),
            model=model,
            model_is_known=services.catalogue.get(model) is not None,
            catalogue_size=len(services.catalogue.all()),
        )
        await interaction.followup.send(status_text(status), ephemeral=True)

    @app_commands.command(name="sync", description="Publish the commands again, even if they have not changed")
    async def sync(self, interaction: discord.Interaction[Client]) -> None:
        self._check(interaction)
        await interaction.response.defer(ephemeral=True)
        await interaction.followup.send(await self._publish(), ephemeral=True)

    def _check(self, interaction: discord.Interaction[Client]) -> None:
        """Discord's permissions say who sees these commands in a server; who may use them is asked here."""
        if interaction.user.id not in self._services.settings.owner_ids:
            raise ForUser(OPERATOR_ONLY)

    async def _publish(self) -> str:
        """Publish, and say how that went. Raises ForUser while it is being done already."""
        try:
            return PUBLISHED.format(await self._client.publish_anew())
        except discord.RateLimited as refusal:
            return TOO_OFTEN.format(_minutes(refusal.retry_after))
        except discord.HTTPException as refusal:
            return TOO_OFTEN.format("a few minutes") if refusal.status == 429 else REFUSED.format(refusal.status)
        except (TimeoutError, aiohttp.ClientError):
            return LATE


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return "a minute" if minutes == 1 else f"{minutes:,} minutes"


async def setup(client: Client) -> None:
    await client.add_cog(Admin(client))
