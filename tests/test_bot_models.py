"""The whole bot over real sockets: which model answers, who chooses it, and what becomes of one that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject
from bot.playground.discord.records import Channel
from bot.store import Store
from tests.bot_trouble import Private
from tests.model_talk import CLAUDE, GEMINI, KIMI, PLAIN, SMALL
from tests.whole_bot import Stage, script_file, stage

GONE = "moonshotai/kimi-k2"
"""The embedded model refuses it and names Claude and GPT-4.1 Mini instead; it is not listed."""
SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": "Let me think.",
    "say": {"repeat": 300, "text": "word {n} "},
    "speed": 50,
}
BUSY: JsonObject = {
    "name": "busy",
    "when": "busy",
    "say": "I am {model}.",
    "fault": {"name": "status", "code": 529, "first_model_only": True},
}
SAYS: JsonObject = {"name": "says", "think": "I am {model}; {question}", "say": "I am {model}. Before: {thoughts}"}


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, BUSY, SAYS), speed=4.0) as built:
        yield built


@pytest.fixture
async def bot(servers: Stage) -> AsyncGenerator[Stage]:
    async with servers.app():
        yield servers


@asynccontextmanager
async def store_of(bot: Stage) -> AsyncGenerator[Store]:
    store = await Store.open(bot.settings.database_url)
    try:
        yield store
    finally:
        await store.close()


async def allow(bot: Stage, *models: str, **more: str) -> None:
    """Let the server's admins allow only these models."""
    async with store_of(bot) as store:
        guild = next(iter(bot.world.records.guilds))
        await store.save_guild_settings(guild, {"allowed_models": list(models), **more})


async def thread_of(bot: Stage, who: int, text: str = "hello") -> Channel:
    thread = await bot.thread_of(bot.mention(who, text))
    await bot.answered(thread.id)
    return thread


async def say(bot: Stage, who: int, thread: Channel, text: str) -> str:
    """Ask in a thread and wait for the answer; returns what its last message shows."""
    count = bot.ended(thread.id) + 1
    bot.say(who, thread.id, text)
    await bot.answered(thread.id, count=count)
    return bot.messages(thread.id)[-1].content


async def again(bot: Stage, thread: Channel, model: str) -> str:
    """Wait until the last answer comes from `model`."""
    await bot.until(
        lambda: f"I am {model}." in bot.text(thread.id) and bot.ended(thread.id) == 1, f"an answer of {model}"
    )
    return bot.messages(thread.id)[-1].content


async def offered(
    bot: Stage, who: int, channel_id: int, command: str, option: str, typed: str
) -> list[tuple[str, str]]:
    """Name and value of each choice that is offered while somebody types."""
    known = next(item for item in bot.world.records.commands.values() if item.body["name"] == command)
    focused: JsonObject = {"name": option, "type": 3, "value": typed, "focused": True}
    needed: list[Any] = [{"name": "prompt", "type": 3, "value": "x"}] if command == "ask" else []
    data: JsonObject = {"id": str(known.id), "name": command, "type": 1, "options": [*needed, focused]}
    answers: list[Any] = []
    bot.world.subscribe(lambda event: answers.append(event.data) if "AUTOCOMPLETE" in event.name else None)
    await bot.interact(who, {"type": 4, "channel_id": str(channel_id), "data": data})
    await bot.until(lambda: answers, "choices are offered")
    return [(choice["name"], choice["value"]) for choice in answers[-1]["choices"]]


async def test_anybody_may_look_which_model_answers_and_what_it_can_do(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "model")
    await private.told(f"**Kimi K2 Thinking (playground stand-in)** (`{KIMI}`), the default")
    await private.told("Reads up to 262k tokens, writes up to 262,144")
    await private.told("Costs $0.60 a million tokens read, $2.50 written")
    await private.told("Can reason and use tools; cannot see images or read files such as PDFs")


async def test_the_chosen_model_answers_from_the_next_question_on_also_after_a_restart(servers: Stage) -> None:
    async with servers.app():
        thread, private = await thread_of(servers, servers.ada), Private(servers, servers.ada)
        await servers.command(servers.ada, thread.id, "model", name="Anthropic/claude-haiku-4.5")
        await private.told("From the next answer on")
        assert "claude-4.5-haiku" in await say(servers, servers.ben, thread, "again")
    async with servers.app():
        assert "claude-4.5-haiku" in await say(servers, servers.ada, thread, "and again")
        await servers.command(servers.ada, thread.id, "model", name="default")
        await private.told("the default")
        assert "kimi-k2-thinking" in await say(servers, servers.ada, thread, "once more")


