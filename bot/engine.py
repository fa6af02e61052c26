"""The tool loop: asks a model, runs the tools it calls, and asks again until it has answered.

Every step is kept before the next one begins, and what tools gave leaves the
window first when a long turn fills it. It also decides what to do when a model
fails: try again or hand over to another model while nothing of the answer has been
seen, else give up with the error. It knows nothing of HTTP, of Discord or of where
the answer is kept.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from bot.annotations import citations
from bot.assemble import StepAssembler
from bot.calling import Calls
from bot.choosing import is_permitted
from bot.context import estimate_text
from bot.errors import ModelError, ModelFault
from bot.events import (
    Annotated,
    Answered,
    Cited,
    ModelEvent,
    Noticed,
    ReasoningDelta,
    ReplyEvent,
    StartedOver,
    TextDelta,
    TextWasReasoning,
    Thought,
)
from bot.leaks import Leaks
from bot.messages import Step
from bot.model import Model, ModelRequest, short_name
from bot.running import RunningTurn
from bot.toolless import Toolless
from bot.tools import Toolbox

_AGAIN = frozenset({ModelFault.CUT_OFF, ModelFault.EMPTY, ModelFault.GARBLED})
"""Faults of one stream: the same model may well answer the same question."""

_ELSEWHERE = _AGAIN | {
    ModelFault.TIMEOUT,
    ModelFault.RATE_LIMITED,
    ModelFault.OVERLOADED,
    ModelFault.NO_MODEL,
    ModelFault.POLICY,
    ModelFault.TOOLS_REFUSED,
}
"""Faults of one model or its provider: another model may answer."""


class Draft:
    """The answer as far as it has come: finished steps, and the one being written."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        self._finished: list[Step] = [*steps]
        self._writing: StepAssembler | None = None
        self.told: list[ReplyEvent] = []
        """What people were told of the finished steps, should it have to be said again."""
        self.version = 0
        """Grows whenever `steps()` would give something new."""

    @property
    def answered(self) -> bool:
        """Whether any text of the step that is being written has come."""
        return self._writing is not None and bool(self._writing.snapshot().text)

    @property
    def finished(self) -> int:
        """How many steps are complete, the results of their tools included."""
        return len(self._finished)

    def steps(self) -> tuple[Step, ...]:
        writing = () if self._writing is None else (self._writing.snapshot(),)
        return (*self._finished, *writing)

    def write(self, assembler: StepAssembler | None) -> None:
        self._writing = assembler
        self.version += 1

    def complete(self, step: Step, tools: Sequence[ReplyEvent] = ()) -> None:
        """A step is finished; `tools` is what people were told of its tools."""
        self._finished.append(step)
        self.told += [Thought(step.reasoning)] if step.reasoning else []
        self.told += [Answered(step.text)] if step.text else []
        self.told += [Cited(sources)] if (sources := citations(step.annotations)) else []
        self.told += tools
        self.write(None)


async def _not_kept() -> None:
    """What happens to a finished step where nobody keeps it."""


