"""The embedded Discord's default world with its people at hand, for tests that act in it directly."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.errors import ApiError
from bot.playground.discord.records import Message
from bot.playground.discord.world import default_world
from tests.discord_rest import Clock, channel_named, the_guild, user_named


class Stage:
    """The default world with its people at hand and everything that is dispatched."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.world = default_world(self.clock, **options)
        self.bot, self.ada, self.ben = self.world.bot_id, user_named(self.world, "ada"), user_named(self.world, "ben")
        self.guild = the_guild(self.world)
        self.general = channel_named(self.world, "general")
        self.heard: list[Dispatch] = []
        self.world.subscribe(self.heard.append)

    def say(self, actor: int, content: str = "hello", **body: Any) -> Message:
        return self.world.create_message(actor, self.general.id, {"content": content, **body})

    def names(self) -> list[str]:
        return [dispatch.name for dispatch in self.heard]


def refusal(world_does: Any, *arguments: Any, **options: Any) -> int:
    """The code with which the world refuses."""
    with pytest.raises(ApiError) as refused:
        world_does(*arguments, **options)
    return refused.value.code
