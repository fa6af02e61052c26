"""Messages become questions.

Finds out whom a message is for, opens the thread, reads the attachments and
hands a plain question over. What happens to it then is not known here.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from datetime import UTC, datetime, timedelta

import discord
from discord.ext import commands

from bot.address import Heard, Place, Verdict, verdict
from bot.client import SORRY, Client
from bot.errors import ForUser, describe
from bot.incoming import is_blank, readable, thread_name
from bot.messages import Conversation, Listen, Part, Said, Text
from cogs.attachments import read_attachments

log = logging.getLogger(__name__)

EARLIER = 50
"""How many earlier messages of somebody else's thread are read when we are called into it."""

ACTIVE = timedelta(days=7)
"""Threads that were active within this time are looked through for messages written while we were away."""

AWAY = timedelta(hours=24)
"""Older messages than this are left alone."""

LATE = timedelta(hours=1)
"""Older messages than this are not answered unasked, but offered with a button."""

MISSED = 50
"""How many missed messages of a thread are taken up."""

EMPTY = "You called me without a question. Please write it in the same message as the mention."
NO_THREAD = (
    "I may not open a thread here. Please ask an admin to give me the permissions **Create Public Threads** and "
    "**Send Messages in Threads** in this channel, or ask in another channel."
)


class Chat(commands.Cog):
    """Listens to messages."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._chat = client.services.chat
        self._store = client.services.store
        self._standing: list[tuple[Conversation, int]] = []
        self._order: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Take a conversation's messages one at a time, in the order in which they came.

        Mentions in a channel each open a thread of their own, so they need not wait for each other.
        """
        in_plain_channel = isinstance(message.channel, discord.abc.GuildChannel)
        lock = asyncio.Lock() if in_plain_channel else self._order.setdefault(message.channel.id, asyncio.Lock())
        async with lock:
            await self._hear(message)

    async def cog_load(self) -> None:
        """Before anything new is heard: note where each thread stands, for `on_ready`."""
        await self._note_where_threads_stand()

    @commands.Cog.listener()
    async def on_disconnect(self) -> None:
        if not self._standing:
            await self._note_where_threads_stand()

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """Discord has replayed what was missed."""
        self._standing = []

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Answer what was written in our threads while we were away; offer to, where that was long ago."""
        standing, self._standing = self._standing, []
        oldest = discord.utils.time_snowflake(datetime.now(UTC) - AWAY)
        for conversation, newest in standing:
            channel = self._client.get_partial_messageable(conversation.id, guild_id=conversation.guild_id)
            after = discord.Object(max(newest, oldest))
            try:
                missed = [message async for message in channel.history(after=after, limit=MISSED)]
            except discord.HTTPException as error:
                log.info("a thread could not be looked through: %s", describe(error))
                continue
            for message in missed:
                await self.on_message(message)

    async def _note_where_threads_stand(self) -> None:
        since = (datetime.now(UTC) - ACTIVE).timestamp()
        self._standing = await self._store.conversations_seen_since(since)

    async def _hear(self, message: discord.Message) -> None:
        in_plain_channel = isinstance(message.channel, discord.abc.GuildChannel)
        known = None if in_plain_channel else await self._store.conversation(message.channel.id)
        decision = verdict(self._heard(message, known))
        if decision is Verdict.IGNORE:
            return
        try:
            await self._ask(message, known, decision)
        except ForUser as error:
            await _tell(message, str(error))
        except Exception as error:  # noqa: BLE001 - the edge of one message: whatever went wrong, its author is told
            log.error("a message could not be taken: %s", describe(error))
            await _tell(message, SORRY)

    async def _ask(self, message: discord.Message, known: Conversation | None, decision: Verdict) -> None:
        """Make a question of a message that is for us. Raises ForUser where it cannot be one."""
        text = self._text(message)
        if is_blank(text) and not message.attachments:
            if message.content:
                raise ForUser(EMPTY)
            return
        parts, remarks = await read_attachments(message.attachments)
        if not is_blank(text):
            parts = (Text(text), *parts)
        if not parts:
            raise ForUser(" ".join(remarks))
        conversation = known
        if decision is Verdict.OPEN_THREAD:
            thread = await self._open_thread(message, text)
            title = thread.name if isinstance(thread, discord.Thread) else ""
            new = new_conversation(thread.id, message, title=title)
            conversation = await self._store.conversation(thread.id) or new
        elif conversation is None:
            conversation = new_conversation(message.channel.id, message)
        if decision is Verdict.JOIN_THREAD:
            parts = (*await self._earlier(message), *parts)
        said = Said(message.id, message.author.id, message.author.display_name, parts, message.created_at.timestamp())
        if datetime.now(UTC) - message.created_at > LATE:
            await self._chat.offer(conversation, said)
        else:
            await self._chat.ask(conversation, said, remarks=remarks)

    def _heard(self, message: discord.Message, known: Conversation | None) -> Heard:
        me = self._client.user
        if me is None:
            raise RuntimeError("a message came before the login")
        role = message.guild.self_role if message.guild else None
        replied = message.reference.resolved if message.reference else None
        other = replied.author.id if isinstance(replied, discord.Message) else None
        start = message.content.lstrip()
        return Heard(
            _place(message, known),
            text=message.content,
            from_bot=message.author.bot or message.webhook_id is not None,
            is_system=message.is_system(),
            mentions_us=any(user.id == me.id for user in message.mentions)
            or (role is not None and role.id in message.raw_role_mentions),
            replies_to_us=other == me.id,
            replies_to_other=other is not None and other not in (me.id, message.author.id),
            begins_with_other=start.startswith("<@") and not start.startswith((f"<@{me.id}>", f"<@!{me.id}>")),
            listen=known.listen if known else Listen.ALL,
        )

    def _text(self, message: discord.Message) -> str:
        names = {user.id: user.display_name for user in message.mentions}
        text = readable(message.content, names, me=self._client.user.id if self._client.user else 0)
        role = message.guild.self_role if message.guild else None
        return text.replace(role.mention, "").strip() if role else text

    async def _open_thread(self, message: discord.Message, text: str) -> discord.Thread | discord.Object:
        """Open the question's thread on its message; a thread that is there already is taken."""
        try:
            return await message.create_thread(name=thread_name(text), auto_archive_duration=1440)
        except discord.HTTPException as error:
            if error.code == 160004:  # a thread has already been created for this message; it has the message's id
                return discord.Object(message.id)
            if isinstance(error, discord.Forbidden) or error.status == 400:
                raise ForUser(NO_THREAD) from error
            raise

    async def _earlier(self, message: discord.Message) -> tuple[Part, ...]:
        """What was said in a thread before we were called into it, as one part."""
        lines = [
            f"{earlier.author.display_name}: {self._text(earlier)}"
            async for earlier in message.channel.history(limit=EARLIER, before=message)
            if not is_blank(earlier.content)
        ]
        if not lines:
            return ()
        return (Text("Earlier in this thread:\n" + "\n".join(reversed(lines)) + "\n\nNow you are asked:"),)


async def _tell(message: discord.Message, text: str) -> None:
    try:
        await message.reply(text, mention_author=False)
    except discord.HTTPException as refusal:
        log.info("an error could not be told: %s", describe(refusal))


def new_conversation(channel_id: int, message: discord.Message, *, title: str = "") -> Conversation:
    """A conversation in this channel, begun by this message; in others' threads it listens to mentions only.

    `title` is the name of a thread that was opened for it.
    """
    ours = message.guild is None or not isinstance(message.channel, discord.Thread)
    return Conversation(
        channel_id,
        message.guild.id if message.guild else None,
        message.author.id,
        title=title,
        listen=Listen.ALL if ours else Listen.MENTIONS,
        created_at=message.created_at.timestamp(),
    )


def _place(message: discord.Message, known: Conversation | None) -> Place:
    if message.guild is None:
        return Place.DM
    if known is not None:
        return Place.CONVERSATION
    return Place.OTHER_THREAD if isinstance(message.channel, discord.Thread) else Place.CHANNEL


async def setup(client: Client) -> None:
    await client.add_cog(Chat(client))
