"""Decides what a request gets: which model, which scene, which fault, and the reply.

Pure but for what it remembers of sessions. Fallbacks as in OpenRouter, "Model
fallbacks": the next model of the list is tried after any refusal. This module knows
nothing of sockets.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

from bot.playground.model import faults
from bot.playground.model.catalogue import MODELS, RETIRED, SUCCESSORS, StandIn, find_model
from bot.playground.model.checks import check_request
from bot.playground.model.prompt import PromptCache, measure, render
from bot.playground.model.refusals import Refusal, retired_model, unknown_model, with_status
from bot.playground.model.reply import Reply, compose
from bot.playground.model.request import ChatRequest
from bot.playground.model.script import Fault, FaultName, Scene, Script

_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent, and how."""

    request: ChatRequest
    model: StandIn
    scene: Scene
    fault: Fault | None
    reply: Reply


class Planner:
    """Plans answers by a script, remembering per session what was cached and which faults are over."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._cache = PromptCache()
        self._strikes: OrderedDict[tuple[str, str | None], int] = OrderedDict()

    def plan(self, request: ChatRequest) -> Plan:
        """Decide. Raises the Refusal of the first model when every model of the request refuses."""
        scene = self._script.scene_for(request.questions[-1][1] if request.questions else "")
        prompt = render(request)
        wanted, *fallbacks = request.candidates or [MODELS[0].id]
        try:
            return self._plan_for(wanted, request, scene, prompt, is_fallback=False)
        except Refusal:
            for name in fallbacks:
                with suppress(Refusal):
                    return self._plan_for(name, request, scene, prompt, is_fallback=True)
            raise

    def _plan_for(self, name: str, request: ChatRequest, scene: Scene, prompt: bytes, *, is_fallback: bool) -> Plan:
        model = _served(name)
        size = measure(prompt, request)
        check_request(request, model, size)
        fault = self._due(scene, request.session_id, is_fallback=is_fallback)
        if fault is not None and fault.name is FaultName.STATUS:
            raise with_status(fault.code, model.id, SUCCESSORS, fault.retry_after)
        cached = self._cache.store(request.session_id, model, prompt)
        reply = compose(self._script, scene, request, model, (size, cached))
        return Plan(request, model, scene, fault, faults.alter(fault, reply) if fault else reply)

    def _due(self, scene: Scene, session_id: str | None, *, is_fallback: bool) -> Fault | None:
        """The scene's fault, unless a fallback is spared or it has happened often enough."""
        fault = scene.fault
        if fault is None or (is_fallback and fault.first_model_only):
            return None
        if fault.times is None:
            return fault
        key = (scene.name, session_id)
        strikes = self._strikes.pop(key, 0)
        if strikes >= fault.times:
            return None
        self._strikes[key] = strikes + 1
        if len(self._strikes) > _COUNTED:
            self._strikes.popitem(last=False)
        return fault


def _served(name: str) -> StandIn:
    if name == RETIRED:
        raise retired_model(name, SUCCESSORS)
    model = find_model(name)
    if model is None:
        raise unknown_model(name)
    return model