async def test_only_the_threads_owner_and_moderators_choose(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ben)
    await bot.command(bot.ben, thread.id, "model", name=CLAUDE)
    await private.told("Only the person who began this thread, or a moderator, can choose the model")
    others, private = await thread_of(bot, bot.ben), Private(bot, bot.ada)
    await bot.command(bot.ada, others.id, "model", name=CLAUDE)
    await private.told("From the next answer on")


async def test_in_a_dm_a_model_is_chosen_before_the_first_question(bot: Stage) -> None:
    channel, private = bot.world.open_dm(bot.ben, bot.bot), Private(bot, bot.ben)
    await bot.command(bot.ben, channel.id, "model", name=PLAIN)
    await private.told("chosen here")
    bot.say(bot.ben, channel.id, "hello")
    assert "gpt-4.1-mini" in await bot.answered(channel.id)


async def test_what_becomes_of_an_effort_that_the_new_model_does_not_take_is_told(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "reasoning", effort="high")
    await private.told("**high**")
    await bot.command(bot.ada, thread.id, "model", name=PLAIN)
    await private.told("Does not offer the effort “high” that is set here")
    await say(bot, bot.ada, thread, "again")
    assert "reasoning" not in bot.model.requests[-1].body


@pytest.mark.parametrize("command", ["model", "retry", "ask"])
async def test_a_name_that_cannot_be_had_is_refused_wherever_a_model_is_chosen(bot: Stage, command: str) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
    await allow(bot, "moonshotai/*", CLAUDE)
    option = "name" if command == "model" else "model"
    more = {"prompt": "hello"} if command == "ask" else {}
    for name, sentence in (
        ("anthropic/claude-haiku-9", f"I do not know this model. Did you mean `{CLAUDE}`?"),
        (PLAIN, "This server does not allow this model. "),
        ("`@everyone`", "I do not know this model."),
    ):
        await bot.command(bot.ada, thread.id, command, **more, **{option: name})
        await private.told(sentence)
        private.seen.clear()
    assert len(bot.model.requests) == 1


@pytest.mark.parametrize(("command", "option"), [("model", "name"), ("retry", "model"), ("ask", "model")])
async def test_models_are_offered_by_what_they_can_do_within_what_the_server_allows(
    bot: Stage, command: str, option: str
) -> None:
    thread = await thread_of(bot, bot.ada)

    async def values(typed: str) -> list[str]:
        return [value for _, value in await offered(bot, bot.ben, thread.id, command, option, typed)]

    assert {*await values("images")} == {CLAUDE, GEMINI, PLAIN}
    assert (await values("claude"))[0] == CLAUDE
    await allow(bot, "*/gpt*", SMALL)
    assert await values("images") == [PLAIN]
    assert [value for value in await values("") if value != "default"] == [PLAIN, SMALL]


async def test_while_there_is_no_list_nothing_is_offered_and_a_typed_name_is_taken(servers: Stage) -> None:
    nowhere = f"{servers.model.base_url}/nowhere"
    async with servers.app(openrouter_base_url=nowhere):
        channel, private = servers.world.open_dm(servers.ben, servers.bot), Private(servers, servers.ben)
        assert await offered(servers, servers.ben, channel.id, "model", "name", "kimi") == []
        await servers.command(servers.ben, channel.id, "model", name="some/model")
        await private.told("I could not check this name")


async def test_retry_with_another_model_answers_once_with_it_and_sets_nothing_else(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "retry", model=CLAUDE)
    await private.told("I am answering the last question again, with claude-haiku-4.5.")
    assert "claude-4.5-haiku" in await again(bot, thread, CLAUDE)

    await bot.press(bot.ada, thread.id, "Retry")
    await bot.until(lambda: len(bot.model.requests) == 3, "the model is asked again")
    assert bot.model.requests[-1].body["model"] == CLAUDE

    await again(bot, thread, CLAUDE)
    assert "kimi-k2-thinking" in await say(bot, bot.ada, thread, "next")


async def test_a_retry_with_another_model_that_waits_is_asked_of_it_after_a_restart(servers: Stage) -> None:
    async with servers.app():
        thread = await servers.thread_of(servers.mention(servers.ada, "slowly"))
        await servers.until(lambda: "word 3 " in servers.text(thread.id), "some of the answer")
        await servers.press(servers.ada, thread.id, "Stop")
        await servers.answered(thread.id)
        assert f"I am {KIMI}." in await say(servers, servers.ada, thread, "hello")
        private = Private(servers, servers.ada)
        await servers.press(servers.ada, thread.id, "Retry", which=0)
        await servers.until(lambda: len(servers.model.requests) == 3, "the first question is asked again")
        await servers.command(servers.ada, thread.id, "retry", model=CLAUDE)
        await private.told("with claude-haiku-4.5")
        assert len(servers.model.requests) == 3
    async with servers.app():
        await servers.until(lambda: f"I am {CLAUDE}." in servers.text(thread.id), "Claude answers what waited")


