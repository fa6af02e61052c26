"""The whole bot over real sockets: `/context` tells one person what the next request takes along."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.messages import JsonObject, Said, Step, Text, TurnStatus
from bot.playground.discord.records import Channel
from bot.render.chart import draw_window
from bot.store import Store
from bot.window import Room, Window
from tests.bot_trouble import Private
from tests.test_bot_export import Files
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "Easy.", "say": "You said: {question}"}


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    """The first picture takes the time that matplotlib takes to import, which a busy machine stretches."""
    draw_window(Window("a/b", Room(1_000, 1, 100), False, 1, 1, 0, 0))


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built, built.app():
        yield built


async def conversation(bot: Stage, questions: int) -> Channel:
    thread = await bot.thread_of(bot.mention(bot.ada, "question 1"))
    await bot.answered(thread.id)
    for number in range(2, questions + 1):
        bot.say(bot.ada, thread.id, f"question {number}")
        await bot.answered(thread.id, count=number)
    return thread


async def told(bot: Stage, thread: Channel) -> str:
    private = Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "context")
    await private.told("Cost so far")
    return next(text for text in private.seen if "Cost so far" in text)


async def test_a_picture_comes_with_the_same_facts_in_words(bot: Stage) -> None:
    thread, files = await conversation(bot, 1), Files(bot, bot.ben)
    private = Private(bot, bot.ben)
    text = await told(bot, thread)
    await private.told("'content_type': 'image/png'")  # by its name, as Discord does; so it is shown in place
    assert "Model: kimi-k2-thinking, a window of 262,144 tokens" in text
    name, data, description = await files.next()
    assert name == "context.png"
    assert data.startswith(b"\x89PNG")
    assert "Used: about" in description
    assert "Used: about" in text


async def test_what_it_says_is_what_the_next_request_sends(bot: Stage) -> None:
    thread = await conversation(bot, 1)
    store = await Store.open(bot.settings.database_url)
    for number in range(1, 12):  # which together pass the window, so that turns are left behind
        turn = await store.ask(thread.id, Said(number, bot.ada, "Ada", (Text("again"),), float(number)))
        assert turn is not None
        await store.finish(turn.id, TurnStatus.DONE, [Step(text="word and " * 12_000)], error=None, notices=())
    await store.close()
    text = await told(bot, thread)
    kept, left = re.search(r"(\d+) turns [\d,]+\\n", text), re.search(r"Left behind: (\d+) turn", text)
    assert kept is not None
    assert left is not None
    assert int(left[1]) > 0
    assert int(kept[1]) + int(left[1]) == 12
    bot.say(bot.ada, thread.id, "one more")
    await bot.until(lambda: "one more" in str(bot.model.requests[-1].body["messages"]), "it is asked")
    messages = bot.model.requests[-1].body["messages"]
    assert isinstance(messages, list)
    roles = [message["role"] for message in messages if isinstance(message, dict)]
    assert roles.count("user") == int(kept[1]) + 1


async def test_the_cost_and_the_cache_are_those_of_the_ledger(bot: Stage) -> None:
    thread = await conversation(bot, 2)
    text = await told(bot, thread)
    store = await Store.open(bot.settings.database_url)
    spent, turns = await store.spending(thread.id), await store.turns(thread.id)
    await store.close()
    last = turns[-1].steps[-1].usage
    assert last is not None
    assert sum(item.requests for item in spent) == 2
    assert "2 requests to models" in text
    assert f"Last request: {last.prompt_tokens:,} tokens, {last.cached_tokens:,} of them" in text
    assert last.cached_tokens > 0


async def test_elsewhere_it_says_where_it_works(bot: Stage) -> None:
    private = Private(bot, bot.ben)
    await conversation(bot, 1)
    await bot.command(bot.ben, bot.channel("general"), "context")
    await private.told("This is not one of my conversations.")
