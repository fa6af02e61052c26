"""One running answer: asks the engine, keeps what comes, and shows it.

Reading the model never waits for Discord or for the database: events go to the
live reply as they come, and a second task writes the draft down as it is shown.
This module knows nothing of queues, of Discord or of SQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from enum import Enum, auto

from bot.choosing import answers_for, choose
from bot.context import Fit, estimate_text, fit, output_room
from bot.engine import Draft, Engine
from bot.errors import ChannelGone, MessageGone, ModelError, ModelFault, ShowError, describe
from bot.events import Answered, Ended, Noticed, ReplyEvent, StartedOver
from bot.guild import GuildSettings
from bot.messages import Conversation, ShowReasoning, Turn, TurnStatus
from bot.model import Catalogue, ModelInfo, ModelRequest, short_name
from bot.persona import system_prompt
from bot.render.live import Live
from bot.render.reply import Reply
from bot.store import Store
from bot.tools import Toolbox

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.5
"""How long what has come may go unsaved; what is shown is saved as it goes out. The promise is two seconds."""

SHOW_SECONDS = 120.0
"""How long to wait for Discord to show the end of an answer before going on without it."""

STORED_FIRST_SECONDS = 1.0
"""How long the end of an answer waits for the database before it is shown all the same."""

TRIMMED = "This thread is longer than the model can read, so its oldest messages were left out."
TOO_LONG = "This message is longer than the model can read. Please shorten it, or choose a model with a larger window."
UNEXPECTED = "Something went wrong on my side, and it has been logged. Please try again."
NOT_SAVED = "This answer could not be saved, so I will not remember it. Please tell the operator of this bot."


class Cut(Enum):
    """Why a running answer is cut short."""

    STOP = auto()  # somebody pressed Stop
    RESTART = auto()  # the question has changed, so that the answer is void
    LOST = auto()  # nobody can be shown anything of it
    SHUTDOWN = auto()  # the process ends


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
        self._backstage = backstage
        self._conversation = conversation
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
        """Cut the answer short: its connection closes at once, and `run` goes on as `why` demands."""
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
        try:
            async with asyncio.timeout(SHOW_SECONDS):
                await self._shown.finished()
        except TimeoutError as error:
            log.warning("turn %d: the end of the answer could not be shown: %s", self.turn.id, describe(error))
        except ShowError as error:
            await self._tell_asker(error)

    def _lose(self, error: BaseException) -> None:
        """Nothing more can be shown: what nobody can read is not paid for."""
        self._lost = error
        if not self.over:
            self.cut(Cut.LOST)

    async def _tell_asker(self, error: ShowError) -> None:
        """Say privately why an answer does not appear, unless somebody deleted it or its place on purpose."""
        log.warning("turn %d: its answer cannot be shown in channel %d: %s", self.turn.id, self._conversation.id, error)
        if self._conversation.guild_id is None or isinstance(error, ChannelGone | MessageGone):
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

    async def _until_it_ends(self) -> Ended:
        """Ask until there is an outcome; a question that grew, or that did not fit, is asked again."""
        await self._backstage.store.begin(self.turn.id)
        share = 1.0
        while True:
            if self._choice.refusal is not None:
                return self._ended(TurnStatus.FAILED, self._choice.refusal)
            for remark in self.remarks:
                self._show(Noticed(remark))
            fitted, request = await self._plan(share)
            if fitted.too_long and self._info is not None:
                return self._ended(TurnStatus.FAILED, TOO_LONG)
            if fitted.dropped:
                self._show(Noticed(TRIMMED))
            error = await self._ask(request)
            if self._cut is Cut.RESTART:
                self.turn = await self._backstage.store.turn(self.turn.id) or self.turn
            elif self._overflowed(error) and share == 1.0 and len(fitted.turns) > 1:
                share = 0.5
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
            await asyncio.wait({self._asking})
        finally:
            self._asking.cancel()
            saving.cancel()
            await asyncio.wait({self._asking, saving})
        return asyncio.CancelledError() if self._asking.cancelled() else self._asking.exception()

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
            case Cut.RESTART | Cut.SHUTDOWN | None:
                return self._ended(TurnStatus.INTERRUPTED)

    def _overflowed(self, error: BaseException | None) -> bool:
        return isinstance(error, ModelError) and error.fault is ModelFault.CONTEXT_FULL and not self.seen

    def _start_over(self) -> None:
        self._cut = None
        self._draft = Draft()
        self._notices.clear()
        self.seen = False
        self._show(StartedOver())

    async def _plan(self, share: float) -> tuple[Fit, ModelRequest]:
        """Choose what to send, within `share` of the room that the model's window leaves."""
        conversation, guild = self._conversation, self._guild
        turns = await self._backstage.store.turns(conversation.id, since=conversation.first_turn_id)
        earlier = [turn for turn in turns if turn.id < self.turn.id]
        system = system_prompt(persona=conversation.persona or guild.persona, shared=conversation.guild_id is not None)
        window = (self._info or ModelInfo("", "")).context_tokens
        room = output_room(window, guild.max_output_tokens)
        budget = int((window - room - estimate_text(system)) * share)
        fitted = fit((*earlier, replace(self.turn, steps=())), budget=budget)
        if fitted.dropped:
            self._conversation = replace(conversation, first_turn_id=fitted.first_turn_id)
            await self._backstage.store.leave_behind(conversation.id, before_turn=fitted.first_turn_id)
        return fitted, ModelRequest(
            model=self._model,
            fallbacks=self._choice.fallbacks,
            replacements=self._choice.replacements,
            permitted=guild.allowed_models,
            system=system,
            turns=fitted.turns,
            session_id=f"cogitor-{conversation.id}",
            effort=conversation.effort or guild.effort,
            max_effort=guild.max_effort,
            max_output_tokens=room,
            name_speakers=conversation.guild_id is not None,
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
