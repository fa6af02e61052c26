"""Gives threads their titles: once after the first answer, and whenever its people wish.

A thread that we opened is named from its question at once. When an answer has
ended, a small request to the same model makes a title, beside the answers'
path and in its own time; whatever goes wrong with it, the thread keeps the name
it has. This module knows nothing of Discord: threads have names, and a port
reads and changes them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from bot.assemble import StepAssembler
from bot.choosing import choose
from bot.effort import offered
from bot.errors import ForUser, ModelError, RetryLater, describe
from bot.guild import GuildSettings
from bot.keys import Keys
from bot.limits import Bill, caps
from bot.messages import Conversation, Said, Text, Turn, TurnStatus
from bot.model import Catalogue, Key, Model, ModelRequest
from bot.store import Store
from bot.titles import SYSTEM, clean_title, question_for_title

log = logging.getLogger(__name__)

TITLE_SECONDS = 45.0
"""How long a model may take for a title; a reasoning model thinks first."""
ROOM_FOR_TITLE = 100
"""Tokens of a title, amply."""
ROOM_FOR_THOUGHT = 2_000
"""Tokens for the thoughts of a model that cannot do without."""

MOST_RENAMES, RENAME_SECONDS = 2, 600.0
"""New names that Discord takes of a thread within so many seconds. Not documented and in no header, but measured."""

NO_TITLE = "The model did not come up with a title. Please try again, or give me one: `/title text:`"
NOTHING_YET = "There is no answer yet to make a title from. Please ask me something first, or use `/title text:`."
ALREADY = "I am making a title already. Please wait a moment."


class ThreadNames(Protocol):
    """The names of threads, as people see them."""

    async def read(self, thread_id: int) -> str | None:
        """A thread's name; None where it cannot be seen, or is no thread. Never raises."""
        ...

    async def change(self, thread_id: int, name: str) -> None:
        """Rename a thread. Raises RetryLater where Discord takes no more now, and ForUser where it refuses."""
        ...


@dataclass(frozen=True, slots=True)
class NamingDefaults:
    """The operator's choices. `automatic`: threads get titles unasked."""

    model: str
    fallbacks: tuple[str, ...] = ()
    automatic: bool = True


