"""Whether a person lets a tool be used: asks with buttons, waits, and remembers what is allowed in a thread.

Only the person whose question is being answered is asked, and only they decide.
No answer in time is a no. What was allowed in a thread is forgotten when the
process ends. This module knows nothing of Discord or of what tools do.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from weakref import WeakValueDictionary

from bot.errors import ForUser, describe
from bot.messages import JsonObject
from bot.tools import Asking

log = logging.getLogger(__name__)

SECONDS = 180.0
"""How long a person has to decide."""
OVER = "This has been decided already, or its answer has ended."
NOT_YOURS = "Only the person who asked the question can decide this."
_MOST_THREADS = 10_000


class Verdict(StrEnum):
    """What a person says."""

    ONCE = "once"
    THREAD = "thread"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Wish:
    """A tool that is to be used: `about` in some words, `arguments` whole."""

    token: str
    """Names the wish in the buttons; nobody can guess it."""
    asker_id: int
    tool: str
    about: str
    arguments: JsonObject = field(repr=False)
    place: int | None = None
    """What it would read although not everybody can who can see the answer; None where that is not why it is asked."""


class Questions(Protocol):
    """Shows wishes with their three buttons."""

    async def show(self, channel_id: int, wish: Wish) -> int:
        """Show a wish; returns the message's id. Raises what it likes."""
        ...

    async def take_down(self, channel_id: int, message_id: int) -> None:
        """Delete the message of a wish. Raises what it likes."""
        ...


class Consents:
    """Asks people; implements what a Toolbox asks for."""

    def __init__(self, questions: Questions, *, seconds: float = SECONDS) -> None:
        self._questions = questions
        self._seconds = seconds
        self._open: dict[str, tuple[int, asyncio.Future[Verdict]]] = {}
        self._allowed: dict[tuple[int, int, str, int | None], None] = {}
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """One for each conversation in which somebody is being asked."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def allows(
        self, asking: Asking, name: str, about: str, arguments: JsonObject, place: int | None = None
    ) -> bool:
        """Whether the asker allows one call; asked one after the other in a conversation.

        Where it is asked because of a `place`, what is allowed in the thread holds for this place alone.
        """
        allowed = (asking.conversation_id, asking.asker_id, name, place)
        async with self._turns.setdefault(asking.conversation_id, asyncio.Lock()):
            if allowed in self._allowed:
                return True
            wish = Wish(secrets.token_hex(8), asking.asker_id, name, about, arguments, place)
            verdict = await self._ask(asking.conversation_id, wish)
            if verdict is Verdict.THREAD:
                self._allowed[allowed] = None
                while len(self._allowed) > _MOST_THREADS:
                    del self._allowed[next(iter(self._allowed))]
            return verdict is not Verdict.DENY

    def is_open(self, token: str) -> bool:
        """Whether somebody waits for this wish's decision."""
        return token in self._open

    def decide(self, token: str, user_id: int, verdict: Verdict) -> None:
        """Take a person's decision. Raises ForUser where it is not theirs, or nothing waits for it."""
        asker_id, decided = self._open.get(token, (0, None))
        if decided is None or decided.done():
            raise ForUser(OVER)
        if user_id != asker_id:
            raise ForUser(NOT_YOURS)
        decided.set_result(verdict)

    async def aclose(self) -> None:
        """Wait a little until the messages of wishes that are over are deleted."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)

    async def _ask(self, channel_id: int, wish: Wish) -> Verdict:
        """Show a wish and wait; whatever keeps it from being decided is a no."""
        decided: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._open[wish.token] = (wish.asker_id, decided)
        try:
            message_id = await self._questions.show(channel_id, wish)
        except Exception as error:  # noqa: BLE001 - where nobody can be asked, nobody has allowed it
            log.warning("a wish could not be shown in channel %d: %s", channel_id, describe(error))
            self._open.pop(wish.token)
            return Verdict.DENY
        except asyncio.CancelledError:
            self._open.pop(wish.token)
            raise
        try:
            async with asyncio.timeout(self._seconds):
                return await decided
        except TimeoutError:
            return Verdict.DENY
        finally:
            self._open.pop(wish.token)
            self._spawn(self._take_down(channel_id, message_id))

    async def _take_down(self, channel_id: int, message_id: int) -> None:
        with suppress(asyncio.CancelledError):
            try:
                await self._questions.take_down(channel_id, message_id)
            except Exception as error:  # noqa: BLE001 - a message that stays says, when pressed, that it is over
                log.info("a wish could not be taken down in channel %d: %s", channel_id, describe(error))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
