"""`/limits`: what members may use, for those who would rather type than open the panel."""

from __future__ import annotations

from collections.abc import Mapping

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.deciding import Off, decide, decide_for_role
from bot.errors import ForUser
from bot.guild import LIMITS, ROLE_LIMITS
from bot.limit_words import all_limits, one_limit, role_limits
from bot.messages import JsonObject, JsonValue
from bot.setting_values import read, title_of
from cogs.admins import check_admin
from cogs.server import facts_of, panel_of

KEYS = [app_commands.Choice(name=name, value=name) for name in LIMITS]
SERVERS_ONLY = "**{}** is for everybody together, so a role has none of its own. Leave `role` out to set it for all."
EVERYBODY = "@everyone is the whole server. Leave `role` out for the server's limits."
UNKNOWN = "I do not know this limit. Please choose one of those that are offered."


@app_commands.default_permissions(manage_guild=True)
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
class Limits(commands.GroupCog, group_name="limits", group_description="See and change what may be used here"):
    """The `/limits` commands."""

    def __init__(self, client: Client) -> None:
        self._store = client.services.store

    @app_commands.command(name="show", description="All limits of this server, and the roles' own")
    async def show(self, interaction: discord.Interaction[Client]) -> None:
        panel = await panel_of(interaction, check_admin(interaction))
        await interaction.response.send_message(all_limits(panel), ephemeral=True)

    @app_commands.command(name="role", description="The limits that members of one role have")
    @app_commands.describe(role="The role")
    async def role(self, interaction: discord.Interaction[Client], role: discord.Role) -> None:
        panel = await panel_of(interaction, check_admin(interaction))
        _check(None, role)
        await interaction.response.send_message(role_limits(panel, role.id), ephemeral=True)

    @app_commands.command(name="set", description="Set a limit of this server, or of one role")
    @app_commands.describe(
        limit="Which limit",
        value="A number, such as 60, or 2.50 for dollars; “off” removes the limit",
        role="For members of this role only",
    )
    @app_commands.choices(limit=KEYS)
    async def set(
        self,
        interaction: discord.Interaction[Client],
        limit: str,
        value: app_commands.Range[str, 1, 100],
        role: discord.Role | None = None,
    ) -> None:
        guild_id = check_admin(interaction)
        _check(limit, role)
        number = read(limit, value, ceilings=facts_of(interaction).ceilings)
        wanted = Off.OFF if number is None else number
        change = decide(limit, wanted) if role is None else decide_for_role(role.id, limit, wanted)
        await self._store.change_settings(guild_id, interaction.user.id, change)
        await self._tell(interaction, limit, role)

    @app_commands.command(name="reset", description="Give limits their defaults again, or take a role's own out")
    @app_commands.describe(limit="Which limit; without it, all of them", role="Of this role only")
    @app_commands.choices(limit=KEYS)
    async def reset(
        self, interaction: discord.Interaction[Client], limit: str | None = None, role: discord.Role | None = None
    ) -> None:
        guild_id = check_admin(interaction)
        _check(limit, role)
        if role is not None:
            change = decide_for_role(role.id, limit, None)
        else:
            change = decide(limit, None) if limit is not None else _all_reset
        await self._store.change_settings(guild_id, interaction.user.id, change)
        await self._tell(interaction, limit, role)

    async def _tell(
        self, interaction: discord.Interaction[Client], limit: str | None, role: discord.Role | None
    ) -> None:
        """Say what holds now, as it is stored."""
        panel = await panel_of(interaction, check_admin(interaction))
        told = all_limits(panel) if role is None else role_limits(panel, role.id)
        if limit is not None:
            told = one_limit(panel, limit, None if role is None else role.id)
        await interaction.response.send_message(told, ephemeral=True)


def _check(limit: str | None, role: discord.Role | None) -> None:
    """Raise ForUser for a limit that there is not, or that a role cannot have."""
    if limit is not None and limit not in LIMITS:
        raise ForUser(UNKNOWN)
    if role is not None and role.is_default():
        raise ForUser(EVERYBODY)
    if limit is not None and role is not None and limit not in ROLE_LIMITS:
        raise ForUser(SERVERS_ONLY.format(title_of(limit)))


def _all_reset(_: JsonObject) -> Mapping[str, JsonValue]:
    return dict.fromkeys(LIMITS)


async def setup(client: Client) -> None:
    await client.add_cog(Limits(client))
