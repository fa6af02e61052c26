"""Images and PDFs in the store, on both databases: kept once, read only when asked for, deleted with their message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.attachments import read_file
from bot.messages import Conversation, Image, Part, Pdf, Said, Step, Text, TextFile, Turn, TurnStatus
from bot.sight import TEXT_ONLY, Able
from bot.store import Store, tables
from tests.databases import Queries, rows
from tests.files_made import PDF, png

pytest_plugins = ["tests.database_fixtures"]

THREAD = Conversation(id=2**62, guild_id=10, owner_id=20)
BOTH = Able(images=True, pdfs=True)
IMAGE, DOCUMENT = read_file("x\0.png", png()), read_file("p.pdf", PDF)
assert isinstance(IMAGE, Image)
assert isinstance(DOCUMENT, Pdf)


def said(message_id: int, *parts: Part) -> Said:
    return Said(message_id, 20, "Ann", parts, float(message_id))


def data_of(turns: list[Turn]) -> list[bytes | None]:
    parts = (part for turn in turns for said in turn.question for part in said.parts)
    return [part.data for part in parts if isinstance(part, Image | Pdf)]


async def kept(database_url: str) -> set[tuple[int, bytes]]:
    return {(row["said_id"], row["data"]) for row in await rows(database_url, tables.files)}


@pytest.fixture
async def turn(store: Store) -> Turn:
    await store.add_conversation(THREAD)
    turn = await store.ask(THREAD.id, said(1, Text("Look"), IMAGE, DOCUMENT, TextFile("a.py", "1")))
    assert turn is not None
    return turn


async def test_a_question_comes_back_with_its_files_but_without_their_bytes(store: Store, turn: Turn) -> None:
    assert turn.question == (said(1, Text("Look"), IMAGE, DOCUMENT, TextFile("a.py", "1")),)
    assert data_of([turn, *await store.turns(THREAD.id)]) == [None] * 4


async def test_the_bytes_are_read_when_asked_for(store: Store, turn: Turn) -> None:
    turns = await store.turns(THREAD.id)
    loaded = await store.with_files(turns, BOTH)
    assert loaded == turns
    assert data_of(loaded) == [png(), PDF]
    assert data_of(await store.with_files(turns, Able(pdfs=True))) == [None, PDF]
    assert data_of(await store.with_files(turns, TEXT_ONLY)) == [None, None]


async def test_a_conversation_of_text_asks_nothing_of_the_files(store: Store) -> None:
    await store.add_conversation(THREAD)
    for number in range(1, 4):
        await store.ask(THREAD.id, said(number, Text("Hi"), TextFile("a.py", "1")))
    with Queries() as sent:
        turns = await store.turns(THREAD.id)
        assert await store.with_files(turns, BOTH) == turns
    assert not [statement for statement in sent if "files" in statement]


async def test_a_file_sent_twice_in_a_message_is_kept_once(store: Store, turn: Turn, database_url: str) -> None:
    again = await store.ask_more(turn.id, said(2, IMAGE, replace(IMAGE, name="y.png")))
    assert again is not None
    assert await kept(database_url) == {(1, png()), (1, PDF), (2, png())}
    assert data_of(await store.with_files([again], BOTH)) == [png(), PDF, png(), png()]


async def test_a_message_that_is_known_adds_no_files(store: Store, turn: Turn, database_url: str) -> None:
    assert await store.ask(THREAD.id, said(1, read_picture(9))) is None
    assert await store.ask_more(turn.id, said(1, read_picture(9))) is None
    assert await kept(database_url) == {(1, png()), (1, PDF)}


def read_picture(colour: int) -> Image:
    image = read_file("new.png", png(colour=colour))
    assert isinstance(image, Image)
    return image


async def test_an_edited_message_keeps_the_files_that_it_refers_to(store: Store, turn: Turn, database_url: str) -> None:
    bare = tuple(part for part in turn.question[0].parts if isinstance(part, Image))
    edited = await store.edit_said(1, (Text("Look again"), *bare, read_picture(9)))
    assert edited is not None
    assert edited.question[0].parts == (Text("Look again"), IMAGE, read_picture(9))
    assert data_of(await store.with_files([edited], BOTH)) == [png(), png(colour=9)]
    assert await kept(database_url) == {(1, png()), (1, png(colour=9))}


async def test_a_deleted_message_takes_its_files_along(store: Store, turn: Turn, database_url: str) -> None:
    await store.ask_more(turn.id, said(2, IMAGE))
    await store.forget_messages([1])
    assert await kept(database_url) == {(2, png())}
    await store.forget_channel(THREAD.id)
    assert await kept(database_url) == set()


async def test_where_a_conversation_is_whole_is_remembered(store: Store, turn: Turn) -> None:
    await store.leave_behind(THREAD.id, before_turn=3, files_before=7)
    assert await store.conversation(THREAD.id) == replace(THREAD, first_turn_id=3, first_whole_turn_id=7)


async def test_notes_on_an_answer_are_kept_with_its_step(store: Store, turn: Turn) -> None:
    step = Step(text="A paper.", annotations=({"type": "file", "file": {"hash": "h", "text": "\0 é"}},))
    await store.finish(turn.id, TurnStatus.DONE, [step], error=None, notices=[])
    [stored] = await store.turns(THREAD.id)
    assert stored.steps == (step,)


async def test_a_fork_has_the_files_and_remembers_from_where_on_it_is_whole(store: Store, turn: Turn) -> None:
    await store.finish(turn.id, TurnStatus.DONE, [], error=None, notices=[])
    await store.leave_behind(THREAD.id, before_turn=0, files_before=turn.id)
    await store.fork(THREAD.id, replace(THREAD, id=5))
    await store.forget_channel(THREAD.id)
    copies = await store.turns(5)
    assert data_of(await store.with_files(copies, BOTH)) == [png(), PDF]
    fork = await store.conversation(5)
    assert fork is not None
    assert fork.first_whole_turn_id == copies[0].id
