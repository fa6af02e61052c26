"""Puts pages onto Discord with discord.py, and turns Discord's refusals into our own errors.

Implements the live renderer's port, the queue's marks and the letters to people
whose answer cannot be shown. It knows nothing of conversations or models: a page
in, a message id out.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import discord

from bot.errors import ChannelGone, FilesRefused, MessageGone, MessageTooOld, RetryLater, ShowError, describe
from bot.render.buckets import Kind
from bot.render.page import Control, Page
from bot.render.traffic import TICKET, Ticket

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

_ARCHIVED = 50083

_FINAL = {
    50001: "I can no longer see it: a server admin can give me the permission **View Channel** there again.",
    50013: "I may no longer write there: a server admin can give me the permissions **Send Messages** and "
    "**Send Messages in Threads** again.",
    _ARCHIVED: "The thread is archived and I may not open it again: a moderator can.",
    160005: "The thread is locked: a moderator can unlock it.",
    200000: "A rule of the server's AutoMod blocked it: a server admin can make an exception for me.",
    240000: "Discord considers a link in it harmful and refuses the message.",
}
"""Discord's error codes after which trying again is useless, as sentences."""

_TOKEN_SECONDS = 14 * 60.0
"""How long an interaction's token is used. Discord, 'Receiving and Responding to Interactions': good for 15 minutes."""


_FILES_REFUSED = frozenset({40005, 50013, 50035})  # too large, no permission to attach files, an invalid form
"""Discord's error codes after which a message with files may still pass without them."""


def custom_id(control: Control, turn_id: int) -> str:
    """The button's identity on Discord; it alone must suffice to act on a click after a restart."""
    return f"cogitor:{control.value}:{turn_id}"


@dataclass(frozen=True, slots=True)
class _Lent:
    """An interaction on a message, by whose token the message can be edited until `ends` (monotonic seconds)."""

    interaction: discord.Interaction[Any]
    ends: float


class Poster:
    """Sends, edits and deletes messages by id. It keeps no state of them but the tokens that are lent to it."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._lent: dict[int, _Lent] = {}

    def lend(self, interaction: discord.Interaction[Any]) -> None:
        """Use the token of a deferred click on a button for edits of the button's message, as long as it is good."""
        now = time.monotonic()
        self._lent = {message_id: lent for message_id, lent in self._lent.items() if now < lent.ends}
        if interaction.message is not None:
            self._lent[interaction.message.id] = _Lent(interaction, now + _TOKEN_SECONDS)

    def has_token(self, message_id: int) -> bool:
        """Whether a token is at hand to edit the message with."""
        lent = self._lent.get(message_id)
        return lent is not None and time.monotonic() < lent.ends

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

    async def edit(
        self, channel_id: int, message_id: int, page: Page, *, turn_id: int, with_token: bool = False
    ) -> None:
        """Let a message show a page. A token that is refused is forgotten, and the bot's own used instead."""
        if with_token and await self._edit_with_token(message_id, page, turn_id):
            return
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)

        def edit() -> Awaitable[object]:
            return message.edit(content=page.content, view=_view(page, turn_id), attachments=_files(page))

        await self._in_open_thread(channel_id, edit, with_files=bool(page.files))

    async def _edit_with_token(self, message_id: int, page: Page, turn_id: int) -> bool:
        """Edit with the token that was lent for a message; one that is refused is forgotten. False if it was."""
        lent = self._lent.pop(message_id, None)
        if lent is None:
            return False
        edit = lent.interaction.edit_original_response
        async with _Refusals():
            try:
                await edit(content=page.content, view=_view(page, turn_id), attachments=_files(page))
            except discord.HTTPException as refusal:
                if refusal.status == 429 or refusal.status >= 500:
                    raise
                return False
        self._lent[message_id] = lent
        return True

    async def delete(self, channel_id: int, message_id: int) -> None:
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        await self._in_open_thread(channel_id, message.delete)

    async def typing(self, channel_id: int) -> None:
        async with _Refusals():
            await self._client.http.send_typing(channel_id)

    async def waiting(self, channel_id: int, message_id: int, waits: bool) -> None:
        """Mark a question that waits, or take the mark away; best effort, for a mark is only a courtesy."""
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            async with asyncio.timeout(10):
                with impatient():
                    if waits:
                        await message.add_reaction(WAITING)
                    elif self._client.user is not None:
                        await message.remove_reaction(WAITING, self._client.user)
        except (discord.DiscordException, aiohttp.ClientError, OSError, RetryLater) as error:
            log.debug("a waiting mark was not possible: %s", describe(error))

    async def tell(self, user_id: int, text: str) -> None:
        """Write to somebody privately; best effort, for people may refuse letters."""
        try:
            async with asyncio.timeout(10):
                with impatient():
                    channel = await self._client.create_dm(discord.Object(user_id))
                    await channel.send(text)
        except (discord.DiscordException, aiohttp.ClientError, OSError, RetryLater) as error:
            log.warning("somebody could not be told that their answer is not shown: %s", describe(error))

    async def _in_open_thread(
        self, channel_id: int, work: Callable[[], Awaitable[object]], *, with_files: bool = False
    ) -> None:
        """Do something in a channel; a thread that was archived meanwhile is opened again for it."""
        async with _Refusals(with_files=with_files):
            try:
                await work()
            except discord.HTTPException as refusal:
                if refusal.code != _ARCHIVED or not await self._reopen(channel_id):
                    raise
                await work()

    async def _reopen(self, channel_id: int) -> bool:
        """Take a thread out of the archive; False if that is not allowed."""
        try:
            thread = await self._client.fetch_channel(channel_id)
            if not isinstance(thread, discord.Thread):
                return False
            await thread.edit(archived=False)
        except discord.Forbidden:
            return False
        return True


@contextmanager
def impatient() -> Generator[None]:
    """Let a 429 be raised at once: discord.py would wait, and being cancelled while it does may block it for good."""
    token = TICKET.set(Ticket((0, Kind.SEND), is_used=True))
    try:
        yield
    finally:
        TICKET.reset(token)


def _allowed_mentions(page: Page) -> discord.AllowedMentions | None:
    """Exactly the one who is to be notified; None leaves it at the client's rule, which is nobody."""
    return discord.AllowedMentions(users=[discord.Object(page.notifies)]) if page.notifies is not None else None


def _files(page: Page) -> list[discord.File]:
    return [discord.File(io.BytesIO(file.data), file.name) for file in page.files]


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
            case discord.HTTPException(code=10003):
                raise ChannelGone("The channel or thread was deleted.") from error
            case discord.HTTPException(code=30046):
                raise MessageTooOld("Discord takes no more edits of this message.") from error
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
