"""The tool loop: asks a model, runs the tools it calls, and asks again until it has answered.

It also decides what to do when a model fails: try again or hand over to another
model while nothing of the answer has been seen, else give up with the error. It
knows nothing of HTTP, of Discord or of where the answer is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from bot.assemble import StepAssembler
from bot.choosing import is_permitted
from bot.errors import ModelError, ModelFault
from bot.events import (
    Answered,
    ModelEvent,
    Noticed,
    ReasoningDelta,
    ReplyEvent,
    StartedOver,
    TextDelta,
    TextWasReasoning,
    Thought,
    ToolEnded,
    ToolStarted,
)
from bot.leaks import Leaks
from bot.messages import Step, ToolResult
from bot.model import Model, ModelRequest, short_name
from bot.tools import Toolbox

_AGAIN = frozenset({ModelFault.CUT_OFF, ModelFault.EMPTY, ModelFault.GARBLED})
"""Faults of one stream: the same model may well answer the same question."""

_ELSEWHERE = _AGAIN | {
    ModelFault.TIMEOUT,
    ModelFault.RATE_LIMITED,
    ModelFault.OVERLOADED,
    ModelFault.NO_MODEL,
    ModelFault.POLICY,
}
"""Faults of one model or its provider: another model may answer."""


class Draft:
    """The answer as far as it has come: finished steps, and the one being written."""

    def __init__(self) -> None:
        self._finished: list[Step] = []
        self._writing: StepAssembler | None = None
        self.told: list[ReplyEvent] = []
        """What people were told of the finished steps, should it have to be said again."""
        self.version = 0
        """Grows whenever `steps()` would give something new."""

    @property
    def answered(self) -> bool:
        """Whether any text of the answer has come."""
        return any(step.text for step in self.steps())

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
        self.told += tools
        self.write(None)


class Engine:
    """Answers one turn at a time; holds no state of any conversation."""

    def __init__(
        self,
        model: Model,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        max_steps: int = 50,
    ) -> None:
        self._model = model
        self._clock = clock
        self._sleep = sleep
        self._max_steps = max_steps

    async def run(self, request: ModelRequest, tools: Toolbox, draft: Draft) -> AsyncGenerator[ReplyEvent]:
        """Answer the request's last turn, writing into `draft`; closing this closes the model's stream.

        Raises ModelError when no model managed it; what had come by then is in the draft.
        """
        request = replace(request, tools=tools.specs)
        question = request.turns[-1]
        route = [request.model, *request.fallbacks]
        for _ in range(self._max_steps):
            asked = replace(request, turns=(*request.turns[:-1], replace(question, steps=draft.steps())))
            async with aclosing(self._step(asked, route, draft)) as events:
                async for event in events:
                    yield event
            step = draft.steps()[-1]
            if not step.tool_calls:
                draft.complete(step)
                return
            results: list[ToolResult] = []
            told: list[ReplyEvent] = []
            for call in step.tool_calls:
                told.append(ToolStarted(call.name, ""))
                yield told[-1]
                began = self._clock()
                result = await tools.call(call)
                told.append(ToolEnded(call.name, self._clock() - began, result.is_error))
                yield told[-1]
                results.append(result)
            draft.complete(replace(step, tool_results=tuple(results)), told)
        yield Noticed(f"I stopped after {self._max_steps} steps.")

    async def _step(self, request: ModelRequest, route: list[str], draft: Draft) -> AsyncGenerator[ReplyEvent]:
        """One model request, by the first model of `route` that manages it; one that is gone is taken out."""
        candidates = [*route]
        tried: list[str] = []
        while True:
            model = candidates.pop(0)
            tried.append(model)
            try:
                attempt = replace(request, model=model, fallbacks=tuple(candidates))
                async with aclosing(self._attempt(attempt, draft)) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                if draft.answered:
                    raise
                if error.fault in _AGAIN and tried.count(model) == 1:
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
                notice = _instead(error, model, candidates[0])
            draft.write(None)
            for told in (StartedOver(), *draft.told):
                yield told
            if candidates[0] == model:
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


def _untried(names: Sequence[str], tried: Sequence[str], request: ModelRequest) -> list[str]:
    """Models that may still be asked, each once."""
    return [name for name in dict.fromkeys(names) if name not in tried and is_permitted(name, request.permitted)]


def _instead(error: ModelError, model: str, other: str) -> str:
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
        case TextWasReasoning():
            return (StartedOver(), *draft.told, Thought(assembler.snapshot().reasoning))
        case _:
            return ()
