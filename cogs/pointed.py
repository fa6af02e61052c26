"""The message that somebody points at in its menu, and what of it can be read."""

from __future__ import annotations

from collections.abc import Iterator

import discord

from bot.earlier import Earlier, pointed_at, without_small_print
from bot.errors import ForUser
from bot.incoming import is_blank, readable

NOTHING = "There is nothing in this message that I can read. Please choose one with text, code or a file."
SYSTEM = "This is a line of Discord's own. Please choose a message that somebody wrote."


class Pointed:
    """A message as it was when somebody pointed at it. Raises ForUser where there is nothing to ask about."""

    def __init__(self, message: discord.Message, me: discord.abc.User | None) -> None:
        if message.is_system() or message.type is discord.MessageType.thread_starter_message:
            raise ForUser(SYSTEM)
        is_ours = me is not None and message.author.id == me.id
        names = {user.id: user.display_name for user in message.mentions}
        text = "\n\n".join(filter(None, _texts(message)))
        text = readable(text, names, me=me.id if me else 0)
        self.message = message
        self.text = without_small_print(text) if is_ours else text
        self.files = (*message.attachments, *(file for copy in message.message_snapshots for file in copy.attachments))
        if self.is_blank and not self.files:
            raise ForUser(NOTHING)
        self.quoted = pointed_at(Earlier(message.author.display_name, self.text, is_ours=is_ours))
        """The message as the model reads it."""

    @property
    def is_blank(self) -> bool:
        """Whether only its files say something."""
        return is_blank(self.text)

    @property
    def headline(self) -> str:
        """What names it: its text, or its first file."""
        return self.files[0].filename if self.is_blank else self.text


def _texts(message: discord.Message) -> Iterator[str]:
    """What can be read of a message: its words, those of messages it forwards, and where there are none its embeds'."""
    yield message.content
    for copy in message.message_snapshots:
        yield copy.content
    if is_blank(message.content) and not message.message_snapshots:
        for embed in message.embeds:
            yield embed.title or ""
            yield embed.description or ""
            for field in embed.fields:
                yield f"{field.name}: {field.value}"
