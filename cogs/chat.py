"""Messages become questions.

Finds out whom a message is for, opens the thread, reads the attachments and
hands a plain question over. What happens to it then is not known here.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import discord
from discord.ext import commands

from bot.address import ASIDE, Heard, Place, Verdict, verdict
from bot.client import SORRY, Client
from bot.errors import ForUser, RetryLater, describe
from bot.guild import GuildSettings
from bot.impatience import impatient
from bot.incoming import is_blank, readable, thread_name
from bot.messages import Conversation, Listen, Part, Said, Text
from cogs.attachments import read_attachments
from cogs.here import asker, channels_of
from cogs.threads import READ_SECONDS, check_message, earlier_in, is_new_post, joined, open_thread

log = logging.getLogger(__name__)

ACTIVE = timedelta(days=7)
"""Threads that were active within this time are looked through for messages written while we were away."""

AWAY = timedelta(hours=24)
"""Older messages than this are left alone."""

LATE = timedelta(hours=1)
"""Older messages than this are not answered unasked, but offered with a button."""

MISSED = 50
"""How many missed messages of a thread are taken up."""

UNKNOWN_CHANNEL = 10003
"""Discord's error code for a channel or thread that was deleted."""

EMPTY = "You called me without a question. Please write it in the same message as the mention."
MENTION_ME = (
    "I only see messages that mention me, because my operator has not been granted the message content intent. "
    "To ask me about this post, mention me here together with your question."
)


