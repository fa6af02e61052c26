"""Puts the wishes of tools onto Discord: a message with three buttons, which is deleted when it is decided.

Implements `bot/consents.py`'s port with discord.py. It decides nothing.
"""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import discord

from bot.consents import Verdict, Wish
from bot.messages import JsonObject
from bot.posting import Poster
from bot.render.inline import prefix_within

CONSENT = "consent"
"""How the buttons' ids begin."""
IN_PLACE = "a wish cannot be shown in place of an interaction"
_SECONDS = 15.0
_LONGEST_SHOWN = 1_200
"""UTF-16 units of the arguments that stand in the message itself."""
_LOOKS_EMPTY = "\u034f\u115f\u1160\u2800\u3164\uffa0"
"""Characters that count as printable and show nothing."""
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
        written = _exactly(wish.arguments)
        shown = written[: prefix_within(written, _LONGEST_SHOWN)]
        files = [] if shown == written else [discord.File(io.BytesIO(written.encode()), "arguments.json")]
        async with asyncio.timeout(_SECONDS):
            message = await self._client.get_partial_messageable(channel_id).send(
                _text(wish, shown, is_whole=shown == written),
                view=_view(wish.token),
                files=files,
                allowed_mentions=discord.AllowedMentions(users=[discord.Object(wish.asker_id)]),
            )
        return message.id

    async def take_down(self, channel_id: int, message_id: int) -> None:
        async with asyncio.timeout(_SECONDS):
            await self._client.get_partial_messageable(channel_id).get_partial_message(message_id).delete()


def _text(wish: Wish, shown: str, *, is_whole: bool) -> str:
    """The question: who decides, which tool, what it would read that not all may, and its arguments exactly."""
    rest = "" if is_whole else " All of it is in the file."
    tool = wish.tool.replace("`", "")[:64]
    wanted = f"may I use `{tool}` for this answer?"
    if wish.place is not None:
        wanted = (
            f"may I use `{tool}` to read <#{wish.place}> for this answer? That place is not open to everybody who can "
            "read this thread, and what is in it may appear in my answers here."
        )
    return f"<@{wish.asker_id}>, {wanted} I would call it with this.{rest}\n```json\n{shown}\n```"


def _exactly(arguments: JsonObject) -> str:
    """The arguments as JSON that cannot look like anything else.

    Whoever allows a call goes by what they see: what is invisible or turns text around is written as an escape,
    and so is the backtick, three of which would end the block on Discord.
    """
    written = json.dumps(arguments, indent=2, ensure_ascii=False)
    return "".join(letter if _is_plain(letter) else json.dumps(letter)[1:-1] for letter in written).replace(
        "`", "\\u0060"
    )


def _is_plain(letter: str) -> bool:
    return letter == "\n" or (letter.isprintable() and letter not in _LOOKS_EMPTY)


def _view(token: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for verdict, (label, style) in _LABELS.items():
        view.add_item(discord.ui.Button[Any](label=label, style=style, custom_id=f"{CONSENT}:{token}:{verdict}"))
    view.stop()
    return view
