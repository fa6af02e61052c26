"""What people do with commands, menus and forms, also where the bot is no member; for tests of the whole bot."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from bot.messages import JsonObject
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.records import Channel, Message
from tests.whole_bot import Stage


class Forms:
    """The forms that the bot shows, newest last, with the ids of the interactions that asked for them."""

    def __init__(self, bot: Stage) -> None:
        self.shown: list[JsonObject] = []
        bot.world.subscribe(self._see)

    def _see(self, event: Dispatch) -> None:
        if event.name == "INTERACTION_MODAL_CREATE":
            self.shown.append(event.data)


async def menu(bot: Stage, who: int, name: str, message: Message) -> None:
    """Choose an entry in a message's menu."""
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == name)
    data: JsonObject = {"id": str(command.id), "name": name, "type": 3, "target_id": str(message.id)}
    await bot.interact(who, {"type": 2, "channel_id": str(message.channel_id), "data": data})


async def submit(bot: Stage, who: int, channel_id: int, form: JsonObject, text: str) -> None:
    """Send a form back, with a text in its only field."""
    field: JsonObject = json.loads(json.dumps(form["components"]))[0]
    inner: Any = field.get("component") or field["components"][0]  # type: ignore[index]  # JSON of a known shape
    inner["value"] = text
    data: JsonObject = {"id": form["id"], "custom_id": form["custom_id"], "components": [field]}
    await bot.interact(who, {"type": 5, "channel_id": str(channel_id), "data": data})


async def ask_with_file(bot: Stage, who: int, channel_id: int, prompt: str, name: str, content: bytes) -> None:
    """Use /ask with a file."""
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "ask")
    options: list[JsonObject] = [
        {"name": "prompt", "type": 3, "value": prompt},
        {"name": "file", "type": 11, "value": "0"},
    ]
    data: JsonObject = {"id": str(command.id), "name": "ask", "type": 1, "options": [*options]}
    body: JsonObject = {"type": 2, "nonce": "1", "channel_id": str(channel_id), "data": data}
    form = aiohttp.FormData({"payload_json": json.dumps(body)})
    form.add_field("files[0]", content, filename=name, content_type="application/octet-stream")
    headers = {"X-Play-User": str(who), "Origin": bot.discord.origin}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{bot.discord.origin}/play/interactions", data=form) as answer,
    ):
        assert answer.status == 204, await answer.text()


def lounge(bot: Stage) -> Channel:
    """A channel of a server that the bot is not in; Ada and Ben are, and Ben has installed the bot for himself."""
    guild = bot.world.add_guild("Elsewhere", bot.ada)
    bot.world.add_member(guild.id, bot.ben)
    bot.world.application.installed_by.append(bot.ben)
    return bot.world.add_channel(guild.id, "lounge")


def private(bot: Stage, who: int) -> str:
    """What only one person sees."""
    found = bot.world.records.ephemeral.values()
    return "\n".join(message.content for message in found if message.only_user == who)


def prompts(bot: Stage, which: int = -1) -> str:
    """The last message of a request that reached the model."""
    messages: Any = bot.model.requests[which].body["messages"]
    return str(messages[-1]["content"])


def commands(bot: Stage) -> dict[str, Any]:
    """What was published, by name."""
    return {command.body["name"]: command.body for command in bot.world.records.commands.values()}