class Chat(commands.Cog):
    """Listens to messages."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._chat = client.services.chat
        self._admission = client.services.admission
        self._store = client.services.store
        self._changes = client.services.changes
        self._standing: list[tuple[Conversation, int]] = []
        self._order: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()
        self._taking: Counter[int] = Counter()
        """Messages that are being made questions of, or wait for that."""
        self._deleted: set[int] = set()
        """Those of them that were deleted meanwhile."""

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Take a conversation's messages one at a time, in the order in which they came."""
        if message.author.bot or message.webhook_id is not None:
            return  # our own pages above all, for which nothing needs to be looked up
        self._taking[message.id] += 1
        try:
            async with self._turn_of(message):
                if message.id not in self._deleted:
                    await self._hear(message)
            if message.id in self._deleted:
                await self._changes.delete([message.id])
        finally:
            self._taking[message.id] -= 1
            if not self._taking[message.id]:
                del self._taking[message.id]
                self._deleted.discard(message.id)

    async def revise(self, message: discord.Message) -> None:
        """Take in an edit: of a question, or one by which a message becomes a question, for it now mentions us."""
        async with self._turn_of(message):
            if is_blank(message.content) and not message.attachments:
                return  # nobody can empty a message, so this is one that we may not read
            if not await self._changes.knows(message.id):
                is_recent = datetime.now(UTC) - message.created_at < LATE
                if is_recent and self._heard(message, None, is_post=False).mentions_us:
                    await self._hear(message)
            elif message.content.startswith(ASIDE):
                await self._changes.delete([message.id])
            else:
                parts, remarks = await self._parts(message)
                if parts:
                    await self._changes.edit(message.id, parts, remarks=remarks)

    async def forget(self, message_ids: Collection[int]) -> None:
        """Messages were deleted, whether they are questions already or only about to be."""
        self._deleted.update(self._taking.keys() & message_ids)
        await self._changes.delete(message_ids)

    def _turn_of(self, message: discord.Message) -> asyncio.Lock:
        """Held while a message is taken in.

        Mentions in a channel each open a thread of their own, so they need not wait for each other.
        """
        in_plain_channel = isinstance(message.channel, discord.abc.GuildChannel)
        return self._order.setdefault(message.id if in_plain_channel else message.channel.id, asyncio.Lock())

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
                if error.code == UNKNOWN_CHANNEL:
                    await self._changes.forget(conversation.id)
                continue
            for message in missed:
                await self._find_roles(message)
                await self.on_message(message)
        # Which posts came while we were away can only be told from what came last before.
        if standing:
            await self._look_for_posts(max(oldest, *(newest for _, newest in standing)))

    async def _look_for_posts(self, after: int) -> None:
        """Take up new posts of listed forums whose ids are above `after`."""
        for guild in self._client.guilds:
            new = [thread for thread in guild.threads if thread.id > after]
            listed = (await self._admission.settings_of(guild.id)).forum_channels if new else ()
            for thread in new:
                if thread.parent_id not in listed or await self._store.conversation(thread.id) is not None:
                    continue
                try:
                    async with asyncio.timeout(READ_SECONDS):
                        with impatient():
                            post = await thread.fetch_message(thread.id)
                except (discord.HTTPException, TimeoutError, RetryLater) as error:
                    log.info("a post could not be looked at: %s", describe(error))
                    continue
                await self._find_roles(post)
                await self.on_message(post)

    async def _find_roles(self, message: discord.Message) -> None:
        """A message that is looked up comes without its author's roles; where these matter, they are looked up, too."""
        if message.guild is None or isinstance(message.author, discord.Member):
            return
        settings = await self._admission.settings_of(message.guild.id)
        if not (settings.role_limits or settings.allowed_roles):
            return
        try:
            async with asyncio.timeout(READ_SECONDS):
                with impatient():
                    message.author = await message.guild.fetch_member(message.author.id)
        except (discord.HTTPException, TimeoutError, RetryLater) as error:
            log.info("somebody's roles could not be looked up: %s", describe(error))

    async def _note_where_threads_stand(self) -> None:
        since = (datetime.now(UTC) - ACTIVE).timestamp()
        seen = await self._store.conversations_seen_since(since)
        self._standing = [(conversation, newest) for conversation, newest in seen if not conversation.is_in_place]

    async def _hear(self, message: discord.Message) -> None:
        in_plain_channel = isinstance(message.channel, discord.abc.GuildChannel)
        known = None if in_plain_channel else await self._store.conversation(message.channel.id)
        is_post = known is None and is_new_post(message) and await self._is_listed(message)
        heard = self._heard(message, known, is_post=is_post)
        decision = verdict(heard)
        if decision is Verdict.IGNORE or not (heard.calls_us or await self._answers_in(message)):
            return
        try:
            await self._ask(message, known, decision)
        except ForUser as error:
            await self._tell(message, str(error))
        except Exception as error:  # noqa: BLE001 - the edge of one message: whatever went wrong, its author is told
            log.error("a message could not be taken: %s", describe(error))
            await self._tell(message, SORRY)

    async def _ask(self, message: discord.Message, known: Conversation | None, decision: Verdict) -> None:
        """Make a question of a message that is for us. Raises ForUser where it cannot be one."""
        if is_blank(self._text(message)) and not message.attachments:
            if message.content:
                raise ForUser(EMPTY)
            if is_new_post(message) and known is None and not self._client.reads_messages:
                await self._store.add_conversation(_listening(new_conversation(message.channel.id, message)))
                raise ForUser(MENTION_ME)
            return
        by = asker(message.author, message.created_at)
        await self._chat.check_may_ask(
            by,
            guild_id=message.guild.id if message.guild else None,
            channels=channels_of(message.channel),
            conversation_id=known.id if known else 0,
        )
        check_message(message, opens_thread=decision is Verdict.OPEN_THREAD)
        parts, remarks = await self._parts(message)
        if not parts:
            raise ForUser(" ".join(remarks))
        conversation = known
        if decision is Verdict.OPEN_THREAD:
            name = thread_name(self._text(message))
            thread = await open_thread(message, name)
            new = new_conversation(thread.id, message, title=name if thread.is_new else "")
            conversation = await self._store.conversation(thread.id) or new
        elif conversation is None:
            conversation = new_conversation(message.channel.id, message)
            conversation = _listening(conversation) if decision is Verdict.ANSWER else conversation
        quoted: tuple[int, ...] = ()
        if decision is Verdict.JOIN_THREAD:
            settings = await self._settings(message)
            earlier, trouble, quoted = await earlier_in(message.channel, self._client.user, settings, before=message)
            parts, remarks = (*earlier, *parts), (*remarks, *trouble)
        said = Said(message.id, by.id, message.author.display_name, parts, by.at, by.roles, quoted)
        if datetime.now(UTC) - message.created_at > LATE:
            await self._chat.offer(conversation, said)
        else:
            await self._chat.ask(conversation, said, remarks=remarks)

    async def _parts(self, message: discord.Message) -> tuple[tuple[Part, ...], tuple[str, ...]]:
        """What a message says, its files included, and a sentence for each file that could not be read."""
        text = self._text(message)
        parts, remarks = await self._files(message)
        return (parts if is_blank(text) else (Text(text), *parts)), remarks

    async def _is_listed(self, message: discord.Message) -> bool:
        """Whether the forum that a post is in is one that the server's admins have listed."""
        guild = await self._admission.settings_of(message.guild.id if message.guild else None)
        return isinstance(message.channel, discord.Thread) and message.channel.parent_id in guild.forum_channels

    async def _answers_in(self, message: discord.Message) -> bool:
        """Whether admins want answers where a message is; elsewhere only those who call us are told so."""
        channels = channels_of(message.channel)
        return await self._admission.answers_in(message.guild.id if message.guild else None, channels)

    def _heard(self, message: discord.Message, known: Conversation | None, *, is_post: bool) -> Heard:
        me = self._client.user
        if me is None:
            raise RuntimeError("a message came before the login")
        role = message.guild.self_role if message.guild else None
        replied = message.reference.resolved if message.reference else None
        other = replied.author.id if isinstance(replied, discord.Message) else None
        start = message.content.lstrip()
        return Heard(
            Place.NEW_POST if is_post else _place(message, known),
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

    async def _tell(self, message: discord.Message, text: str) -> None:
        """Tell a message's author what went wrong: below it, or privately where the bot may not write."""
        try:
            await message.reply(text, mention_author=False)
        except discord.Forbidden:
            where = f"<#{message.channel.id}>"
            await self._client.services.poster.tell(message.author.id, f"You asked me something in {where}. {text}")
        except discord.HTTPException as refusal:
            log.info("an error could not be told: %s", describe(refusal))

    async def _files(self, message: discord.Message) -> tuple[tuple[Part, ...], tuple[str, ...]]:
        """A message's files, and a sentence for each that cannot be used."""
        if not message.attachments:
            return (), ()

        async def again() -> list[discord.Attachment]:
            return (await message.channel.fetch_message(message.id)).attachments

        settings = await self._settings(message)
        return await read_attachments(message.attachments, settings, refresh=again)

    async def _settings(self, message: discord.Message) -> GuildSettings:
        by = asker(message.author, message.created_at)
        return await self._admission.settings_of(message.guild.id if message.guild else None, by.roles)


def new_conversation(channel_id: int, message: discord.Message, *, title: str = "") -> Conversation:
    """A conversation in this channel, begun by this message; in others' threads it listens to mentions only.

    `title` is the name of a thread that was opened for it.
    """
    guild_id = message.guild.id if message.guild else None
    at = message.created_at.timestamp()
    if isinstance(message.channel, discord.Thread):
        return joined(channel_id, message.channel, message.author.id, at, guild_id)
    parent_id = message.channel.id if message.guild else None
    return Conversation(channel_id, guild_id, message.author.id, title=title, created_at=at, parent_id=parent_id)


def _listening(conversation: Conversation) -> Conversation:
    return replace(conversation, listen=Listen.ALL)


def _place(message: discord.Message, known: Conversation | None) -> Place:
    if message.guild is None:
        return Place.DM
    if known is not None:
        return Place.CONVERSATION
    return Place.OTHER_THREAD if isinstance(message.channel, discord.Thread) else Place.CHANNEL


async def setup(client: Client) -> None:
    await client.add_cog(Chat(client))
