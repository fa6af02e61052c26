"""Discord's rate limits, enforced: a bucket per route and channel, the global one, the hidden one for renames.

Headers and bodies follow Discord, "Rate Limits"; the numbers are what bots
measure, since Discord publishes none. It knows nothing of HTTP servers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.messages import JsonObject

GLOBAL_LIMIT, GLOBAL_SECONDS = 50, 1.0
RENAME_LIMIT, RENAME_SECONDS = 2, 600.0
_MAJOR_PARAMETERS = ("channel_id", "guild_id")
_MANY_WINDOWS = 4096


@dataclass(frozen=True, slots=True)
class Rule:
    """`limit` requests in `seconds`. Rules of one `bucket` show one hash but count on their own."""

    bucket: str
    limit: int
    seconds: float


_ANYTHING_ELSE = Rule("", 50, 1.0)
_CHANNEL = "/channels/{channel_id}"
_MESSAGE = f"{_CHANNEL}/messages/{{message_id}}"
_REACTION = Rule("reactions", 1, 0.25)

RULES: Mapping[tuple[str, str], Rule] = {
    ("POST", f"{_CHANNEL}/messages"): Rule("messages", 5, 5.0),
    ("PATCH", _MESSAGE): Rule("messages", 5, 5.0),
    ("DELETE", _MESSAGE): Rule("delete", 5, 1.0),
    ("POST", f"{_CHANNEL}/messages/bulk-delete"): Rule("bulk-delete", 1, 3.0),
    ("POST", f"{_CHANNEL}/typing"): Rule("typing", 5, 5.0),
    ("PATCH", _CHANNEL): Rule("channel", 5, 15.0),
    ("PUT", f"{_MESSAGE}/reactions/{{emoji}}/@me"): _REACTION,
    ("DELETE", f"{_MESSAGE}/reactions/{{emoji}}/@me"): _REACTION,
    ("DELETE", f"{_MESSAGE}/reactions/{{emoji}}/{{user_id}}"): _REACTION,
}


class RateLimited(Exception):
    """Read by whoever sent too much; becomes a 429."""

    def __init__(self, retry_after: float, scope: str = "user", code: int | None = None) -> None:
        super().__init__(f"rate limited ({scope}) for {retry_after} s")
        self.retry_after = retry_after
        self.scope = scope
        self.code = code

    def headers(self) -> dict[str, str]:
        headers = {"Retry-After": str(math.ceil(self.retry_after)), "X-RateLimit-Scope": self.scope}
        return headers | ({"X-RateLimit-Global": "true"} if self.scope == "global" else {})

    def body(self) -> JsonObject:
        body: JsonObject = {
            "message": "You are being rate limited.",
            "retry_after": round(self.retry_after, 3),
            "global": self.scope == "global",
        }
        if self.code is not None:
            body["code"] = self.code
        return body


@dataclass(slots=True)
class _Window:
    ends: float
    used: int = 0


class RateLimiter:
    """Counts requests in fixed windows that begin with their first request."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        """`clock` is monotonic and decides; `wall` is Unix seconds and only fills X-RateLimit-Reset."""
        self._clock = clock
        self._wall = wall
        self._windows: dict[tuple[str, ...], _Window] = {}

    def take(self, method: str, route: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Count one request and give the X-RateLimit headers of its answer. Raises RateLimited."""
        rule = RULES.get((method, route), _ANYTHING_ELSE)
        self._count(("global",), GLOBAL_LIMIT, GLOBAL_SECONDS, "global")
        window = self._count(_bucket(rule, method, route, parameters), rule.limit, rule.seconds, "user")
        return self._headers(rule, route, window)

    def peek_headers(self, method: str, route: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request that was refused: nothing remains of its bucket's window."""
        rule = RULES.get((method, route), _ANYTHING_ELSE)
        return self._headers(rule, route, self._window(_bucket(rule, method, route, parameters), rule.seconds))

    def take_rename(self, channel_id: int) -> None:
        """Count a change of name or topic, which has a limit of its own that no header shows."""
        self._count(("rename", str(channel_id)), RENAME_LIMIT, RENAME_SECONDS, "user")

    def _window(self, key: tuple[str, ...], seconds: float) -> _Window:
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            if len(self._windows) > _MANY_WINDOWS:
                self._windows = {kept: other for kept, other in self._windows.items() if other.ends > now}
            window = self._windows[key] = _Window(now + seconds)
        return window

    def _count(self, key: tuple[str, ...], limit: int, seconds: float, scope: str) -> _Window:
        window = self._window(key, seconds)
        if window.used >= limit:
            raise RateLimited(window.ends - self._clock(), scope)
        window.used += 1
        return window

    def _headers(self, rule: Rule, route: str, window: _Window) -> dict[str, str]:
        left = window.ends - self._clock()
        digest = hashlib.sha256((rule.bucket or route).encode()).hexdigest()[:32]
        return {
            "X-RateLimit-Limit": str(rule.limit),
            "X-RateLimit-Remaining": str(max(0, rule.limit - window.used)),
            "X-RateLimit-Reset": f"{self._wall() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": digest,
        }


def _bucket(rule: Rule, method: str, route: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """What is counted together: a rule and a method, in each channel or server of their own."""
    return (method, rule.bucket or route, *(parameters.get(name, "") for name in _MAJOR_PARAMETERS))
