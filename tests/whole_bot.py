"""The whole bot for tests: the real App on real sockets, between the embedded Discord and the embedded model.

People act through the world's verbs, as the page does for them; what the bot did
is read from the world. Waiting follows the world's own events, so nothing sleeps.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bot.app import App
from bot.guild import LIMITS
from bot.messages import JsonObject
from bot.playground.discord.gateway_connection import GatewayLimits
from bot.playground.discord.records import Channel, Message
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from bot.playground.model import ModelServer, load_script
from bot.settings import Settings, load_settings
from bot.store import Store

T = TypeVar("T")

IMPATIENT = GatewayLimits(identify_window=0.0)
"""Discord lets a bot identify once in five seconds; tests restart it more often."""

PATIENCE = 20.0
"""Seconds after which a wait fails its test; far more than anything takes."""


class Held:
    """Holds the model's answers back before their first word, as long as a test likes; a sleep for `stage`."""

    def __init__(self) -> None:
        self._released = asyncio.Event()

    def release(self) -> None:
        self._released.set()

    async def sleep(self, seconds: float) -> None:
        await self._released.wait()
        await asyncio.sleep(seconds)


@dataclass
class Stage:
    """The embedded servers, and what tests do with them."""

    world: World
    discord: DiscordServer
    model: ModelServer
    settings: Settings
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ada(self) -> int:
        """The admin."""
        return self.user("Ada")

    @property
    def ben(self) -> int:
        """The member."""
        return self.user("Ben")

    @property
    def bot(self) -> int:
        return self.world.bot_id

    def user(self, name: str) -> int:
        return next(user.id for user in self.world.records.users.values() if user.global_name == name)

    def channel(self, name: str) -> int:
        return next(channel.id for channel in self.world.records.channels.values() if channel.name == name)

    async def lift_limits(self) -> None:
        """Let people ask as much and as much at once as a test likes; before the bot is started."""
        store = await Store.open(self.settings.database_url)
        off: JsonObject = {name: None for name in LIMITS if name.startswith(("requests_", "concurrent_"))}
        for guild_id in self.world.records.guilds:
            await store.save_guild_settings(guild_id, off)
        await store.close()

    def say(self, who: int, channel_id: int, text: str, **more: Any) -> Message:
        """Write as a person."""
        return self.world.create_message(who, channel_id, {"content": text, **more})

    def mention(self, who: int, text: str, channel: str = "general") -> Message:
        return self.say(who, self.channel(channel), f"<@{self.bot}> {text}")

    def messages(self, channel_id: int) -> list[Message]:
        """The bot's messages in a channel, oldest first."""
        everything = sorted(self.world.records.messages.get(channel_id, {}).values(), key=lambda message: message.id)
        return [message for message in everything if message.author_id == self.bot]

    def text(self, channel_id: int) -> str:
        """All that the bot shows in a channel."""
        return "\n".join(message.content for message in self.messages(channel_id))

    def buttons(self, channel_id: int) -> list[tuple[str, str, Message]]:
        """Label, custom id and message of every button that the bot shows in a channel."""
        return [
            (item["label"], item["custom_id"], message)
            for message in self.messages(channel_id)
            for row in message.components
            for item in row["components"]
        ]

    async def until(self, holds: Callable[[], T], what: str = "") -> T:
        """Wait until a condition holds, looking again whenever anything happens in the world or at the model."""
        happened = asyncio.Event()
        unsubscribe = self.world.subscribe(lambda _dispatch: happened.set())
        try:
            async with asyncio.timeout(PATIENCE):
                while not (value := holds()):
                    happened.clear()
                    try:
                        await asyncio.wait_for(happened.wait(), 0.02)
                    except TimeoutError:
                        continue
                return value
        except TimeoutError:
            raise AssertionError(f"never came true: {what}\nshown: {self.everything()}") from None
        finally:
            unsubscribe()

    def everything(self) -> dict[str, str]:
        """All that the bot shows, by channel; for the message of a failing test."""
        channels = self.world.records.channels.values()
        return {channel.name or str(channel.id): self.text(channel.id) for channel in channels}

    async def thread_of(self, message: Message) -> Channel:
        """The thread that the bot opened on a message."""
        return await self.until(lambda: self.world.records.channels.get(message.id), "a thread is opened")

    async def answered(self, channel_id: int, *, count: int = 1) -> str:
        """Wait until `count` answers in a channel have ended; returns all that is shown."""
        await self.until(lambda: self.ended(channel_id) >= count, f"{count} answers have ended")
        return self.text(channel_id)

    def ended(self, channel_id: int) -> int:
        """How many answers have their final buttons."""
        labels = [label for label, _, _ in self.buttons(channel_id)]
        return labels.count("Retry")

    async def press(self, who: int, channel_id: int, label: str, *, which: int = -1) -> None:
        """Click a button, the last one of its label, over the people's API."""
        found = [(custom_id, message) for text, custom_id, message in self.buttons(channel_id) if text == label]
        custom_id, message = found[which]
        await self.interact(
            who,
            {
                "type": 3,
                "channel_id": str(channel_id),
                "message_id": str(message.id),
                "data": {"custom_id": custom_id, "component_type": 2},
            },
        )

    async def command(self, who: int, channel_id: int, name: str, /, **options: str) -> None:
        """Use a slash command over the people's API."""
        command = next(item for item in self.world.records.commands.values() if item.body["name"] == name)
        await self.interact(
            who,
            {
                "type": 2,
                "channel_id": str(channel_id),
                "data": {
                    "id": str(command.id),
                    "name": name,
                    "type": 1,
                    "options": [{"name": key, "type": 3, "value": value} for key, value in options.items()],
                },
            },
        )

    async def interact(self, who: int, body: JsonObject) -> None:
        channel = self.world.channel(int(str(body["channel_id"])))
        if channel.guild_id is not None:
            body["guild_id"] = str(channel.guild_id)
        headers = {"X-Play-User": str(who), "Origin": self.discord.origin}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.discord.origin}/play/interactions", json={"nonce": "1", **body}) as answer,
        ):
            assert answer.status == 204, await answer.text()

    @asynccontextmanager
    async def app(
        self, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time, **changes: Any
    ) -> AsyncGenerator[App]:
        """Run the bot; leaving this ends it as SIGTERM would."""
        self.ready.clear()
        app = App(self.settings.model_copy(update=changes), on_ready=self.ready.set, clock=clock, now=now)
        task = asyncio.create_task(app.run())
        try:
            connected = asyncio.create_task(self.until(lambda: self.discord.gateway.online, "the bot is connected"))
            await asyncio.wait({task, connected}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                connected.cancel()
                await asyncio.wait({connected})
                task.result()
            await connected
            yield app
        finally:
            task.cancel()
            await asyncio.wait({task})


@asynccontextmanager
async def stage(
    folder: Path,
    *,
    world: World | None = None,
    script: Path | None = None,
    speed: float = float("inf"),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    rate_limits: bool = True,
) -> AsyncGenerator[Stage]:
    """The embedded servers without the bot; enter `Stage.app` to run it. `sleep` is the model's."""
    world = world or default_world()
    async with (
        ModelServer(load_script(script) if script else None, speed=speed, sleep=sleep) as model,
        # On a busy machine the bot may well take longer to answer than the three seconds that Discord leaves it.
        DiscordServer(world, gateway_limits=IMPATIENT, rate_limits=rate_limits, answer_seconds=PATIENCE) as discord,
    ):
        settings = load_settings(
            _env_file=None,
            discord_token=discord.token,
            discord_api_url=discord.api_url,
            discord_gateway_url=discord.gateway_url,
            openrouter_base_url=model.base_url,
            openrouter_api_key="stand-in",
            titles=False,  # tests that count requests and messages want none but those they cause
            database_url=f"sqlite:///{folder / 'cogitor.db'}",
        )
        yield Stage(world, discord, model, settings)


def script_file(folder: Path, *scenes: JsonObject) -> Path:
    """A script for the embedded model with these scenes (JSON is YAML)."""
    path = folder / "script.yaml"
    path.write_text(json.dumps({"version": 1, "scenes": list(scenes)}))
    return path
