"""Reactions: who put which emoji on a message."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from bot.playground.discord import errors, limits
from bot.playground.discord.errors import ApiError
from bot.playground.discord.membership import ThreadMembership
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, Message, Reaction, User
from bot.playground.discord.views_message import reaction_event

_CUSTOM = re.compile(r"(\w{2,32}):(\d{1,20})")
_EMOJI_CATEGORIES = frozenset({"So", "Sk", "Mn", "Me", "Cf", "Sm"})
_KEYCAP = "\u20e3"


class ReactionVerbs(ThreadMembership):
    """Adding, removing and listing reactions. `emoji` is a Unicode emoji or `name:id`, percent-encoded or not."""

    def add_reaction(self, actor: int, channel_id: int, message_id: int, emoji: str) -> None:
        """React. The first use of an emoji on a message needs Add Reactions; joining in does not."""
        channel, message = self._reactable(actor, channel_id, message_id)
        wanted = read_emoji(emoji)
        reaction = _find(message, wanted)
        if reaction is None:
            self.require(actor, channel, Permission.ADD_REACTIONS)
            if len(message.reactions) >= limits.REACTIONS:
                raise ApiError(*errors.TOO_MANY_REACTIONS)
            reaction = wanted
            message.reactions.append(reaction)
        if actor not in reaction.users:
            reaction.users.append(actor)
            self.publish("MESSAGE_REACTION_ADD", reaction_event(self, message, reaction, actor), channel)

    def remove_reaction(
        self, actor: int, channel_id: int, message_id: int, emoji: str, user_id: int | None = None
    ) -> None:
        """Take back one's own reaction, or with Manage Messages somebody else's."""
        channel, message = self._reactable(actor, channel_id, message_id)
        user_id = actor if user_id is None else user_id
        if user_id != actor:
            self.require(actor, channel, Permission.MANAGE_MESSAGES)
        reaction = _find(message, read_emoji(emoji))
        if reaction is None:
            raise ApiError(*errors.UNKNOWN_EMOJI)
        if user_id in reaction.users:
            reaction.users.remove(user_id)
            if not reaction.users:
                message.reactions.remove(reaction)
            self.publish("MESSAGE_REACTION_REMOVE", reaction_event(self, message, reaction, user_id), channel)

    def clear_reactions(self, actor: int, channel_id: int, message_id: int, emoji: str | None = None) -> None:
        """Remove every reaction, or all with one emoji; needs Manage Messages."""
        channel, message = self._reactable(actor, channel_id, message_id)
        self.require(actor, channel, Permission.MANAGE_MESSAGES)
        place = {"channel_id": str(channel_id), "message_id": str(message_id)}
        if channel.guild_id is not None:
            place["guild_id"] = str(channel.guild_id)
        if emoji is None:
            message.reactions = []
            self.publish("MESSAGE_REACTION_REMOVE_ALL", {**place}, channel)
            return
        reaction = _find(message, read_emoji(emoji))
        if reaction is None:
            raise ApiError(*errors.UNKNOWN_EMOJI)
        message.reactions.remove(reaction)
        shown = {"id": None if reaction.emoji_id is None else str(reaction.emoji_id), "name": reaction.name}
        self.publish("MESSAGE_REACTION_REMOVE_EMOJI", {**place, "emoji": {**shown}}, channel)

    def reacting_users(self, actor: int, channel_id: int, message_id: int, emoji: str) -> list[User]:
        """Who reacted with one emoji, in the order of their ids."""
        self.channel_for(actor, channel_id)
        reaction = _find(self.message(channel_id, message_id), read_emoji(emoji))
        return [self.user(user) for user in sorted(reaction.users)] if reaction else []

    def _reactable(self, actor: int, channel_id: int, message_id: int) -> tuple[Channel, Message]:
        channel = self.channel(channel_id)
        self.require(actor, channel, Permission.READ_MESSAGE_HISTORY)
        message = self.message(channel_id, message_id)
        if channel.thread is not None:
            self._refuse_archived(channel.thread)
        return channel, message


def read_emoji(written: str) -> Reaction:
    """An emoji as a path names it, without any user; anything else is an Unknown Emoji."""
    text = unquote(written)
    if custom := _CUSTOM.fullmatch(text):
        return Reaction(custom[1], int(custom[2]))
    symbols = any(unicodedata.category(letter) in _EMOJI_CATEGORIES or letter == _KEYCAP for letter in text)
    if not symbols or len(text) > 16 or any(letter.isspace() or letter.isalpha() for letter in text):
        raise ApiError(*errors.UNKNOWN_EMOJI)
    return Reaction(text)


def _find(message: Message, wanted: Reaction) -> Reaction | None:
    for reaction in message.reactions:
        if (reaction.name, reaction.emoji_id) == (wanted.name, wanted.emoji_id):
            return reaction
        if wanted.emoji_id is not None and reaction.emoji_id == wanted.emoji_id:
            return reaction
    return None
