"""The rate limit of an interaction's webhook: five requests in two seconds for each token.

Not documented ("same properties as normal webhooks"); measured by many. Not
counted in the bot's global limit. It knows nothing of what the requests do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bot.messages import JsonObject

REQUESTS, WINDOW_SECONDS = 5, 2.0
_BUCKET = "c1f1ab02b5d4e8a1b6f0d7e9a3c5f7e2"


@dataclass(slots=True)
class _Window:
    ends: float
    left: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, with the headers that its answer carries; seconds in `retry_after`."""

    headers: dict[str, str]
    retry_after: float | None = None

    def refusal(self) -> JsonObject:
        """The body of a 429."""
        return {"message": "You are being rate limited.", "retry_after": self.retry_after, "global": False}


class WebhookLimit:
    """Counts each token's requests. `clock` is monotonic, `now` Unix seconds for the Reset header."""

    def __init__(self, clock: Callable[[], float], now: Callable[[], float]) -> None:
        self.refused = 0
        self._clock = clock
        self._now = now
        self._windows: dict[str, _Window] = {}

    def take(self, token: str) -> Verdict:
        """Count one request with `token`."""
        at = self._clock()
        window = self._windows.get(token)
        if window is None or at >= window.ends:
            self._forget_ended(at)
            window = self._windows[token] = _Window(at + WINDOW_SECONDS, REQUESTS)
        wait = round(window.ends - at, 3)
        passes = window.left > 0
        window.left -= passes
        headers = {
            "X-RateLimit-Limit": str(REQUESTS),
            "X-RateLimit-Remaining": str(window.left),
            "X-RateLimit-Reset": f"{self._now() + wait:.3f}",
            "X-RateLimit-Reset-After": f"{wait:.3f}",
            "X-RateLimit-Bucket": _BUCKET,
        }
        if passes:
            return Verdict(headers)
        self.refused += 1
        return Verdict(headers | {"X-RateLimit-Scope": "user", "Retry-After": str(math.ceil(wait))}, wait)

    def _forget_ended(self, at: float) -> None:
        for token in [token for token, window in self._windows.items() if at >= window.ends]:
            del self._windows[token]