class Engine:
    """Answers one turn at a time; holds no state of any conversation, only which models take no tools."""

    def __init__(
        self,
        model: Model,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._clock = clock
        self._sleep = sleep
        self._toolless = Toolless(clock)

    async def run(
        self, request: ModelRequest, tools: Toolbox, draft: Draft, keep: Callable[[], Awaitable[None]] = _not_kept
    ) -> AsyncGenerator[ReplyEvent]:
        """Answer the request's last turn, writing into `draft`; closing this closes the model's stream.

        `keep` is awaited whenever a step is finished that another one follows, before that one
        begins. Raises ModelError when no model managed it; what had come by then is in the draft.
        """
        request = replace(request, tools=tools.specs, searches_web=tools.searches_web)
        sent = RunningTurn(request.turns, tokens=request.turns_tokens, room=_room(request))
        calls = Calls(tools, self._clock, most_output=sent.most_output)
        route = [request.model, *request.fallbacks]
        while True:
            asked = replace(request, turns=sent.turns(), may_call=calls.are_left)
            async with aclosing(self._fitting_step(asked, route, draft, sent, calls)) as events:
                async for event in events:
                    yield event
            step = draft.steps()[-1]
            if not step.tool_calls:
                draft.complete(step)
                return
            async with aclosing(_use(step, calls, draft)) as uses:
                async for event in uses:
                    yield event
            step = draft.steps()[-1]
            calls.forget(sent.add(step))
            await keep()
            if not asked.may_call:
                return
            if not calls.are_left:
                yield Noticed(_used_up(calls))

    async def _fitting_step(
        self, request: ModelRequest, route: list[str], draft: Draft, sent: RunningTurn, calls: Calls
    ) -> AsyncGenerator[ReplyEvent]:
        """One step; where the model says that the turn has outgrown its window, old output leaves and it goes on."""
        while True:
            try:
                async with aclosing(self._step(request, route, draft)) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                if error.fault is not ModelFault.CONTEXT_FULL or not draft.finished or draft.answered:
                    raise
                if (lost := sent.squeeze()) is None:
                    raise
            calls.forget(lost)
            request = replace(request, turns=sent.turns())
            draft.write(None)
            for told in (StartedOver(), *draft.told):
                yield told

    async def _step(self, request: ModelRequest, route: list[str], draft: Draft) -> AsyncGenerator[ReplyEvent]:
        """One model request, by the first model of `route` that manages it; one that is gone is taken out."""
        candidates = [*route]
        tried: list[str] = []
        while True:
            model = candidates.pop(0)
            tried.append(model)
            attempt = replace(request, model=model, fallbacks=tuple(candidates))
            if not draft.finished:  # else there are calls in it, which make no sense without the tools
                attempt = self._toolless.fit(attempt)
            try:
                async with aclosing(self._attempt(attempt, draft)) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                if draft.answered:
                    raise
                if error.fault is ModelFault.TOOLS_REFUSED and _has_tools(attempt) and not draft.finished:
                    self._toolless.note(attempt)
                    candidates.insert(0, model)
                elif error.fault in _AGAIN and tried.count(model) == 1:
                    candidates.insert(0, model)
                elif error.fault is ModelFault.NO_MODEL:
                    named = (*error.fallback_models, *candidates, *request.replacements)
                    route[:] = candidates = _untried(named, tried, request)
                elif error.fault in _ELSEWHERE:
                    candidates = _untried((*candidates, *error.fallback_models), tried, request)
                else:
                    raise
                if not candidates:
                    raise
                pause, notice = error.fault in _AGAIN and candidates[0] == model, _instead(error, model, candidates[0])
            draft.write(None)
            for told in (StartedOver(), *draft.told):
                yield told
            if pause:
                await self._sleep(1.0)
            else:
                yield Noticed(notice)

    async def _attempt(self, request: ModelRequest, draft: Draft) -> AsyncGenerator[ReplyEvent]:
        """Ask one model once. Raises ModelError, also where nothing is left of an answer that was cleaned."""
        assembler = StepAssembler(self._clock)
        draft.write(assembler)
        leaks = Leaks(tool.name for tool in request.tools)
        failure: ModelError | None = None
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    for cleaned in leaks.apply(event):
                        assembler.apply(cleaned)
                        for told in _told(cleaned, assembler, draft):
                            yield told
                    draft.version += 1
        except ModelError as error:
            failure = error
        for cleaned in leaks.end():
            assembler.apply(cleaned)
            for told in _told(cleaned, assembler, draft):
                yield told
        draft.version += 1
        calls = leaks.calls()
        if failure is not None and not (failure.fault is ModelFault.EMPTY and calls):
            raise failure
        for call in calls:
            assembler.apply(call)
        step = assembler.snapshot()
        if leaks.has_found and not (step.tool_calls or step.text.strip()):
            raise ModelError(ModelFault.EMPTY, retryable=True)


async def _use(step: Step, calls: Calls, draft: Draft) -> AsyncGenerator[ReplyEvent]:
    """Run a step's calls, which completes it. Closing this gives them up at once."""
    happened: asyncio.Queue[ReplyEvent | None] = asyncio.Queue()
    work = asyncio.create_task(calls.run(step.tool_calls, happened.put_nowait))
    work.add_done_callback(lambda _: happened.put_nowait(None))
    told: list[ReplyEvent] = []
    try:
        while (event := await happened.get()) is not None:
            told.append(event)
            yield event
    finally:
        work.cancel()
        await asyncio.wait({work})
    draft.complete(replace(step, tool_results=work.result()), told)


def _room(request: ModelRequest) -> int | None:
    """How many tokens the turns may take beside the tools' descriptions."""
    if request.room is None:
        return None
    return request.room - sum(estimate_text(tool.description + json.dumps(tool.parameters)) for tool in request.tools)


def _used_up(calls: Calls) -> str:
    if calls.go_in_circles:
        return "I kept making the same tool calls, so I was asked to answer with what I had."
    allowed = f"the {calls.allowed:,} tool calls" if calls.allowed != 1 else "the one tool call"
    return f"I have used {allowed} that one question may take, so I answered with what I had."


def _untried(names: Sequence[str], tried: Sequence[str], request: ModelRequest) -> list[str]:
    """Models that may still be asked, each once."""
    return [name for name in dict.fromkeys(names) if name not in tried and is_permitted(name, request.permitted)]


def _has_tools(request: ModelRequest) -> bool:
    return bool(request.tools) or request.searches_web


def _instead(error: ModelError, model: str, other: str) -> str:
    if other == model:
        return f"The server of {short_name(model)} takes no tools with it, so it answers without them."
    if error.fault is ModelFault.NO_MODEL and error.fallback_models:
        return f"{short_name(model)} is not offered any more; {short_name(other)} was asked instead."
    return f"{short_name(model)} was not available; {short_name(other)} was asked instead."


def _told(event: ModelEvent, assembler: StepAssembler, draft: Draft) -> Sequence[ReplyEvent]:
    """What people are told of a model's event, which is in the draft already."""
    match event:
        case TextDelta():
            return (Answered(event.text),) if event.text else ()
        case ReasoningDelta():
            return (Thought(event.text),) if event.text else ()
        case Annotated():
            sources = citations(event.annotations)
            return (Cited(sources),) if sources else ()
        case TextWasReasoning():
            return (StartedOver(), *draft.told, Thought(assembler.snapshot().reasoning))
        case _:
            return ()
