"""In which of Discord's buckets a step is counted: a channel's, or that of an interaction's token.

What was begun by an interaction may be carried on by its token, which counts
apart from the channel and from the process. Some answers have no other way. This
module knows nothing of when anything is due.
"""

from __future__ import annotations

from typing import assert_never

from bot.render.buckets import Key, Kind
from bot.render.pace import Urgency
from bot.render.port import Port
from bot.render.slots import Delete, Edit, Send, Slots, Step
from bot.render.traffic import Traffic


class Routes:
    """Chooses the bucket of each step, and says when it takes the next one. Times are seconds of the caller's clock."""

    def __init__(self, port: Port, traffic: Traffic) -> None:
        self._port = port
        self._traffic = traffic

    def key(self, channel_id: int, step: Step, now: float, urgency: Urgency) -> Key:
        """The bucket that a step is counted in: for an edit whichever is ready first, the cheaper one if both are."""
        if self._port.is_in_place(channel_id):
            return channel_id, Kind.TOKEN
        match step:
            case Send():
                return channel_id, Kind.SEND
            case Edit(message_id=message_id) if self._port.has_token(message_id):
                keys: list[Key] = [(message_id, Kind.TOKEN), (channel_id, Kind.EDIT)]
                return min(keys, key=lambda key: self._traffic.ready_at(key, now, urgency))
            case Edit():
                return channel_id, Kind.EDIT
            case Delete():
                return channel_id, Kind.DELETE
            case _:
                assert_never(step)

    def ready_at(self, key: Key, now: float, urgency: Urgency) -> float:
        """When a step that is counted in `key` may go out; only a token's do not count for the process."""
        ready_at = self._traffic.ready_at(key, now, urgency)
        return ready_at if key[1] is Kind.TOKEN else max(ready_at, self._traffic.allowed_at(now, urgency))

    def allowed_at(self, slots: Slots, now: float, urgency: Urgency) -> float:
        """When the process may send for an answer, whatever its next step is."""
        if self._port.is_in_place(slots.channel_id):
            return now
        ids = slots.ids
        if ids and self._port.has_token(ids[-1]):
            return min(
                self._traffic.allowed_at(now, urgency),
                self._traffic.ready_at((ids[-1], Kind.TOKEN), now, urgency),
            )
        return self._traffic.allowed_at(now, urgency)

    def takes_messages(self, channel_id: int, now: float, urgency: Urgency) -> bool:
        """Whether a new message may go out now, before others are brought up to date.

        Never in place of an interaction: Discord takes the first followup for the deferred response itself.
        """
        if self._port.is_in_place(channel_id):
            return False
        return self._traffic.ready_at((channel_id, Kind.SEND), now, urgency) <= now

    def next_edit_at(self, slots: Slots, now: float) -> float:
        """When the next streaming edit of an answer's last message will be due."""
        if self._port.is_in_place(slots.channel_id):
            return self._traffic.ready_at((slots.channel_id, Kind.TOKEN), now, Urgency.STREAM)
        keys: list[Key] = [(slots.channel_id, Kind.EDIT)]
        keys += [(message_id, Kind.TOKEN) for message_id in slots.ids[-1:] if self._port.has_token(message_id)]
        return min(self._traffic.ready_at(key, now, Urgency.STREAM) for key in keys)
