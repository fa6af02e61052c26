"""The whole bot over real sockets when people edit and delete what was said: the history follows."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Chat
from bot.messages import JsonObject, Text, Turn
from bot.playground.discord.form_message import Upload
from bot.playground.discord.records import Channel, Message
from bot.playground.discord.views_message import message_event
from bot.playground.discord.world import default_world
from bot.store import Store, tables
from bot.store.history import Forgotten
from tests.databases import rows
from tests.whole_bot import Held, Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "They asked something.", "say": "You said: {question}"}
SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "say": {"repeat": 2000, "text": "word {n} "},
    "speed": 50,
}
CONTENTS = (tables.conversations, tables.turns, tables.said, tables.steps, tables.pages, tables.leftovers)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A running bot whose model repeats the question; asked slowly, it goes on for a minute."""
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, ECHO), speed=1.0) as built, built.app():
        yield built


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def patient(tmp_path: Path, held: Held) -> AsyncGenerator[Stage]:
    """The same, but its model says nothing before a whole burst has been asked; see `in_a_burst`."""
    script = script_file(tmp_path, SLOW, ECHO)
    async with stage(tmp_path, script=script, speed=1.0, sleep=held.sleep) as built, built.app():
        yield built


async def in_a_burst(patient: Stage, held: Held, *texts: str) -> tuple[Channel, list[Message]]:
    """Ben writes several messages at once, which are one question, and is being answered."""
    channel = patient.world.open_dm(patient.ben, patient.bot)
    said = [patient.say(patient.ben, channel.id, text) for text in texts]
    whole = ["\n".join(texts)]
    await patient.until(lambda: patient.model.requests and asked(patient) == whole, "all are one question")
    held.release()
    return channel, said


def edit(bot: Stage, message: Message, text: str) -> None:
    bot.world.edit_message(message.author_id, message.channel_id, message.id, {"content": text})


def delete(bot: Stage, message: Message, who: int | None = None) -> None:
    bot.world.delete_message(who or message.author_id, message.channel_id, message.id)


def asked(bot: Stage, which: int = -1) -> list[str]:
    """What people said in a request that reached the model."""
    messages = bot.model.requests[which].body["messages"]
    assert isinstance(messages, list)
    return [str(message["content"]) for message in messages if message["role"] == "user"]  # type: ignore[index]


async def turns(bot: Stage, channel_id: int) -> list[Turn]:
    """What is stored of a conversation."""
    store = await Store.open(bot.settings.database_url)
    try:
        return await store.turns(channel_id)
    finally:
        await store.close()


def words(stored: list[Turn], which: int) -> str:
    """What a stored question of one message says."""
    [part] = stored[which].question[0].parts
    assert isinstance(part, Text)
    return part.text


async def until_stored(bot: Stage, channel_id: int, holds: Callable[[list[Turn]], bool]) -> None:
    """Wait until what is stored of a conversation is as it should be."""
    async with asyncio.timeout(10):
        while True:
            if holds(await turns(bot, channel_id)):
                return
            await asyncio.sleep(0.02)


async def until_forgotten(bot: Stage, channel_id: int, count: int = 0) -> None:
    """Wait until so many turns of a conversation are left in the database."""
    await until_stored(bot, channel_id, lambda stored: len(stored) == count)


async def conversation(bot: Stage, *questions: str) -> tuple[Channel, list[Message]]:
    """A thread in which Ada has asked these questions and got her answers."""
    first = bot.mention(bot.ada, questions[0])
    thread = await bot.thread_of(first)
    await bot.answered(thread.id)
    said = [first]
    for number, question in enumerate(questions[1:], 2):
        said.append(bot.say(bot.ada, thread.id, question))
        await bot.answered(thread.id, count=number)
    return thread, said


async def running(bot: Stage, question: str = "slowly please") -> tuple[Channel, Message]:
    """A thread whose first answer is half there."""
    message = bot.mention(bot.ada, question)
    thread = await bot.thread_of(message)
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
    return thread, message


