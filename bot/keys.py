"""Servers' own keys: checked with the model's server, kept encrypted, given out to pay for a server's answers.

A key leaves this module only as a `Key` that goes with a request. It is in no text,
log or error, and nothing gives it back to people. This module knows nothing of
Discord, of HTTP or of how encryption works.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from dataclasses import dataclass
from typing import Protocol

from bot.allowance import Allowance, dollars
from bot.cipher import Cipher, Unreadable
from bot.errors import ForUser, ModelError, ModelFault
from bot.failing import KeyUnusable
from bot.model import Key
from bot.store import Store
from bot.store.vault import StoredKey

log = logging.getLogger(__name__)

LONGEST_KEY = 400
"""Characters; OpenRouter's have 73."""

CANNOT_KEEP = (
    "I cannot keep a key of this server's own yet, because my operator has not set SECRET_KEY, with which I would "
    "encrypt it. Please ask the operator of this bot to set it and to start me again."
)
NOTHING_CHANGED = " Nothing has changed."
EMPTY = "There was no key in the form, so nothing has changed. Please open it again and paste the key."
TOO_LONG = f"This is not a key: it has more than {LONGEST_KEY} characters. Please copy only the key." + NOTHING_CHANGED
NOT_A_KEY = (
    "This is not a key: it has spaces, line breaks or characters in it that no key has. Please copy it again, "
    "and only the key." + NOTHING_CHANGED
)
MANAGEMENT = (
    "This is a management key, which can make other keys but cannot pay for answers. Please create an ordinary API "
    "key (at OpenRouter: Settings → Keys) and set that one." + NOTHING_CHANGED
)
SPENT = (
    "This key works, but it has nothing left to spend of its {limit}. Please raise its limit or add credit where you "
    "got it, and set it again." + NOTHING_CHANGED
)
SPENT_UNTIL = (
    "This key works, but it has nothing left to spend of its {limit} for now: its limit starts anew {resets}. Please "
    "set it again then, or raise its limit." + NOTHING_CHANGED
)

_REFUSED = {
    ModelFault.BAD_KEY: "The model's server does not accept this key: it is mistyped, revoked, disabled or expired. "
    "Please copy it again, or create a new one.",
    ModelFault.NO_CREDIT: "The account behind this key has no credit left. Please add some, and set the key again.",
    ModelFault.FORBIDDEN: "The model's server does not allow this key to be used. Please look at its permissions "
    "where you got it, or create a new one.",
    ModelFault.RATE_LIMITED: "The model's server is receiving too many requests to check the key right now. Please "
    "try again in a minute.",
    ModelFault.UNREACHABLE: "I could not reach the model's server to check the key. Please try again in a moment.",
    ModelFault.TIMEOUT: "The model's server took too long to check the key. Please try again in a moment.",
    ModelFault.OVERLOADED: "The model's server is overloaded or down and could not check the key. Please try again "
    "in a few minutes.",
}
_TROUBLES = _REFUSED | {
    ModelFault.BAD_KEY: "The model's server does not accept the key any more: it was revoked or disabled, or has "
    "expired. Please set a new one with `/key set`.",
    ModelFault.NO_CREDIT: "The account behind the key has no credit left. Please add some, or set another key with "
    "`/key set`.",
    ModelFault.FORBIDDEN: "The model's server does not allow the key to be used. Please look at its permissions where "
    "you got it, or set another one with `/key set`.",
}
"""The same of a key that was good once."""
_UNUSABLE = "The model's server gave no usable answer when I asked it about the key. Please try again later."


class Account(Protocol):
    """Where keys are checked."""

    async def allowance(self, key: str) -> Allowance | None:
        """What a key may still spend; None from a server that cannot be asked. Raises ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What a server's admins may know of its key."""

    id: str
    user_id: int
    """Who set it."""
    at: float
    """When, in Unix seconds."""
    is_readable: bool
    allowance: Allowance | None = None
    """None where it is not known."""
    trouble: str | None = None
    """Why it is not known, as a sentence."""


