"""A thread of 300 turns over real sockets: reasoning goes back whole, unaltered and in order, whatever happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.messages import Conversation, JsonObject, Said, Step, Text, ToolCall, ToolResult, TurnStatus, Usage
from bot.playground.discord.records import Channel
from bot.store import Store
from tests.whole_bot import Stage, script_file, stage

TURNS = 300
MODEL = "moonshotai/kimi-k2-thinking-20251106"
ECHO: JsonObject = {"name": "echo", "think": "They asked {question}.", "say": "You said: {question}"}


def details(number: int, step: int) -> tuple[JsonObject, ...]:
    """Reasoning as it may come: keys in an odd order, unknown ones, white space, an escape."""
    return (
        {
            "text": f" Thought {number}.{step}\n",
            "type": "reasoning.text",
            "format": "unknown",
            "index": 0,
            "x": [1.5, None],
        },
    )


def steps(number: int) -> tuple[Step, ...]:
    """Every tenth turn used a tool, so that it has two steps."""
    answer = Step(
        MODEL,
        "gen-1",
        f" Thought {number}.1\n",
        details(number, 1),
        f"Answer {number}",
        finish="stop",
        usage=Usage(9, 9),
    )
    if number % 10:
        return (answer,)
    call = ToolCall("functions.look:0", "look", '{"at":  "it"}')
    first = Step(
        MODEL,
        "gen-0",
        f" Thought {number}.0\n",
        details(number, 0),
        tool_calls=(call,),
        tool_results=(ToolResult(call.id, "look", f"Seen {number}"),),
        finish="tool_calls",
        usage=Usage(9, 9),
    )
    return (first, answer)


async def fill(bot: Stage) -> Channel:
    """A thread of the bot's with 300 answered questions, stored by an earlier process."""
    general = bot.world.channel(bot.channel("general"))
    thread = bot.world.start_thread(bot.bot, general.id, {"name": "long", "type": 11})
    store = await Store.open(bot.settings.database_url)
    try:
        await store.add_conversation(Conversation(thread.id, general.guild_id, bot.ada, parent_id=general.id))
        for number in range(TURNS):
            turn = await store.ask(
                thread.id, Said(bot.world.mint(), bot.ada, "Ada", (Text(f"Question {number}"),), 1.0)
            )
            assert turn is not None
            await store.finish(turn.id, TurnStatus.DONE, steps(number), error=None, notices=[])
            await store.note_shown(turn.id)
    finally:
        await store.close()
    return thread


def reasoning_sent(bot: Stage) -> list[str]:
    """The reasoning of every assistant message of the last request, as the bytes of its JSON."""
    messages: Any = bot.model.requests[-1].body["messages"]
    return [json.dumps(message.get("reasoning_details")) for message in messages if message["role"] == "assistant"]


def reasoning_of(*numbers: int) -> list[str]:
    return [json.dumps(list(step.reasoning_details or ())) for number in numbers for step in steps(number)]


async def test_reasoning_goes_back_whole_after_restart_retry_edit_undo_and_fork(tmp_path: Path) -> None:
    everything = reasoning_of(*range(TURNS))
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
        thread = await fill(bot)
        async with bot.app():
            asked = bot.say(bot.ada, thread.id, "one more")
            await bot.answered(thread.id)
            assert reasoning_sent(bot) == everything
        async with bot.app():  # after a restart
            await bot.press(bot.ada, thread.id, "Retry")
            await bot.until(lambda: len(bot.model.requests) == 2, "the question is asked again")
            await bot.answered(thread.id)
            assert reasoning_sent(bot) == everything

            bot.world.edit_message(bot.ada, thread.id, asked.id, {"content": "one more, please"})
            await bot.until(lambda: "please" in bot.text(thread.id), "the edited question is answered")
            await bot.answered(thread.id)
            assert reasoning_sent(bot) == everything

            await bot.command(bot.ada, thread.id, "undo")
            await bot.until(lambda: not bot.messages(thread.id), "the answer is taken back")
            await bot.command(bot.ada, thread.id, "fork")
            channels = bot.world.records.channels
            fork = await bot.until(
                lambda: next((one for one in channels.values() if one.name == "Fork of long"), None), "a fork"
            )
            await bot.until(lambda: "forked this thread" in bot.text(fork.id), "the fork says where it comes from")
            bot.say(bot.ada, fork.id, "and here")
            await bot.until(lambda: "You said: and here" in bot.text(fork.id), "the fork answers")
            assert reasoning_sent(bot) == everything
