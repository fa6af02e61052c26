"""Intents: which gateway events a session asked for, and which of them its application may ask for.

Pure. It knows nothing of sessions, connections or the events' payloads.
Source: Discord's documentation, "Gateway → Gateway Intents".
"""

from __future__ import annotations

import re
from enum import IntFlag


class Intent(IntFlag):
    """The bits of IDENTIFY's `intents`."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


ALL_INTENTS = sum(Intent)

_APPLICATION_FLAGS: dict[Intent, int] = {
    Intent.GUILD_PRESENCES: 1 << 12 | 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 14 | 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 18 | 1 << 19,
}
"""Either flag of a pair grants the intent: the full one, or the one of a small application."""

_GUILD_EVENTS = re.compile(
    r"GUILD_(CREATE|UPDATE|DELETE|ROLE_\w+)|CHANNEL_(CREATE|UPDATE|DELETE|PINS_UPDATE)"
    r"|THREAD_(CREATE|UPDATE|DELETE|LIST_SYNC|MEMBER_UPDATE|MEMBERS_UPDATE)"
)
_MESSAGE_EVENTS = re.compile(r"MESSAGE_(CREATE|UPDATE|DELETE|DELETE_BULK)")
_REACTION_EVENTS = re.compile(r"MESSAGE_REACTION_\w+")
_MEMBER_EVENTS = re.compile(r"GUILD_MEMBER_(ADD|UPDATE|REMOVE)")


def granted(flags: int, intent: Intent) -> bool:
    """Whether an application's flags allow a privileged intent; every other intent is free."""
    needed = _APPLICATION_FLAGS.get(intent)
    return needed is None or bool(flags & needed)


def disallowed(flags: int, intents: int) -> bool:
    """Whether `intents` asks for a privileged intent that the application does not have."""
    return any(intents & intent and not granted(flags, intent) for intent in _APPLICATION_FLAGS)


def wanted(name: str, intents: int, *, in_guild: bool) -> bool:
    """Whether a session with `intents` receives the event `name`; events tied to no intent always arrive."""
    needed = _intent_of(name, in_guild=in_guild)
    return needed is None or bool(intents & needed)


def _intent_of(name: str, *, in_guild: bool) -> Intent | None:
    if _MESSAGE_EVENTS.fullmatch(name):
        return Intent.GUILD_MESSAGES if in_guild else Intent.DIRECT_MESSAGES
    if _REACTION_EVENTS.fullmatch(name):
        return Intent.GUILD_MESSAGE_REACTIONS if in_guild else Intent.DIRECT_MESSAGE_REACTIONS
    if name == "TYPING_START":
        return Intent.GUILD_MESSAGE_TYPING if in_guild else Intent.DIRECT_MESSAGE_TYPING
    if name == "PRESENCE_UPDATE":
        return Intent.GUILD_PRESENCES
    if _MEMBER_EVENTS.fullmatch(name):
        return Intent.GUILD_MEMBERS
    if in_guild and _GUILD_EVENTS.fullmatch(name):
        return Intent.GUILDS
    return None