class Keys:
    """Servers' own keys. `cipher` is None where the operator has set no secret to encrypt with."""

    def __init__(self, store: Store, cipher: Cipher | None, account: Account) -> None:
        self._store = store
        self._cipher = cipher
        self._account = account

    @property
    def can_keep(self) -> bool:
        """Whether a key can be stored at all."""
        return self._cipher is not None

    async def of(self, guild_id: int | None) -> Key | None:
        """The key that pays in a server; None where that is the operator's. Raises KeyUnusable."""
        stored = None if guild_id is None else await self._store.key(guild_id)
        if stored is None:
            return None
        secret = _opened(self._cipher, stored)
        if secret is None:
            raise KeyUnusable(stored.guild_id, stored.id, has_secret=self.can_keep)
        return Key(stored.id, secret)

    async def with_id(self, guild_id: int, key_id: str) -> Key | None:
        """A server's key, if it is still this one and can be read."""
        stored = await self._store.key(guild_id)
        secret = _opened(self._cipher, stored) if stored is not None and stored.id == key_id else None
        return None if secret is None else Key(key_id, secret)

    async def set(self, guild_id: int, user_id: int, text: str) -> Allowance | None:
        """Check what somebody entered as a key, and keep it; returns what it may spend, None if that is not known.

        Raises ForUser, with what to do, for everything that speaks against it.
        """
        if self._cipher is None:
            raise ForUser(CANNOT_KEEP)
        secret = clean_key(text)
        try:
            allowance = await self._account.allowance(secret)
        except ModelError as error:
            raise ForUser(_REFUSED.get(error.fault, _UNUSABLE) + NOTHING_CHANGED) from None
        if allowance is not None:
            _check_can_pay(allowance)
        sealed = self._cipher.seal(secret, owner=guild_id)
        await self._store.set_key(guild_id, user_id, self._cipher.fingerprint(secret), sealed)
        return allowance

    async def report(self, guild_id: int) -> KeyReport | None:
        """What is known of a server's key, asking the model's server; None where there is none."""
        stored = await self._store.key(guild_id)
        if stored is None:
            return None
        secret = _opened(self._cipher, stored)
        if secret is None:
            return KeyReport(stored.id, stored.user_id, stored.at, is_readable=False)
        allowance, trouble = None, None
        try:
            allowance = await self._account.allowance(secret)
        except ModelError as error:
            trouble = _TROUBLES.get(error.fault, _UNUSABLE)
        return KeyReport(stored.id, stored.user_id, stored.at, is_readable=True, allowance=allowance, trouble=trouble)

    async def id_of(self, guild_id: int) -> str | None:
        """What tells a server's key from others; None where it has none."""
        stored = await self._store.key(guild_id)
        return None if stored is None else stored.id

    async def remove(self, guild_id: int, user_id: int, key_id: str) -> bool:
        """Forget a server's key; False where it has none, or another by now."""
        return await self._store.remove_key(guild_id, user_id, key_id)

    async def renew(self) -> None:
        """Encrypt with the newest secret what an older one encrypted, so that the older one can be given up."""
        renewed, unreadable = 0, 0
        for stored in await self._store.keys():
            secret = _opened(self._cipher, stored)
            if secret is None or self._cipher is None:
                unreadable += 1
            elif not self._cipher.is_current(stored.sealed, owner=stored.guild_id):
                await self._store.reseal_key(stored, self._cipher.seal(secret, owner=stored.guild_id))
                renewed += 1
        if renewed:
            log.info("the keys of %d servers are encrypted with the newest SECRET_KEY now", renewed)
        if unreadable:
            log.warning("the keys of %d servers cannot be decrypted; `python -m bot doctor` says more", unreadable)


async def count_unreadable(store: Store, cipher: Cipher | None) -> tuple[int, int]:
    """How many of the stored keys cannot be decrypted, and how many there are."""
    stored = await store.keys()
    return sum(_opened(cipher, key) is None for key in stored), len(stored)


def clean_key(text: str) -> str:
    """The key in what somebody pasted, without the space and the invisible characters that copying brings along.

    Raises ForUser for what cannot be a key; the text is not repeated.
    """
    if len(text) > 4 * LONGEST_KEY:
        raise ForUser(TOO_LONG)
    key = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").strip()
    if not key:
        raise ForUser(EMPTY)
    if len(key) > LONGEST_KEY:
        raise ForUser(TOO_LONG)
    if not re.fullmatch(r"[!-~]+", key):
        raise ForUser(NOT_A_KEY)
    return key


def _opened(cipher: Cipher | None, stored: StoredKey) -> str | None:
    if cipher is None:
        return None
    try:
        return cipher.open(stored.sealed, owner=stored.guild_id)
    except Unreadable:
        return None


def _check_can_pay(allowance: Allowance) -> None:
    if allowance.is_management:
        raise ForUser(MANAGEMENT)
    if allowance.is_spent:
        sentence = SPENT_UNTIL if allowance.resets else SPENT
        raise ForUser(sentence.format(limit=dollars(allowance.limit or 0), resets=allowance.resets))