class TestEdits:
    async def test_the_last_question_is_answered_anew_in_the_same_messages(self, bot: Stage) -> None:
        thread, [_, second] = await conversation(bot, "one", "two")
        shown = [message.id for message in bot.messages(thread.id)]

        edit(bot, second, "three")

        await bot.until(lambda: "You said: three" in bot.text(thread.id), "the new answer")
        assert await bot.answered(thread.id, count=2)
        assert "You said: two" not in bot.text(thread.id)
        assert [message.id for message in bot.messages(thread.id)] == shown
        assert asked(bot) == ["[Ada] one", "[Ada] three"]

    async def test_the_first_question_of_a_thread_is_edited_in_its_channel(self, bot: Stage) -> None:
        thread, [first] = await conversation(bot, "one")

        edit(bot, first, f"<@{bot.bot}> two")

        await bot.until(lambda: "You said: two" in bot.text(thread.id), "the new answer")
        assert asked(bot) == ["[Ada] two"]
        assert len([channel for channel in bot.world.records.channels.values() if channel.thread]) == 1

    async def test_an_older_question_changes_what_the_model_sees_and_gets_no_answer(self, bot: Stage) -> None:
        thread, [first, _] = await conversation(bot, "one", "two")

        edit(bot, first, f"<@{bot.bot}> other")
        await until_stored(bot, thread.id, lambda stored: words(stored, 0) == "other")
        bot.say(bot.ben, thread.id, "three")

        await bot.answered(thread.id, count=3)
        assert asked(bot) == ["[Ada] other", "[Ada] two", "[Ben] three"]
        assert len(bot.model.requests) == 3
        assert "You said: one" in bot.text(thread.id)

    async def test_a_running_answer_is_asked_again_and_its_old_connection_closed(self, bot: Stage) -> None:
        thread, question = await running(bot)
        shown = [message.id for message in bot.messages(thread.id)]

        edit(bot, question, f"<@{bot.bot}> quick now")

        text = await bot.answered(thread.id)
        assert "You said: quick now" in text
        assert "word" not in text
        assert bot.model.requests[0].cancelled
        assert [message.id for message in bot.messages(thread.id)] == shown
        assert asked(bot) == ["[Ada] quick now"]

    async def test_a_waiting_question_is_asked_as_it_reads_in_the_end(self, bot: Stage) -> None:
        thread, _ = await running(bot)
        waiting = bot.say(bot.ben, thread.id, "first words")
        await bot.until(lambda: waiting.reactions, "it waits")

        edit(bot, waiting, "last words")
        await until_stored(bot, thread.id, lambda stored: words(stored, 1) == "last words")
        await bot.press(bot.ada, thread.id, "Stop")

        await bot.until(lambda: "You said: last words" in bot.text(thread.id), "its answer")
        await bot.until(lambda: not waiting.reactions, "the mark is gone")
        assert len(bot.model.requests) == 2

    async def test_any_message_of_a_burst_may_be_edited(self, patient: Stage, held: Held) -> None:
        channel, said = await in_a_burst(patient, held, "one", "two", "three")
        await patient.answered(channel.id)

        edit(patient, said[1], "2")

        await patient.until(lambda: "You said: one 2 three" in patient.text(channel.id), "the new answer")
        assert asked(patient) == ["one\n2\nthree"]

    async def test_an_edit_storm_ends_in_one_answer_to_the_last_text(self, bot: Stage) -> None:
        thread, [_, second] = await conversation(bot, "one", "two")
        before = len(bot.model.requests)

        for number in range(20):
            edit(bot, second, f"version {number}")
            await asyncio.sleep(0.1)

        await bot.until(lambda: "You said: version 19" in bot.text(thread.id), "the last answer")
        await bot.answered(thread.id, count=2)
        assert bot.ended(thread.id) == 2
        assert len(bot.model.requests) - before <= 4
        assert [turn.text for turn in await turns(bot, thread.id)] == ["You said: one", "You said: version 19"]

    async def test_a_storm_over_a_running_answer_leaves_one_answer_and_no_open_connection(self, bot: Stage) -> None:
        thread, question = await running(bot)

        for number in range(10):
            edit(bot, question, f"<@{bot.bot}> slowly {number}")
            await asyncio.sleep(0.05)
        edit(bot, question, f"<@{bot.bot}> the end")

        assert "You said: the end" in await bot.answered(thread.id)
        assert bot.ended(thread.id) == 1
        assert len(bot.model.requests) <= 4
        assert all(request.cancelled for request in list(bot.model.requests)[:-1])

    async def test_a_pin_of_an_edited_question_or_an_embed_that_resolves_changes_nothing(self, bot: Stage) -> None:
        thread, [first, second] = await conversation(bot, "one", "two")
        edit(bot, second, "three")
        await bot.until(lambda: "You said: three" in bot.text(thread.id), "the new answer")
        await bot.answered(thread.id, count=2)
        requests = len(bot.model.requests)

        for message in (first, second):
            place = bot.world.channel(message.channel_id)
            bot.world.publish("MESSAGE_UPDATE", message_event(bot.world, message) | {"pinned": True}, place)
        bot.say(bot.ben, thread.id, "four")

        await bot.answered(thread.id, count=3)
        assert len(bot.model.requests) == requests + 1

    async def test_a_question_that_becomes_an_aside_is_taken_back(self, bot: Stage) -> None:
        thread, question = await running(bot)
        waiting = bot.say(bot.ben, thread.id, "for Ada")
        await bot.until(lambda: waiting.reactions, "it waits")

        edit(bot, waiting, "// for Ada")

        await until_forgotten(bot, thread.id, 1)
        await bot.until(lambda: not waiting.reactions, "the mark is gone")
        assert question.id in bot.world.records.channels

    async def test_an_aside_becomes_a_question_only_by_mentioning_the_bot(self, bot: Stage) -> None:
        thread, _ = await conversation(bot, "one")
        aside = bot.say(bot.ben, thread.id, "// aside")
        edit(bot, aside, "no aside")
        other = bot.say(bot.ada, thread.id, "// another")
        edit(bot, other, f"<@{bot.bot}> a question")

        await bot.until(lambda: "You said: a question" in bot.text(thread.id), "the answer")
        assert len(bot.model.requests) == 2

    async def test_a_forgotten_mention_is_added_by_an_edit(self, bot: Stage) -> None:
        question = bot.say(bot.ben, bot.channel("general"), "how do I sort?")
        edit(bot, question, f"<@{bot.bot}> how do I sort?")

        thread = await bot.thread_of(question)
        assert "You said: how do I sort?" in await bot.answered(thread.id)

    async def test_what_was_said_in_the_thread_before_stays_when_the_question_is_edited(self, bot: Stage) -> None:
        message = bot.say(bot.ben, bot.channel("general"), "our plan")
        thread = bot.world.start_thread_from_message(bot.ben, bot.channel("general"), message.id, {"name": "Plans"})
        bot.say(bot.ben, thread.id, "ship on Friday")
        question = bot.say(bot.ada, thread.id, f"<@{bot.bot}> is that wise?")
        await bot.answered(thread.id)

        edit(bot, question, f"<@{bot.bot}> is that good?")

        await bot.until(lambda: len(bot.model.requests) == 2, "it is asked again")
        assert "Ben: ship on Friday" in asked(bot)[0]
        assert asked(bot)[0].endswith("is that good?")

    async def test_the_files_of_an_edited_question_stay(self, bot: Stage) -> None:
        channel = bot.world.open_dm(bot.ben, bot.bot)
        file = Upload(0, "fix.py", "text/plain", b"print(1)")
        question = bot.world.create_message(bot.ben, channel.id, {"content": "what is this?"}, [file])
        await bot.answered(channel.id)

        edit(bot, question, "what does it print?")

        await bot.until(lambda: "what does it print?" in bot.text(channel.id), "the new answer")
        assert "what does it print?" in asked(bot)[0]
        assert "print(1)" in asked(bot)[0]

    async def test_a_question_that_the_bot_may_not_read_is_never_emptied(self, tmp_path: Path) -> None:
        world = default_world(message_content=False)
        async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot, bot.app():
            thread, [first] = await conversation(bot, "one")
            edit(bot, first, "no mention, so it cannot be read")
            bot.say(bot.ben, thread.id, f"<@{bot.bot}> two")

            await bot.answered(thread.id, count=2)
            assert asked(bot) == ["[Ada] one", "[Ben] two"]

    async def test_what_continues_an_answer_goes_when_its_question_is_edited(self, bot: Stage) -> None:
        thread, question = await running(bot)
        await bot.press(bot.ada, thread.id, "Stop")
        await bot.answered(thread.id)
        await bot.press(bot.ada, thread.id, "Continue")
        await bot.answered(thread.id, count=2)

        edit(bot, question, f"<@{bot.bot}> anew")

        await bot.until(lambda: "You said: anew" in bot.text(thread.id), "the new answer")
        await bot.until(lambda: bot.ended(thread.id) == 1, "the continuation is gone")
        assert asked(bot) == ["[Ada] anew"]
        assert len(await turns(bot, thread.id)) == 1


