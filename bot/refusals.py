"""Turns what discord.py raises into our own errors, which say whether trying again makes sense.

This module knows nothing of what was asked of Discord.
"""

from __future__ import annotations

import aiohttp
import discord

from bot.errors import ChannelGone, FilesRefused, MessageGone, MessageTooOld, RetryLater, ShowError

ARCHIVED = 50083

TIME_OVER = "Discord lets me write here for a quarter of an hour only, and that is over. Please press Retry."

_FINAL = {
    50001: "I can no longer see it: a server admin can give me the permission **View Channel** there again.",
    50013: "I may no longer write there: a server admin can give me the permissions **Send Messages** and "
    "**Send Messages in Threads** again.",
    ARCHIVED: "The thread is archived and I may not open it again: a moderator can.",
    160005: "The thread is locked: a moderator can unlock it.",
    10015: TIME_OVER,
    50027: TIME_OVER,
    40094: "Discord takes only five more messages below the first where I am not a member.",
    200000: "A rule of the server's AutoMod blocked it: a server admin can make an exception for me.",
    240000: "Discord considers a link in it harmful and refuses the message.",
}
"""Discord's error codes after which trying again is useless, as sentences."""

_FILES_REFUSED = frozenset({40005, 50013, 50035})  # too large, no permission to attach files, an invalid form
"""Discord's error codes after which a message with files may still pass without them."""


class Refusals:
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
