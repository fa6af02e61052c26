"""One running answer: asks the engine, keeps what comes, and shows it.

Reading the model never waits for Discord or for the database: events go to the
live reply as they come, and a second task writes the draft down as it is shown.
This module knows nothing of queues, of Discord or of SQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum, auto

from bot.choosing import answers_for
from bot.engine import Draft, Engine
from bot.errors import ChannelGone, LimitExceeded, MessageGone, ModelError, ModelFault, ShowError, ShutDown, describe
from bot.events import Answered, Ended, Noticed, ReplyEvent, StartedOver
from bot.failing import Asked, Chooser, KeyUnusable
from bot.guild import GuildSettings
from bot.keys import Keys
from bot.limits import Bill, caps
from bot.messages import Conversation, ShowReasoning, Turn, TurnStatus
from bot.model import Catalogue, ModelRequest, short_name
from bot.notices import Notices
from bot.prompt import Prompt
from bot.render.live import Live
from bot.render.reply import Reply
from bot.render.stored import events_of
from bot.saving import Saving
from bot.scribe import Scribe
from bot.store import Store
from bot.tools import Asking
from bot.tools.kit import Kit

log = logging.getLogger(__name__)

SHOW_SECONDS = 120.0
"""How long to wait for Discord to show the end of an answer before going on without it."""

STORED_FIRST_SECONDS = 1.0
"""How long the end of an answer waits for the database before it is shown all the same."""

OUT_OF_TIME = "Discord lets me write here for a quarter of an hour only, so I had to stop."
NO_WORDS = "There is nothing else in your message: please ask in words, or choose a model that can read it."
TOO_LONG = "This message is longer than the model can read. Please shorten it, or choose a model with a larger window."
UNEXPECTED = "Something went wrong on my side, and it has been logged. Please try again."
KEPT = "This is the answer I gave before; I could not give a new one."
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
    scribe: Scribe
    engine: Engine
    live: Live
    catalogue: Catalogue
    defaults: Defaults
    tools: Kit
    keys: Keys
    notices: Notices
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
        self._before = turn
        """The turn with its earlier answer, if it has one: that stands if a limit leaves nothing for a new one."""
        self.over = False
        """Whether it is decided how the answer ends; a question that grows later needs a new answer."""
        self.seen = False
        """Whether any of the answer's text has gone out to people."""
        self.is_stored = False
        """Whether the end is in the database, and the place among the running answers given back."""
        self.concluded = asyncio.Event()
        """Set when the end is stored, so that the turn may be asked again."""
        self._backstage = backstage
        self._conversation = conversation
        self._guild = guild
        self._saving = Saving(backstage.store, turn.id, backstage.sleep)
        self._prompt = Prompt(
            backstage.store,
            backstage.catalogue,
            conversation,
            guild,
            chosen=turn.model or conversation.model,
            default=backstage.defaults.model,
            fallbacks=backstage.defaults.fallbacks,
        )
        self.remarks = remarks if self._prompt.remark is None else (*remarks, self._prompt.remark)
        asking = Asking(turn.asker_id, conversation.id, conversation.guild_id, turn.id)
        self._tools = backstage.tools.box(guild, self._prompt.info, asking)
        self._draft = Draft()
        self._notices: list[str] = []
        self._cut: Cut | None = None
        self._lost: BaseException | None = None
        self._asking: asyncio.Task[None] | None = None
        self._began = backstage.clock()
        self._reply = self._new_reply()
        self._shown = backstage.live.open(
            conversation.id,
            turn.id,
            self._reply,
            reply_to=None,
            pages=turn.pages,
            on_sent=self._saving.pages,
            on_going_out=backstage.scribe.hurry,
            on_lost=self._lose,
        )

    def _new_reply(self) -> Reply:
        conversation, info = self._conversation, self._prompt.info
        return Reply(
            started_at=self._began,
            model=self._prompt.model,
            footer=self._guild.footer,
            reasoning_model=info is None or info.reasons,
            needs_reply_button=self._backstage.defaults.needs_reply_button and conversation.guild_id is not None,
            shows_reasoning=conversation.show_reasoning is ShowReasoning.SPOILER,
            asker_id=self.turn.asker_id,
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
        self._backstage.notices.answered(self._asked())
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
            gone = self._conversation.id if isinstance(error, ChannelGone) else None
            await self._saving.shown(gone_channel=gone, is_withdrawn=self._cut is Cut.WITHDRAWN)
        else:
            await self._saving.shown(is_withdrawn=self._cut is Cut.WITHDRAWN)

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
        storing = asyncio.create_task(self._saving.end(ended, self._draft.steps(), self._notices))
        try:
            await asyncio.wait({storing}, timeout=STORED_FIRST_SECONDS)
            self._show(ended)
            self.is_stored = await asyncio.shield(storing)
            if not self.is_stored:
                self._show(Noticed(NOT_SAVED))
        finally:
            await asyncio.wait({storing})
            self.concluded.set()

    async def _until_it_ends(self) -> Ended:
        """Ask until there is an outcome; a question that grew, or that did not fit, is asked again."""
        await self._backstage.store.begin(self.turn.id)
        try:
            self._prompt.key = await self._backstage.keys.of(self._conversation.guild_id)
        except KeyUnusable as error:
            self._backstage.notices.unreadable(error)
            return self._ended(TurnStatus.FAILED, str(error))
        limit: int | None = None
        while True:
            if self._prompt.refusal is not None:
                return self._ended(TurnStatus.FAILED, self._prompt.refusal)
            for remark in self.remarks:
                self._show(Noticed(remark))
            this, earlier = await self._prompt.earlier(self.turn)
            if this is None:
                self.cut(Cut.WITHDRAWN)
                return self._cut_short()
            self.turn = this
            unseen = self._prompt.unseen(this)
            if self._prompt.says_nothing(this):
                return self._ended(TurnStatus.FAILED, " ".join((*unseen, NO_WORDS)))
            for remark in unseen:
                self._show(Noticed(remark))
            fitted, request = await self._prompt.request(this, earlier, limit)
            if fitted.too_long and limit is None and self._prompt.info is not None:
                return self._ended(TurnStatus.FAILED, TOO_LONG)
            if (left := self._prompt.what_left()) is not None:
                self._show(Noticed(left))
            error = await self._ask(replace(request, wanted=self._is_awaited, bill=self._bill()))
            if self._cut is Cut.RESTART:
                self._cut = None
            elif self._failed(error, ModelFault.CONTEXT_FULL) and limit is None and len(fitted.turns) > 1:
                limit = fitted.tokens // 2
            elif not (self._failed(error, ModelFault.FILE_REFUSED) and await self._prompt.leave_out_files(this)):
                return self._outcome(error)
            self._start_over()

    async def _ask(self, request: ModelRequest) -> BaseException | None:
        """Ask once, unless the answer was cut before it began; returns what went wrong, a cancellation included."""
        if self._cut is not None:
            return asyncio.CancelledError()
        async with self._backstage.scribe.writing(self._saving, self._draft):
            self._asking = asyncio.create_task(self._listen(request))
            try:
                await self._wait_for(self._asking)
            finally:
                self._asking.cancel()
                await asyncio.wait({self._asking})
        return asyncio.CancelledError() if self._asking.cancelled() else self._asking.exception()

    def _bill(self) -> Bill:
        guild_id = self._conversation.guild_id
        return Bill(
            self.turn.id,
            self._conversation.id,
            guild_id,
            self.turn.asker_id,
            caps(self._guild),
            dms_count=self._guild.dms_count,
        )

    def _is_awaited(self) -> bool:
        return self._shown.is_soon(self._backstage.clock())

    async def _wait_for(self, asking: asyncio.Task[None]) -> None:
        """Wait for the end of a request, or end it when there will be no way to show more."""
        await asyncio.wait({asking}, timeout=self._backstage.seconds_left(self._conversation.id))
        if not asking.done():
            self._show(Noticed(OUT_OF_TIME))
            self.cut(Cut.STOP)
            await asyncio.wait({asking})

    async def _listen(self, request: ModelRequest) -> None:
        draft = self._draft
        running = self._backstage.engine.run(request, self._tools, draft, lambda: self._saving.step(draft))
        async with aclosing(running) as events:
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
            case LimitExceeded():
                return self._limited(error)
            case ModelError():
                log.warning("turn %d: the model failed: %s", self.turn.id, error)
                told = self._prompt.why_refused(error) or self._backstage.notices.failed(self._asked(), error)
                return self._ended(TurnStatus.FAILED, told)
            case _:
                log.error("turn %d: unexpected %s", self.turn.id, describe(error))
                return self._ended(TurnStatus.FAILED, UNEXPECTED)

    def _asked(self) -> Asked:
        """What was asked by whose choice, and who pays."""
        chosen, default, key = self.turn.model or self._conversation.model, self._guild.model, self._prompt.key
        chooser = Chooser.PERSON if chosen else Chooser.SERVER if default else Chooser.OPERATOR
        model = chosen or default or self._backstage.defaults.model
        return Asked(self._conversation.guild_id, model, chooser, None if key is None else key.id)

    def _limited(self, error: LimitExceeded) -> Ended:
        """A limit left nothing for another request: what there is is kept; where nothing is, nothing was asked."""
        self._draft.write(None)
        if self._draft.finished:
            self._show(Noticed(f"I had to stop here. {error}"))
            return self._ended(TurnStatus.STOPPED)
        if not self._before.steps or self._before.steps != self.turn.steps:  # it may have been forgotten meanwhile
            return self._ended(TurnStatus.REFUSED, str(error))
        return self._put_back(self._before, error)

    def _put_back(self, before: Turn, error: LimitExceeded) -> Ended:
        """Show and keep what was there before, and say why there is nothing new."""
        self._start_over()
        self._draft = Draft(before.steps)
        told = tuple(notice for notice in before.notices if not notice.startswith(KEPT))
        for event in events_of(replace(before, notices=told), before.steps[-1].model):
            self._show(event)
        self._show(Noticed(f"{KEPT} {error}"))
        status = TurnStatus.STOPPED if before.steps[-1].finish is None else TurnStatus.DONE
        return replace(self._ended(TurnStatus.FAILED if before.error else status, before.error), seconds=0.0)

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
        return isinstance(error, ModelError) and error.fault is fault and not (self.seen or self._draft.finished)

    def _start_over(self) -> None:
        self._draft = Draft()
        self._notices.clear()
        self.seen = False
        self._show(StartedOver())

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
            model=(last.model if last else "") or self._prompt.model,
            usage=replace(self.turn, steps=steps).usage,
            thinking_seconds=sum(step.thinking_seconds for step in steps),
            seconds=self._backstage.clock() - self._began,
            finish=last.finish if last else None,
            error=error,
        )
