"""Puts the wishes of tools onto Discord: a message with three buttons, which is deleted when it is decided.

Implements `bot/consents.py`'s port with discord.py. It decides nothing.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from typing import Any

import discord

from bot.consents import Verdict, Wish
from bot.posting import Poster

CONSENT = "consent"
"""How the buttons' ids begin."""
IN_PLACE = "a wish cannot be shown in place of an interaction"
_SECONDS = 15.0
_LONGEST_SHOWN = 1_200
_LABELS = {
    Verdict.ONCE: ("Allow once", discord.ButtonStyle.primary),
    Verdict.THREAD: ("Allow in this thread", discord.ButtonStyle.secondary),
    Verdict.DENY: ("Deny", discord.ButtonStyle.danger),
}


class DiscordQuestions:
    """Messages with buttons, which only their asker is notified of."""

    def __init__(self, client: discord.Client, poster: Poster) -> None:
        self._client = client
        self._poster = poster

    async def show(self, channel_id: int, wish: Wish) -> int:
        if self._poster.is_in_place(channel_id):
            raise LookupError(IN_PLACE)
        written = json.dumps(wish.arguments, indent=2, ensure_ascii=False)
        files = [discord.File(io.BytesIO(written.encode()), "arguments.json")] if len(written) > _LONGEST_SHOWN else []
        async with asyncio.timeout(_SECONDS):
            message = await self._client.get_partial_messageable(channel_id).send(
                _text(wish, written),
                view=_view(wish.token),
                files=files,
                allowed_mentions=discord.AllowedMentions(users=[discord.Object(wish.asker_id)]),
            )
        return message.id

    async def take_down(self, channel_id: int, message_id: int) -> None:
        async with asyncio.timeout(_SECONDS):
            await self._client.get_partial_messageable(channel_id).get_partial_message(message_id).delete()


def _text(wish: Wish, written: str) -> str:
    """The question: who decides, which tool, and with what exactly it is called."""
    shown = "All of it is in the file." if len(written) > _LONGEST_SHOWN else ""
    longest = max(map(len, re.findall(r"`{3,}", written)), default=2)
    fence = "`" * (longest + 1)
    block = f"{fence}json\n{written[:_LONGEST_SHOWN]}\n{fence}"
    tool = wish.tool.replace("`", "")[:64]
    return f"<@{wish.asker_id}>, may I use `{tool}` for this answer? I would call it with this. {shown}\n{block}"


def _view(token: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for verdict, (label, style) in _LABELS.items():
        view.add_item(discord.ui.Button[Any](label=label, style=style, custom_id=f"{CONSENT}:{token}:{verdict}"))
    view.stop()
    return view
