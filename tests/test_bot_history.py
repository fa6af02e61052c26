"""The whole bot over real sockets: taking questions back, forking a thread, and what people press at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import JsonObject, TurnStatus
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, ChannelOverwrite, Message
from bot.playground.discord.world import default_world
from bot.store import Store, tables
from tests.bot_trouble import Private
from tests.databases import rows
from tests.whole_bot import Held, Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "They asked {question}.", "say": "You said: {question}"}
SLOW: JsonObject = {"name": "slow", "when": "slowly", "say": {"repeat": 2000, "text": "word {n} "}, "speed": 50}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A running bot whose model repeats the question; asked slowly, it goes on for a minute."""
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, ECHO), speed=1.0) as built, built.app():
        await built.until(lambda: built.world.records.commands, "the commands are published")
        yield built


def sent(bot: Stage, which: int = -1) -> list[Any]:
    """The messages of a request that reached the model."""
    messages = bot.model.requests[which].body["messages"]
    assert isinstance(messages, list)
    return messages


def asked(bot: Stage) -> list[str]:
    return [message["content"] for message in sent(bot) if message["role"] == "user"]


async def conversation(bot: Stage, *questions: str) -> Channel:
    """A thread in which Ben has asked these questions and got his answers."""
    thread = await bot.thread_of(bot.mention(bot.ben, questions[0]))
    await bot.answered(thread.id)
    for number, question in enumerate(questions[1:], 2):
        bot.say(bot.ben, thread.id, question)
        await bot.answered(thread.id, count=number)
    return thread


async def running(bot: Stage) -> Channel:
    thread = await bot.thread_of(bot.mention(bot.ben, "slowly please"))
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
    return thread


async def forked(bot: Stage, name: str) -> Channel:
    """The fork of a thread of that name."""
    wanted = f"Fork of {name}"
    return await bot.until(
        lambda: next((channel for channel in bot.world.records.channels.values() if channel.name == wanted), None),
        "the fork's thread",
    )


