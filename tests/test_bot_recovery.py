"""The whole bot over real sockets when things go wrong: drops, refusals, restarts and crashes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.app import App
from bot.errors import ConfigError
from bot.messages import JsonObject, TurnStatus
from bot.playground.discord.rest_faults import Answer, Drop, TooMany
from bot.playground.discord.world import default_world
from bot.scribe import GATHER_SECONDS
from bot.settings import load_settings
from bot.store import Store
from tests.whole_bot import Stage, script_file, stage

ROOT = Path(__file__).parents[1]
SEND = ("POST", "/channels/{channel_id}/messages")
EDIT = ("PATCH", "/channels/{channel_id}/messages/{message_id}")

SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": "Let me think.",
    "say": {"repeat": 300, "text": "word {n} "},
    "speed": 50,
}
QUICK: JsonObject = {"name": "quick", "think": "Easy.", "say": "You said: {question}"}


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, QUICK), speed=1.0) as built:
        yield built


@asynccontextmanager
async def process(servers: Stage) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The bot as a process of its own, as an operator runs it; killed at the end if it still runs."""
    settings = servers.settings
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DISCORD_TOKEN": settings.discord_token.get_secret_value(),
        "DISCORD_API_URL": settings.discord_api_url,
        "DISCORD_GATEWAY_URL": settings.discord_gateway_url,
        "OPENROUTER_BASE_URL": settings.openrouter_base_url,
        "OPENROUTER_API_KEY": "stand-in",
        "DATABASE_URL": settings.database_url,
    }
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot"), env=environment, cwd="/", stderr=asyncio.subprocess.PIPE
    )
    try:
        await servers.until(lambda: servers.discord.gateway.online, "the process is connected")
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def test_what_people_write_while_the_gateway_is_down_is_answered_once(servers: Stage) -> None:
    async with servers.app():
        thread = await servers.thread_of(servers.mention(servers.ada, "first"))
        await servers.answered(thread.id)

        servers.discord.gateway.drop_all()
        servers.say(servers.ben, thread.id, "second")

        shown = await servers.answered(thread.id, count=2)
        assert shown.count("You said: second") == 1
        assert len(servers.model.requests) == 2


async def test_after_an_invalid_session_missed_messages_are_looked_up(servers: Stage) -> None:
    async with servers.app():
        thread = await servers.thread_of(servers.mention(servers.ada, "first"))
        await servers.answered(thread.id)
        await servers.until(servers.ready.is_set, "the bot is ready")

        servers.discord.gateway.hold()
        servers.discord.gateway.invalidate_all()
        servers.say(servers.ben, thread.id, "second")
        servers.discord.gateway.release()

        shown = await servers.answered(thread.id, count=2)
        assert shown.count("You said: second") == 1


@pytest.mark.parametrize(
    "fault",
    [Answer(500), Answer(503, after=True), TooMany(0.2), TooMany(0.2, scope="global"), Drop(), Drop(after=True)],
)
async def test_a_send_that_fails_is_repeated_and_never_shows_twice(
    servers: Stage, fault: Answer | TooMany | Drop
) -> None:
    async with servers.app():
        servers.discord.rest.faults.add(*SEND, fault)

        thread = await servers.thread_of(servers.mention(servers.ada, "hello"))

        shown = await servers.answered(thread.id)
        assert shown.count("You said: hello") == 1


async def test_a_send_that_was_not_confirmed_before_a_kill_is_not_repeated_by_the_next_process(servers: Stage) -> None:
    async with process(servers) as running:
        servers.discord.rest.faults.add(*SEND, Drop(after=True), times=100)
        thread = await servers.thread_of(servers.mention(servers.ada, "slowly"))
        await servers.until(lambda: "Thinking" in servers.text(thread.id), "it was sent, and the bot does not know")
        running.kill()
        await running.wait()

    servers.discord.rest.faults.clear()
    async with servers.app():
        shows_again = ("Interrupted", "word 5 ")  # how far the first process came decides
        await servers.until(lambda: any(words in servers.text(thread.id) for words in shows_again), "it goes on")
        assert len([message for message in servers.messages(thread.id) if message.content]) == 1


async def test_edits_that_fail_lose_nothing(servers: Stage) -> None:
    async with servers.app():
        for nth, fault in enumerate((Answer(500), TooMany(0.3), Drop()), start=1):
            servers.discord.rest.faults.add(*EDIT, fault, nth=nth)

        thread = await servers.thread_of(servers.mention(servers.ada, "hello"))

        assert "You said: hello" in await servers.answered(thread.id)


async def test_after_a_kill_everything_shown_is_remembered_and_marked_and_can_be_continued(servers: Stage) -> None:
    async with process(servers) as running:
        thread = await servers.thread_of(servers.mention(servers.ada, "slowly"))
        await servers.until(lambda: "word 20 " in servers.text(thread.id), "some of the answer")
        queued = servers.say(servers.ben, thread.id, "and then quickly")
        await servers.until(lambda: queued.reactions, "the second question waits")
        shown = servers.text(thread.id)
        await asyncio.sleep(5 * GATHER_SECONDS)  # Discord is nearer here than anywhere, and answers are saved together
        running.kill()
        await running.wait()

    async with servers.app():
        await servers.until(lambda: "Interrupted" in servers.text(thread.id), "the answer is marked")
        await servers.answered(thread.id, count=2)

        assert "You said: and then quickly" in servers.text(thread.id)
        await servers.until(lambda: not queued.reactions, "the mark is gone")
        messages = servers.model.requests[-1].body["messages"]
        assert isinstance(messages, list)
        remembered = str(messages[2]["content"])  # type: ignore[index]  # JSON of a known shape
        last_word = shown.split("word ")[-1].split()[0]
        assert f"word {last_word}" in remembered
        labels = [label for label, _, _ in servers.buttons(thread.id)]
        assert labels.count("Continue") == 1

        await servers.press(servers.ada, thread.id, "Continue")
        await servers.answered(thread.id, count=3)


