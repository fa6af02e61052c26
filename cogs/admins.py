"""Who may use an admin's commands: the one check that all of them make.

Discord hides these commands from others by default, but a server may show them
to anybody, and a panel stays open after its admin was demoted; so it is checked
again each time.
"""

from __future__ import annotations

from typing import Any

import discord

from bot.errors import ForUser


def check_admin(interaction: discord.Interaction[Any]) -> int:
    """The id of the server that the person behind an interaction administers. Raises ForUser."""
    if interaction.guild_id is None:
        raise ForUser("This works in a server only.")
    if not interaction.permissions.manage_guild:
        raise ForUser("Only people with the permission **Manage Server** can do this.")
    return interaction.guild_id
