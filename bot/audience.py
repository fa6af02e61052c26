"""Whether everybody who can see one channel of a server may read another, by what roles and channels grant.

Follows Discord's rules ("Permissions", permission overwrites). Who has which roles
is not asked: whatever roles somebody may have counts. Pure: this module knows
nothing of channels but their exceptions, as Discord's bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement, product
from typing import NamedTuple

ADMINISTRATOR = 1 << 3
VIEW = 1 << 10
READ_HISTORY = 1 << 16
CONNECT = 1 << 20


class Overwrite(NamedTuple):
    """What a channel grants or denies to a role or to a member, whatever the server's roles say."""

    allow: int = 0
    deny: int = 0


NO_EXCEPTION = Overwrite()
Overwrites = Mapping[int, Overwrite]
"""By the id of a role or of a member."""


class _Kind(NamedTuple):
    """A role, or a member's exceptions: all that it changes in two channels."""

    granted: int
    here: Overwrite
    there: Overwrite


_NOTHING = _Kind(0, NO_EXCEPTION, NO_EXCEPTION)


def all_may_read(there: Overwrites, needed: int, *, here: Overwrites, roles: Mapping[int, int], everyone: int) -> bool:
    """Whether nobody can see `here` who does not have all permissions that reading `there` takes, `needed`.

    `roles` is what every role of the server grants, `everyone` the id of the one that everybody has. One role is
    enough to let somebody see `here`, and one to keep them from reading `there`; more roles change nothing for the
    worse. So it is enough to look at two at a time. Administrators read everything.
    """
    if roles[everyone] & ADMINISTRATOR:
        return True

    def kind(id_: int, granted: int) -> _Kind:
        return _Kind(granted & (VIEW | needed), _masked(here.get(id_), VIEW), _masked(there.get(id_), needed))

    all_have = kind(everyone, roles[everyone])
    kinds = {kind(id_, bits) for id_, bits in roles.items() if id_ != everyone and not bits & ADMINISTRATOR}
    people = {_NOTHING} | {kind(id_, 0) for id_ in (here.keys() | there.keys()) - roles.keys()}
    for (one, other), person in product(combinations_with_replacement({_NOTHING} | kinds, 2), people):
        base = all_have.granted | one.granted | other.granted
        seen = _left(base, all_have.here, _both(one.here, other.here), person.here)
        read = _left(base, all_have.there, _both(one.there, other.there), person.there)
        if seen & VIEW and read & needed != needed:
            return False
    return True


def _masked(overwrite: Overwrite | None, mask: int) -> Overwrite:
    return NO_EXCEPTION if overwrite is None else Overwrite(overwrite.allow & mask, overwrite.deny & mask)


def _both(one: Overwrite, other: Overwrite) -> Overwrite:
    return Overwrite(one.allow | other.allow, one.deny | other.deny)


def _left(base: int, everyone: Overwrite, roles: Overwrite, member: Overwrite) -> int:
    """What is left of `base` in a channel: exceptions for everybody, then those of all roles, then the member's."""
    for overwrite in (everyone, roles, member):
        base = base & ~overwrite.deny | overwrite.allow
    return base