class TestUndo:
    async def test_takes_back_the_last_question_and_answer_and_says_which(self, bot: Stage) -> None:
        thread = await conversation(bot, "one", "two")
        private = Private(bot, bot.ben)

        await bot.command(bot.ben, thread.id, "undo")

        await private.told("I took back “two” and my answer to it")
        await bot.until(lambda: "You said: two" not in bot.text(thread.id), "its messages are deleted")
        bot.say(bot.ben, thread.id, "three")
        await bot.answered(thread.id, count=2)
        assert asked(bot) == ["[Ben] one", "[Ben] three"]
        assert await rows(bot.settings.database_url, tables.leftovers) == []

    async def test_goes_further_back_each_time_and_ends_with_a_kind_sentence(self, bot: Stage) -> None:
        thread = await conversation(bot, "one", "two")
        private = Private(bot, bot.ben)

        for sentence in ("“two”", "“one”", "There is nothing left to take back"):
            await bot.command(bot.ben, thread.id, "undo")
            await private.told(sentence)

        await bot.until(lambda: "You said" not in bot.text(thread.id), "nothing is shown any more")
        bot.say(bot.ben, thread.id, "afresh")
        await bot.answered(thread.id)
        assert asked(bot) == ["[Ben] afresh"]

    async def test_stops_a_running_answer_first_and_what_waits_goes_on(self, bot: Stage) -> None:
        thread = await running(bot)
        await bot.command(bot.ben, thread.id, "undo")

        await bot.until(lambda: bot.model.requests[0].cancelled, "the provider's connection is closed")
        await bot.until(lambda: "word" not in bot.text(thread.id), "its messages are deleted")
        bot.say(bot.ben, thread.id, "next")
        await bot.answered(thread.id)
        assert asked(bot) == ["[Ben] next"]

    async def test_takes_back_a_question_that_waits_and_its_mark(self, bot: Stage) -> None:
        thread = await running(bot)
        waiting = bot.say(bot.ben, thread.id, "and then")
        await bot.until(lambda: waiting.reactions, "it waits")

        await bot.command(bot.ben, thread.id, "undo")

        await bot.until(lambda: not waiting.reactions, "the mark is gone")
        await bot.press(bot.ben, thread.id, "Stop")
        await bot.answered(thread.id)
        assert len(bot.model.requests) == 1

    async def test_is_for_the_asker_and_for_moderators(self, bot: Stage) -> None:
        thread = await conversation(bot, "one")
        bot.say(bot.ada, thread.id, "two")
        await bot.answered(thread.id, count=2)
        private = Private(bot, bot.ben)

        await bot.command(bot.ben, thread.id, "undo")
        await private.told("Only the person who asked the last question, or a moderator, can take it back.")
        for word in ("two", "one"):
            await bot.command(bot.ada, thread.id, "undo")
            await bot.until(lambda word=word: f"You said: {word}" not in bot.text(thread.id), "it is taken back")

    async def test_pressed_twice_at_once_takes_back_one_question_and_says_so(self, bot: Stage) -> None:
        thread = await conversation(bot, "one", "two", "three")
        store = await Store.open(bot.settings.database_url)
        turn = await store.last_turn(thread.id)
        await store.close()
        private = Private(bot, bot.ben)
        await asyncio.gather(*(bot.command(bot.ben, thread.id, "undo") for _ in range(2)))

        await private.told("I took back “three”")
        await bot.until(lambda: "You said: three" not in bot.text(thread.id), "it is taken back")
        assert turn not in await stored(bot, thread)
        assert 1 <= len(await stored(bot, thread)) <= 2

    async def test_elsewhere_says_where_it_belongs(self, bot: Stage) -> None:
        private = Private(bot, bot.ben)
        for name in ("undo", "fork"):
            await bot.command(bot.ben, bot.channel("general"), name)
            await private.told("This is not one of my conversations.")
            private.seen.clear()

    async def test_is_finished_by_the_next_process_if_the_first_ends_in_between(self, tmp_path: Path) -> None:
        async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
            async with bot.app():
                thread = await conversation(bot, "one")
            store = await Store.open(bot.settings.database_url)
            turn = await store.last_turn(thread.id)
            assert turn is not None
            await store.forget_turn(turn.id)
            await store.close()

            async with bot.app():
                await bot.until(lambda: "You said" not in bot.text(thread.id), "its messages are deleted")
                await bot.until(bot.ready.is_set, "the bot is ready")
            assert await rows(bot.settings.database_url, tables.leftovers) == []

    async def test_is_for_good_also_when_a_new_process_looks_for_what_it_missed(self, tmp_path: Path) -> None:
        """The messages that asked are still there."""
        async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
            async with bot.app():
                thread = await conversation(bot, "one", "two", "three")
                answer = next(message for message in bot.messages(thread.id) if "You said: two" in message.content)
                bot.world.delete_message(bot.ada, thread.id, answer.id)
                await bot.command(bot.ben, thread.id, "undo")
                await bot.until(lambda: "You said: three" not in bot.text(thread.id), "it is taken back")
            bot.say(bot.ben, thread.id, "four")

            async with bot.app():
                await bot.until(lambda: "You said: four" in bot.text(thread.id), "what was missed is answered")
                assert asked(bot) == ["[Ben] one", "[Ben] four"]
                assert len(bot.model.requests) == 4


