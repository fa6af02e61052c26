"""`/help`: what one can do here, in one private message."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client

HELP = """\
**Talk to me**
Mention me in a channel, or use `/ask`: I open a thread, and there every message is for me. In a DM just write.
Start a message with `//` to talk past me. Messages that I have not got to yet carry ⏳.

**While I answer**
**Stop** ends an answer and keeps what came. **Retry** answers again in the same place. **Continue** goes on where an \
answer was cut off. **Reasoning** shows you, and only you, what the model thought and which tools it used. `/stop` and \
`/retry` do the same.

**How I think**
`/reasoning` tells how this thread is set. `effort:` chooses how hard the model thinks, `show:spoiler` puts its \
reasoning above each answer, behind a spoiler; both hold from the next answer on.

**Files**
Attach text or code of up to 1,024 KB, at most five files a message.
"""


class Help(commands.Cog):
    """The `/help` command."""

    @app_commands.command(name="help", description="What Cogitor can do, and how")
    async def help(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.send_message(HELP, ephemeral=True)


async def setup(client: Client) -> None:
    await client.add_cog(Help())