class TestDeletedQuestions:
    async def test_a_deleted_question_leaves_with_its_answer(self, bot: Stage) -> None:
        thread, [_, second, _] = await conversation(bot, "one", "two", "three")

        delete(bot, second)

        await bot.until(lambda: "You said: two" not in bot.text(thread.id), "its answer is deleted")
        bot.say(bot.ben, thread.id, "four")
        await bot.answered(thread.id, count=3)
        assert asked(bot) == ["[Ada] one", "[Ada] three", "[Ben] four"]
        assert await rows(bot.settings.database_url, tables.leftovers) == []

    async def test_the_first_question_of_a_thread_can_be_deleted(self, bot: Stage) -> None:
        thread, [first] = await conversation(bot, "one")

        delete(bot, first)

        await bot.until(lambda: "You said" not in bot.text(thread.id), "its answer is deleted")
        assert await turns(bot, thread.id) == []

    async def test_a_running_answer_stops_and_disappears_and_the_next_question_is_asked(self, bot: Stage) -> None:
        thread, question = await running(bot)
        waiting = bot.say(bot.ben, thread.id, "next")
        await bot.until(lambda: waiting.reactions, "it waits")

        delete(bot, question)

        text = await bot.answered(thread.id)
        assert "You said: next" in text
        assert "word" not in text
        assert bot.model.requests[0].cancelled
        assert asked(bot) == ["[Ben] next"]
        await bot.until(lambda: not waiting.reactions, "the mark is gone")
        assert await rows(bot.settings.database_url, tables.leftovers) == []

    async def test_a_waiting_question_is_not_asked(self, bot: Stage) -> None:
        thread, _ = await running(bot)
        waiting = bot.say(bot.ben, thread.id, "never mind")
        last = bot.say(bot.ada, thread.id, "but this")
        await bot.until(lambda: waiting.reactions and last.reactions, "they wait")

        delete(bot, waiting)
        await until_forgotten(bot, thread.id, 2)
        await bot.press(bot.ada, thread.id, "Stop")

        await bot.until(lambda: "You said: but this" in bot.text(thread.id), "the last question is answered")
        assert "never mind" not in " ".join(asked(bot))
        await bot.until(lambda: not last.reactions, "the mark is gone")

    async def test_one_message_of_a_waiting_burst_leaves_the_others_and_the_mark_moves(self, bot: Stage) -> None:
        thread, _ = await running(bot)
        burst = [bot.say(bot.ben, thread.id, text) for text in ("two", "and three")]
        await bot.until(lambda: burst[0].reactions, "it waits")

        delete(bot, burst[0])

        await bot.until(lambda: burst[1].reactions, "the mark is on what is left")
        await bot.press(bot.ada, thread.id, "Stop")
        await bot.until(lambda: "You said: and three" in bot.text(thread.id), "the rest is answered")
        await bot.until(lambda: not burst[1].reactions, "the mark is gone")

    async def test_a_running_burst_that_loses_a_message_is_asked_again_without_it(
        self, patient: Stage, held: Held
    ) -> None:
        channel, said = await in_a_burst(patient, held, "quickly", "slowly")
        await patient.until(lambda: "word 3 " in patient.text(channel.id), "some of the answer")

        delete(patient, said[1])

        assert "You said: quickly" in await patient.answered(channel.id)
        assert asked(patient) == ["quickly"]

    async def test_an_answered_burst_that_loses_a_message_keeps_its_answer(self, patient: Stage, held: Held) -> None:
        channel, said = await in_a_burst(patient, held, "one", "two")
        await patient.answered(channel.id)
        requests = len(patient.model.requests)

        delete(patient, said[0])
        await until_stored(patient, channel.id, lambda stored: len(stored[0].question) == 1)
        patient.say(patient.ben, channel.id, "three")

        await patient.answered(channel.id, count=2)
        assert asked(patient) == ["two", "three"]
        assert len(patient.model.requests) == requests + 1

    async def test_a_message_deleted_at_once_is_forgotten_however_far_it_has_come(self, bot: Stage) -> None:
        thread, _ = await conversation(bot, "one")

        delete(bot, bot.say(bot.ben, thread.id, "slowly, a slip"))
        bot.say(bot.ada, thread.id, "two")

        await bot.until(lambda: "You said: two" in bot.text(thread.id), "the next answer")
        assert asked(bot) == ["[Ada] one", "[Ada] two"]
        await until_forgotten(bot, thread.id, 2)

    async def test_a_deletion_that_the_database_did_not_take_is_followed_a_little_later(
        self, bot: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.modules["cogs.changes"], "FORGET_AGAIN_AFTER", (0.0, 0.0))
        thread, _ = await conversation(bot, "one")
        second = bot.say(bot.ben, thread.id, "two")
        await bot.answered(thread.id, count=2)
        forget_messages, attempts = Store.forget_messages, list[int]()

        async def failing(store: Store, message_ids: Collection[int]) -> Forgotten:
            attempts.extend(message_ids)
            if len(attempts) < 3:
                raise OSError("the database is gone")
            return await forget_messages(store, message_ids)

        monkeypatch.setattr(Store, "forget_messages", failing)
        delete(bot, second)

        await until_forgotten(bot, thread.id, 1)
        assert attempts[:3] == [second.id] * 3

    async def test_the_quote_of_a_reply_stands_for_the_question(self, tmp_path: Path) -> None:
        world = default_world(message_content=False)
        async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot, bot.app():
            thread, _ = await conversation(bot, "one")
            await reply(bot, thread.id, "two")
            await bot.until(lambda: "You said: two" in bot.text(thread.id), "the answer")
            await bot.answered(thread.id, count=2)
            quote = next(message for message in bot.messages(thread.id) if "Ben replied" in message.content)

            delete(bot, quote, bot.ada)

            await bot.until(lambda: "You said: two" not in bot.text(thread.id), "its answer is deleted")
            assert len(await turns(bot, thread.id)) == 1


