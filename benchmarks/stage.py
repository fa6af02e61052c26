"""Where bots are measured: the embedded Discord and model in this process, the bot in another.

What a bot shows is read from the embedded world's own events, so both bots are
measured from outside and in the same way. This module knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from bot.playground.model import ModelServer, RecordedRequest, Script

ROOT = Path(__file__).parents[1]
BOTS = {"Cogitor": "bot", "straightforward": "benchmarks.straightforward"}
"""Both contestants, and the module that runs each."""

Prepare: TypeAlias = Callable[[World, str], Awaitable[None]]

_PATIENCE = 300.0
_QUIET_SECONDS = 2.0
_LATENCY = (0.06, 0.12)
"""Seconds that a request to Discord usually takes, from and to."""


@dataclass
class Shown:
    """What a bot did in one channel. Times are Unix seconds."""

    first_sign: float = math.inf
    """When anything could be seen, typing included."""
    first_message: float = math.inf
    ending: float = math.inf
    """When the last words of the answer could be read."""
    last_change: float = 0.0


class Stage:
    """The two servers while a bot is running on them."""

    def __init__(self, world: World, discord: DiscordServer, model: ModelServer, last_words: str) -> None:
        self.world, self.discord, self.model = world, discord, model
        self._last_words = last_words
        self.shown: defaultdict[int, Shown] = defaultdict(Shown)
        world.subscribe(self._note)

    def add_channel(self, name: str) -> int:
        """Another channel of the server; returns its id."""
        guild = next(iter(self.world.records.guilds.values()))
        return self.world.add_channel(guild.id, name).id

    def say(self, channel_id: int, text: str) -> int:
        """Write as a member; returns the message's id."""
        return self.world.create_message(self.world.application.owner_id, channel_id, {"content": text}).id

    def ask(self, channel_id: int, question: str) -> int:
        """Mention the bot; returns the id of the thread it will open, which is the message's."""
        return self.say(channel_id, f"<@{self.world.bot_id}> {question}")

    def asked(self, question: str) -> list[RecordedRequest]:
        """What the model was asked with `question` in it."""
        return [record for record in self.model.requests if question.encode() in record.raw]

    def answered_at(self, question: str) -> float:
        """When the model had sent the last byte of its answer to `question`."""
        return max(record.ended_at or math.inf for record in self.asked(question))

    async def until_asked(self, question: str) -> float:
        """Wait until `question` has reached the model whole; returns when that was."""
        await self._until(lambda: bool(self.asked(question)))
        return self.asked(question)[0].at

    async def until_quiet(self, threads: list[int]) -> None:
        """Wait until every answer is shown to its last words, and nothing has changed for a while."""
        await self._until(lambda: all(self.shown[thread].ending < math.inf for thread in threads))
        await self._until(
            lambda: time.time() - max(self.shown[thread].last_change for thread in threads) > _QUIET_SECONDS
        )

    async def until_online(self) -> None:
        await self._until(lambda: self.discord.gateway.online)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not holds():  # noqa: ASYNC110 - conditions over several servers have no one event
                await asyncio.sleep(0.01)

    def _note(self, dispatch: Dispatch) -> None:
        if dispatch.channel_id is None:
            return
        shown, now = self.shown[dispatch.channel_id], time.time()
        match dispatch.name:
            case "TYPING_START" if str(dispatch.data["user_id"]) == str(self.world.bot_id):
                shown.first_sign = min(shown.first_sign, now)
            case "MESSAGE_CREATE" | "MESSAGE_UPDATE" if self._by_bot(dispatch):
                shown.first_sign = min(shown.first_sign, now)
                shown.first_message = min(shown.first_message, now)
                shown.last_change = now
                if self._last_words in str(dispatch.data.get("content")):
                    shown.ending = min(shown.ending, now)
            case _:
                pass

    def _by_bot(self, dispatch: Dispatch) -> bool:
        author = dispatch.data.get("author")
        is_words = dispatch.data.get("type") in (0, 19)
        return is_words and isinstance(author, dict) and author["id"] == str(self.world.bot_id)


@asynccontextmanager
async def performance(
    module: str, script: Script, last_words: str, *, prepare: Prepare | None = None
) -> AsyncGenerator[Stage]:
    """Run the bot of `module` on fresh servers, with the latency of a real network to Discord.

    `last_words` stand at the end of every answer of the script. `prepare` is given
    the world and the bot's database before the bot starts.
    """
    latency = random.Random(0)
    world = default_world()
    with TemporaryDirectory() as folder:
        async with (
            ModelServer(script) as model,
            DiscordServer(world, latency=lambda: latency.uniform(*_LATENCY)) as discord,
        ):
            stage = Stage(world, discord, model, last_words)
            environment = _environment(discord, model, folder)
            if prepare is not None:
                await prepare(world, environment["DATABASE_URL"])
            async with _process(module, environment):
                await stage.until_online()
                yield stage


def processor_seconds() -> float:
    """Processor time of every bot that has run and ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment(discord: DiscordServer, model: ModelServer, folder: str) -> dict[str, str]:
    return {
        **os.environ,
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "OPENROUTER_BASE_URL": model.base_url,
        "OPENROUTER_API_KEY": "stand-in",
        "DATABASE_URL": f"sqlite:///{folder}/cogitor.db",
        "LOG_LEVEL": "WARNING",
    }


@asynccontextmanager
async def _process(module: str, environment: dict[str, str]) -> AsyncGenerator[None]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, cwd=ROOT, env=environment)
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