async def test_a_conversation_goes_on_from_model_to_model_and_each_finds_its_own_reasoning(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada, "first"), Private(bot, bot.ada)
    for name in (CLAUDE, KIMI, GEMINI, KIMI):
        await bot.command(bot.ada, thread.id, "model", name=name)
        await private.told(f"(`{name}`), chosen here")
        private.seen.clear()
        assert f"I am {name}." in await say(bot, bot.ada, thread, f"now {name}")
    messages: Any = bot.model.requests[-1].body["messages"]
    replayed = [message.get("reasoning_details") for message in messages if message["role"] == "assistant"]
    thoughts = [details[0]["text"] if details else None for details in replayed]
    assert thoughts == [f"I am {KIMI}; first", None, f"I am {KIMI}; now {KIMI}", None]


async def test_a_retired_model_is_replaced_by_what_its_server_names_and_the_thread_works_on(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
    async with store_of(bot) as store:
        await store.set_model(thread.id, GONE)

    shown = await say(bot, bot.ada, thread, "again")
    assert f"I am {CLAUDE}." in shown
    assert "kimi-k2 is not offered any more; claude-haiku-4.5 was asked instead." in shown
    assert "claude-4.5-haiku" in shown

    before = len(bot.model.requests)
    shown = await say(bot, bot.ada, thread, "and again")
    assert "kimi-k2 is not offered any more, so claude-haiku-4.5 answers." in shown
    assert len(bot.model.requests) == before + 1, "the model that is gone is not asked a second time"

    await bot.command(bot.ada, thread.id, "model")
    await private.told(f"(`{CLAUDE}`), in its place")
    await private.told("kimi-k2 is not offered any more, so claude-haiku-4.5 answers.")


async def test_what_is_named_for_a_retired_model_must_be_allowed_too(bot: Stage) -> None:
    await allow(bot, "moonshotai/*", PLAIN)
    thread = await thread_of(bot, bot.ada)
    async with store_of(bot) as store:
        await store.set_model(thread.id, GONE)
    assert f"I am {PLAIN}." in await say(bot, bot.ada, thread, "again")


async def test_a_model_that_nobody_knows_any_more_gives_way_to_the_default(bot: Stage) -> None:
    thread = await thread_of(bot, bot.ada)
    async with store_of(bot) as store:
        await store.set_model(thread.id, "nobody/nothing")
    shown = await say(bot, bot.ada, thread, "again")
    assert f"I am {KIMI}." in shown
    assert "nothing was not available; kimi-k2-thinking was asked instead." in shown


async def test_a_fallback_to_which_the_models_server_turns_by_itself_is_named(servers: Stage) -> None:
    async with servers.app(fallback_models=(CLAUDE,)):
        thread = await thread_of(servers, servers.ada, "busy")
        shown = servers.text(thread.id)
        assert f"I am {CLAUDE}." in shown
        assert "kimi-k2-thinking was not available; claude-4.5-haiku answered." in shown
        assert "-# claude-4.5-haiku · " in shown
        assert len(servers.model.requests) == 1
        assert "not available" not in await say(servers, servers.ada, thread, "hello")


async def test_the_default_and_the_fallbacks_are_held_against_what_the_server_allows(servers: Stage) -> None:
    async with servers.app():
        await allow(servers, "anthropic/*")
        thread = await thread_of(servers, servers.ada)
        assert "This server does not allow kimi-k2-thinking" in servers.text(thread.id)
        assert not servers.model.requests
    async with servers.app(fallback_models=(PLAIN, CLAUDE)):
        shown = await say(servers, servers.ada, thread, "again")
        assert "This server does not allow kimi-k2-thinking, so claude-haiku-4.5 answers." in shown
        assert PLAIN not in str(servers.model.requests[-1].body.get("models"))


async def test_a_model_that_retires_soon_says_so(bot: Stage) -> None:
    thread, private = await thread_of(bot, bot.ada), Private(bot, bot.ada)
    await bot.command(bot.ada, thread.id, "model", name="moonshotai/kimi-k2-0905")
    await private.told("⚠ Retires on ")


async def test_offers_come_in_time_while_the_database_does_not_answer(
    bot: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = await thread_of(bot, bot.ada)
    never = asyncio.Event()

    async def hangs(_self: Store, _guild_id: int) -> None:
        await never.wait()

    monkeypatch.setattr(Store, "guild_settings", hangs)
    assert await offered(bot, bot.ben, thread.id, "model", "name", "kimi") == []
