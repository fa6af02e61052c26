"""Puts pages onto Discord with discord.py, and turns Discord's refusals into our own errors.

Implements the live renderer's port and the queue's marks. It knows nothing of
conversations or models: a page in, a message id out.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from typing import cast

import aiohttp
import discord

from bot.errors import FilesRefused, MessageGone, RetryLater, ShowError, describe
from bot.render.page import Control, Page

log = logging.getLogger(__name__)

WAITING = "⏳"

_STYLES = {
    Control.STOP: discord.ButtonStyle.danger,
    Control.RETRY: discord.ButtonStyle.secondary,
    Control.CONTINUE: discord.ButtonStyle.primary,
    Control.REASONING: discord.ButtonStyle.secondary,
    Control.SOURCE: discord.ButtonStyle.secondary,
    Control.REPLY: discord.ButtonStyle.primary,
}

_FINAL = {
    10003: "The thread was deleted.",
    50001: "I can no longer see this channel.",
    50013: "I am not allowed to send messages here.",
    50083: "The thread is archived.",
    160005: "The thread is locked.",
}
"""Discord's error codes after which trying again is useless, as sentences."""


_FILES_REFUSED = frozenset({40005, 50013, 50035})  # too large, no permission to attach files, an invalid form
"""Discord's error codes after which a message with files may still pass without them."""


def custom_id(control: Control, turn_id: int) -> str:
    """The button's identity on Discord; it alone must suffice to act on a click after a restart."""
    return f"cogitor:{control.value}:{turn_id}"


class Poster:
    """Sends, edits and deletes messages by id, without keeping any state of them."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def send(self, channel_id: int, page: Page, *, nonce: str, reply_to: int | None, turn_id: int) -> int:
        """Send a page once, however often this is called with the same nonce within minutes. Returns its id.

        For a nonce that it knows Discord gives the message it made before, which may show an older page.
        Files are attached by `edit` alone.
        """
        channel = self._client.get_partial_messageable(channel_id)
        reference = None
        if reply_to is not None:
            reference = channel.get_partial_message(reply_to).to_reference(fail_if_not_exists=False)
        send = cast(
            Callable[..., Awaitable[discord.Message]], channel.send
        )  # its overloads refuse None for what may be absent
        async with _Refusals():
            message = await send(
                page.content,
                view=_view(page, turn_id),
                nonce=nonce,
                reference=reference,
                mention_author=False,
                allowed_mentions=_allowed_mentions(page),
            )
        if not _shows(message, page, turn_id):
            await self.edit(channel_id, message.id, page, turn_id=turn_id)
        return message.id

    async def edit(self, channel_id: int, message_id: int, page: Page, *, turn_id: int) -> None:
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        async with _Refusals(with_files=bool(page.files)):
            files = [discord.File(io.BytesIO(file.data), file.name) for file in page.files]
            await message.edit(content=page.content, view=_view(page, turn_id), attachments=files)

    async def delete(self, channel_id: int, message_id: int) -> None:
        async with _Refusals():
            await self._client.get_partial_messageable(channel_id).get_partial_message(message_id).delete()

    async def typing(self, channel_id: int) -> None:
        async with _Refusals():
            await self._client.http.send_typing(channel_id)

    async def waiting(self, channel_id: int, message_id: int, waits: bool) -> None:
        """Mark a question that waits, or take the mark away; best effort, for a mark is only a courtesy."""
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            async with asyncio.timeout(10):
                if waits:
                    await message.add_reaction(WAITING)
                elif self._client.user is not None:
                    await message.remove_reaction(WAITING, self._client.user)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.debug("a waiting mark was not possible: %s", describe(error))


def _allowed_mentions(page: Page) -> discord.AllowedMentions | None:
    """Exactly the one who is to be notified; None leaves it at the client's rule, which is nobody."""
    return discord.AllowedMentions(users=[discord.Object(page.notifies)]) if page.notifies is not None else None


def _view(page: Page, turn_id: int) -> discord.ui.View | None:
    """The page's buttons. Clicks are found by custom id, so the view is never kept in memory (`stop`)."""
    if not page.controls:
        return None
    view = discord.ui.View(timeout=None)
    for control in page.controls:
        view.add_item(
            discord.ui.Button(
                label=control.value.title(), style=_STYLES[control], custom_id=custom_id(control, turn_id)
            )
        )
    view.stop()
    return view


def _shows(message: discord.Message, page: Page, turn_id: int) -> bool:
    """Whether a message shows a page; Discord trims white space at both ends."""
    ids = [
        button.custom_id
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for button in row.children
        if isinstance(button, discord.Button)
    ]
    wanted = [custom_id(control, turn_id) for control in page.controls]
    return message.content.strip() == page.content.strip() and ids == wanted


class _Refusals:
    """Turns what discord.py raises into errors that say whether trying again makes sense."""

    def __init__(self, *, with_files: bool = False) -> None:
        self._with_files = with_files

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        match error:
            case discord.RateLimited():
                raise RetryLater(error.retry_after) from error
            case discord.DiscordServerError():
                raise RetryLater(2.0) from error
            case discord.HTTPException(code=10008):
                raise MessageGone("The message was deleted.") from error
            case discord.HTTPException(status=429):
                raise RetryLater(10.0) from error
            case discord.HTTPException() if self._with_files and (error.status == 413 or error.code in _FILES_REFUSED):
                raise FilesRefused("Discord refused the files.") from error
            case aiohttp.ClientError():
                raise OSError(f"the connection to Discord failed ({type(error).__name__})") from error
            case discord.HTTPException():
                raise ShowError(_FINAL.get(error.code, "Discord refused the message.")) from error
            case _:
                pass
