"""Discord's permission bits and how roles and overwrites add up (Discord, "Permissions").

Pure arithmetic: this module knows nothing of the world it is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag
from typing import NamedTuple


class Permission(IntFlag):
    """The bits that the embedded Discord checks or that the bot asks for."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CONNECT = 1 << 20
    MANAGE_ROLES = 1 << 28
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EXTERNAL_APPS = 1 << 50


EVERY_PERMISSION = (1 << 53) - 1

MEMBER_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CONNECT
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.ADD_REACTIONS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.USE_EXTERNAL_APPS
)
"""What @everyone may do in a new server, as far as it matters here."""

BOT_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.READ_MESSAGE_HISTORY
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.ADD_REACTIONS
)
"""What the bot's invite asks for."""

DM_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.ADD_REACTIONS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.USE_EXTERNAL_APPS
)
"""What both sides may do in a DM."""

_NEEDS_SENDING = (
    Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE | Permission.USE_EXTERNAL_EMOJIS
)


class Overwrite(NamedTuple):
    """A channel's exception for a role or a member."""

    allow: int
    deny: int


def base_permissions(role_permissions: Iterable[int], *, owner: bool) -> int:
    """What somebody may do in a server, before any channel is looked at."""
    bits = 0
    for role in role_permissions:
        bits |= role
    return EVERY_PERMISSION if owner or bits & Permission.ADMINISTRATOR else bits


def channel_permissions(
    base: int, everyone: Overwrite | None, roles: Iterable[Overwrite], member: Overwrite | None, *, thread: bool
) -> int:
    """What remains in a channel: overwrites for @everyone, then all roles together, then the member.

    In a thread the overwrites are the parent's, and speaking is SEND_MESSAGES_IN_THREADS.
    """
    if base & Permission.ADMINISTRATOR:
        return EVERY_PERMISSION
    bits = _overwritten(base, everyone)
    allow = deny = 0
    for overwrite in roles:
        allow |= overwrite.allow
        deny |= overwrite.deny
    bits = _overwritten(bits, Overwrite(allow, deny))
    bits = _overwritten(bits, member)
    if not bits & Permission.VIEW_CHANNEL:
        return 0
    speaking = Permission.SEND_MESSAGES_IN_THREADS if thread else Permission.SEND_MESSAGES
    return bits if bits & speaking else bits & ~_NEEDS_SENDING


def _overwritten(bits: int, overwrite: Overwrite | None) -> int:
    return bits if overwrite is None else (bits & ~overwrite.deny) | overwrite.allow
