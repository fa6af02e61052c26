"""One running answer: asks the engine, keeps what comes, and shows it.

Reading the model never waits for Discord or for the database: events go to the
live reply as they come, and a second task writes the draft down as it is shown.
This module knows nothing of queues, of Discord or of SQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from enum import Enum, auto

from bot.choosing import answers_for, choose
from bot.context import Fit, fit, lighten
from bot.engine import Draft, Engine
from bot.errors import ChannelGone, MessageGone, ModelError, ModelFault, ShowError, ShutDown, describe
from bot.events import Answered, Ended, Noticed, ReplyEvent, StartedOver
from bot.guild import GuildSettings
from bot.messages import Conversation, ShowReasoning, Turn, TurnStatus
from bot.model import Catalogue, ModelRequest, short_name
from bot.persona import system_prompt
from bot.render.live import Live
from bot.render.reply import Reply
from bot.sight import TEXT_ONLY, abilities, has_files, left_out, says_nothing
from bot.store import Store
from bot.tools import Toolbox
from bot.window import room_for

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.5
"""How long what has come may go unsaved; what is shown is saved as it goes out. The promise is two seconds."""

SHOW_SECONDS = 120.0
"""How long to wait for Discord to show the end of an answer before going on without it."""

STORED_FIRST_SECONDS = 1.0
"""How long the end of an answer waits for the database before it is shown all the same."""

OUT_OF_TIME = "Discord lets me write here for a quarter of an hour only, so I had to stop."
TRIMMED = "This thread is longer than the model can read, so its oldest messages were left out."
LIGHTENED = "To make room, this thread's older images, PDFs and tool results are not shown to the model any more."
NOT_TAKEN = "The model's server did not take an image or a PDF of this thread, so I left them all out."
NO_WORDS = "There is nothing else in your message: please ask in words, or choose a model that can read it."
TOO_LONG = "This message is longer than the model can read. Please shorten it, or choose a model with a larger window."
UNEXPECTED = "Something went wrong on my side, and it has been logged. Please try again."
NOT_SAVED = "This answer could not be saved, so I will not remember it. Please tell the operator of this bot."


class Cut(Enum):
    """Why a running answer is cut short."""

    STOP = auto()  # somebody pressed Stop
    RESTART = auto()  # the question has changed, so that the answer is void
    LOST = auto()  # nobody can be shown anything of it
    SHUTDOWN = auto()  # the process ends
    WITHDRAWN = auto()  # the turn is gone from the store


_FINAL = (Cut.LOST, Cut.SHUTDOWN, Cut.WITHDRAWN)
"""After these an answer can be stopped or asked again no more."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for conversations and servers that choose nothing."""

    model: str
    fallbacks: tuple[str, ...] = ()
    needs_reply_button: bool = False
    """Discord does not let the bot read what members write, so answers carry a button to reply with."""


