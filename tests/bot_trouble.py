"""The stage for tests of the whole bot in trouble: what they share to cause it and to see what came of it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from bot.__main__ import QUIET
from bot.messages import JsonObject
from bot.playground.discord.records import Channel
from tests.whole_bot import Stage, script_file, stage

MARK = "zanzibar"
"""Stands in every text that people or the model write here, so that it can be looked for where it must not be."""

SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": f"Let me think about {MARK}.",
    "say": {"repeat": 400, "text": f"{MARK} {{n}} "},
    "speed": 60,
}
ECHO: JsonObject = {"name": "echo", "think": f"Easy {MARK}.", "say": "You said: {question}"}
BRIEF: JsonObject = {
    "name": "brief",
    "when": "briefly",
    "think": "Hm.",
    "say": {"repeat": 80, "text": f"{MARK} {{n}} "},
    "speed": 40,
}


@contextmanager
def discreet_log() -> Generator[None]:
    """Everything that is logged as in production, held against what must not be in it."""
    kept: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(self.format(record))

    keeper, root = Keeper(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", *QUIET)}
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    yield
    root.removeHandler(keeper)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logged = "\n".join(kept)
    for secret in (MARK, "playground.", "stand-in-key"):
        assert secret not in logged
    assert "Traceback" not in logged
    assert "unexpected" not in logged


@asynccontextmanager
async def troubled_bot(folder: Path) -> AsyncGenerator[Stage]:
    """A running bot whose model repeats the question, or answers slowly or briefly when told so."""
    script = script_file(folder, SLOW, BRIEF, ECHO)
    async with stage(folder, script=script, speed=1.0) as bot, bot.app():
        await bot.until(lambda: bot.world.records.commands, "the commands are published")
        yield bot


class Private:
    """What only one person gets to see, from now on."""

    def __init__(self, bot: Stage, who: int) -> None:
        self._bot = bot
        self.seen: list[str] = []
        bot.world.subscribe(lambda event: self.seen.append(str(event.data)) if event.only_user == who else None)

    async def told(self, text: str) -> None:
        await self._bot.until(lambda: any(text in seen for seen in self.seen), f"privately: {text}\n{self.seen}")


async def conversation(bot: Stage, who: int, text: str = f"hello {MARK}") -> Channel:
    thread = await bot.thread_of(bot.mention(who, text))
    await bot.answered(thread.id)
    return thread


async def running(bot: Stage, who: int) -> Channel:
    """A thread in which a slow answer is being shown."""
    thread = await bot.thread_of(bot.mention(who, f"slowly {MARK}"))
    await bot.until(lambda: f"{MARK} 3 " in bot.text(thread.id), "some of the answer")
    return thread


def asked(bot: Stage) -> str:
    """The last question, as it reached the model."""
    messages = bot.model.requests[-1].body["messages"]
    assert isinstance(messages, list)
    return str(messages[-1]["content"])  # type: ignore[index]  # JSON of a known shape


def forged(bot: Stage, channel_id: int, custom_id: str, label: str) -> None:
    """A message of the bot with a button that it never made."""
    button = {"type": 2, "style": 1, "label": label, "custom_id": custom_id}
    bot.world.create_message(
        bot.bot, channel_id, {"content": "forged", "components": [{"type": 1, "components": [button]}]}
    )


@asynccontextmanager
async def locked(database: Path) -> AsyncGenerator[None]:
    """Another process writes to the database and does not end; taken without blocking the bot, which may be writing."""
    with closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield


def guild_of(bot: Stage) -> Any:
    return next(iter(bot.world.records.guilds.values()))


async def still_answers(bot: Stage) -> None:
    """Whatever happened before, the next question is answered."""
    thread = await bot.thread_of(bot.mention(bot.ben, f"still there {MARK}"))
    assert "You said: still there" in await bot.answered(thread.id)