class TestDeletedAnswers:
    async def test_an_answer_goes_with_its_last_message_and_takes_its_question_along(self, bot: Stage) -> None:
        thread, _ = await conversation(bot, "one", "two")
        answer = next(message for message in bot.messages(thread.id) if "You said: one" in message.content)

        delete(bot, answer, bot.ada)

        await until_forgotten(bot, thread.id, 1)
        bot.say(bot.ben, thread.id, "three")
        await bot.answered(thread.id, count=2)
        assert asked(bot) == ["[Ada] two", "[Ben] three"]

    async def test_a_purge_takes_everything_at_once_whatever_it_is(self, bot: Stage) -> None:
        thread, _ = await conversation(bot, "one", "two", "three")
        bot.say(bot.ben, thread.id, "slowly now")
        await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
        waiting = bot.say(bot.ada, thread.id, "and then")
        await bot.until(lambda: waiting.reactions, "it waits")
        everything = [message.id for message in bot.world.records.messages[thread.id].values() if message.content]

        bot.world.delete_messages(bot.ada, thread.id, everything[::-1])

        await until_forgotten(bot, thread.id)
        await bot.until(lambda: bot.model.requests[-1].cancelled, "the provider's connection is closed")
        await bot.until(lambda: not any(message.content for message in bot.messages(thread.id)), "nothing is shown")