async def test_a_term_signal_ends_the_process_cleanly_with_the_answer_saved_and_marked(servers: Stage) -> None:
    async with process(servers) as running:
        thread = await servers.thread_of(servers.mention(servers.ada, "slowly"))
        await servers.until(lambda: "word 5 " in servers.text(thread.id), "some of the answer")

        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            _, errors = await running.communicate()

        assert running.returncode == 0, errors.decode()
        assert "Interrupted" in servers.text(thread.id)
        assert b"Traceback" not in errors
        await servers.until(lambda: servers.model.requests[0].cancelled, "the provider's connection is closed")

    store = await Store.open(servers.settings.database_url)
    turn = await store.last_turn(thread.id)
    await store.close()
    assert turn is not None
    assert turn.status is TurnStatus.INTERRUPTED
    assert turn.text.startswith("word 1 word 2 word 3 word 4 word 5 ")


async def test_buttons_work_after_a_restart(servers: Stage) -> None:
    async with servers.app():
        thread = await servers.thread_of(servers.mention(servers.ada, "hello"))
        await servers.answered(thread.id)

    async with servers.app():
        await servers.press(servers.ada, thread.id, "Retry")
        await servers.until(lambda: len(servers.model.requests) == 2, "the model is asked again")
        await servers.answered(thread.id)


async def test_what_was_written_while_the_bot_was_away_is_answered(servers: Stage) -> None:
    async with servers.app():
        thread = await servers.thread_of(servers.mention(servers.ada, "first"))
        await servers.answered(thread.id)
    servers.say(servers.ben, thread.id, "second")
    servers.say(servers.ben, thread.id, "// an aside")

    async with servers.app():
        assert "You said: second" in await servers.answered(thread.id, count=2)
        assert len(servers.model.requests) == 2


async def test_what_was_written_long_ago_is_offered_with_a_button(tmp_path: Path) -> None:
    behind = [7_300.0]
    world = default_world(lambda: time.time() - behind[0])
    async with stage(tmp_path, world=world, script=script_file(tmp_path, QUICK)) as servers, servers.app():
        thread = await servers.thread_of(servers.mention(servers.ada, "first"))
        await servers.until(lambda: "I was away" in servers.text(thread.id), "it is offered")
        behind[0] = 0.0

        assert not servers.model.requests
        await servers.press(servers.ada, thread.id, "Retry")
        await servers.until(lambda: "You said: first" in servers.text(thread.id), "it is answered")


async def test_commands_are_published_only_when_they_changed(servers: Stage) -> None:
    published = ("PUT", "/applications/{application_id}/commands")
    async with servers.app():
        assert servers.discord.rest.requests[published] == 1
    async with servers.app():
        assert servers.discord.rest.requests[published] == 1


async def test_without_the_message_content_intent_mentions_and_the_reply_button_work(tmp_path: Path) -> None:
    world = default_world(message_content=False)
    async with stage(tmp_path, world=world, script=script_file(tmp_path, QUICK)) as servers, servers.app():
        thread = await servers.thread_of(servers.mention(servers.ada, "first"))
        shown = await servers.answered(thread.id)
        assert "only see messages that mention me" in shown

        servers.say(servers.ben, thread.id, "cannot be read")
        servers.say(servers.ben, thread.id, f"<@{servers.bot}> second")

        shown = await servers.answered(thread.id, count=2)
        assert "You said: second" in shown
        assert shown.count("only see messages that mention me") == 1
        assert "Reply" in [label for label, _, _ in servers.buttons(thread.id)]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"discord_token": "playground.wrong"}, "DISCORD_TOKEN was refused"),
        ({"discord_api_url": "http://127.0.0.1:9/api/v10"}, "DISCORD_API_URL cannot be reached"),
    ],
)
async def test_what_the_operator_must_mend_is_one_line(servers: Stage, changes: dict[str, str], complaint: str) -> None:
    given = {**servers.settings.model_dump(), **changes}
    with pytest.raises(ConfigError) as caught:
        await App(load_settings(_env_file=None, **given)).run()

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_hostile_endpoint_is_reported_and_gets_no_gateway_connection(servers: Stage) -> None:
    """The model's server is no Discord: it answers every path with an error of its own."""
    settings = servers.settings.model_copy(update={"discord_api_url": servers.settings.openrouter_base_url})
    with pytest.raises(ConfigError, match="DISCORD_API_URL does not behave like Discord"):
        await App(settings).run()


async def test_a_queued_question_is_answered_also_when_the_intent_is_refused_at_first(tmp_path: Path) -> None:
    """The first connection is refused; what it would have resumed must not be interrupted by that."""
    world = default_world(message_content=False)
    unhurried: JsonObject = {**QUICK, "delay": 0.5}
    async with stage(tmp_path, world=world, script=script_file(tmp_path, unhurried), speed=1.0) as servers:
        async with servers.app():
            thread = await servers.thread_of(servers.mention(servers.ada, "first"))
            await servers.answered(thread.id)
        store = await Store.open(servers.settings.database_url)
        turn = await store.last_turn(thread.id)
        assert turn is not None
        await store.requeue(turn.id)
        await store.close()

        async with servers.app():
            await servers.until(lambda: len(servers.model.requests) == 2, "the question is asked again")
            shown = await servers.answered(thread.id)

        assert "You said: first" in shown
        assert "Interrupted" not in shown
        assert len(servers.model.requests) == 2
