"""Where bots are measured: the embedded Discord and model in this process, the bot in another.

What a bot shows is read from the embedded world's own events, so both bots are
measured from outside and in the same way. This module knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TypeAlias

from benchmarks.process import Process, running
from bot.guild import LIMITS
from bot.messages import JsonObject
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from bot.playground.model import ModelServer, RecordedRequest, Script
from bot.store import Store

BOTS = {"Cogitor": "bot", "straightforward": "benchmarks.straightforward"}
"""Both contestants, and the module that runs each."""

ROUND_TRIP = 0.06
"""Seconds that every request to Discord takes, however quick the embedded one is."""

FIRST_WORD = "Zebras"
LAST_WORDS = "and that is all."

Prepare: TypeAlias = Callable[[World, str], Awaitable[None]]

_PATIENCE = 120.0
_QUIET_SECONDS = 1.5


@dataclass
class Shown:
    """What a bot did in one channel. Times are Unix seconds."""

    first_word: float = math.inf
    """When the answer's first word could be read."""
    ending: float = math.inf
    """When its last words could be read."""
    last_change: float = 0.0


class Stage:
    """The two servers while a bot is running on them."""

    def __init__(self, world: World, discord: DiscordServer, model: ModelServer, process: Process) -> None:
        self.world, self.discord, self.model, self.process = world, discord, model, process
        self.shown: defaultdict[int, Shown] = defaultdict(Shown)
        world.subscribe(self._note)

    def say(self, channel_id: int, text: str) -> int:
        """Write as a member; returns the message's id."""
        return self.world.create_message(self.world.application.owner_id, channel_id, {"content": text}).id

    def ask(self, numbers: Iterable[int]) -> dict[int, int]:
        """Ask the questions of these numbers at once, each in a new channel; returns the thread of each."""
        return ask(self.world, numbers)

    def asked(self, question: str) -> RecordedRequest | None:
        """What the model was last asked with `question` in it."""
        return next((record for record in reversed(self.model.requests) if question.encode() in record.raw), None)

    def tokens(self) -> int:
        """How many the model has sent so far, to whomever."""
        return sum(record.tokens_sent for record in self.model.requests)

    async def until_asked(self, question: str) -> RecordedRequest:
        """Wait until `question` has reached the model whole."""
        await self.until(lambda: self.asked(question) is not None)
        record = self.asked(question)
        if record is None:
            raise RuntimeError("the model forgot what it was asked")
        return record

    async def until_streaming(self, count: int) -> None:
        """Wait until the model is in the middle of `count` answers."""
        await self.until(lambda: sum(bool(record.tokens_sent) for record in self.model.requests) >= count)

    async def until_first_word(self, threads: Sequence[int]) -> None:
        """Wait until the beginning of every answer is shown."""
        await self.until(lambda: all(self.shown[thread].first_word < math.inf for thread in threads))

    async def until_quiet(self, threads: Sequence[int]) -> None:
        """Wait until every answer is shown to its last words, and nothing has changed for a while."""
        await self.until(lambda: all(self.shown[thread].ending < math.inf for thread in threads))
        await self.until(
            lambda: time.time() - max(self.shown[thread].last_change for thread in threads) > _QUIET_SECONDS
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until a condition over the servers holds. Raises TimeoutError, and RuntimeError when the bot ends."""
        await until(holds, self.process)

    def _note(self, dispatch: Dispatch) -> None:
        is_words = dispatch.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
        if dispatch.channel_id is None or not is_words or not self._by_bot(dispatch):
            return
        shown, now = self.shown[dispatch.channel_id], time.time()
        shown.last_change = now
        content = str(dispatch.data.get("content"))
        if FIRST_WORD in content:
            shown.first_word = min(shown.first_word, now)
        if LAST_WORDS in content:
            shown.ending = min(shown.ending, now)

    def _by_bot(self, dispatch: Dispatch) -> bool:
        author = dispatch.data.get("author")
        is_words = dispatch.data.get("type") in (0, 19)
        return is_words and isinstance(author, dict) and author["id"] == str(self.world.bot_id)


def question(number: int) -> str:
    """Something to ask; each number is a question of its own."""
    return f"How does benchmark {number:03d} work"


def answering(sentences: int, *, speed: float = 70.0, delays: Sequence[float] = (0.4,)) -> Script:
    """A script whose answers have so many sentences, of 13 tokens each; `speed` is in tokens a second.

    With several `delays`, in seconds, question number n waits for its first token
    as long as the nth of them.
    """
    told = "".join(f"Sentence {number} of an answer that takes its time in being told. " for number in range(sentences))
    scene = {
        "say": f"{FIRST_WORD} first. {told}{LAST_WORDS}",
        "speed": speed,
    }
    timed = [
        {**scene, "name": f"after {delay}", "when": question(number), "delay": delay}
        for number, delay in enumerate(delays[1:], 1)
    ]
    return Script.model_validate({"scenes": [*timed, {**scene, "name": "otherwise", "delay": delays[0]}]})


@asynccontextmanager
async def performance(module: str, script: Script, *, prepare: Prepare | None = None) -> AsyncGenerator[Stage]:
    """Run the bot of `module` on fresh servers, ROUND_TRIP away from Discord and limited as Discord limits.

    `prepare` is given the world and the bot's database before the bot starts.
    """
    async with ModelServer(script) as model, bot_on(module, model.base_url, prepare=prepare) as (discord, process):
        yield Stage(discord.world, discord, model, process)


@asynccontextmanager
async def bot_on(
    module: str, model_url: str, *, prepare: Prepare | None = None, is_quiet: bool = False
) -> AsyncGenerator[tuple[DiscordServer, Process]]:
    """Run the bot of `module` on an embedded Discord of its own, and on the model at `model_url`.

    Of one that `is_quiet` no log is seen.
    """
    world = default_world()
    with TemporaryDirectory() as folder:
        async with DiscordServer(world, latency=lambda: ROUND_TRIP) as discord:
            environment = _environment(discord, model_url, folder)
            await _lift_limits(world, environment["DATABASE_URL"])
            if prepare is not None:
                await prepare(world, environment["DATABASE_URL"])
            async with running(module, environment, is_quiet=is_quiet) as process:
                await until(lambda: discord.gateway.online, process)
                yield discord, process


async def _lift_limits(world: World, database_url: str) -> None:
    """Let one member ask as much at once as the benchmarks do."""
    store = await Store.open(database_url)
    try:
        off: JsonObject = {name: None for name in LIMITS if name.startswith(("requests_", "concurrent_"))}
        for guild_id in world.records.guilds:
            await store.save_guild_settings(guild_id, off)
    finally:
        await store.close()


def ask(world: World, numbers: Iterable[int]) -> dict[int, int]:
    """Ask the questions of these numbers at once, each in a new channel; returns the thread of each."""
    guild = next(iter(world.records.guilds.values()))
    channels = {number: world.add_channel(guild.id, f"room-{number}").id for number in numbers}
    asker, mention = world.application.owner_id, f"<@{world.bot_id}>"
    return {
        number: world.create_message(asker, channel, {"content": f"{mention} {question(number)}?"}).id
        for number, channel in channels.items()
    }


async def until(holds: Callable[[], bool], process: Process) -> None:
    """Wait until a condition over the servers holds. Raises TimeoutError, and RuntimeError when the bot ends."""
    async with asyncio.timeout(_PATIENCE):
        while not holds():
            if not process.is_running:
                raise RuntimeError("the bot has ended, which no benchmark expects")
            await asyncio.sleep(0.01)


def _environment(discord: DiscordServer, model_url: str, folder: str) -> dict[str, str]:
    return {
        **os.environ,
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "OPENROUTER_BASE_URL": model_url,
        "OPENROUTER_API_KEY": "stand-in",
        "DATABASE_URL": f"sqlite:///{folder}/cogitor.db",
        "LOG_LEVEL": "ERROR",
        "TITLES": "false",  # requests of their own, which the other bot does not make
    }
