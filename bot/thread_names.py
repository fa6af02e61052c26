"""Reads and changes the names of Discord's threads with discord.py; the port of `bot/naming.py`.

It knows nothing of conversations, nor of where names come from.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import discord

from bot.errors import ForUser, RetryLater, describe
from bot.impatience import impatient

log = logging.getLogger(__name__)

_SECONDS = 10.0
"""How long Discord may take to answer."""

GONE = "I cannot see this thread any more, so I could not rename it."
NOT_ALLOWED = (
    "I may not rename this thread. A server admin can give me the permission **Manage Threads**, "
    "or its name can be changed in its menu."
)
REFUSED = "Discord does not accept this name. Please choose another one."
UNREACHABLE = "Discord did not answer, so the thread keeps its name. Please try again in a moment."


class Threads:
    """The names of the threads that a client sees."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def read(self, thread_id: int) -> str | None:
        """A thread's name; None where it cannot be seen, or is no thread."""
        thread = self._client.get_channel(thread_id)
        try:
            if thread is None:
                async with asyncio.timeout(_SECONDS):
                    with impatient():
                        thread = await self._client.fetch_channel(thread_id)
        except (discord.DiscordException, aiohttp.ClientError, OSError, RetryLater) as error:
            log.debug("a thread's name could not be read: %s", describe(error))
        return thread.name if isinstance(thread, discord.Thread) else None

    async def change(self, thread_id: int, name: str) -> None:
        """Rename a thread. Raises RetryLater at once where Discord takes no more now, and ForUser where it refuses."""
        try:
            async with asyncio.timeout(_SECONDS):
                with impatient():
                    await self._client.http.edit_channel(thread_id, name=name)
        except discord.RateLimited as error:
            raise RetryLater(error.retry_after) from error
        except discord.Forbidden as error:
            raise ForUser(NOT_ALLOWED) from error
        except discord.NotFound as error:
            raise ForUser(GONE) from error
        except discord.DiscordServerError as error:
            raise ForUser(UNREACHABLE) from error
        except discord.HTTPException as error:
            raise ForUser(REFUSED) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ForUser(UNREACHABLE) from error
