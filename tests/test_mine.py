"""Everything about a member as files that can be read back."""

from __future__ import annotations

import io
import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.earlier import Earlier, own_words, pointed_at, so_far
from bot.export.mine import MOST_FILES, Mine, from_json, pack_mine, to_json
from bot.messages import Image, JsonObject, Said, Step, Text, TextFile, Turn, TurnStatus

LEDGER: JsonObject = {"id": 1, "user_id": 2**60 + 1, "guild_id": None, "conversation_id": 7, "cost": 5, "at": 1.5}
CHANGE: JsonObject = {"id": 1, "guild_id": 2**60, "user_id": 2**60 + 1, "what": "model", "before": None, "after": "x"}


def turn(number: int, text: str = "hi", digest: str = "") -> Turn:
    picture = (Image("a.png", "image/png", 1, 1, 3, digest),) if digest else ()
    question = (Said(number, 5, "Ben", (Text(text), TextFile("a.txt", text), *picture), 1.0),)
    return Turn(number, 7, question, TurnStatus.DONE, (Step(text=f"Re: {text}", reasoning_details=()),))


@given(st.text(), st.binary(max_size=40))
def test_it_reads_back_to_equal_values(text: str, data: bytes) -> None:
    mine = Mine(2**60 + 1, 9.5, (turn(1, text, "d"), turn(2)), {7: 2**60}, (LEDGER,), (CHANGE,), {"d": data})
    assert from_json(to_json(mine)) == mine


def test_what_is_something_else_is_refused_with_a_sentence() -> None:
    for data in (b"", b"{}", b'{"format":"cogitor-member","version":2}', b"[" * 10_000):
        with pytest.raises(ValueError, match="damaged"):
            from_json(data)


def unpacked(data: bytes) -> Mine:
    return from_json(zipfile.ZipFile(io.BytesIO(data)).read("my-data.json"))


def noise(number: int, size: int) -> str:
    return random.Random(number).randbytes(size).hex()


def test_what_is_large_is_packed_and_divided_without_a_loss() -> None:
    turns = tuple(turn(number, noise(number, 3_000), f"d{number}") for number in range(1, 20))
    mine = Mine(1, 9.5, turns, {7: None}, (LEDGER,), (CHANGE,), {f"d{number}": b"abc" for number in range(1, 20)})
    packed = pack_mine(mine, limit=40_000)
    parts = [unpacked(file.data) for file in packed.files]
    assert packed.left_out == 0
    assert len(parts) > 1
    assert all(len(file.data) <= 40_000 for file in packed.files)
    assert sorted((each for part in parts for each in part.turns), key=lambda each: each.id) == list(turns)
    assert {digest for part in parts for digest in part.files} == mine.files.keys()
    assert [row for part in parts for row in part.usage] == [LEDGER]
    assert [file.name for file in packed.files][:2] == ["my-data-1.zip", "my-data-2.zip"]


def test_a_file_that_leaves_no_room_stays_behind_its_words() -> None:
    mine = Mine(1, 9.5, (turn(1, "hi", "d"),), {7: None}, files={"d": noise(1, 50_000).encode()})
    packed = pack_mine(mine, limit=10_000)
    assert (unpacked(packed.files[0].data).turns, packed.left_out) == (mine.turns, 0)


def test_what_discord_does_not_take_is_counted_and_the_newest_is_kept() -> None:
    turns = tuple(turn(number, noise(number, 10_000)) for number in range(1, 41))
    packed = pack_mine(Mine(1, 9.5, (*turns, turn(41, noise(41, 60_000))), {7: None}), limit=30_000)
    kept = [each.id for file in packed.files for each in unpacked(file.data).turns]
    assert len(packed.files) == MOST_FILES
    assert packed.left_out == 41 - len(kept)
    assert 40 in kept
    assert 41 not in kept


def test_a_question_is_exported_without_what_it_quotes_of_others() -> None:
    earlier = Text(so_far([Earlier("Ada", "a secret")]))
    theirs = TextFile("hers.txt", "x")
    own = (Text("is that wise?"), TextFile("mine.txt", "y"))
    assert own_words((theirs, earlier, *own)) == own
    about = Text(f"why?\n\n{pointed_at(Earlier('Ada', 'a secret'))}")
    assert own_words((theirs, earlier, about, theirs)) == (Text("why?"),)
    assert own_words(own) == own