class TestDeletedPlaces:
    async def test_a_deleted_thread_leaves_nothing_but_the_ledger(self, bot: Stage) -> None:
        thread, _ = await conversation(bot, "one", "two")
        bot.say(bot.ben, thread.id, "slowly now")
        await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
        waiting = bot.say(bot.ada, thread.id, "and then")
        await bot.until(lambda: waiting.reactions, "it waits")

        bot.world.delete_channel(bot.ada, thread.id)

        await bot.until(lambda: bot.model.requests[-1].cancelled, "the provider's connection is closed")
        await self.nothing_is_left(bot)
        ledger = await rows(bot.settings.database_url, tables.usage)
        assert [row["is_question"] for row in ledger] == [True, True, True]  # what was cut off is paid as well
        other, _ = await conversation(bot, "again")
        assert "You said: again" in bot.text(other.id)
        assert len(bot.model.requests) == 4

    async def test_a_deleted_channel_takes_its_threads_along_archived_ones_too(self, bot: Stage) -> None:
        archived, _ = await conversation(bot, "one")
        bot.world.edit_channel(bot.ada, archived.id, {"archived": True})
        await running(bot)

        bot.world.delete_channel(bot.ada, bot.channel("general"))

        await bot.until(lambda: bot.model.requests[-1].cancelled, "the provider's connection is closed")
        await self.nothing_is_left(bot)

    async def test_a_thread_of_whose_deletion_nothing_was_heard_is_forgotten_when_it_is_noticed(
        self, bot: Stage
    ) -> None:
        thread, _ = await running(bot)
        bot.discord.gateway.hold()
        bot.world.delete_channel(bot.ada, thread.id)

        await bot.until(lambda: bot.model.requests[-1].cancelled, "the provider's connection is closed")
        await self.nothing_is_left(bot)
        bot.discord.gateway.release()

    async def test_a_thread_deleted_while_the_bot_was_away_is_forgotten_when_it_returns(self, tmp_path: Path) -> None:
        async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
            async with bot.app():
                thread, _ = await conversation(bot, "one")
            bot.world.delete_channel(bot.ada, thread.id)

            async with bot.app():
                await self.nothing_is_left(bot)

    async def nothing_is_left(self, bot: Stage) -> None:
        async with asyncio.timeout(10):
            for table in CONTENTS:
                while True:
                    if not await rows(bot.settings.database_url, table):
                        break
                    await asyncio.sleep(0.02)


