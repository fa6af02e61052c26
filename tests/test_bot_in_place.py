"""The whole bot over real sockets where it is no member: answers in place of the interaction that asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot import in_place
from bot.messages import JsonObject, TurnStatus
from bot.playground.discord.form_message import Upload
from bot.playground.discord.interactions import INVALID_WEBHOOK_TOKEN
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel
from bot.playground.discord.rest_faults import Refuse
from bot.playground.discord.world import default_world
from bot.store import Store
from tests.elsewhere import Forms, ask_with_file, commands, lounge, menu, private, prompts, submit
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "They asked something.", "say": "You said: {question}"}
SLOW: JsonObject = {"name": "slow", "when": "slowly", "say": {"repeat": 300, "text": "word {n} "}, "speed": 50}
LONG: JsonObject = {
    "name": "long",
    "when": "at length",
    "say": {"repeat": 300, "text": "word {n} and more.\n\n"},
    "speed": 5000,
}
HUGE: JsonObject = {
    "name": "huge",
    "when": "everything",
    "say": {"repeat": 3000, "text": "word {n} and more.\n\n"},
    "speed": 9000,
}


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, LONG, HUGE, ECHO), speed=1.0) as built:
        yield built


@pytest.fixture
async def bot(servers: Stage) -> AsyncGenerator[Stage]:
    async with servers.app():
        yield servers


@pytest.fixture
async def place(bot: Stage) -> Channel:
    return lounge(bot)


async def test_ask_is_answered_by_its_own_response_in_a_server_without_the_bot(bot: Stage, place: Channel) -> None:
    await bot.command(bot.ben, place.id, "ask", prompt="What is a monad?")

    assert "You said: What is a monad?" in await bot.answered(place.id)
    assert len(bot.messages(place.id)) == 1
    assert prompts(bot) == "What is a monad?"
    assert not any(thread.parent_id == place.id for thread in bot.world.records.channels.values())
    assert not [route for route in bot.discord.rest.requests if route[1].startswith("/channels/")]


async def test_in_a_conversation_of_two_people_it_is_the_same(bot: Stage, place: Channel) -> None:
    dm = bot.world.open_dm(bot.ben, bot.ada)

    await bot.command(bot.ben, dm.id, "ask", prompt="hello")

    assert "You said: hello" in await bot.answered(dm.id)


async def test_where_the_bot_is_a_member_a_thread_is_opened_although_the_asker_brought_it_along(
    bot: Stage, place: Channel
) -> None:
    await bot.command(bot.ben, bot.channel("general"), "ask", prompt="hello there")

    thread = await bot.until(
        lambda: next((c for c in bot.world.records.channels.values() if c.name == "hello there"), None), "a thread"
    )
    assert "You said: hello there" in await bot.answered(thread.id)


async def test_a_file_comes_along(bot: Stage, place: Channel) -> None:
    await ask_with_file(bot, bot.ben, place.id, "look", "fix.py", b"print(1)\n")

    await bot.answered(place.id)
    assert "Attached file `fix.py`" in prompts(bot)


async def test_a_long_answer_goes_on_in_followups_within_the_tokens_limits(bot: Stage, place: Channel) -> None:
    await bot.command(bot.ben, place.id, "ask", prompt="at length please")

    await bot.answered(place.id)
    pages = bot.messages(place.id)
    assert 2 < len(pages) <= 5
    text = "\n".join(page.content for page in pages)
    assert [n for n in range(1, 301) if f"word {n} and more." not in text] == []
    assert [bool(page.components) for page in pages] == [False] * (len(pages) - 1) + [True]
    assert not bot.discord.rest.limited


async def test_what_exceeds_the_followups_is_attached_as_a_file(bot: Stage, place: Channel) -> None:
    await bot.command(bot.ben, place.id, "ask", prompt="everything please")

    shown = await bot.answered(place.id)
    await bot.until(lambda: bot.messages(place.id)[-1].attachments, "a file")
    assert len(bot.messages(place.id)) == 5
    assert "The whole answer is in answer.md" in shown
    assert b"word 3000 and more." in bot.messages(place.id)[-1].attachments[0].data


async def test_stop_retry_and_continue_bring_their_own_tokens(bot: Stage, place: Channel) -> None:
    await bot.command(bot.ben, place.id, "ask", prompt="slowly please")
    await bot.until(lambda: "word 3" in bot.text(place.id), "some of the answer")
    await bot.press(bot.ben, place.id, "Stop")
    assert "Stopped." in await bot.answered(place.id)
    [first] = bot.messages(place.id)

    await bot.press(bot.ben, place.id, "Retry")
    await bot.until(lambda: bot.buttons(place.id)[0][0] == "Stop", "the new answer is shown")
    await bot.press(bot.ben, place.id, "Stop")
    await bot.answered(place.id)
    assert [message.id for message in bot.messages(place.id)] == [first.id]

    await bot.press(bot.ben, place.id, "Continue")
    await bot.until(lambda: len(bot.model.requests) == 3, "the model is asked to go on")
    await bot.answered(place.id, count=2)
    assert len(bot.messages(place.id)) == 2


async def test_reasoning_and_source_are_shown_to_whoever_asks(bot: Stage, place: Channel) -> None:
    await bot.command(bot.ben, place.id, "ask", prompt="hello")
    await bot.answered(place.id)

    await bot.press(bot.ada, place.id, "Reasoning")
    await bot.press(bot.ada, place.id, "Source")

    await bot.until(lambda: "They asked something." in private(bot, bot.ada), "the reasoning")
    await bot.until(lambda: "```md\nYou said: hello\n```" in private(bot, bot.ada), "the source")


async def test_only_the_asker_may_stop_or_retry(bot: Stage, place: Channel) -> None:
    bot.world.add_member(place.guild_id or 0, bot.world.add_user("cyd", "Cyd").id)
    await bot.command(bot.ben, place.id, "ask", prompt="hello")
    await bot.answered(place.id)

    await bot.press(bot.user("Cyd"), place.id, "Retry")

    await bot.until(lambda: "Only the person who asked" in private(bot, bot.user("Cyd")), "a sentence")
    assert len(bot.model.requests) == 1


async def test_an_answer_of_several_messages_is_retried_below_for_a_new_token_opens_no_older_ones(
    bot: Stage, place: Channel
) -> None:
    await bot.command(bot.ben, place.id, "ask", prompt="at length please")
    await bot.answered(place.id)
    before = [message.id for message in bot.messages(place.id)]

    await bot.press(bot.ben, place.id, "Retry")

    await bot.answered(place.id, count=2)
    after = [message.id for message in bot.messages(place.id)]
    assert after[: len(before)] == before
    assert len(after) == 2 * len(before)


async def test_before_the_token_ends_the_answer_does(
    bot: Stage, place: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_place, "TOKEN_SECONDS", in_place.ENDING_SECONDS + 5.0)

    await bot.command(bot.ben, place.id, "ask", prompt="slowly please")

    shown = await bot.answered(place.id)
    assert "a quarter of an hour only, so I had to stop." in shown
    assert "word 3" in shown
    assert "word 300" not in shown
    assert [label for label, _, _ in bot.buttons(place.id)] == ["Retry", "Continue", "Source"]


async def test_where_the_server_refuses_what_members_bring_along_only_the_asker_sees_it(
    bot: Stage, place: Channel
) -> None:
    guild = bot.world.guild(place.guild_id or 0)
    guild.roles[guild.id].permissions &= ~int(Permission.USE_EXTERNAL_APPS)

    await bot.command(bot.ben, place.id, "ask", prompt="at length please")

    await bot.until(lambda: "word 300 and more." in private(bot, bot.ben), "the whole answer")
    assert bot.messages(place.id) == []


async def test_after_a_restart_an_answer_in_place_is_stored_as_interrupted_and_nothing_is_tried(
    servers: Stage,
) -> None:
    async with servers.app():
        place = lounge(servers)
        await servers.command(servers.ben, place.id, "ask", prompt="slowly please")
        await servers.until(lambda: "word 3" in servers.text(place.id), "some of the answer")
        servers.discord.rest.requests.clear()
        servers.discord.rest.faults.add(
            "PATCH",
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            Refuse(INVALID_WEBHOOK_TOKEN),
            times=100,
        )
    async with servers.app():
        await servers.until(servers.ready.is_set, "the bot is ready")
        store = await Store.open(servers.settings.database_url)
        [turn] = await store.turns((await store.conversations_seen_since(0.0))[0][0].id)
        await store.close()
        assert turn.status is TurnStatus.INTERRUPTED
        assert not [route for route in servers.discord.rest.requests if "/messages" in route[1] and route[0] == "GET"]

        servers.discord.rest.faults.clear()
        await servers.press(servers.ben, place.id, "Stop")

        shown = await servers.answered(place.id)
        assert "Interrupted by a restart" in shown
        await servers.press(servers.ben, place.id, "Continue")
        await servers.answered(place.id, count=2)


async def test_nothing_is_said_of_messages_that_the_bot_could_not_read_there_anyway(tmp_path: Path) -> None:
    world = default_world(message_content=False)
    async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot, bot.app():
        place = lounge(bot)
        await bot.command(bot.ben, place.id, "ask", prompt="hello")

        shown = await bot.answered(place.id)
        assert "I only see messages" not in shown
        assert [label for label, _, _ in bot.buttons(place.id)] == ["Retry", "Reasoning", "Source"]


async def test_the_menus_work_there_as_well(bot: Stage, place: Channel) -> None:
    forms = Forms(bot)
    code = bot.say(bot.ada, place.id, "x = 1 / 0")

    await menu(bot, bot.ben, "Explain this code", code)
    await bot.answered(place.id)
    assert "message by Ada:\n> x = 1 / 0" in prompts(bot)
    await menu(bot, bot.ben, "Ask about this", code)
    await bot.until(lambda: forms.shown, "a form")
    await submit(bot, bot.ben, place.id, forms.shown[-1], "Why?")

    await bot.answered(place.id, count=2)
    assert prompts(bot).startswith("Why?\n\nThis is about")


async def test_a_message_that_cannot_be_used_leaves_nothing_behind_but_a_private_sentence(
    bot: Stage, place: Channel
) -> None:
    blob = bot.world.create_message(
        bot.ada, place.id, {}, [Upload(0, "a.bin", "application/octet-stream", b"\0\1\2\0")]
    )

    await menu(bot, bot.ben, "Explain this code", blob)

    await bot.until(lambda: "I could not use a.bin" in private(bot, bot.ben), "a sentence")
    assert bot.messages(place.id) == []


async def test_only_what_works_everywhere_can_be_brought_along(bot: Stage) -> None:
    await bot.until(lambda: "help" in commands(bot), "the commands are published")
    everywhere = {"ask", "help", "Ask about this", "Explain this code"}
    for name, body in commands(bot).items():
        assert body["integration_types"] == ([0, 1] if name in everywhere else [0]), name
        # An admin's commands are a server's; the operator's work in a DM as well.
        elsewhere = [0] if body["default_member_permissions"] and name != "admin" else [0, 1]
        assert body["contexts"] == ([0, 1, 2] if name in everywhere else elsewhere), name


async def test_an_interaction_that_is_delivered_twice_is_answered_once(bot: Stage, place: Channel) -> None:
    events: list[JsonObject] = []
    bot.world.subscribe(lambda event: events.append(event.data) if event.name == "INTERACTION_CREATE" else None)
    await bot.command(bot.ben, place.id, "ask", prompt="hello")
    await bot.answered(place.id)

    bot.world.publish("INTERACTION_CREATE", events[0], place, bot.bot)
    await bot.command(bot.ben, place.id, "ask", prompt="and again")
    await bot.answered(place.id, count=2)

    assert len(bot.model.requests) == 2
