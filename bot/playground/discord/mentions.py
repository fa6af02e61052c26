"""Who a message mentions and who it notifies, by its text and its allowed_mentions.

Follows Discord, "Allowed Mentions Object". What may not be mentioned does not
appear in the message's mention lists either, as on Discord.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, Guild
from bot.playground.discord.state import State

_USER = re.compile(r"<@!?(\d{1,20})>")
_ROLE = re.compile(r"<@&(\d{1,20})>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_CODE = re.compile(r"(`{1,3})(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AllowedMentions:
    """What a message may mention: whole kinds, or the listed users and roles."""

    everyone: bool = True
    all_users: bool = True
    all_roles: bool = True
    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    replied_user: bool = True

    def user(self, user_id: int) -> bool:
        return self.all_users or user_id in self.users

    def role(self, role_id: int) -> bool:
        return self.all_roles or role_id in self.roles


USERS_ONLY = AllowedMentions(everyone=False, all_roles=False)
"""What holds for interaction responses that say nothing else."""


@dataclass(frozen=True, slots=True)
class Mentions:
    users: list[int]
    roles: list[int]
    everyone: bool
    notified: list[int]
    """Everyone who would hear of it: those who see the channel, without the author."""


def find_mentions(
    state: State, author: int, channel: Channel, text: str, allowed: AllowedMentions, replied_to: int | None
) -> Mentions:
    """Read the mentions in `text` (code is not read) as the author's permissions allow them."""
    plain = _CODE.sub(" ", text)
    guild = None if channel.guild_id is None else state.guild(channel.guild_id)
    wide = guild is not None and state.has(author, channel, Permission.MENTION_EVERYONE)
    everyone = allowed.everyone and wide and _EVERYONE.search(plain) is not None
    users = [user for user in _ids(_USER, plain) if user in state.records.users and allowed.user(user)]
    if replied_to is not None and allowed.replied_user and replied_to not in users:
        users.append(replied_to)
    roles = [] if guild is None else _mentioned_roles(guild, plain, allowed, wide=wide)
    hearers = _hearers(guild, users, roles, everyone=everyone)
    notified = [user for user in hearers if user != author and state.can_view(user, channel.id)]
    return Mentions(users, roles, everyone, notified)


def _mentioned_roles(guild: Guild, text: str, allowed: AllowedMentions, *, wide: bool) -> list[int]:
    roles = [guild.roles[role] for role in _ids(_ROLE, text) if role in guild.roles and role != guild.id]
    return [role.id for role in roles if allowed.role(role.id) and (role.mentionable or wide)]


def _hearers(guild: Guild | None, users: Iterable[int], roles: list[int], *, everyone: bool) -> list[int]:
    hearers = dict.fromkeys(users)
    for member in guild.members.values() if guild else ():
        if everyone or not set(roles).isdisjoint(member.roles):
            hearers[member.user_id] = None
    return list(hearers)


def _ids(pattern: re.Pattern[str], text: str) -> list[int]:
    return list(dict.fromkeys(int(found) for found in pattern.findall(text)))