class TestFork:
    async def test_a_fork_goes_on_with_the_same_history_to_the_byte(self, bot: Stage) -> None:
        thread = await conversation(bot, "one", "two")
        private = Private(bot, bot.ada)
        await bot.command(bot.ada, thread.id, "fork")
        fork = await forked(bot, "one")
        await private.told(f"The fork is <#{fork.id}>, with 2 questions and their answers.")
        assert f"Ada forked this thread from **one** (<#{thread.id}>)" in bot.text(fork.id)
        assert (fork.parent_id, fork.type) == (thread.parent_id, 11)

        bot.say(bot.ben, thread.id, "three")
        await bot.answered(thread.id, count=3)
        bot.say(bot.ben, fork.id, "three")
        await bot.answered(fork.id)

        origin, copy = sent(bot, -2), sent(bot)
        assert json.dumps(copy) == json.dumps(origin)
        assert [message["reasoning_details"] for message in copy if message["role"] == "assistant"] == [
            [{"type": "reasoning.text", "text": f"They asked {word}.", "format": "unknown", "index": 0}]
            for word in ("one", "two")
        ]

    async def test_the_two_threads_go_their_own_ways_but_a_deleted_message_goes_from_both(self, bot: Stage) -> None:
        thread = await conversation(bot, "one")
        second = bot.say(bot.ben, thread.id, "two")
        await bot.answered(thread.id, count=2)
        await bot.command(bot.ben, thread.id, "fork")
        fork = await forked(bot, "one")
        await bot.until(lambda: "forked this thread" in bot.text(fork.id), "the fork is ready")

        bot.world.delete_message(bot.ben, thread.id, second.id)
        await bot.until(lambda: "You said: two" not in bot.text(thread.id), "it is deleted")
        await bot.command(bot.ben, thread.id, "undo")
        await bot.until(lambda: "You said: one" not in bot.text(thread.id), "it is taken back")
        bot.say(bot.ben, fork.id, "three")

        await bot.answered(fork.id)
        assert asked(bot) == ["[Ben] one", "[Ben] three"]

    async def test_settings_come_along_and_the_last_answer_can_be_repeated(self, bot: Stage) -> None:
        thread = await conversation(bot, "one")
        private = Private(bot, bot.ben)
        await bot.command(bot.ben, thread.id, "reasoning", show="spoiler")
        await private.told("From the next answer on")
        await bot.command(bot.ben, thread.id, "fork")
        fork = await forked(bot, "one")
        await bot.until(lambda: "forked this thread" in bot.text(fork.id), "the fork is ready")

        await bot.command(bot.ben, fork.id, "retry")

        shown = await bot.answered(fork.id)
        assert "You said: one" in shown
        assert "They asked one." in shown

    async def test_while_an_answer_runs_the_finished_ones_are_copied_and_it_is_said(self, bot: Stage) -> None:
        thread = await conversation(bot, "one")
        private = Private(bot, bot.ben)
        bot.say(bot.ben, thread.id, "slowly please")
        await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")

        await bot.command(bot.ben, thread.id, "fork")

        fork = await forked(bot, "one")
        await private.told("with one question and its answer. The question that is not answered yet stays here alone.")
        bot.say(bot.ben, fork.id, "two")
        await bot.answered(fork.id)
        assert asked(bot) == ["[Ben] one", "[Ben] two"]

    async def test_before_the_first_answer_there_is_nothing_to_copy(self, bot: Stage) -> None:
        thread = await running(bot)
        private = Private(bot, bot.ben)
        await bot.command(bot.ben, thread.id, "fork")
        await private.told("There is nothing to copy yet.")

    async def test_a_direct_message_cannot_be_forked(self, bot: Stage) -> None:
        channel = bot.world.open_dm(bot.ben, bot.bot)
        bot.say(bot.ben, channel.id, "one")
        await bot.answered(channel.id)
        private = Private(bot, bot.ben)
        await bot.command(bot.ben, channel.id, "fork")
        await private.told("A direct message cannot be forked")

    async def test_a_private_thread_is_not_made_public(self, bot: Stage) -> None:
        thread = bot.world.start_thread(bot.ada, bot.channel("general"), {"name": "Secret"})
        bot.world.add_thread_member(bot.ada, thread.id, bot.bot)
        bot.say(bot.ada, thread.id, f"<@{bot.bot}> one")
        await bot.answered(thread.id)
        private = Private(bot, bot.ada)
        await bot.command(bot.ada, thread.id, "fork")
        await private.told("This thread is private")

    async def test_without_the_right_to_open_threads_it_says_what_to_ask_for(self, tmp_path: Path) -> None:
        world = default_world()
        async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot, bot.app():
            thread = await conversation(bot, "one")
            general = world.channel(bot.channel("general"))
            denied = int(Permission.CREATE_PUBLIC_THREADS)
            general.overwrites.append(ChannelOverwrite(world.bot_id, for_member=True, deny=denied))
            private = Private(bot, bot.ben)
            await bot.command(bot.ben, thread.id, "fork")
            await private.told("**Create Public Threads**")
            assert "Fork of one" not in [channel.name for channel in world.records.channels.values()]

    async def test_a_thread_that_is_forgotten_cannot_be_forked(self, bot: Stage) -> None:
        thread = await conversation(bot, "one")
        store = await Store.open(bot.settings.database_url)
        await store.forget_channel(thread.id)
        await store.close()
        private = Private(bot, bot.ben)
        await bot.command(bot.ben, thread.id, "fork")
        await private.told("This is not one of my conversations.")

    async def test_a_post_in_a_forum_is_forked_into_a_post(self, bot: Stage) -> None:
        forum = bot.channel("questions")
        post, _ = bot.world.start_post(bot.ben, forum, {"name": "Post", "message": {"content": "hello"}})
        bot.say(bot.ben, post.id, f"<@{bot.bot}> one")
        await bot.answered(post.id)

        await bot.command(bot.ben, post.id, "fork")

        fork = await forked(bot, "Post")
        assert fork.parent_id == forum
        await bot.until(lambda: "forked this thread from **Post**" in bot.text(fork.id), "its first message")
        bot.say(bot.ben, fork.id, f"<@{bot.bot}> two")
        await bot.answered(fork.id)
        assert asked(bot)[0].endswith("one")


