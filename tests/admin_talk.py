"""What admins do with panels and commands of several parts; for tests of the whole bot."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from bot.messages import JsonObject
from bot.playground.discord.records import Message
from bot.store import Store
from tests.bot_trouble import guild_of
from tests.elsewhere import Forms, submit
from tests.whole_bot import Stage

STRING, ROLE = 3, 8


def promote(bot: Stage, who: int) -> None:
    """Give somebody the role of the server's admins."""
    guild = guild_of(bot)
    guild.members[who].roles.append(next(role.id for role in guild.roles.values() if role.name == "Admin"))


def demote(bot: Stage, who: int) -> None:
    guild_of(bot).members[who].roles.clear()


@asynccontextmanager
async def store_of(bot: Stage) -> AsyncGenerator[Store]:
    store = await Store.open(bot.settings.database_url)
    try:
        yield store
    finally:
        await store.close()


async def stored(bot: Stage) -> JsonObject:
    """The server's settings, as they are in the database."""
    async with store_of(bot) as store:
        return await store.guild_settings(guild_of(bot).id) or {}


async def store_settings(bot: Stage, **settings: Any) -> None:
    async with store_of(bot) as store:
        await store.save_guild_settings(guild_of(bot).id, settings)


async def subcommand(bot: Stage, who: int, name: str, part: str, **options: str | int) -> None:
    """Use one part of a command in #general; a number names a role."""
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == name)
    given: list[Any] = [
        {"name": key, "type": STRING if isinstance(value, str) else ROLE, "value": str(value)}
        for key, value in options.items()
    ]
    chosen: JsonObject = {"name": part, "type": 1, "options": given}
    data: JsonObject = {"id": str(command.id), "name": name, "type": 1, "options": [chosen]}
    await bot.interact(who, {"type": 2, "channel_id": str(bot.channel("general")), "data": data})


class Shown:
    """One private message of the bot with controls, and what its reader does with them."""

    def __init__(self, bot: Stage, who: int, head: str) -> None:
        self._bot = bot
        self._who = who
        self._head = head
        self._known = {message.id for message in bot.world.records.ephemeral.values()}
        self._forms = Forms(bot)
        self._message: Message | None = None

    @property
    def message(self) -> Message:
        """The first message of its kind that came after this began."""
        if self._message is None:
            self._message = next(
                message
                for message in self._bot.world.records.ephemeral.values()
                if message.only_user == self._who
                and message.id not in self._known
                and message.content.startswith(self._head)
            )
        return self._message

    @property
    def text(self) -> str:
        try:
            return self.message.content
        except StopIteration:
            return ""

    @property
    def controls(self) -> list[JsonObject]:
        rows: list[Any] = [*self.message.components]
        return [item for row in rows for item in row["components"]]

    def control(self, start: str) -> Any:
        """The control whose id begins so."""
        return next(item for item in self.controls if str(item["custom_id"]).startswith(start))

    def has(self, start: str) -> bool:
        """Whether there is a control whose id begins so."""
        return any(str(item["custom_id"]).startswith(start) for item in self.controls)

    async def shows(self, text: str) -> None:
        await self._bot.until(lambda: text in self.text, f"the panel shows {text!r}: {self.text}")

    async def use(self, start: str, *values: str | int) -> None:
        """Press a button, or choose in a select."""
        await self.use_as(self.control(start), *values)

    async def use_as(self, control: Any, *values: str | int) -> None:
        """Press what was there before, as somebody does whose screen is behind."""
        kind = control["type"]
        data: JsonObject = {"custom_id": control["custom_id"], "component_type": kind}
        if kind != 2:
            data["values"] = [str(value) for value in values]
        body: JsonObject = {"type": 3, "channel_id": str(self.message.channel_id), "message_id": str(self.message.id)}
        await self._bot.interact(self._who, {**body, "data": data})

    async def open(self, start: str, *values: str | int) -> JsonObject:
        """Open a form."""
        count = len(self._forms.shown)
        await self.use(start, *values)
        await self._bot.until(lambda: len(self._forms.shown) > count, "a form opens")
        return self._forms.shown[-1]

    async def send(self, form: JsonObject, text: str) -> None:
        await submit(self._bot, self._who, self.message.channel_id, form, text)


async def open_panel(bot: Stage, who: int) -> Shown:
    shown = Shown(bot, who, "### Settings")
    await bot.command(who, bot.channel("general"), "settings")
    await shown.shows("### Settings")
    return shown


async def open_setting(bot: Stage, who: int, group: str, name: str) -> Shown:
    """The panel at one setting."""
    shown = await open_panel(bot, who)
    if not shown.has(f"panel:pick:{group}"):  # an answer to a press that changes nothing could not be waited for
        await shown.use("panel:group", group)
        await bot.until(lambda: shown.has(f"panel:pick:{group}"), "the group")
    await shown.use(f"panel:pick:{group}", name)
    await bot.until(lambda: any(f":{name}:" in str(item["custom_id"]) for item in shown.controls), "the setting")
    return shown
