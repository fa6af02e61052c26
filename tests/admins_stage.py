"""What admins do with commands that have subcommands, forms and buttons; for tests of the whole bot."""

from __future__ import annotations

from typing import Any

from bot.messages import JsonObject
from bot.playground.discord.dispatch import Dispatch
from tests.elsewhere import Forms, submit
from tests.whole_bot import Stage


class Ephemeral:
    """The messages that only one person sees, as they are now, oldest first."""

    def __init__(self, bot: Stage, who: int) -> None:
        self._bot = bot
        self._who = who
        self._by_id: dict[str, Any] = {}
        bot.world.subscribe(self._see)

    def _see(self, event: Dispatch) -> None:
        if event.only_user == self._who and event.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            known = self._by_id.get(str(event.data["id"]), {})
            self._by_id[str(event.data["id"])] = {**known, **event.data}

    @property
    def last(self) -> Any:
        return list(self._by_id.values())[-1] if self._by_id else {"content": ""}

    @property
    def texts(self) -> list[str]:
        return [str(message["content"]) for message in self._by_id.values()]

    def clear(self) -> None:
        self._by_id.clear()

    async def told(self, text: str) -> str:
        """Wait until a text is in the newest message; returns all of that message's text."""
        await self._bot.until(lambda: text in self.last["content"], f"privately: {text}\n{self.last['content']}")
        return str(self.last["content"])

    async def press(self, label: str) -> None:
        """Click a button of the newest message."""
        message = self.last
        buttons = [item for row in message["components"] for item in row["components"]]
        custom_id = next(item["custom_id"] for item in buttons if item["label"] == label)
        data: JsonObject = {"custom_id": custom_id, "component_type": 2}
        channel_id = str(message["channel_id"])
        body: JsonObject = {"type": 3, "channel_id": channel_id, "message_id": str(message["id"]), "data": data}
        await self._bot.interact(self._who, body)


async def sub(bot: Stage, who: int, channel_id: int, name: str, subcommand: str) -> None:
    """Use a subcommand without options."""
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == name)
    options: list[JsonObject] = [{"name": subcommand, "type": 1, "options": []}]
    data: JsonObject = {"id": str(command.id), "name": name, "type": 1, "options": [*options]}
    await bot.interact(who, {"type": 2, "channel_id": str(channel_id), "data": data})


async def fill_in(bot: Stage, who: int, channel_id: int, name: str, subcommand: str, text: str) -> None:
    """Use a subcommand that shows a form with one field, and send the form back with a text in it."""
    forms = Forms(bot)
    await sub(bot, who, channel_id, name, subcommand)
    await bot.until(lambda: forms.shown, "the form opens")
    await submit(bot, who, channel_id, forms.shown[-1], text)
