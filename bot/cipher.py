"""Encrypts what the database must not give away: servers' own keys, each bound to the server that it belongs to.

AES-256-GCM, with a key derived from the operator's SECRET_KEY. This module knows
nothing of where the ciphertext is kept or of what the plain text is for.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_VERSION = b"\x01"
_NONCE_BYTES = 12
_SALT = b"cogitor: servers' own keys"
_COST = 2**15
"""scrypt's: about a tenth of a second and 32 MB for each secret, once, should somebody have chosen a weak one."""


class Unreadable(Exception):
    """Read by whoever keeps the ciphertext: no secret at hand opens it, or it is not what was sealed for this owner."""


@dataclass(frozen=True, slots=True)
class _Derived:
    """What one secret becomes."""

    sealing: AESGCM = field(repr=False)
    naming: bytes = field(repr=False)


class Cipher:
    """Seals with the first of `secrets`, and opens with all of them. Making one takes a while: use a thread.

    `secrets` must not be empty.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._newest, *self._older = map(_derive, secrets)

    def seal(self, text: str, *, owner: int) -> bytes:
        """Encrypt a text that only `owner` can use."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._newest.sealing.encrypt(nonce, text.encode(), _bound_to(owner))

    def open(self, sealed: bytes, *, owner: int) -> str:
        """The text that was sealed for `owner`. Raises Unreadable."""
        for derived in (self._newest, *self._older):
            if (text := _opened(derived, sealed, owner)) is not None:
                return text
        raise Unreadable

    def is_current(self, sealed: bytes, *, owner: int) -> bool:
        """Whether the first secret opens it, so that the others are not needed for it any more."""
        return _opened(self._newest, sealed, owner) is not None

    def fingerprint(self, text: str) -> str:
        """Twelve hexadecimal digits that tell texts apart, and say nothing of them to whoever has no secret."""
        return hmac.new(self._newest.naming, text.encode(), hashlib.sha256).hexdigest()[:12]


async def open_cipher(secrets: Sequence[str]) -> Cipher | None:
    """A cipher for the operator's secrets, made without keeping anybody waiting; None where there is no secret."""
    return await asyncio.to_thread(Cipher, secrets) if secrets else None


def _derive(secret: str) -> _Derived:
    master = Scrypt(salt=_SALT, length=32, n=_COST, r=8, p=1).derive(secret.encode("utf-8", "surrogatepass"))
    sealing, naming = (HKDF(SHA256(), 32, None, purpose).derive(master) for purpose in (b"sealing", b"naming"))
    return _Derived(AESGCM(sealing), naming)


def _opened(derived: _Derived, sealed: bytes, owner: int) -> str | None:
    version, nonce, content = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if version != _VERSION:
        return None
    try:
        return derived.sealing.decrypt(nonce, content, _bound_to(owner)).decode()
    except (InvalidTag, ValueError):  # the latter for what is too short to hold a nonce
        return None


def _bound_to(owner: int) -> bytes:
    return f"server {owner}".encode()
