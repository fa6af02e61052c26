"""Where a question may begin a conversation, and what the bot needs there; in words, if something is missing.

A pure table over a few facts. This module knows nothing of how they were found out.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto


class Spot(Enum):
    """Where somebody asks."""

    IN_PLACE = auto()  # no message of the bot's own can be posted there: it is no member, or not part of the DM
    DM = auto()
    OURS = auto()  # a thread that is one of our conversations
    THREAD = auto()  # somebody else's thread, or a forum's post
    CHANNEL = auto()  # a thread can be opened in it
    NOWHERE = auto()  # no thread can be opened in it, as in a voice channel


NO_THREAD_HERE = (
    "I cannot open a thread in this kind of channel. Please ask in a text channel, in a thread, or in a DM with me."
)
NO_HISTORY = (
    "I could not read what was written here before. An admin can give me the permission **Read Message History**."
)

NEEDED = {
    "view_channel": "View Channel",
    "create_public_threads": "Create Public Threads",
    "send_messages_in_threads": "Send Messages in Threads",
}
"""The permissions that answering takes, as discord.py and as Discord's clients call them."""

_OF_SPOT: dict[Spot, tuple[str, ...]] = {
    Spot.CHANNEL: ("view_channel", "create_public_threads", "send_messages_in_threads"),
    Spot.THREAD: ("view_channel", "send_messages_in_threads"),
    Spot.OURS: ("view_channel", "send_messages_in_threads"),
}


def refusal(spot: Spot, granted: Collection[str]) -> str | None:
    """Why the bot cannot answer at a spot where it has these permissions, and what to do; None if it can."""
    if spot is Spot.NOWHERE:
        return NO_THREAD_HERE
    missing = [f"**{NEEDED[name]}**" for name in _OF_SPOT.get(spot, ()) if name not in granted]
    if not missing:
        return None
    what = "I may not open a thread here." if spot is Spot.CHANNEL else "I may not answer here."
    *more, last = missing
    names = f"permissions {', '.join(more)} and {last}" if more else f"permission {last}"
    elsewhere = ", or ask in another channel or in a DM with me"
    return f"{what} Please ask an admin to give me the {names} in this channel{elsewhere}."
