"""Servers' own keys: what is taken for one, how it is kept, and who may use it; on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.allowance import Allowance
from bot.cipher import Cipher
from bot.errors import ForUser, ModelError, ModelFault
from bot.failing import KeyUnusable
from bot.keys import EMPTY, LONGEST_KEY, MANAGEMENT, NOT_A_KEY, TOO_LONG, Keys, clean_key, count_unreadable
from bot.model import Key
from bot.store import Store, tables
from tests.databases import Clock, execute, rows

pytest_plugins = ["tests.database_fixtures"]

CANARY = "sk-or-v1-canary-0123456789abcdef"
HERE, THERE, ADA = 2**60 + 1, 2**60 + 2, 77


class Accounts:
    """Says of every key the same."""

    def __init__(self, says: Allowance | ModelFault | None = None) -> None:
        self.says = says
        self.asked: list[str] = []

    async def allowance(self, key: str) -> Allowance | None:
        self.asked.append(key)
        if isinstance(self.says, ModelFault):
            raise ModelError(self.says)
        return self.says


@pytest.fixture(scope="module")
def cipher() -> Cipher:
    return Cipher(["one secret"])


@pytest.fixture(scope="module")
def rotated() -> Cipher:
    return Cipher(["another secret", "one secret"])


@pytest.fixture(scope="module")
def other() -> Cipher:
    return Cipher(["another secret"])


class TestCleaning:
    @pytest.mark.parametrize(
        "text",
        [CANARY, f"  {CANARY}\n", f"\u200b{CANARY}\ufeff", f"{CANARY[:9]}\u200b\u2060{CANARY[9:]}", f"\t{CANARY}\r\n"],
    )
    def test_what_copying_brings_along_is_taken_away(self, text: str) -> None:
        assert clean_key(text) == CANARY

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", EMPTY),
            (" \u200b\n", EMPTY),
            (f"Bearer {CANARY}", NOT_A_KEY),
            (f"{CANARY}\n{CANARY}", NOT_A_KEY),
            ("sk-or-v1-кириллица", NOT_A_KEY),
            ("sk\x00or", NOT_A_KEY),
            ("k" * (LONGEST_KEY + 1), TOO_LONG),
            ("\u200b" * 100_000, TOO_LONG),
        ],
    )
    def test_what_is_no_key_is_refused_with_the_reason(self, text: str, sentence: str) -> None:
        with pytest.raises(ForUser) as caught:
            clean_key(text)
        assert str(caught.value) == sentence

    @given(st.text(max_size=600))
    def test_whatever_passes_fits_into_a_header_and_no_refusal_repeats_it(self, text: str) -> None:
        try:
            key = clean_key(text)
        except ForUser as error:
            assert str(error) in (EMPTY, NOT_A_KEY, TOO_LONG)
        else:
            assert key.isascii()
            assert key.isprintable()
            assert " " not in key
            assert 0 < len(key) <= LONGEST_KEY


async def test_a_key_is_kept_encrypted_and_pays_in_its_server_only(
    store: Store, database_url: str, clock: Clock, cipher: Cipher
) -> None:
    keys = Keys(store, cipher, Accounts(Allowance(10, 5)))
    clock.now = 5_000.0
    assert await keys.set(HERE, ADA, f" {CANARY}\n") == Allowance(10, 5)
    key = await keys.of(HERE)
    assert key is not None
    assert (key.secret, key.id) == (CANARY, cipher.fingerprint(CANARY))
    assert await keys.of(THERE) is None
    assert await keys.of(None) is None
    (row,) = await rows(database_url, tables.server_keys)
    assert (row["guild_id"], row["user_id"], row["at"]) == (HERE, ADA, 5_000.0)
    assert CANARY not in repr((row, key, await store.key(HERE), await store.keys(), keys))


async def test_every_change_is_in_the_audit_log_without_the_key(store: Store, cipher: Cipher) -> None:
    keys = Keys(store, cipher, Accounts())
    await keys.set(HERE, ADA, CANARY)
    await keys.set(HERE, ADA + 1, CANARY + "2")
    key_id = await keys.id_of(HERE)
    assert key_id is not None
    assert await keys.remove(HERE, ADA, key_id)
    entries = await store.audit(HERE)
    assert [(entry.user_id, entry.what, entry.before, entry.after) for entry in entries] == [
        (ADA, "key", "set", None),
        (ADA + 1, "key", "set", "set"),
        (ADA, "key", None, "set"),
    ]
    assert CANARY not in repr(entries)


async def test_only_the_key_that_was_meant_is_removed(store: Store, cipher: Cipher) -> None:
    keys = Keys(store, cipher, Accounts())
    await keys.set(HERE, ADA, CANARY)
    meant = await keys.id_of(HERE) or ""
    await keys.set(HERE, ADA, CANARY + "2")
    assert not await keys.remove(HERE, ADA, meant)
    assert not await keys.remove(THERE, ADA, meant)
    assert await keys.of(HERE) == Key(cipher.fingerprint(CANARY + "2"), CANARY + "2")


async def test_a_row_copied_to_another_server_pays_nothing_there(
    store: Store, database_url: str, cipher: Cipher
) -> None:
    keys = Keys(store, cipher, Accounts())
    await keys.set(HERE, ADA, CANARY)
    copy = "INSERT INTO server_keys SELECT {}, key_id, sealed, user_id, at FROM server_keys"
    await execute(database_url, copy.format(THERE))
    with pytest.raises(KeyUnusable):
        await keys.of(THERE)


async def test_a_new_secret_in_front_reencrypts_every_key_so_that_the_old_one_can_go(
    store: Store, cipher: Cipher, rotated: Cipher, other: Cipher
) -> None:
    await Keys(store, cipher, Accounts()).set(HERE, ADA, CANARY)
    before = await store.keys()
    assert await count_unreadable(store, other) == (1, 1)
    await Keys(store, rotated, Accounts()).renew()
    assert await count_unreadable(store, other) == (0, 1)
    after = await Keys(store, other, Accounts()).of(HERE)
    assert after == Key(before[0].id, CANARY), "its name in the ledger stays the same"
    assert (await store.keys())[0].at == before[0].at
    renewed = await store.keys()
    await Keys(store, rotated, Accounts()).renew()
    assert await store.keys() == renewed, "what is current is left alone"


@pytest.mark.parametrize("has_secret", [True, False])
async def test_a_key_that_cannot_be_decrypted_is_kept_and_pays_nothing(
    store: Store, cipher: Cipher, other: Cipher, has_secret: bool
) -> None:
    await Keys(store, cipher, Accounts()).set(HERE, ADA, CANARY)
    keys = Keys(store, other if has_secret else None, Accounts())
    await keys.renew()
    with pytest.raises(KeyUnusable) as caught:
        await keys.of(HERE)
    assert (caught.value.guild_id, caught.value.has_secret) == (HERE, has_secret)
    report = await keys.report(HERE)
    assert report is not None
    assert not report.is_readable
    assert (await Keys(store, cipher, Accounts()).of(HERE) or Key("", "")).secret == CANARY


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (ModelFault.BAD_KEY, "does not accept this key"),
        (ModelFault.NO_CREDIT, "has no credit left"),
        (ModelFault.FORBIDDEN, "does not allow this key"),
        (ModelFault.RATE_LIMITED, "try again in a minute"),
        (ModelFault.UNREACHABLE, "could not reach"),
        (ModelFault.TIMEOUT, "took too long"),
        (ModelFault.OVERLOADED, "overloaded or down"),
        (ModelFault.GARBLED, "no usable answer"),
        (ModelFault.NO_MODEL, "no usable answer"),
        (Allowance(10**10, 0), "nothing left to spend of its $10.00. Please raise"),
        (Allowance(10**10, 0, "every week"), "its limit starts anew every week"),
        (Allowance(is_management=True), MANAGEMENT),
    ],
)
async def test_a_key_that_cannot_pay_is_refused_and_the_one_before_stays(
    store: Store, cipher: Cipher, says: Allowance | ModelFault, words: str
) -> None:
    accounts = Accounts()
    keys = Keys(store, cipher, accounts)
    await keys.set(HERE, ADA, CANARY)
    accounts.says = says
    with pytest.raises(ForUser) as caught:
        await keys.set(HERE, ADA, CANARY + "2")
    assert words in str(caught.value)
    assert str(caught.value).endswith("Nothing has changed.")
    assert CANARY not in str(caught.value)
    assert (await keys.of(HERE) or Key("", "")).secret == CANARY


async def test_what_is_no_key_is_not_sent_anywhere(store: Store, cipher: Cipher) -> None:
    accounts = Accounts()
    with pytest.raises(ForUser):
        await Keys(store, cipher, accounts).set(HERE, ADA, "not a key")
    assert accounts.asked == []


async def test_without_a_secret_nothing_is_stored(store: Store, database_url: str) -> None:
    keys = Keys(store, None, Accounts())
    assert not keys.can_keep
    with pytest.raises(ForUser, match="SECRET_KEY"):
        await keys.set(HERE, ADA, CANARY)
    assert await rows(database_url, tables.server_keys) == []


async def test_the_kind_of_a_notice_may_be_any_text(store: Store) -> None:
    kind = "NUL \0, half \ud83d, 終わり"
    assert await store.take_notice(HERE, kind, every=None)
    assert not await store.take_notice(HERE, kind, every=None)


async def test_a_notice_is_due_once_in_its_time_for_each_server_and_kind(store: Store, clock: Clock) -> None:
    assert await store.take_notice(HERE, "a", every=100.0)
    assert not await store.take_notice(HERE, "a", every=100.0)
    assert await store.take_notice(THERE, "a", every=100.0)
    assert await store.take_notice(HERE, "b", every=None)
    clock.now += 99.0
    assert not await store.take_notice(HERE, "a", every=100.0)
    clock.now += 1.0
    assert await store.take_notice(HERE, "a", every=100.0)
    clock.now += 10**9
    assert not await store.take_notice(HERE, "b", every=None)
    await store.forget_notice(HERE, "b")
    assert await store.take_notice(HERE, "b", every=None)
