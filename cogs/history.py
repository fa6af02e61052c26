"""`/undo` and `/fork`: take the last question back, or go on from here in a second thread.

Says what was done and what could not be; how the history changes is not known here.
"""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat import continues
from bot.client import Client
from bot.errors import ForUser
from bot.incoming import one_line
from bot.messages import Conversation, Text, Turn
from bot.store.history import Forked

NOT_HERE = "This is not one of my conversations. Use this command in a thread with me, or in a DM."
NOTHING_LEFT = "There is nothing left to take back: no question is stored in this conversation."
NOT_YOURS = "Only the person who asked the last question, or a moderator, can take it back."
NO_FORK_OF_DM = (
    "A direct message cannot be forked, for there are no threads in it. Use `/fork` in one of my threads on a server."
)
NO_FORK_OF_PRIVATE = (
    "This thread is private, and its fork would be public, so I will not make one. Please ask anew where you want it."
)
NOTHING_TO_FORK = "There is nothing to copy yet. Ask something here first, and fork when it is answered."
NO_RIGHTS = (
    "I may not open a thread in this channel. Please ask an admin to give me the permissions "
    "**Create Public Threads** and **Send Messages in Threads** there."
)
TOO_MANY_THREADS = "This server has as many open threads as Discord allows. Please archive one, and try again."
NO_PARENT = "The channel of this thread is gone, or I cannot see it, so I cannot open another thread in it."

_THREAD_LIMIT = 160006
"""Discord's error code for too many open threads."""
_NAME_LENGTH = 100
_QUOTED = 100
"""How much of a question is quoted to say which one it was, in characters."""


class History(commands.Cog):
    """The commands that change or copy a conversation's history."""

    def __init__(self, client: Client) -> None:
        self._store = client.services.store
        self._changes = client.services.changes

    @app_commands.command(name="undo", description="Take back the last question and its answer")
    async def undo(self, interaction: discord.Interaction[Client]) -> None:
        await self._conversation(interaction)
        turn = await self._store.last_turn(interaction.channel_id or 0)
        if turn is None:
            raise ForUser(NOTHING_LEFT)
        if interaction.user.id != turn.asker_id and not interaction.permissions.manage_messages:
            raise ForUser(NOT_YOURS)
        await self._changes.undo(turn)
        await interaction.response.send_message(_taken_back(turn), ephemeral=True)

    @app_commands.command(name="fork", description="Open a new thread with the same history, and go on there")
    async def fork(self, interaction: discord.Interaction[Client]) -> None:
        if interaction.guild is None:
            raise ForUser(NO_FORK_OF_DM)
        source = await self._conversation(interaction)
        thread = interaction.channel
        if not isinstance(thread, discord.Thread):
            raise ForUser(NOT_HERE)
        if thread.is_private():
            raise ForUser(NO_FORK_OF_PRIVATE)
        if not await self._has_answers(source.id):
            raise ForUser(NOTHING_TO_FORK)
        await interaction.response.defer(ephemeral=True, thinking=True)
        parent = thread.parent
        if parent is None:
            raise ForUser(NO_PARENT)
        intro = _introduced(interaction.user.display_name, thread)
        fork = await _open(parent, thread, intro)
        forked = await self._changes.fork(
            source,
            into=fork.id,
            parent_id=parent.id,
            owner_id=interaction.user.id,
            at=interaction.created_at.timestamp(),
        )
        if not isinstance(parent, discord.ForumChannel):
            await fork.send(intro)
        await interaction.followup.send(_forked(fork, forked), ephemeral=True)

    async def _conversation(self, interaction: discord.Interaction[Client]) -> Conversation:
        conversation = await self._store.conversation(interaction.channel_id or 0)
        if conversation is None:
            raise ForUser(NOT_HERE)
        return conversation

    async def _has_answers(self, conversation_id: int) -> bool:
        """Whether anything is finished; questions are answered in order, so the first and the last tell."""
        first = await self._store.next_turn(conversation_id, after=0)
        last = await self._store.last_turn(conversation_id)
        return any(turn is not None and not turn.status.unfinished for turn in (first, last))


async def _open(
    parent: discord.TextChannel | discord.ForumChannel, origin: discord.Thread, intro: str
) -> discord.Thread:
    """Open the fork's thread beside its origin. Raises ForUser."""
    name = f"Fork of {origin.name}"[:_NAME_LENGTH]
    try:
        if isinstance(parent, discord.ForumChannel):
            post = await parent.create_thread(
                name=name, content=intro, applied_tags=origin.applied_tags, auto_archive_duration=1440
            )
            return post.thread
        kind = discord.ChannelType.news_thread if parent.is_news() else discord.ChannelType.public_thread
        return await parent.create_thread(name=name, type=kind, auto_archive_duration=1440)
    except discord.Forbidden as error:
        raise ForUser(NO_RIGHTS) from error
    except discord.NotFound as error:
        raise ForUser(NO_PARENT) from error
    except discord.HTTPException as error:
        if error.code == _THREAD_LIMIT:
            raise ForUser(TOO_MANY_THREADS) from error
        raise


def _introduced(by: str, origin: discord.Thread) -> str:
    """The fork's first message, which names and links where it comes from."""
    name = discord.utils.escape_markdown(one_line(origin.name))
    who = discord.utils.escape_markdown(one_line(by))
    return (
        f"{who} forked this thread from **{name}** ({origin.mention}). I remember what was asked and answered there "
        "so far; from here on the two go their own ways."
    )


def _forked(fork: discord.Thread, forked: Forked) -> str:
    """What was copied, and what was not."""
    turns = "one question and its answer" if forked.turns == 1 else f"{forked.turns:,} questions and their answers"
    text = f"The fork is {fork.mention}, with {turns}."
    if forked.left_out == 1:
        return f"{text} The question that is not answered yet stays here alone."
    return (
        f"{text} The {forked.left_out} questions that are not answered yet stay here alone."
        if forked.left_out
        else text
    )


def _taken_back(turn: Turn) -> str:
    """Which question is gone, and what is left of it."""
    if continues(turn):
        return "I took back the last **Continue** and what it added. `/undo` again takes back the question before it."
    words = next((part.text for part in turn.question[-1].parts if isinstance(part, Text)), "")
    words = one_line(words)
    quoted = words if len(words) <= _QUOTED else f"{words[: _QUOTED - 1]}…"
    which = f"“{discord.utils.escape_markdown(quoted)}”" if quoted else "the last question"
    return (
        f"I took back {which} and my answer to it, and remember neither. "
        "The message that asked stays; its author or a moderator may delete it."
    )


async def setup(client: Client) -> None:
    await client.add_cog(History(client))