class TestAtOnce:
    async def test_stop_lets_the_next_question_go_on(self, bot: Stage) -> None:
        thread = await running(bot)
        waiting = [bot.say(who, thread.id, text) for who, text in ((bot.ada, "two"), (bot.ben, "three"))]
        await bot.until(lambda: all(message.reactions for message in waiting), "they wait")

        await bot.press(bot.ben, thread.id, "Stop")

        shown = await bot.answered(thread.id, count=3)
        assert shown.index("Stopped.") < shown.index("You said: two") < shown.index("You said: three")
        await bot.until(lambda: not any(message.reactions for message in waiting), "the marks are gone")

    async def test_two_people_who_write_at_once_get_an_answer_each_in_order(self, bot: Stage) -> None:
        thread = await conversation(bot, "one")
        said = [bot.say(who, thread.id, f"from {who}") for who in (bot.ada, bot.ben) * 3]

        await bot.answered(thread.id, count=1 + len(said))

        shown = bot.text(thread.id)
        assert asked(bot) == ["[Ben] one", *(f"[{name}] from {who}" for name, who in names(bot) * 3)]
        assert shown.count("You said: from") == len(said)
        await bot.until(lambda: not any(message.reactions for message in said), "the marks are gone")

    async def test_messages_of_one_person_that_come_in_the_same_instant_are_one_question(self, tmp_path: Path) -> None:
        held = Held()
        async with stage(tmp_path, script=script_file(tmp_path, ECHO), sleep=held.sleep) as bot, bot.app():
            channel = bot.world.open_dm(bot.ben, bot.bot)
            for text in ("one", "two", "three"):
                bot.say(bot.ben, channel.id, text)

            await bot.until(lambda: bot.model.requests and asked(bot) == ["one\ntwo\nthree"], "all are one question")
            held.release()
            await bot.answered(channel.id)
            assert bot.ended(channel.id) == 1

    async def test_stop_and_retry_pressed_at_once_leave_one_answer(self, bot: Stage) -> None:
        thread = await running(bot)
        private = Private(bot, bot.ada)
        [(_, stop, message)] = [button for button in bot.buttons(thread.id) if button[0] == "Stop"]
        pressed = [
            {
                "type": 3,
                "channel_id": str(thread.id),
                "message_id": str(message.id),
                "data": {"custom_id": stop, "component_type": 2},
            }
            for _ in range(2)
        ]

        await asyncio.gather(
            bot.interact(bot.ada, pressed[0]),
            bot.interact(bot.ben, pressed[1]),
            bot.command(bot.ada, thread.id, "retry"),
        )

        await bot.until(lambda: bot.model.requests[0].cancelled, "the first answer is stopped")
        answers = ("I am answering the last question again.", "This question is being answered already.")
        await bot.until(lambda: any(text in seen for text in answers for seen in private.seen), "retry is answered")
        if (await stored(bot, thread))[0].status.unfinished:  # Retry came after Stop
            await bot.until(lambda: len(bot.model.requests) == 2, "it is asked again")
            await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the new answer")
            await bot.command(bot.ben, thread.id, "stop")
            await bot.until(lambda: bot.model.requests[1].cancelled, "the second answer is stopped")
        await bot.answered(thread.id)
        [turn] = await stored(bot, thread)
        assert turn.status is TurnStatus.STOPPED
        assert bot.ended(thread.id) == 1

    async def test_retry_pressed_by_two_people_at_once_asks_once(self, bot: Stage) -> None:
        thread = await conversation(bot, "one")
        private = Private(bot, bot.ada)

        await asyncio.gather(*(bot.press(who, thread.id, "Retry") for who in (bot.ben, bot.ada)))

        await bot.until(lambda: len(bot.model.requests) >= 2, "it is asked again")
        await bot.answered(thread.id)
        assert bot.ended(thread.id) == 1
        assert len(bot.model.requests) + sum("being answered already" in seen for seen in private.seen) >= 2

    async def test_retry_of_a_vanished_question_says_so_and_changes_nothing(self, bot: Stage) -> None:
        thread = await conversation(bot, "one", "two")
        [*_, (label, custom_id, message)] = [button for button in bot.buttons(thread.id) if button[0] == "Retry"]
        store = await Store.open(bot.settings.database_url)
        turn = await store.last_turn(thread.id)
        assert turn is not None
        await store.forget_turn(turn.id)
        await store.close()
        private = Private(bot, bot.ben)

        await bot.press(bot.ben, thread.id, "Retry")

        await private.told("This answer is not known any more; it was deleted. Please ask again.")
        assert (label, custom_id.startswith("cogitor:retry:"), message.id > 0) == ("Retry", True, True)
        assert len(await stored(bot, thread)) == 1


