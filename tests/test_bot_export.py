"""The whole bot over real sockets: `/export` gives one person this conversation as a file."""

from __future__ import annotations

import asyncio
import time
import zipfile
from collections.abc import AsyncGenerator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.export.archive import from_json
from bot.messages import JsonObject, Said, Step, Text
from bot.playground.discord.records import Channel
from bot.store import Store
from tests.bot_trouble import Private
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "Easy </details>.", "say": "You said: {question}\n\n```python\nx = 1\n```"}
SLOW: JsonObject = {"name": "slow", "when": "slowly", "say": {"repeat": 400, "text": "word {n} "}, "speed": 60}


class Files:
    """The files that only one person gets to see, from now on."""

    def __init__(self, bot: Stage, who: int) -> None:
        self._bot = bot
        self._seen: list[dict[str, Any]] = []
        bot.world.subscribe(lambda event: self._note(event.data) if event.only_user == who else None)

    def _note(self, data: Any) -> None:
        self._seen += data.get("attachments") or []

    async def next(self) -> tuple[str, bytes, str]:
        """Name, content and description of the next file."""
        await self._bot.until(lambda: self._seen, "a private file")
        file = self._seen.pop(0)
        async with aiohttp.ClientSession() as session, session.get(file["url"]) as answer:
            return file["filename"], await answer.read(), file.get("description") or ""


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, ECHO), speed=1.0) as built, built.app():
        yield built


async def thread_of(bot: Stage, text: str = "how do I count words?") -> Channel:
    thread = await bot.thread_of(bot.mention(bot.ada, text))
    await bot.answered(thread.id)
    return thread


async def test_markdown_is_the_default_and_anybody_who_reads_the_thread_may_have_it(bot: Stage) -> None:
    thread, files = await thread_of(bot), Files(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "export")
    name, data, _ = await files.next()
    assert name == "how-do-i-count-words.md"
    text = data.decode()
    assert text.startswith("# how do I count words?")
    assert "You said: how do I count words?" in text
    assert "<summary>💭 Reasoning</summary>" in text


async def test_json_reads_back_to_what_the_bot_remembers(bot: Stage) -> None:
    thread, files = await thread_of(bot), Files(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "export", format="json")
    name, data, _ = await files.next()
    assert name.endswith(".json")
    store = await Store.open(bot.settings.database_url)
    kept, turns = await store.conversation(thread.id), await store.turns(thread.id)
    await store.close()
    read = from_json(data)
    assert (read.conversation, list(read.turns)) == (kept, turns)
    assert turns[0].steps[0].reasoning_details


async def test_html_is_one_page(bot: Stage) -> None:
    thread, files = await thread_of(bot), Files(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "export", format="html")
    name, data, _ = await files.next()
    assert name == "how-do-i-count-words.html"
    assert "Easy &lt;/details&gt;." in data.decode()


async def until_saved(bot: Stage, thread_id: int, words: str) -> None:
    """Discord is nearer here than anywhere: what is shown may be in the database only a moment later."""
    store = await Store.open(bot.settings.database_url)
    try:
        async with asyncio.timeout(10):
            while not any(words in turn.steps[-1].text for turn in await store.turns(thread_id) if turn.steps):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await store.close()


async def test_a_running_answer_is_exported_as_far_as_it_has_come(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "slowly"))
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
    await until_saved(bot, thread.id, "word 3 ")
    files, private = Files(bot, bot.ada), Private(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "export")
    _, data, _ = await files.next()
    await private.told("as far as it has come")
    assert "word 3 " in data.decode()
    assert "This answer was still being written." in data.decode()


async def test_a_direct_message_can_be_exported(bot: Stage) -> None:
    channel, files = bot.world.open_dm(bot.ben, bot.bot), Files(bot, bot.ben)
    bot.say(bot.ben, channel.id, "hello")
    await bot.answered(channel.id)
    await bot.command(bot.ben, channel.id, "export")
    assert (await files.next())[0] == "conversation-with-cogitor.md"


async def test_elsewhere_there_is_nothing_to_export(bot: Stage) -> None:
    private = Private(bot, bot.ada)
    await thread_of(bot)
    await bot.command(bot.ada, bot.channel("general"), "export")
    await private.told("This is not one of my conversations.")


async def test_a_large_conversation_is_packed_and_blocks_nothing(bot: Stage) -> None:
    thread, files = await thread_of(bot), Files(bot, bot.ada)
    store = await Store.open(bot.settings.database_url)
    for number in range(1, 12):
        turn = await store.ask(thread.id, Said(number, bot.ada, "Ada", (Text("again"),), float(number)))
        assert turn is not None
        await store.save_steps(turn.id, 0, [Step(text="A line of the answer.\n" * 50_000, finish="stop")])
    await store.close()
    slowest = 0.0

    async def watch() -> None:
        nonlocal slowest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            slowest = max(slowest, time.monotonic() - began)

    watching = asyncio.create_task(watch())
    await bot.command(bot.ada, thread.id, "export")
    name, data, _ = await files.next()
    watching.cancel()
    assert name == "how-do-i-count-words.md.zip"
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert len(archive.read("how-do-i-count-words.md")) > 11_000_000
    assert slowest < 5.0  # 11 MB; what a few hundred kilobytes take is far below what anybody notices
