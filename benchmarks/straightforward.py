"""A deliberately plain bot, to compare with: what one writes in an afternoon.

It edits once a second whatever happens, cuts at 2,000 characters wherever that
falls, keeps its history in memory and reads the model's stream by hand. It opens a
thread on a mention and answers every message there, as Cogitor does, so that both
can be asked the same. Run it with `python -m benchmarks.straightforward`; it reads
the same variables from the environment as the bot.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import discord
import httpx
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

PAGE = 2000
EDIT_SECONDS = 1.0


class Straightforward(discord.Client):
    """One handler, one loop."""

    def __init__(self, http: httpx.AsyncClient, model: str) -> None:
        super().__init__(intents=discord.Intents(guilds=True, guild_messages=True, message_content=True))
        self._model_http = http
        self._model = model
        self._histories: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot:
            return
        if isinstance(message.channel, discord.Thread):
            await self.answer(message.channel, message.content)
        elif self.user in message.mentions:
            question = message.content.replace(f"<@{self.user.id}>", "").strip() if self.user else ""
            await self.answer(await message.create_thread(name=question[:100] or "Question"), question)

    async def answer(self, thread: discord.Thread, question: str) -> None:
        history = self._histories[thread.id]
        history.append({"role": "user", "content": question})
        shown: list[discord.Message] = []
        text, edited_at = "", time.monotonic()
        async with thread.typing(), aclosing(self.stream(history)) as deltas:
            async for delta in deltas:
                text += delta
                if time.monotonic() - edited_at >= EDIT_SECONDS:
                    await show(thread, text, shown)
                    edited_at = time.monotonic()
        await show(thread, text, shown)
        history.append({"role": "assistant", "content": text})

    async def stream(self, history: list[dict[str, Any]]) -> AsyncGenerator[str]:
        body = {"model": self._model, "messages": history, "stream": True}
        async with self._model_http.stream("POST", "chat/completions", json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield json.loads(line[6:])["choices"][0]["delta"].get("content") or ""


async def show(thread: discord.Thread, text: str, shown: list[discord.Message]) -> None:
    """Send or edit every message whose part of the text has changed."""
    for number, start in enumerate(range(0, len(text), PAGE)):
        page = text[start : start + PAGE]
        if number == len(shown):
            shown.append(await thread.send(page))
        elif shown[number].content != page:
            shown[number] = await shown[number].edit(content=page)


async def run() -> None:
    """Connect where the environment says, and answer until cancelled."""
    Route.BASE = os.environ["DISCORD_API_URL"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    headers = {"Authorization": f"Bearer {os.environ['OPENROUTER_API_KEY']}"}
    model = os.environ.get("MODEL", "moonshotai/kimi-k2-thinking")
    async with (
        httpx.AsyncClient(base_url=os.environ["OPENROUTER_BASE_URL"], headers=headers, timeout=60) as http,
        Straightforward(http, model) as client,
    ):
        await client.start(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    asyncio.run(run())
