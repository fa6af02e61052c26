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
Right-click a message (on a phone: hold it) and choose **Apps**: **Ask about this** or **Explain this code**. Install \
me for yourself to use these and `/ask` in every server and DM.

**While I answer**
**Stop** ends an answer and keeps what came. **Retry** answers again in the same place. **Continue** goes on where an \
answer was cut off. **Reasoning** shows you, and only you, what the model thought and which tools it used. `/stop` and \
`/retry` do the same.

**How I think**
`/reasoning` tells how this thread is set. `effort:` chooses how hard the model thinks, `show:spoiler` puts its \
reasoning above each answer, behind a spoiler; both hold from the next answer on.
`/model` tells or sets which model answers here; `/retry model:` tries another one once. `/persona` gives this thread \
its own instructions, `/listen` says which messages are for me.

**This conversation**
Edit your last question and I answer it anew; delete a message and I forget it. `/undo` takes back the last question \
and answer; `/fork` goes on from here in a new thread. `/title` renames this thread, `/export` gives you the \
conversation as a file, `/context` shows how full the model's window is and what this has cost.

**Files**
Attach text, code, images or PDFs of up to 1,024 KB, at most five a message; I say which I could not use. Images need \
a model that sees. I can also read public web pages: give me a link.

**You**
`/usage` shows what you have used and what it cost; `/privacy` shows, exports or deletes what I store about you.
"""

FOR_ADMINS = """\
**For this server's admins**
`/settings` – see and change how I work here: models, channels, roles, tools, privacy
`/limits` – see and set limits and budgets, also for single roles
`/tools` – what I may use to answer
`/key` – let this server pay with its own key, and see what is left of it
`/usage scope:server` – who used what, and what it cost
`/audit` – who changed what, and when
"""


class Help(commands.Cog):
    """The `/help` command."""

    @app_commands.command(name="help", description="What Cogitor can do, and how")
    async def help(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.send_message(HELP, ephemeral=True)
        if interaction.guild_id is not None and interaction.permissions.manage_guild:
            await interaction.followup.send(FOR_ADMINS, ephemeral=True)


async def setup(client: Client) -> None:
    await client.add_cog(Help())
