"""`/settings`: the panel by which a server's admins decide.

The panel is one message that only its admin sees. Nothing of it is kept here:
each control says by its id what it does and what was shown when it was drawn, so
that it works after a restart, late, twice, and beside another admin's.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client, tell
from bot.deciding import Decision, Off, StaleError, decide, decide_for_role
from bot.errors import ForUser
from bot.guild import ROLE_LIMITS
from bot.messages import JsonObject, JsonValue
from bot.panel import GROUPS, PANEL, ROLES_GROUP, Panel, detail, form, group_of, overview, role_detail, role_form
from bot.panel_items import Screen
from bot.pressing import OTHER_VERSION, added, chosen, known, snowflake, taken_out, written
from bot.setting_values import read
from bot.setting_words import Kind, kind_of
from cogs.admins import check_admin
from cogs.forms import typed
from cogs.panel_view import modal_of, view_of
from cogs.server import panel_of

SAVED = "✅ Saved."
SAME = "It was like that already."
STALE = "⚠️ This had been changed since it was shown here, so nothing was changed now. This is how it is:"
EVERYBODY = "@everyone is the whole server, whose limits are under **Limits**. Please choose another role."
GIVEN_BACK = "This is what you had written, so that it is not lost:"
MESSAGE_GONE = 10008


class SettingsPanel(commands.Cog):
    """The `/settings` command."""

    def __init__(self, client: Client) -> None:
        self._store = client.services.store

    @app_commands.command(name="settings", description="See and change how I work in this server")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def settings(self, interaction: discord.Interaction[Client]) -> None:
        guild_id = check_admin(interaction)
        screen = overview(await panel_of(interaction, guild_id), GROUPS[0])
        await interaction.response.send_message(screen.text, view=view_of(screen), ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Take presses and forms; discord.py itself knows only those of this process."""
        data: Any = interaction.data or {}
        which, *parts = str(data.get("custom_id", "")).split(":")
        kinds = discord.InteractionType
        if which != PANEL or interaction.type not in (kinds.component, kinds.modal_submit):
            return
        try:
            if interaction.type is kinds.modal_submit:
                await self._submitted(interaction, parts, typed(data))
            else:
                await self._pressed(interaction, parts, [str(value) for value in data.get("values", ())])
        except Exception as error:  # noqa: BLE001 - the edge of one press: whatever went wrong is told to its person
            await tell(interaction, error)

    async def _pressed(self, interaction: discord.Interaction[Client], parts: list[str], values: list[str]) -> None:
        """Do what a control says. Raises ForUser."""
        panel = await panel_of(interaction, check_admin(interaction))
        match [*parts, *values[:1]]:
            case ["group", key]:
                found = next((group for group in GROUPS if group.key == key), GROUPS[0])
                await _show(interaction, overview(panel, found))
            case ["pick", _, name]:
                await _show(interaction, detail(panel, known(name)))
            case ["role" | "gonerole", role_id]:
                await _show(interaction, role_detail(panel, _own_role(interaction, role_id)))
            case ["open", name]:
                await interaction.response.send_modal(modal_of(form(panel, known(name))))
            case ["own", role_id, name] if name in ROLE_LIMITS:
                await interaction.response.send_modal(modal_of(role_form(panel, snowflake(role_id), name)))
            case ["ownreset", role_id, seen]:
                await self._change_role(interaction, snowflake(role_id), None, None, seen)
            case _:
                await self._decided(interaction, panel, parts, values)

    async def _decided(
        self, interaction: discord.Interaction[Client], panel: Panel, parts: list[str], values: list[str]
    ) -> None:
        """Change a setting as a control says. Raises ForUser."""
        try:
            match parts:
                case ["put", name, seen, state]:
                    change = decide(known(name), state == "on", seen=seen)
                case ["reset", name, seen]:
                    change = decide(known(name), None, seen=seen)
                case ["set", name, seen]:
                    change = decide(name, chosen(panel, known(name), values), seen=seen)
                case ["add", name, seen]:
                    change = decide(name, added(panel, known(name), values, seen=seen), seen=seen)
                case ["drop", name, seen]:
                    change = decide(name, taken_out(panel, known(name), values, seen=seen), seen=seen)
                case _:
                    raise ForUser(OTHER_VERSION)
            note = await self._changed(interaction, change)
        except StaleError:
            note = STALE
        await self._show_setting(interaction, parts[1], note)

    async def _submitted(self, interaction: discord.Interaction[Client], parts: list[str], text: str) -> None:
        """Take what was typed into a form. Raises ForUser."""
        panel = await panel_of(interaction, check_admin(interaction))
        match parts:
            case ["ownform", role_id, name, seen] if name in ROLE_LIMITS:
                value = read(name, text, ceilings=panel.facts.ceilings)
                await self._change_role(interaction, snowflake(role_id), name, value, seen)
            case ["form", name, seen]:
                await self._write(interaction, panel, known(name), text, seen)
            case _:
                raise ForUser(OTHER_VERSION)

    async def _write(
        self, interaction: discord.Interaction[Client], panel: Panel, name: str, text: str, seen: str
    ) -> None:
        """Change a setting to what was typed; long texts are given back where that fails."""
        is_long = kind_of(name) in (Kind.TEXT, Kind.MODELS)
        try:
            note = await self._changed(interaction, decide(name, written(panel, name, text), seen=seen))
        except StaleError:
            await self._show_setting(interaction, name, STALE)
        except ForUser as error:
            await tell(interaction, error)
        else:
            await self._show_setting(interaction, name, note)
            return
        if is_long:
            file = discord.File(io.BytesIO(text.encode()), f"{name}.txt")
            await interaction.followup.send(GIVEN_BACK, file=file, ephemeral=True)

    async def _change_role(
        self, interaction: discord.Interaction[Client], role_id: int, limit: str | None, value: int | None, seen: str
    ) -> None:
        wanted = Off.OFF if limit is not None and value is None else value
        try:
            note = await self._changed(interaction, decide_for_role(role_id, limit, wanted, seen=seen))
        except StaleError:
            note = STALE
        panel = await panel_of(interaction, check_admin(interaction))
        await _show(interaction, role_detail(panel, role_id, note))

    async def _changed(self, interaction: discord.Interaction[Client], change: Decision) -> str:
        """Store a decision; returns what came of it. Raises StaleError, ForUser."""
        differs = False

        def noted(stored: JsonObject) -> Mapping[str, JsonValue | Off]:
            nonlocal differs
            wanted = change(stored)
            differs = bool(wanted)
            return wanted

        await self._store.change_settings(check_admin(interaction), interaction.user.id, noted)
        return SAVED if differs else SAME

    async def _show_setting(self, interaction: discord.Interaction[Client], name: str, note: str) -> None:
        panel = await panel_of(interaction, check_admin(interaction))
        group = group_of(name)
        await _show(interaction, overview(panel, group, note) if group is ROLES_GROUP else detail(panel, name, note))


def _own_role(interaction: discord.Interaction[Client], role_id: str) -> int:
    """A role that may have limits of its own. Raises ForUser."""
    if snowflake(role_id) == interaction.guild_id:
        raise ForUser(EVERYBODY)
    return snowflake(role_id)


async def _show(interaction: discord.Interaction[Client], screen: Screen) -> None:
    """Draw the panel anew, or another one where it was dismissed while a form was open."""
    try:
        await interaction.response.edit_message(content=screen.text, view=view_of(screen))
    except discord.NotFound as gone:
        if gone.code != MESSAGE_GONE:
            raise
        await interaction.response.send_message(screen.text, view=view_of(screen), ephemeral=True)


async def setup(client: Client) -> None:
    await client.add_cog(SettingsPanel(client))