@dataclass(frozen=True, slots=True)
class Backstage:
    """What every answer works with. `clock` counts monotonic seconds."""

    store: Store
    engine: Engine
    live: Live
    catalogue: Catalogue
    defaults: Defaults
    tools: Toolbox
    clock: Callable[[], float]
    tell: Callable[[int, str], Awaitable[None]]
    """Writes to a user privately. Never raises."""
    seconds_left: Callable[[int], float | None]
    """How long an answer in a conversation may still take; None where it may take as long as it likes."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Answer:
    """The answer to one turn, from the first request to its last page on Discord.

    Its status line appears as soon as it is made; `run` does the rest.
    """

    def __init__(
        self,
        backstage: Backstage,
        turn: Turn,
        conversation: Conversation,
        guild: GuildSettings,
        *,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.turn = turn
        self.over = False
        """Whether it is decided how the answer ends; a question that grows later needs a new answer."""
        self.seen = False
        """Whether any of the answer's text has gone out to people."""
        self.concluded = asyncio.Event()
        """Set when the end is stored, so that the turn may be asked again."""
        self._backstage = backstage
        self._conversation = self._found = conversation
        self._bare = False
        self._guild = guild
        self._choice = choose(
            turn.model or conversation.model,
            defaults=tuple(filter(None, (guild.model, backstage.defaults.model))),
            fallbacks=backstage.defaults.fallbacks,
            permitted=guild.allowed_models,
            catalogue=backstage.catalogue,
        )
        self.remarks = remarks if self._choice.notice is None else (*remarks, self._choice.notice)
        self._model = self._choice.model
        self._info = backstage.catalogue.get(self._model)
        self._able = abilities(self._info, parses_pdfs=backstage.catalogue.speaks_openrouter)
        self._draft = Draft()
        self._notices: list[str] = []
        self._cut: Cut | None = None
        self._lost: BaseException | None = None
        self._asking: asyncio.Task[None] | None = None
        self._going_out = asyncio.Event()
        self._began = backstage.clock()
        self._reply = Reply(
            started_at=self._began,
            model=self._model,
            footer=guild.footer,
            reasoning_model=self._info is None or self._info.reasons,
            needs_reply_button=backstage.defaults.needs_reply_button and conversation.guild_id is not None,
            shows_reasoning=conversation.show_reasoning is ShowReasoning.SPOILER,
            asker_id=turn.asker_id,
        )
        self._shown = backstage.live.open(
            conversation.id,
            turn.id,
            self._reply,
            reply_to=None,
            pages=turn.pages,
            on_sent=self._remember_pages,
            on_going_out=self._going_out.set,
            on_lost=self._lose,
        )

    def cut(self, why: Cut) -> None:
        """Cut the answer short: its connection closes at once, and `run` goes on as `why` demands.

        An answer that is WITHDRAWN also disappears from Discord, even after its end.
        """
        if why is Cut.WITHDRAWN:
            self._reply.withdraw()
            self._shown.touch()
        elif self._cut in _FINAL:
            return
        self._cut = why
        if self._asking is not None:
            self._asking.cancel()

    async def run(self) -> None:
        """Answer. Returns when the end is stored and shown; never raises for what a model or Discord did."""
        try:
            ended = await self._until_it_ends()
        except asyncio.CancelledError:
            await self._conclude(self._ended(TurnStatus.INTERRUPTED))
            raise
        except Exception as error:  # noqa: BLE001 - the edge of one answer: the asker is told, the others go on
            log.error("turn %d: unexpected %s", self.turn.id, describe(error))
            ended = self._ended(TurnStatus.FAILED, UNEXPECTED)
        await self._conclude(ended)
        await self._until_shown()

    async def _until_shown(self) -> None:
        """Wait until the end is on Discord, or can never be; otherwise the next process brings it there."""
        try:
            async with asyncio.timeout(SHOW_SECONDS):
                await self._shown.finished()
        except TimeoutError as error:
            log.warning("turn %d: the end of the answer could not be shown: %s", self.turn.id, describe(error))
            return
        except ShutDown:
            return
        except ShowError as error:
            await self._tell_asker(error)
            await self._note_shown(is_channel_gone=isinstance(error, ChannelGone))
        else:
            await self._note_shown()

    def _lose(self, error: BaseException) -> None:
        """Nothing more can be shown: what nobody can read is not paid for."""
        self._lost = error
        if not self.over:
            self.cut(Cut.LOST)

    async def _tell_asker(self, error: ShowError) -> None:
        """Say privately why an answer does not appear, unless somebody deleted it or its place on purpose."""
        log.warning("turn %d: its answer cannot be shown in channel %d: %s", self.turn.id, self._conversation.id, error)
        is_meant = self._cut is Cut.WITHDRAWN or isinstance(error, ChannelGone | MessageGone)
        if self._conversation.guild_id is None or is_meant:
            return
        where = f"<#{self._conversation.id}>"
        await self._backstage.tell(self.turn.asker_id, f"I could not show you my answer in {where}. {error}")

    async def _conclude(self, ended: Ended) -> None:
        """Store the end and show it: stored first, so that the buttons find it, unless the database is slow."""
        self.over = True
        storing = asyncio.create_task(self._finish(ended))
        try:
            await asyncio.wait({storing}, timeout=STORED_FIRST_SECONDS)
            self._show(ended)
            if not await asyncio.shield(storing):
                self._show(Noticed(NOT_SAVED))
        finally:
            await asyncio.wait({storing})
            self.concluded.set()

    async def _until_it_ends(self) -> Ended:
        """Ask until there is an outcome; a question that grew, or that did not fit, is asked again."""
        await self._backstage.store.begin(self.turn.id)
        limit: int | None = None
        while True:
            if self._choice.refusal is not None:
                return self._ended(TurnStatus.FAILED, self._choice.refusal)
            for remark in self.remarks:
                self._show(Noticed(remark))
            turns = await self._read_turns()
            if self._cut is Cut.WITHDRAWN:
                return self._cut_short()
            unseen = self._unseen()
            if says_nothing(self.turn, self._able):
                return self._ended(TurnStatus.FAILED, " ".join((*unseen, NO_WORDS)))
            for remark in unseen:
                self._show(Noticed(remark))
            fitted, request = await self._plan(turns, limit)
            if fitted.too_long and limit is None and self._info is not None:
                return self._ended(TurnStatus.FAILED, TOO_LONG)
            self._tell_what_left()
            error = await self._ask(request)
            if self._cut is Cut.RESTART:
                self._cut = None
            elif self._failed(error, ModelFault.CONTEXT_FULL) and limit is None and len(fitted.turns) > 1:
                limit = fitted.tokens // 2
            elif self._failed(error, ModelFault.FILE_REFUSED) and not (
                self._bare or says_nothing(self.turn, TEXT_ONLY)
            ):
                self._bare = True
                await self._leave_behind(first_whole_turn_id=self.turn.id + 1)
            else:
                return self._outcome(error)
            self._start_over()

    async def _ask(self, request: ModelRequest) -> BaseException | None:
        """Ask once, unless the answer was cut before it began; returns what went wrong, a cancellation included."""
        if self._cut is not None:
            return asyncio.CancelledError()
        self._asking = asyncio.create_task(self._listen(request))
        saving = asyncio.create_task(self._save_often())
        try:
            await self._wait_for(self._asking)
        finally:
            self._asking.cancel()
            saving.cancel()
            await asyncio.wait({self._asking, saving})
        return asyncio.CancelledError() if self._asking.cancelled() else self._asking.exception()

    async def _wait_for(self, asking: asyncio.Task[None]) -> None:
        """Wait for the end of a request, or end it when there will be no way to show more."""
        await asyncio.wait({asking}, timeout=self._backstage.seconds_left(self._conversation.id))
        if not asking.done():
            self._show(Noticed(OUT_OF_TIME))
            self.cut(Cut.STOP)
            await asyncio.wait({asking})

    async def _listen(self, request: ModelRequest) -> None:
        async with aclosing(self._backstage.engine.run(request, self._backstage.tools, self._draft)) as events:
            async for event in events:
                self._show(event)
        self._name_stand_in(request)

    def _name_stand_in(self, request: ModelRequest) -> None:
        """Say so where the model's server has turned to a fallback by itself, as OpenRouter does."""
        told = " ".join(self._notices)
        for model in {step.model: None for step in self._draft.steps() if step.model}:
            stood_in = answers_for(request.model, request.fallbacks, model, self._backstage.catalogue)
            if stood_in and short_name(model) not in told:
                self._show(Noticed(f"{short_name(request.model)} was not available; {short_name(model)} answered."))

    def _outcome(self, error: BaseException | None) -> Ended:
        match error:
            case None:
                return self._ended(TurnStatus.DONE)
            case asyncio.CancelledError():
                return self._cut_short()
            case ModelError():
                log.warning("turn %d: the model failed: %s", self.turn.id, error)
                return self._ended(TurnStatus.FAILED, error.sentence)
            case _:
                log.error("turn %d: unexpected %s", self.turn.id, describe(error))
                return self._ended(TurnStatus.FAILED, UNEXPECTED)

    def _cut_short(self) -> Ended:
        match self._cut:
            case Cut.STOP:
                return self._ended(TurnStatus.STOPPED)
            case Cut.LOST:
                reason = str(self._lost) if isinstance(self._lost, ShowError) else UNEXPECTED
                return self._ended(TurnStatus.FAILED, f"My answer could not be shown here. {reason}")
            case Cut.RESTART | Cut.SHUTDOWN | Cut.WITHDRAWN | None:
                return self._ended(TurnStatus.INTERRUPTED)

    def _failed(self, error: BaseException | None, fault: ModelFault) -> bool:
        """Whether the model failed that way before anything of the answer was seen, so that it may be asked again."""
        return isinstance(error, ModelError) and error.fault is fault and not self.seen

    def _goes_on_without_files(self, request: ModelRequest) -> bool:
        return has_files(request.turns) and not says_nothing(self.turn, TEXT_ONLY)

    def _unseen(self) -> tuple[str, ...]:
        """What to say of files that the model is not shown."""
        return (NOT_TAKEN,) if self._bare else left_out(self.turn, self._model, self._info, self._able)

    def _tell_what_left(self) -> None:
        """Say what has left the window, the first time that it happens in a conversation."""
        if self._conversation.first_turn_id and not self._found.first_turn_id:
            self._show(Noticed(TRIMMED))
        elif self._conversation.first_whole_turn_id and not (self._found.first_whole_turn_id or self._bare):
            self._show(Noticed(LIGHTENED))

    def _start_over(self) -> None:
        self._draft = Draft()
        self._notices.clear()
        self.seen = False
        self._show(StartedOver())

    async def _read_turns(self) -> list[Turn]:
        """The turns before this one; this one is read again as well, for what it asks may have changed."""
        conversation = self._conversation
        since = min(conversation.first_turn_id, self.turn.id)  # one that has left the window may be asked again
        turns = await self._backstage.store.turns(conversation.id, since=since)
        this = next((turn for turn in turns if turn.id == self.turn.id), None)
        if this is None:
            self.cut(Cut.WITHDRAWN)
        self.turn = this or self.turn
        return [turn for turn in turns if turn.id < self.turn.id]

    async def _plan(self, earlier: Sequence[Turn], limit: int | None) -> tuple[Fit, ModelRequest]:
        """Choose what to send, within the room that the model's window leaves, and within `limit` tokens."""
        conversation, guild = self._conversation, self._guild
        asked = lighten(self.turn, self._able) if self._bare else self.turn
        system = system_prompt(persona=conversation.persona or guild.persona, shared=conversation.guild_id is not None)
        room = room_for(system, self._info, max_output=guild.max_output_tokens)
        fitted = fit(
            (*earlier, replace(asked, steps=())),
            budget=room.for_turns if limit is None else min(room.for_turns, limit),
            first_whole=conversation.first_whole_turn_id,
            able=self._able,
        )
        if fitted.dropped or fitted.lightened:
            first = fitted.first_turn_id if fitted.dropped else conversation.first_turn_id
            await self._leave_behind(first_turn_id=first, first_whole_turn_id=fitted.first_whole_turn_id)
        turns = await self._backstage.store.with_files(fitted.turns, self._able)
        return fitted, ModelRequest(
            model=self._model,
            fallbacks=self._choice.fallbacks,
            replacements=self._choice.replacements,
            permitted=guild.allowed_models,
            system=system,
            turns=tuple(turns),
            session_id=f"cogitor-{conversation.id}",
            effort=conversation.effort or guild.effort,
            max_effort=guild.max_effort,
            max_output_tokens=room.answer,
            name_speakers=conversation.guild_id is not None,
        )

    async def _leave_behind(self, **points: int) -> None:
        """Remember from which turn on the conversation is sent, and from which one on as a whole."""
        conversation = self._conversation = replace(self._conversation, **points)
        await self._backstage.store.leave_behind(
            conversation.id, before_turn=conversation.first_turn_id, files_before=conversation.first_whole_turn_id
        )

    async def _save_often(self) -> None:
        """Write the draft down when some of it goes out to people; complete steps are written only once.

        Discord takes longer than the database, so what people have seen is saved, and neither waits for the other.
        """
        version = first = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SAVE_SECONDS):
                    await self._going_out.wait()
            self._going_out.clear()
            if self._draft.version == version:
                continue
            is_new, version, complete = version == 0, self._draft.version, self._draft.finished
            steps = self._draft.steps()[first:]
            try:
                if not is_new and len(steps) == 1 and steps[0].usage is None:
                    await self._backstage.store.save_draft(self.turn.id, first, steps[0])
                else:
                    await self._backstage.store.save_steps(self.turn.id, first, steps)
                first = complete
            except Exception as error:  # noqa: BLE001 - any database fault: the next round tries again, the end is loud
                log.warning("turn %d: the draft could not be saved: %s", self.turn.id, describe(error))

    async def _finish(self, ended: Ended) -> bool:
        """Store the end of the turn; False when the database would not take it."""
        for pause in (0.2, 1.0, 3.0):
            try:
                await self._backstage.store.finish(
                    self.turn.id, ended.status, self._draft.steps(), error=ended.error, notices=self._notices
                )
                return True
            except Exception as error:  # noqa: BLE001 - whatever the database's driver raises, people see the answer
                log.error("turn %d: the answer could not be stored: %s", self.turn.id, describe(error))
                await self._backstage.sleep(pause)
        return False

    async def _note_shown(self, *, is_channel_gone: bool = False) -> None:
        """Note that nothing is left to be done on Discord; what happened in a deleted channel is forgotten."""
        store = self._backstage.store
        try:
            if is_channel_gone:
                await store.forget_channel(self._conversation.id)
            await store.note_shown(self.turn.id)
            if self._cut is Cut.WITHDRAWN:
                await store.clear_leftovers(self.turn.id)
        except Exception as error:  # noqa: BLE001 - any database fault: the next process only does it once more
            log.warning("turn %d: that it is shown could not be saved: %s", self.turn.id, describe(error))

    async def _remember_pages(self, pages: tuple[int, ...]) -> None:
        try:
            await self._backstage.store.save_pages(self.turn.id, pages)
        except Exception as error:  # noqa: BLE001 - a page that is not remembered is only not redrawn after a crash
            log.warning("turn %d: its pages could not be saved: %s", self.turn.id, describe(error))

    def _show(self, event: ReplyEvent) -> None:
        match event:
            case Answered():
                self.seen = True
            case Noticed(text):
                self._notices.append(text)
            case _:
                pass
        self._reply.apply(event)
        self._shown.touch()

    def _ended(self, status: TurnStatus, error: str | None = None) -> Ended:
        steps = self._draft.steps()
        last = steps[-1] if steps else None
        return Ended(
            status=status,
            model=(last.model if last else "") or self._model,
            usage=replace(self.turn, steps=steps).usage,
            thinking_seconds=sum(step.thinking_seconds for step in steps),
            seconds=self._backstage.clock() - self._began,
            finish=last.finish if last else None,
            error=error,
        )