class Naming:
    """Names threads, one request at a time for each. `clock` counts monotonic seconds."""

    def __init__(
        self,
        store: Store,
        model: Model,
        catalogue: Catalogue,
        keys: Keys,
        names: ThreadNames,
        defaults: NamingDefaults,
        *,
        settings_of: Callable[[int | None, Collection[int]], Awaitable[GuildSettings]],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._model = model
        self._catalogue = catalogue
        self._keys = keys
        self._names = names
        self._defaults = defaults
        self._settings_of = settings_of
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work: set[int] = set()
        self._renamed: dict[int, tuple[float, ...]] = {}

    def answered(self, turn_id: int) -> None:
        """An answer has ended: its thread gets its title, in the background, if it is due."""
        if self._defaults.automatic:
            task = asyncio.create_task(self._name_once(turn_id))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def aclose(self) -> None:
        """Give up the titles that are being made, and close their connections."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def invent(self, conversation: Conversation) -> str:
        """A title from how a conversation began and where it is now. Raises ForUser where none can be had."""
        turns = await self._store.turns(conversation.id, since=conversation.first_turn_id)
        answered = [turn for turn in turns if turn.text.strip()]
        if not answered:
            raise ForUser(NOTHING_YET)
        title = await self._alone(conversation.id, self._ask(conversation, (*answered[:1], *answered[1:][-1:])))
        if title is None:
            raise ForUser(NO_TITLE)
        return title

    def check_may_rename(self, thread_id: int) -> None:
        """Raise RetryLater where Discord is known to refuse a new name for this thread now."""
        now = self._clock()
        self._renamed = {
            known: times for known, times in self._renamed.items() if any(now - at < RENAME_SECONDS for at in times)
        }
        recent = [at for at in self._renamed.get(thread_id, ()) if now - at < RENAME_SECONDS]
        if len(recent) >= MOST_RENAMES:
            raise RetryLater(RENAME_SECONDS - (now - recent[-MOST_RENAMES]))

    async def rename(self, conversation_id: int, name: str) -> None:
        """Name a thread, for good: it is not renamed unasked afterwards. Raises RetryLater and ForUser."""
        await self._store.take_first_name(conversation_id)
        if await self._still_named(conversation_id, name):
            return  # Discord would count it all the same
        self.check_may_rename(conversation_id)
        await self._names.change(conversation_id, name)
        self._renamed[conversation_id] = (*self._renamed.get(conversation_id, ()), self._clock())

    async def _name_once(self, turn_id: int) -> None:
        turn = await self._store.turn(turn_id)
        conversation = await self._store.conversation(turn.conversation_id) if turn else None
        if turn is None or conversation is None or not _is_due(turn, conversation):
            return
        # Taken before anything is paid or renamed: a crash costs the title, but nothing ever happens twice.
        first_name = await self._store.take_first_name(conversation.id)
        guild = await self._settings_of(conversation.guild_id, turn.roles)
        if first_name is None or not guild.titles or await self._has_answered_before(turn):
            return
        if not await self._still_named(conversation.id, first_name):
            return
        title = await self._alone(conversation.id, self._ask(conversation, (turn,)))
        if title is not None and title != first_name and await self._still_named(conversation.id, first_name):
            await self.rename(conversation.id, title)

    async def _has_answered_before(self, turn: Turn) -> bool:
        turns = await self._store.turns(turn.conversation_id)
        return any(other.status is TurnStatus.DONE and other.id < turn.id for other in turns)

    async def _still_named(self, thread_id: int, name: str) -> bool:
        """Whether nobody has renamed the thread meanwhile."""
        return await self._names.read(thread_id) == name

    async def _alone(self, conversation_id: int, work: Coroutine[Any, Any, str | None]) -> str | None:
        """Await work that a conversation has going only once. Raises ForUser if it has already."""
        if conversation_id in self._at_work:
            work.close()
            raise ForUser(ALREADY)
        self._at_work.add(conversation_id)
        try:
            return await work
        finally:
            self._at_work.discard(conversation_id)

    async def _ask(self, conversation: Conversation, turns: Sequence[Turn]) -> str | None:
        """Let the conversation's model name it, and enter what that cost; None where it gave no title.

        Raises ForUser where no model may be asked, as KeyUnusable where the server's own key cannot be read, and
        LimitExceeded where its limits leave nothing.
        """
        key = await self._keys.of(conversation.guild_id)
        guild = await self._settings_of(conversation.guild_id, turns[-1].roles)
        request = self._request(conversation, turns, guild, key)
        assembler = StepAssembler(self._clock)
        try:
            async with asyncio.timeout(TITLE_SECONDS), aclosing(self._model.stream(request)) as events:
                async for event in events:
                    assembler.apply(event)
        except (ModelError, TimeoutError) as error:
            log.info("conversation %d: no title: %s", conversation.id, describe(error))
            return None
        return clean_title(assembler.snapshot().text)

    def _request(
        self, conversation: Conversation, turns: Sequence[Turn], guild: GuildSettings, key: Key | None
    ) -> ModelRequest:
        choice = choose(
            conversation.model,
            defaults=tuple(filter(None, (guild.model, self._defaults.model))),
            fallbacks=self._defaults.fallbacks,
            permitted=guild.allowed_models,
            catalogue=self._catalogue,
        )
        if choice.refusal is not None:
            raise ForUser(choice.refusal)
        info = self._catalogue.get(choice.model)
        effort = next(iter(offered(info, guild.max_effort)), None)
        thinks = info is None or (info.reasons and effort != "none")
        question = Said(0, turns[-1].asker_id, "", (Text(question_for_title(turns)),), 0.0)
        return ModelRequest(
            model=choice.model,
            system=SYSTEM,
            turns=(Turn(0, conversation.id, (question,)),),
            session_id=f"cogitor-{conversation.id}-title",  # of its own, so that the conversation's cache stays warm
            fallbacks=choice.fallbacks,
            effort=effort,
            max_output_tokens=ROOM_FOR_TITLE + (ROOM_FOR_THOUGHT if thinks else 0),
            key=key,
            bill=_bill(conversation, turns[-1], guild),
            data_policy=guild.data_policy,
            name_speakers=False,
        )

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, RetryLater | ForUser | OSError | TimeoutError):
            log.debug("a thread keeps its name: %s", describe(error))
        else:
            log.error("a title could not be made: %s", describe(error))


def _bill(conversation: Conversation, turn: Turn, guild: GuildSettings) -> Bill:
    counted = caps(guild)
    return Bill(
        turn.id,
        conversation.id,
        conversation.guild_id,
        turn.asker_id,
        counted,
        dms_count=guild.dms_count,
        is_title=True,
    )


def _is_due(turn: Turn, conversation: Conversation) -> bool:
    """Whether this answer may give its conversation a title: in a thread that we opened and have not renamed."""
    is_thread_of_ours = conversation.guild_id is not None and bool(conversation.title)
    return is_thread_of_ours and turn.status is TurnStatus.DONE and bool(turn.text.strip())
