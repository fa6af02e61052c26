"""The one gate to the model: nothing is asked that is not reserved, and everything asked is settled.

Wraps the model client; answers, their steps and fallbacks, and titles all go
through it. What a request may cost is estimated before, what it has cost is taken
from what the model's server reports, or looked up where the report was cut off.
This module knows nothing of who asks, of Discord or of SQL.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.context import estimate_text, estimate_turn
from bot.errors import ModelError, describe
from bot.events import ModelEvent, Opened, ReasoningDelta, TextDelta, UsageReported
from bot.limits import LEAST_ANSWER, Bill, Left, Reached
from bot.messages import Usage
from bot.model import Catalogue, Key, Model, ModelInfo, ModelRequest
from bot.sight import abilities
from bot.store import Store
from bot.store.reserving import Reserved

log = logging.getLogger(__name__)

SETTLE_AGAIN_AFTER = (1.0, 5.0, 30.0, 120.0)
"""Seconds before each further attempt to settle, where the database did not take it."""
SETTLED_SECONDS = 1.0
"""How long the end of a request waits for being settled, so that the next one finds what is left."""
CLOSING_SECONDS = 3.0
LOOK_UP_AFTER = (2.0, 5.0, 15.0, 60.0)
"""Seconds before each attempt to look a cut request up; OpenRouter does not say how long its record takes."""
TOO_OLD_SECONDS = 24 * 3_600.0
"""Reservations left by a process that ended longer ago are not looked up any more."""
_CHARACTERS_PER_TOKEN = 3.5

LookUp = Callable[[str, Key | None], Awaitable[Usage | None]]
"""What a generation has consumed, by its id and the key that paid; None while that is not recorded."""
KeyOf = Callable[[int, str], Awaitable[Key | None]]
"""A server's own key, by the server and the key's id; None where that key is there no more."""


@dataclass(slots=True)
class _Heard:
    """What has been heard of a running request."""

    generation_id: str | None = None
    model: str = ""
    is_open: bool = False
    is_refused: bool = False
    characters: int = 0
    usage: Usage | None = None

    def note(self, event: ModelEvent) -> None:
        match event:
            case Opened(_, model):
                self.is_open, self.model = True, model
            case TextDelta(text) | ReasoningDelta(text, _):
                self.characters += len(text)
            case UsageReported(usage):
                self.usage = usage
            case _:
                pass


class Metered:
    """A Model that keeps within limits. `now` gives Unix seconds."""

    def __init__(
        self,
        model: Model,
        store: Store,
        catalogue: Catalogue,
        *,
        look_up: LookUp,
        key_of: KeyOf,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._store = store
        self._catalogue = catalogue
        self._look_up = look_up
        self._key_of = key_of
        self._now = now
        self._sleep = sleep
        self._settling: set[asyncio.Task[None]] = set()
        self._looking_up: set[asyncio.Task[None]] = set()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Ask as `Model.stream` does, within the request's bill. Raises LimitExceeded where it leaves nothing."""
        if request.bill is None:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    yield event
            return
        reserved, heard = await self._reserve(request.bill, request), _Heard()

        def note(generation_id: str) -> None:
            if generation_id != heard.generation_id:
                heard.generation_id = generation_id
                noting = self._store.note_generation(reserved.id, generation_id, heard.model or request.model)
                self._spawn(noting, self._settling)

        affordable = replace(self._affordable(request, reserved.left), noted=note)
        try:
            async with aclosing(self._model.stream(affordable)) as events:
                async for event in events:
                    heard.note(event)
                    if isinstance(event, Opened) and event.generation_id is not None:
                        note(event.generation_id)
                    yield event
        except ModelError:
            heard.is_refused = not heard.is_open
            raise
        finally:
            # In a task of its own, which goes on whoever is cancelled here, how often soever.
            settling = self._spawn(self._settle(reserved.id, request, heard), self._settling)
            await asyncio.wait({settling}, timeout=SETTLED_SECONDS)

    async def take_over(self) -> None:
        """Settle what an earlier process has left; what has to be looked up is, in the background."""
        for left in await self._store.take_over():
            close = partial(self._store.close_unsettled, left.id)
            key: Key | None = None
            if left.key_id and left.guild_id is not None:
                key = await self._key_of(left.guild_id, left.key_id)
            is_payer_known = key is not None or not left.key_id
            if left.generation_id is None or not is_payer_known or self._now() - left.at > TOO_OLD_SECONDS:
                await close()
            else:
                self._spawn(self._find_out(left.id, left.generation_id, key, close), self._looking_up)

    async def aclose(self) -> None:
        """Settle what has ended, and stop looking up; the next process goes on with that."""
        if self._settling:
            await asyncio.wait({*self._settling}, timeout=CLOSING_SECONDS)
        tasks = self._settling | self._looking_up
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _reserve(self, bill: Bill, request: ModelRequest) -> Reserved:
        """Reserve what a request may consume. Raises LimitExceeded.

        Where this is cancelled, what is reserved meanwhile is given back.
        """
        reserving = asyncio.create_task(
            self._store.reserve(
                bill,
                model=request.model,
                key_id=request.key.id if request.key else "",
                estimate=self._estimate(request),
            )
        )
        try:
            reserved = await asyncio.shield(reserving)
        except asyncio.CancelledError:
            self._spawn(self._give_back(reserving), self._settling)
            raise
        if isinstance(reserved, Reached):
            raise reserved.error
        return reserved

    async def _give_back(self, reserving: asyncio.Task[Reserved | Reached]) -> None:
        reserved = await reserving
        if isinstance(reserved, Reserved):
            await self._enter(reserved.id, Usage(cost=0))

    async def _settle(self, row_id: int, request: ModelRequest, heard: _Heard) -> None:
        models = (heard.model,) if self._is_priced(heard.model) else (request.model, *request.fallbacks)
        usage = heard.usage
        if usage is not None:
            cost = usage.cost if usage.cost is not None else self._price(usage, *models)
            await self._enter(row_id, replace(usage, cost=cost), model=heard.model)
            return
        usage = Usage(cost=0)
        if not heard.is_refused:
            usage = Usage(self._prompt_tokens(request), math.ceil(heard.characters / _CHARACTERS_PER_TOKEN))
            usage = replace(usage, cost=self._price(usage, *models))
        if heard.generation_id is None or not self._catalogue.speaks_openrouter:
            await self._enter(row_id, usage, model=heard.model)
            return
        if heard.is_refused:
            await self._enter(row_id, usage, model=heard.model, is_final=False)
        # Else all that was reserved stays so: a model may have thought much more than it has said.
        finding = self._find_out(
            row_id, heard.generation_id, request.key, partial(self._enter, row_id, usage, model=heard.model)
        )
        self._spawn(finding, self._looking_up)

    async def _find_out(
        self, row_id: int, generation_id: str, key: Key | None, otherwise: Callable[[], Awaitable[None]]
    ) -> None:
        """Look a request up until it is recorded, or do what is to be done where it never is."""
        for pause in LOOK_UP_AFTER:
            await self._sleep(pause)
            try:
                usage = await self._look_up(generation_id, key)
            except (ModelError, TimeoutError, OSError) as error:
                log.debug("a generation could not be looked up: %s", describe(error))
                continue
            if usage is not None:
                await self._enter(row_id, usage)
                return
        await otherwise()

    async def _enter(self, row_id: int, usage: Usage, *, model: str = "", is_final: bool = True) -> None:
        """Settle, also where the database takes it only later; what it never takes, the next process settles."""
        for pause in (*SETTLE_AGAIN_AFTER, None):
            try:
                await self._store.settle(row_id, usage, model=model or None, is_final=is_final)
                return
            except Exception as error:  # noqa: BLE001 - whatever the database's driver raises, the answer goes on
                log.error("a request could not be settled: %s", describe(error))
            if pause is not None:
                await self._sleep(pause)

    def _estimate(self, request: ModelRequest) -> Usage:
        """What a request may consume: its prompt, and an answer of the greatest length."""
        usage = Usage(self._prompt_tokens(request), request.max_output_tokens)
        return replace(usage, cost=self._price(usage, request.model, *request.fallbacks))

    def _affordable(self, request: ModelRequest, left: Left) -> ModelRequest:
        """The request with no longer an answer than its budgets can pay, though never one too short to be of use."""
        most, prompt, (for_prompt, for_answer) = (
            request.max_output_tokens,
            self._prompt_tokens(request),
            self._prices(request.model, *request.fallbacks),
        )
        if left.tokens is not None:
            most = min(most, left.tokens - prompt)
        if left.cost is not None and for_answer:
            most = min(most, (left.cost - prompt * for_prompt) // for_answer)
        return replace(request, max_output_tokens=min(request.max_output_tokens, max(most, LEAST_ANSWER)))

    def _prompt_tokens(self, request: ModelRequest) -> int:
        able = abilities(self._catalogue.get(request.model), parses_pdfs=self._catalogue.speaks_openrouter)
        tools = sum(estimate_text(json.dumps(tool.parameters) + tool.description) for tool in request.tools)
        return estimate_text(request.system) + sum(estimate_turn(turn, able) for turn in request.turns) + tools

    def _is_priced(self, model: str) -> bool:
        return any(self._prices(model))

    def _price(self, usage: Usage, *models: str) -> int | None:
        """Nanodollars at the catalogue's prices for whichever of the models is dearest; None where it names none."""
        for_prompt, for_answer = self._prices(*models)
        if not (for_prompt or for_answer):
            return None
        return usage.prompt_tokens * for_prompt + usage.completion_tokens * for_answer

    def _prices(self, *models: str) -> tuple[int, int]:
        """Nanodollars a token of prompt and answer, of the dearest of some models; 0 where it is not known."""
        known = [info for name in models if (info := self._catalogue.get(name))]
        return max(map(_prompt_price, known), default=0), max(map(_answer_price, known), default=0)

    def _spawn(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._settling.discard(task)
        self._looking_up.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a request could not be settled: %s", describe(error))


def _prompt_price(info: ModelInfo) -> int:
    return info.prompt_price or 0


def _answer_price(info: ModelInfo) -> int:
    return info.completion_price or 0
