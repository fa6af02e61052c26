"""Encryption at rest: who can read it, who cannot, and how the secret is changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cipher import Cipher, Unreadable, open_cipher

OLD, NEW = "an old secret of the operator's, long", "a newer secret of the operator's, long"
KEY = "sk-or-v1-canary-0123456789"


@pytest.fixture(scope="module")
def old() -> Cipher:
    return Cipher([OLD])


@pytest.fixture(scope="module")
def new() -> Cipher:
    return Cipher([NEW])


@pytest.fixture(scope="module")
def both() -> Cipher:
    return Cipher([NEW, OLD])


@given(text=st.text(st.characters(codec="utf-8"), max_size=200), owner=st.integers(0, 2**63 - 1))
@settings(max_examples=50, deadline=None)
def test_what_is_sealed_comes_back_and_is_not_to_be_seen(old: Cipher, text: str, owner: int) -> None:
    sealed = old.seal(text, owner=owner)
    assert old.open(sealed, owner=owner) == text
    assert len(text) < 4 or text.encode() not in sealed


def test_the_same_text_is_sealed_differently_each_time(old: Cipher) -> None:
    assert old.seal(KEY, owner=1) != old.seal(KEY, owner=1)


def test_a_row_that_is_copied_to_another_server_opens_nothing(old: Cipher) -> None:
    sealed = old.seal(KEY, owner=1)
    with pytest.raises(Unreadable):
        old.open(sealed, owner=2)
    assert not old.is_current(sealed, owner=2)


def test_another_secret_opens_nothing(old: Cipher, new: Cipher) -> None:
    with pytest.raises(Unreadable) as caught:
        new.open(old.seal(KEY, owner=1), owner=1)
    assert KEY not in repr(caught.value)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_was_tampered_with_is_noticed(old: Cipher, data: st.DataObject) -> None:
    sealed = bytearray(old.seal(KEY, owner=1))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Unreadable):
        old.open(bytes(sealed), owner=1)


@given(st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_what_was_never_sealed_is_noticed(old: Cipher, anything: bytes) -> None:
    for content in (anything, b"\x01" + anything):
        with pytest.raises(Unreadable):
            old.open(content, owner=1)


def test_a_secret_is_changed_by_putting_the_new_one_first(old: Cipher, new: Cipher, both: Cipher) -> None:
    sealed = old.seal(KEY, owner=1)
    assert both.open(sealed, owner=1) == KEY
    assert not both.is_current(sealed, owner=1)
    renewed = both.seal(both.open(sealed, owner=1), owner=1)
    assert both.is_current(renewed, owner=1)
    assert new.open(renewed, owner=1) == KEY


def test_a_fingerprint_tells_keys_apart_and_depends_on_the_secret(old: Cipher, new: Cipher) -> None:
    assert old.fingerprint(KEY) == old.fingerprint(KEY)
    assert len({old.fingerprint(KEY), old.fingerprint(KEY + "x"), new.fingerprint(KEY)}) == 3
    assert len(old.fingerprint(KEY)) == 12
    assert set(old.fingerprint(KEY)) <= set("0123456789abcdef")


def test_nothing_of_a_secret_is_in_the_ciphers_words(old: Cipher) -> None:
    assert OLD not in repr(old)
    assert OLD not in repr(vars(old))


async def test_without_a_secret_there_is_no_cipher() -> None:
    assert await open_cipher(()) is None
    made = await open_cipher((OLD,))
    assert made is not None
