"""`/export`: this conversation as a file, for the one who asks.

Whoever can use a command in a thread can read the thread, so anybody there may
have it, and nobody gets another one.
"""

from __future__ import annotations

import asyncio
import io
import time
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.errors import ForUser
from bot.export.apart import to_coloured_html
from bot.export.archive import to_json
from bot.export.markdown import to_markdown
from bot.export.pack import pack
from bot.export.transcript import Transcript
from bot.render.page import PageFile

NOT_HERE = "This is not one of my conversations. Use this command in a thread with me, or in a DM."
NOTHING_YET = "Nothing has been asked here yet, so there is nothing to export."
BUSY = "I am writing other conversations down just now. Please try again in a minute."

WAIT_SECONDS = 60.0
"""How long to wait for one's turn and for the file; beyond, people are asked to come back."""

_EXTENSIONS = {"markdown": "md", "json": "json", "html": "html"}


class Export(commands.Cog):
    """The `/export` command."""

    def __init__(self, client: Client) -> None:
        self._services = client.services
        self._one_at_a_time = asyncio.Lock()

    @app_commands.command(name="export", description="This conversation as a file, for you alone")
    @app_commands.describe(format="Markdown to read (the default), JSON for programs, or HTML to look at")
    async def export(
        self,
        interaction: discord.Interaction[Client],
        format: Literal["markdown", "json", "html"] = "markdown",  # noqa: A002 - the option's name on Discord
    ) -> None:
        await interaction.response.defer(ephemeral=True)
        transcript = await self._transcript(interaction)
        file = await self._written(transcript, format, interaction.filesize_limit)
        note = "This conversation, as far as it has come:"
        if not any(turn.status.unfinished for turn in transcript.turns):
            note = "This conversation:"
        if file.name.endswith(".zip"):
            note = f"{note[:-1]} (packed, for it is large):"
        await interaction.followup.send(note, file=discord.File(io.BytesIO(file.data), file.name), ephemeral=True)

    async def _transcript(self, interaction: discord.Interaction[Client]) -> Transcript:
        """The conversation of this channel. Raises ForUser where there is none."""
        store, channel = self._services.store, interaction.channel
        conversation = await store.conversation(interaction.channel_id or 0)
        if conversation is None:
            raise ForUser(NOT_HERE)
        turns = await store.turns(conversation.id)
        if not turns:
            raise ForUser(NOTHING_YET)
        title = channel.name if isinstance(channel, discord.Thread) else "Conversation with Cogitor"
        return Transcript(title, conversation, tuple(turns), time.time())

    async def _written(self, transcript: Transcript, format: str, limit: int) -> PageFile:  # noqa: A002 - as above
        """Write the file beside the event loop, for a long conversation takes seconds. Raises ForUser."""
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._one_at_a_time:
                data = await _bytes(transcript, format)
                return await asyncio.to_thread(pack, transcript.title, _EXTENSIONS[format], data, limit=limit)
        except TimeoutError:
            raise ForUser(BUSY) from None


async def _bytes(transcript: Transcript, format: str) -> bytes:  # noqa: A002 - as above
    match format:
        case "json":
            return await asyncio.to_thread(to_json, transcript)
        case "html":
            return await to_coloured_html(transcript)
        case _:
            return await asyncio.to_thread(to_markdown, transcript)


async def setup(client: Client) -> None:
    await client.add_cog(Export(client))
