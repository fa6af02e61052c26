"""What the store keeps when much happens at once, or everything ends in the middle."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
import traceback
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from bot.messages import Conversation, Said, Step, Text, Turn, TurnStatus, Usage
from bot.store import Store
from tests.databases import Queries

pytest_plugins = ["tests.database_fixtures"]

WRITER = """
import asyncio, sys
from bot.messages import Conversation, Said, Step, Text, TurnStatus
from bot.store import Store

async def main():
    store = await Store.open(sys.argv[1])
    await store.add_conversation(Conversation(id=1, guild_id=None, owner_id=1))
    number = 0
    while True:
        number += 1
        turn = await store.ask(1, Said(number, 1, "Ann", (Text("Why?"),), 1.0))
        await store.finish(turn.id, TurnStatus.DONE, [Step(text="x" * 9_000)], error=None, notices=[])
        print(number, flush=True)

asyncio.run(main())
"""


async def ask(store: Store, conversation_id: int, message_id: int) -> Turn:
    await store.add_conversation(Conversation(id=conversation_id, guild_id=1, owner_id=2))
    turn = await store.ask(conversation_id, Said(message_id, 2, "Ann", (Text("Why?"),), 1.0))
    assert turn is not None
    return turn


async def test_a_killed_process_leaves_all_that_was_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cogitor.db"
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert writer.stdout is not None
    acknowledged = 0
    async with asyncio.timeout(30):
        while acknowledged < 10:
            acknowledged = int(await writer.stdout.readline())
        writer.kill()
        rest = await writer.stdout.read()
        await writer.wait()
    acknowledged += rest.count(b"\n")

    store = await Store.open(url)
    turns = await store.turns(1)
    await store.close()
    whole = [turn for turn in turns if turn.status is TurnStatus.DONE]
    assert [turn.question[0].id for turn in whole[:acknowledged]] == list(range(1, acknowledged + 1))
    assert all(turn.steps == (Step(text="x" * 9_000),) for turn in whole)
    with closing(sqlite3.connect(tmp_path / "cogitor.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_fifty_answers_save_and_read_at_once(store: Store) -> None:
    """None of them finds the database locked."""
    turns = [await ask(store, number, number) for number in range(1, 51)]

    async def answer(turn: Turn) -> None:
        await store.begin(turn.id)
        await store.save_steps(turn.id, 0, [Step(text="So")])
        await store.turns(turn.conversation_id)
        await store.finish(turn.id, TurnStatus.DONE, [Step(text="So far")], error=None, notices=[])

    await asyncio.gather(*(answer(turn) for turn in turns))
    for turn in turns:
        assert await store.turn(turn.id) == replace(turn, status=TurnStatus.DONE, steps=(Step(text="So far"),))


async def test_two_stores_write_to_one_database(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)
    try:
        turn = await ask(store, 1, 1)
        saids = [Said(number, 2, "Ann", (), float(number)) for number in range(2, 22)]
        twice = await asyncio.gather(*(each.ask_more(turn.id, said) for said in saids for each in (store, other)))
        stored = await other.turn(turn.id)
    finally:
        await other.close()
    assert sum(added is not None for added in twice) == len(saids)
    assert stored is not None
    assert stored.question[1:] == tuple(saids)


async def test_a_cancelled_write_is_whole_and_the_next_one_works(store: Store) -> None:
    """Cancelled at any moment, a write that has begun is finished, and the connection stays usable."""
    turn = await ask(store, 1, 1)
    cancelled = 0
    for ticks in range(1, 30):
        steps = (Step(text=f"{ticks}"), Step(text=f"{ticks}", usage=Usage(ticks)))
        saving = asyncio.create_task(store.save_steps(turn.id, 0, steps))
        for _ in range(ticks):
            await asyncio.sleep(0)
        saving.cancel()
        await asyncio.wait({saving})
        cancelled += saving.cancelled()
        stored = await store.turn(turn.id)
        assert stored is not None
        assert stored.steps == steps
    assert cancelled > 0


async def test_a_write_that_is_cancelled_again_and_again_is_still_waited_for(store: Store) -> None:
    """Else the database could be closed under it, and its connection would be left open."""
    turn = await ask(store, 1, 1)
    saving = asyncio.create_task(store.save_steps(turn.id, 0, (Step(text="whole"),)))
    await asyncio.sleep(0)
    while not saving.done():
        saving.cancel()
        await asyncio.sleep(0)
    assert saving.cancelled()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    stored = await store.turn(turn.id)
    assert stored is not None
    assert stored.steps == (Step(text="whole"),)


async def test_closing_waits_for_what_is_being_read_and_nothing_begins_afterwards(sqlite_url: str) -> None:
    """A connection that is left open has a thread of its own, which would keep the process from ending."""
    store = await Store.open(sqlite_url)
    before = threading.active_count()
    reading = [asyncio.create_task(store.conversation(number)) for number in range(3)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*reading) == [None, None, None]
    with pytest.raises(RuntimeError, match="closed"):
        await store.conversation(1)
    async with asyncio.timeout(20):
        while threading.active_count() >= before:  # noqa: ASYNC110 - nothing announces the end of a thread
            await asyncio.sleep(0.01)


async def test_errors_do_not_quote_what_was_said(store: Store) -> None:
    """An error may be logged, whatever it is."""
    too_large_an_id = Conversation(id=2**70, guild_id=1, owner_id=2, title="a secret title")
    with pytest.raises((OverflowError, DBAPIError)) as caught:
        await store.add_conversation(too_large_an_id)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


async def test_no_transaction_is_open_between_calls(sqlite_url: str) -> None:
    """Another process can write at once while an answer streams."""
    store = await Store.open(sqlite_url)
    try:
        turn = await ask(store, 1, 1)
        await store.begin(turn.id)
        await store.turns(1)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            other.execute("ROLLBACK")
    finally:
        await store.close()


async def test_saving_a_draft_costs_the_same_in_a_long_conversation(store: Store) -> None:
    turn = await ask(store, 1, 1)
    with Queries() as early:
        await store.save_steps(turn.id, 0, [Step(text="So")])
    for number in range(2, 40):
        turn = await ask(store, 1, number)
    with Queries() as late:
        await store.save_steps(turn.id, 5, [Step(text="So")])
    assert len(early) == len(late) > 0
