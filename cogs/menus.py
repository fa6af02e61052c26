"""*Ask about this* and *Explain this code*: questions about a message that somebody picked.

Discord gives the message along with the click, its text included, whatever the
bot may read otherwise. The question of *Ask about this* is typed into a form,
which may come back late, twice, or to another process; so the question is known
by the click that opened the form, and the message is kept until then.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client, tell
from bot.errors import ForUser, RetryLater, ShowError
from bot.impatience import impatient
from bot.incoming import is_blank, one_line, thread_name
from bot.messages import Conversation
from bot.refusals import Refusals
from bot.starting import Spot
from cogs.attachments import read_attachments
from cogs.forms import typed
from cogs.here import check_may_ask, said_by
from cogs.in_place import STILL_RUNNING, ask_in_place
from cogs.pointed import Pointed
from cogs.threads import check_interaction, earlier_in, in_a_while, joined, open_thread, spot_of

ASK_ABOUT = "Ask about this"
EXPLAIN = "Explain this code"

EXPLANATION = (
    "Explain this code: what it does and how, step by step, and whatever is wrong or surprising in it. "
    "If there is no code in it, explain what it says."
)

MOST_KEPT = 1_000
"""Messages that wait for a form to come back."""

POST_SECONDS = 15.0

QUOTED = 1_500
"""How much of a question is quoted where it is answered, in characters."""

NO_QUESTION = "The question is empty. Please write what you would like to know."
FORGOTTEN = "I do not know any more which message this is about. Please open the menu again. You had written:\n>>> "

_FORM = re.compile(r"cogitor:about:([0-9]{1,20})")


class Menus(commands.Cog):
    """The two entries in the menu of a message."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._services = client.services
        self._kept: OrderedDict[int, Pointed] = OrderedDict()
        client.tree.add_command(app_commands.ContextMenu(name=ASK_ABOUT, callback=self.ask_about))
        client.tree.add_command(app_commands.ContextMenu(name=EXPLAIN, callback=self.explain))

    async def explain(self, interaction: discord.Interaction[Client], message: discord.Message) -> None:
        """Ask at once."""
        await self._ask(interaction, interaction.id, Pointed(message, self._client.user), None)

    async def ask_about(self, interaction: discord.Interaction[Client], message: discord.Message) -> None:
        """Show the form, unless it is known already that there could be no answer."""
        about = Pointed(message, self._client.user)
        known = await self._known(interaction)
        spot = spot_of(interaction, known)
        check_interaction(interaction, spot)
        if spot is not Spot.IN_PLACE:
            await check_may_ask(interaction, conversation_id=known.id if known else 0)
        self._keep(interaction.id, about)
        await interaction.response.send_modal(_form(interaction.id))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Take forms that come back; discord.py itself knows only those of this process, and not for long."""
        data: Any = interaction.data or {}
        found = _FORM.fullmatch(str(data.get("custom_id", "")))
        if interaction.type is not discord.InteractionType.modal_submit or found is None:
            return
        try:
            await self._submitted(interaction, int(found[1]), typed(data))
        except Exception as error:  # noqa: BLE001 - the edge of one form: whatever went wrong is told to its person
            await tell(interaction, error)

    async def _submitted(self, interaction: discord.Interaction[Client], asked_by: int, question: str) -> None:
        """Ask what a form says; `asked_by` is the click that opened it, under which the question is known."""
        if is_blank(question):
            raise ForUser(NO_QUESTION)
        about = self._kept.pop(asked_by, None)
        if about is None:
            if await self._services.store.turn_of_message(asked_by) is not None:
                raise ForUser(STILL_RUNNING)
            raise ForUser(FORGOTTEN + question[:QUOTED])
        try:
            await self._ask(interaction, asked_by, about, question)
        except Exception:
            self._keep(asked_by, about)  # so that the form may be sent once more
            raise

    async def _ask(
        self, interaction: discord.Interaction[Client], said_id: int, about: Pointed, question: str | None
    ) -> None:
        """Answer a question about a message, or explain it, in the thread that belongs to it."""
        known = await self._known(interaction)
        spot = spot_of(interaction, known)
        check_interaction(interaction, spot)
        said = said_by(interaction, f"{question or EXPLANATION}\n\n{about.quoted}", said_id=said_id)
        said = replace(said, quoted=(about.message.author.id,))
        if spot is Spot.IN_PLACE:
            await ask_in_place(interaction, said, about.files, needs_files=about.is_blank)
            return
        await check_may_ask(interaction, conversation_id=known.id if known else 0)
        await interaction.response.defer(ephemeral=True, thinking=True)
        settings = await self._services.admission.settings_of(interaction.guild_id, said.roles)
        parts, remarks = await read_attachments(about.files, settings)
        if about.is_blank and not parts:
            raise ForUser(" ".join(remarks))
        said = replace(said, parts=(*said.parts, *parts))
        conversation, joins = await self._home(interaction, spot, known, about, question)
        if joins is not None:
            earlier, trouble, quoted = await earlier_in(joins, self._client.user, settings, before=interaction)
            said = replace(said, parts=(*earlier, *said.parts), quoted=(*said.quoted, *quoted))
            remarks = (*remarks, *trouble)
        quote_id = await self._quote(conversation.id, _told(interaction, about, question))
        await self._services.chat.ask(conversation, said, remarks=remarks)
        await self._services.store.note_quote(said.id, conversation.id, quote_id)
        if conversation.id == interaction.channel_id:
            await interaction.delete_original_response()
        else:
            await interaction.edit_original_response(content=f"I am answering in <#{conversation.id}>.")

    async def _home(
        self,
        interaction: discord.Interaction[Client],
        spot: Spot,
        known: Conversation | None,
        about: Pointed,
        question: str | None,
    ) -> tuple[Conversation, Any]:
        """The conversation in which to answer, and the channel that the bot is called into, if it is one."""
        place = interaction.channel_id or 0
        new = Conversation(
            place, interaction.guild_id, interaction.user.id, created_at=interaction.created_at.timestamp()
        )
        if spot is Spot.CHANNEL:
            thread = await open_thread(about.message, thread_name(question or about.headline))
            place, known = thread.id, await self._services.store.conversation(thread.id)
            new = replace(new, id=thread.id, parent_id=interaction.channel_id)
            if thread.is_new:
                return known or new, None
        if known is not None or spot is Spot.DM:
            return known or new, None
        guild = interaction.guild
        channel = (guild.get_thread(place) if guild else None) or self._client.get_partial_messageable(place)
        return joined(place, channel, new.owner_id, new.created_at, new.guild_id), channel

    async def _quote(self, channel_id: int, text: str) -> int:
        """Show the others what was asked, and return the message's id. Raises ForUser where the bot may not write."""
        try:
            async with asyncio.timeout(POST_SECONDS), Refusals():
                with impatient():
                    place = self._client.get_partial_messageable(channel_id)
                    return (await place.send(text, suppress_embeds=True)).id
        except ShowError as error:
            raise ForUser(f"I cannot answer in <#{channel_id}>. {error}") from error
        except RetryLater as later:
            raise ForUser(f"Discord lets me write no more there now. {in_a_while(later.seconds)}") from later
        except OSError as error:
            raise ForUser("Discord did not take my message in time. Please ask again in a moment.") from error

    async def _known(self, interaction: discord.Interaction[Client]) -> Conversation | None:
        return await self._services.store.conversation(interaction.channel_id or 0)

    def _keep(self, asked_by: int, about: Pointed) -> None:
        self._kept[asked_by] = about
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _form(asked_by: int) -> discord.ui.Modal:
    """The form for a question. It is found by its id when it comes back, so it is never kept in memory (`stop`)."""
    form = discord.ui.Modal(title=ASK_ABOUT, custom_id=f"cogitor:about:{asked_by}")
    question = discord.ui.TextInput[discord.ui.Modal](
        label="Your question about this message", style=discord.TextStyle.paragraph, max_length=4000
    )
    form.add_item(question)
    form.stop()
    return form


def _told(interaction: discord.Interaction[Client], about: Pointed, question: str | None) -> str:
    """The line that tells the others in a thread what was asked about which message."""
    name = discord.utils.escape_markdown(one_line(interaction.user.display_name))
    link = f"[this message](<{about.message.jump_url}>)"
    if question is None:
        return f"-# {name} asked me to explain {link}"
    shown = question if len(question) <= QUOTED else question[: QUOTED - 1] + "…"
    return f"-# {name} asked about {link}\n>>> {shown}"


async def setup(client: Client) -> None:
    await client.add_cog(Menus(client))
