"""Which models are asked without tools, because their server has refused a request for having them.

OpenRouter's list tells what a model can call, other servers tell by refusing. What
was learnt holds for an hour, for whoever asks under the same terms; a server may be
set up better by then. Pure; knows nothing of what is done about a refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from bot.guild import DataPolicy
from bot.model import ModelRequest

SECONDS = 3_600.0
_MOST = 1_000

_Terms: TypeAlias = tuple[str, DataPolicy, str | None]


class Toolless:
    """What is known of such refusals. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused_at: dict[_Terms, float] = {}

    def fit(self, request: ModelRequest) -> ModelRequest:
        """The request as it may be sent: without tools where they were refused lately."""
        at = self._refused_at.get(_terms(request))
        if at is None or self._clock() - at >= SECONDS:
            return request
        return replace(request, tools=(), searches_web=False)

    def note(self, request: ModelRequest) -> None:
        """This request was refused for its tools."""
        terms = _terms(request)
        self._refused_at.pop(terms, None)
        self._refused_at[terms] = self._clock()
        while len(self._refused_at) > _MOST:
            del self._refused_at[next(iter(self._refused_at))]


def _terms(request: ModelRequest) -> _Terms:
    return request.model, request.data_policy, None if request.key is None else request.key.id