class TestRestart:
    async def test_an_end_that_was_stored_but_not_shown_is_shown_by_the_next_process(self, tmp_path: Path) -> None:
        async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
            async with bot.app():
                thread = await conversation(bot, "one")
            [page] = [message for message in bot.messages(thread.id) if "You said" in message.content]
            await as_if_not_shown(bot, thread, page)

            async with bot.app():
                await bot.until(lambda: "You said: one" in bot.text(thread.id), "the end is shown")
                assert bot.ended(thread.id) == 1
                assert len(bot.model.requests) == 1
                await bot.until(bot.ready.is_set, "the bot is ready")
            assert await rows(bot.settings.database_url, tables.unshown) == []

    async def test_a_redrawn_answer_keeps_to_the_servers_footer(self, tmp_path: Path) -> None:
        async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
            async with bot.app():
                thread = await conversation(bot, "one")
            [page] = [message for message in bot.messages(thread.id) if "You said" in message.content]
            assert "kimi" in page.content
            await as_if_not_shown(bot, thread, page)
            store = await Store.open(bot.settings.database_url)
            assert thread.guild_id is not None
            await store.save_guild_settings(thread.guild_id, {"footer": False})
            await store.close()

            async with bot.app():
                await bot.until(lambda: "You said: one" in bot.text(thread.id), "the end is shown")
                assert "kimi" not in bot.text(thread.id)

    async def test_a_redrawn_answer_has_the_reply_button_where_it_is_needed(self, tmp_path: Path) -> None:
        world = default_world(message_content=False)
        async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot:
            async with bot.app():
                thread = await conversation(bot, "one")
            [page] = [message for message in bot.messages(thread.id) if "You said" in message.content]
            await as_if_not_shown(bot, thread, page)

            async with bot.app():
                await bot.until(lambda: "You said: one" in bot.text(thread.id), "the end is shown")
                assert "Reply" in [label for label, _, _ in bot.buttons(thread.id)]

    async def test_a_mark_is_taken_away_by_the_next_process(self, tmp_path: Path) -> None:
        async with stage(tmp_path, script=script_file(tmp_path, SLOW, ECHO), speed=1.0) as bot:
            async with bot.app():
                thread = await running(bot)
                waiting = bot.say(bot.ada, thread.id, "two")
                await bot.until(lambda: waiting.reactions, "it waits")

            async with bot.app():
                await bot.until(lambda: "You said: two" in bot.text(thread.id), "it is answered")
                await bot.until(lambda: not waiting.reactions, "the mark is gone")


def names(bot: Stage) -> list[tuple[str, int]]:
    return [("Ada", bot.ada), ("Ben", bot.ben)]


async def stored(bot: Stage, thread: Channel) -> list[Any]:
    store = await Store.open(bot.settings.database_url)
    try:
        return await store.turns(thread.id)
    finally:
        await store.close()


async def as_if_not_shown(bot: Stage, thread: Channel, page: Message) -> None:
    """As a process leaves it that is killed after the end of an answer is stored and before it is shown."""
    half = {"content": "You sa\n-# 💭 Thinking…", "components": []}
    bot.world.edit_message(bot.bot, thread.id, page.id, half)
    store = await Store.open(bot.settings.database_url)
    [turn] = await store.turns(thread.id)
    await store.finish(turn.id, turn.status, turn.steps, error=None, notices=[])
    await store.close()
