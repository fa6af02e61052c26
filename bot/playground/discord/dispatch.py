"""A gateway event, and the synchronous bus that hands events to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from bot.messages import JsonObject


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A gateway event with the real payload, nothing stripped.

    The listener decides who may see it: by `channel_id` (or `guild_id` where
    there is none), and nobody but `only_user` where that is set.
    """

    name: str
    data: JsonObject
    guild_id: int | None
    channel_id: int | None
    only_user: int | None = None


Listener: TypeAlias = Callable[[Dispatch], None]

Event = TypeVar("Event")


class Bus(Generic[Event]):
    """Calls every listener at once, in the order of subscription; listeners never block."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Begin to listen; call what is returned to end it (twice does no harm)."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def publish(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)
