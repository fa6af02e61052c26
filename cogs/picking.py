"""Choosing a model or an effort as an option of a command: what is offered while one types, and what is taken.

Whatever happens, an offer comes in time or is empty: Discord shows people an
error of its own where it fails or takes three seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import discord
from discord import app_commands

from bot.choosing import Choice, Picked, choose, pick
from bot.client import Client, Services
from bot.effort import offered
from bot.errors import ForUser, describe
from bot.finding import described
from bot.guild import GuildSettings
from bot.model import ModelInfo

log = logging.getLogger(__name__)

Offer = list[app_commands.Choice[str]]

SECONDS = 0.8
"""How long an offer may take to put together."""
MOST = 25
"""Choices that Discord takes."""
LONGEST_VALUE = 100
"""Characters that Discord takes of a choice's value."""


class Picker:
    """Offers and takes what people pick, within what their server allows."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._at_work: set[asyncio.Task[Offer]] = set()

    async def picked(self, name: str, guild_id: int | None) -> Picked:
        """The model that was typed. Raises ForUser for one that cannot be had here, with the nearest names."""
        guild = await self._services.admission.settings_of(guild_id)
        return pick(name, permitted=guild.allowed_models, catalogue=self._services.catalogue)

    def choice(self, model: str | None, guild: GuildSettings) -> Choice:
        """What would be asked in a conversation for which `model` was chosen, if any was."""
        settings = self._services.settings
        return choose(
            model,
            defaults=tuple(filter(None, (guild.model, settings.model))),
            fallbacks=settings.fallback_models,
            permitted=guild.allowed_models,
            catalogue=self._services.catalogue,
        )

    async def efforts(self, model: str | None, guild_id: int | None) -> tuple[ModelInfo | None, tuple[str, ...]]:
        """What is known of a model, or of the server's own, and how hard it may be asked to think here."""
        guild = await self._services.admission.settings_of(guild_id)
        info = self._services.catalogue.get(self.choice(model, guild).model)
        return info, offered(info, guild.max_effort)

    async def models(
        self, interaction: discord.Interaction[Client], typed: str, *, more: tuple[app_commands.Choice[str], ...] = ()
    ) -> Offer:
        """Models that fit what was typed, after those of `more` that do."""
        return await self.in_time(self._models(interaction.guild_id, typed, more))

    async def _models(self, guild_id: int | None, typed: str, more: tuple[app_commands.Choice[str], ...]) -> Offer:
        guild, settings = await self._services.admission.settings_of(guild_id), self._services.settings
        usual = filter(None, (guild.model, settings.model, *settings.fallback_models))
        found = self._services.catalogue.search(typed, 2 * MOST, permitted=guild.allowed_models, first=usual)
        offers = [choice for choice in more if typed.strip().casefold() in choice.name.casefold()]
        offers += [
            app_commands.Choice(name=described(info), value=info.id) for info in found if len(info.id) <= LONGEST_VALUE
        ]
        return offers[:MOST]

    async def in_time(self, work: Coroutine[Any, Any, Offer]) -> Offer:
        """An offer, or an empty one where putting it together fails or takes too long."""
        task = asyncio.create_task(work)
        self._at_work.add(task)  # a transaction ends in its own time, even when its task is cancelled
        task.add_done_callback(self._done)
        try:
            await asyncio.wait({task}, timeout=SECONDS)
        finally:
            task.cancel()
        return task.result() if task.done() and not task.cancelled() and task.exception() is None else []

    def _done(self, task: asyncio.Task[Offer]) -> None:
        self._at_work.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ForUser):
            log.error("choices could not be offered: %s", describe(error))
