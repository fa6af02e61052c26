"""A stage for the tests of the playground's page: the embedded Discord, a browser, and a bot that the test plays."""

from __future__ import annotations

import asyncio
import shutil
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, ViewportSize, async_playwright, expect

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.people import PlayStart
from bot.playground.discord.records import Channel, Message
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WEB_ROOT = Path(__file__).parents[1] / "bot" / "playground" / "web"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
EPHEMERAL = 1 << 6

IN_A_BROWSER = [
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome on the machine"),
    pytest.mark.asyncio(loop_scope="module"),
]


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """The embedded Discord with its people, its channels, and a bot that does what `on_interaction` says."""

    server: DiscordServer
    browser: Browser
    clock: Clock
    heard: list[JsonObject] = field(default_factory=list)
    reply: Callable[[JsonObject], JsonObject | None] = lambda _: None
    faults: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.server.world

    def person(self, name: str) -> int:
        return next(user.id for user in self.world.records.users.values() if user.username == name)

    def channel(self, name: str) -> Channel:
        return next(channel for channel in self.world.records.channels.values() if channel.name == name)

    def say(self, name: str, content: str, *, where: str = "general", **more: JsonValue) -> Message:
        """A message by a person or, as "bot", by the bot."""
        actor = self.world.bot_id if name == "bot" else self.person(name)
        body: JsonObject = {"content": content, **more}
        return self.world.create_message(actor, self.channel(where).id, body)

    def sent_data(self) -> dict[str, Any]:
        """The data of the interaction that the bot heard last."""
        return data_of(self.heard[-1])

    def hear(self, event: Dispatch) -> None:
        """Answer an interaction after the page's own request has been answered, as a bot elsewhere would."""
        if event.name == "INTERACTION_CREATE":
            self.heard.append(event.data)
            asyncio.get_running_loop().call_soon(self._answer, event.data)

    def _answer(self, interaction: JsonObject) -> None:
        if (answer := self.reply(interaction)) is not None:
            self.server.interactions.answer(int(str(interaction["id"])), str(interaction["token"]), answer)

    async def open(self, name: str, where: str = "general", *, phone: bool = False) -> Page:
        """The page as that person sees it. Whatever the page complains about fails the test."""
        context = await self.browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            color_scheme="dark",
            has_touch=phone,
            reduced_motion="reduce",
        )
        context.set_default_timeout(8_000)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self._check_address(request.url))
        await page.goto(f"{self.server.page_url}#/{name}/{self.channel(where).id}")
        await expect(page.locator(".timeline-content[aria-busy=false], .forum")).to_be_visible()
        return page

    def _check_address(self, url: str) -> None:
        if not url.startswith((self.server.origin, "data:", f"blob:{self.server.origin}")):
            self.faults.append(f"asked for {url}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(browser: Browser) -> AsyncIterator[Stage]:
    clock = Clock()
    start = PlayStart("Stand-in model", stand_in=True, notice=None)
    async with DiscordServer(default_world(), web_root=WEB_ROOT, start=start, clock=clock, rate_limits=False) as server:
        stage = Stage(server, browser, clock)
        unsubscribe = server.world.subscribe(stage.hear)
        yield stage
        unsubscribe()
        for context in browser.contexts:
            await context.close()
    assert stage.faults == []


def message(page: Page, text: str) -> Locator:
    return page.locator(".message", has_text=text)


def button(label: str, custom_id: str, style: int = 2, **more: JsonValue) -> JsonObject:
    return {"type": 2, "label": label, "custom_id": custom_id, "style": style, **more}


def row(*components: JsonObject) -> JsonObject:
    return {"type": 1, "components": list(components)}


def privately(content: str) -> JsonObject:
    return {"type": 4, "data": {"content": content, "flags": EPHEMERAL}}


def picture(width: int = 8, height: int = 8) -> bytes:
    """A small valid PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x58\x65\xf2" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def data_of(interaction: JsonObject) -> dict[str, Any]:
    data = interaction["data"]
    assert isinstance(data, dict)
    return data
