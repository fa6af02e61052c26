"""A server's settings as they are stored now, with the facts they are held against."""

from __future__ import annotations

from typing import Any

import discord

from bot.client import Services
from bot.guild import GuildSettings
from bot.panel import Panel
from bot.setting_words import Facts


def facts_of(interaction: discord.Interaction[Any]) -> Facts:
    """What is known of a server's channels and roles, of the models, and of the operator's ceilings."""
    services: Services = interaction.client.services
    guild = interaction.guild
    is_known = guild is not None and not guild.unavailable

    def channel_name(channel_id: int) -> str | None:
        found = guild.get_channel_or_thread(channel_id) if guild else None
        return found.name if found else None if is_known else str(channel_id)

    def role_name(role_id: int) -> str | None:
        found = guild.get_role(role_id) if guild else None
        return found.name if found else None if is_known else str(role_id)

    return Facts(
        services.catalogue,
        services.settings.model,
        services.settings.fallback_models,
        channel_name,
        role_name,
        services.ceilings,
        tools=tuple(tool.name for tool in services.kit.listed(GuildSettings())),
    )


async def panel_of(interaction: discord.Interaction[Any], guild_id: int) -> Panel:
    """A server's settings, read now."""
    stored = await interaction.client.services.store.guild_settings(guild_id)
    return Panel(stored or {}, facts_of(interaction))