async def reply(bot: Stage, channel_id: int, text: str) -> None:
    """Write as Ben with the Reply button."""
    opened: list[JsonObject] = []
    bot.world.subscribe(lambda event: opened.append(event.data) if event.name == "INTERACTION_MODAL_CREATE" else None)
    await bot.press(bot.ben, channel_id, "Reply")
    modal: Any = (await bot.until(lambda: opened, "the box opens"))[0]
    field = {"type": 4, "custom_id": modal["components"][0]["components"][0]["custom_id"], "value": text}
    data = {"id": modal["id"], "custom_id": modal["custom_id"], "components": [{"type": 1, "components": [field]}]}
    await bot.interact(bot.ben, {"type": 5, "channel_id": str(channel_id), "data": data})


async def test_a_question_that_is_asked_while_the_bot_is_still_starting_is_taken_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks as if an earlier process had left it waiting, but it is being answered, and edits reach its answer."""
    may_look, has_looked, may_begin, begins = (asyncio.Event() for _ in range(4))
    resume, begin = Chat.resume, Store.begin

    async def resume_later(chat: Chat) -> None:
        await may_look.wait()
        await resume(chat)
        has_looked.set()

    async def begin_later(store: Store, turn_id: int) -> None:
        begins.set()
        await may_begin.wait()
        await begin(store, turn_id)

    monkeypatch.setattr(Chat, "resume", resume_later)
    monkeypatch.setattr(Store, "begin", begin_later)
    async with stage(tmp_path, script=script_file(tmp_path, SLOW, ECHO), speed=1.0) as bot, bot.app():
        channel = bot.world.open_dm(bot.ben, bot.bot)
        question = bot.say(bot.ben, channel.id, "slowly")
        await asyncio.wait_for(begins.wait(), 20)
        may_look.set()
        await asyncio.wait_for(has_looked.wait(), 20)
        may_begin.set()
        await bot.until(lambda: "word 3 " in bot.text(channel.id), "some of the answer")

        edit(bot, question, "quickly")

        assert "You said: quickly" in await bot.answered(channel.id)
        assert [reaction.name for reaction in question.reactions] == []
