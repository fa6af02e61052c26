"""The whole bot over real sockets: files of long answers, the source of an answer, and the line that notifies."""

from __future__ import annotations

import time
from pathlib import Path

import aiohttp
import pytest

from bot.messages import JsonObject
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Attachment, ChannelOverwrite, Message
from bot.playground.discord.views_message import attachment_view
from tests.bot_trouble import Private
from tests.whole_bot import Stage, script_file, stage

PROGRAM = "".join(f"    value_{n} = compute({n})  # ``` {n}\n" for n in range(100))
MEDIUM: JsonObject = {"name": "m", "when": "medium", "say": f"`app.py`:\n\n````python\n{PROGRAM}````\nThat is all."}
LONG_TEXT = f"# All of it\n\n{'Some ordinary words in a row. ' * 240}\n\n````python\n# app.py\n{PROGRAM}````\nThe end."
LONG: JsonObject = {"name": "l", "when": "long", "say": LONG_TEXT}
SLOW: JsonObject = {"name": "s", "when": "slowly", "say": {"repeat": 400, "text": "word {n} "}, "speed": 40}
BRIEF: JsonObject = {"name": "b", "when": "briefly", "say": {"repeat": 40, "text": "word {n} "}, "speed": 40}
FAULTY: JsonObject = {
    "name": "f",
    "when": "faulty",
    "say": {"repeat": 80, "text": "word {n} "},
    "speed": 40,
    "fault": {"name": "cut", "after": 90},
}
QUICK: JsonObject = {"name": "q", "think": "Hm.", "say": "The *answer* is `42`.\n"}
SCENES = (MEDIUM, LONG, SLOW, BRIEF, FAULTY, QUICK)


class Clock:
    """The bot's clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def closing_lines(bot: Stage, channel_id: int, *, without: Message) -> list[Message]:
    shown = [message for message in bot.messages(channel_id) if "Done in" in message.content]
    return [message for message in shown if message.id != without.id]


async def files_of(bot: Stage, channel_id: int) -> list[Attachment]:
    """The files of the last message, once they are there."""
    return await bot.until(lambda: bot.messages(channel_id)[-1].attachments, "files are attached")


async def test_long_code_is_shown_and_attached_to_the_byte_and_only_once_after_retry(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, *SCENES), rate_limits=False) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "medium"))
        await bot.answered(thread.id)
        (file,) = await files_of(bot, thread.id)
        assert (file.filename, file.data) == ("app.py", PROGRAM.encode())
        assert "value_99 = compute(99)" in bot.text(thread.id)

        await bot.press(bot.ada, thread.id, "Retry")
        await bot.until(lambda: not any(message.attachments for message in bot.messages(thread.id)), "it begins anew")
        await bot.answered(thread.id)
        (again,) = await files_of(bot, thread.id)
        assert again.id != file.id
        assert again.data == file.data


async def test_an_answer_too_long_for_five_messages_is_attached_whole_and_so_is_its_code(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, *SCENES), rate_limits=False) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "long"))
        await bot.answered(thread.id)
        answer, code = await files_of(bot, thread.id)
        assert (answer.filename, answer.data) == ("answer.md", LONG_TEXT.encode())
        assert (code.filename, code.data) == ("app.py", b"# app.py\n" + PROGRAM.encode())
        messages = [message for message in bot.messages(thread.id) if message.content]
        assert len(messages) == 5
        assert "-# 📄 The whole answer is in answer.md (11 kB)." in messages[-1].content


async def test_where_files_are_not_allowed_the_text_stays_and_says_so(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, *SCENES), rate_limits=False) as bot, bot.app():
        channel = bot.world.channel(bot.channel("general"))
        channel.overwrites.append(ChannelOverwrite(bot.bot, True, deny=Permission.ATTACH_FILES))
        thread = await bot.thread_of(bot.mention(bot.ada, "long"))
        await bot.until(lambda: "Discord did not take the files." in bot.text(thread.id), "it says so")
        assert "Some ordinary words" in bot.text(thread.id)
        assert "is in answer.md" not in bot.text(thread.id)
        assert [label for label, _, _ in bot.buttons(thread.id)] == ["Retry", "Source"]


async def test_source_gives_a_short_answer_as_it_was_written_even_after_a_restart(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, *SCENES), rate_limits=False) as bot:
        async with bot.app():
            thread = await bot.thread_of(bot.mention(bot.ada, "quick"))
            await bot.answered(thread.id)
        async with bot.app():
            private = Private(bot, bot.ben)
            await bot.press(bot.ben, thread.id, "Source")
            await private.told(r"```md\nThe *answer* is `42`.\n\n```")


async def test_source_gives_an_answer_with_code_as_a_file(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, *SCENES), rate_limits=False) as bot, bot.app():
        thread = await bot.thread_of(bot.mention(bot.ada, "long"))
        await bot.answered(thread.id)
        private: list[Message] = []
        await bot.press(bot.ben, thread.id, "Source")
        await bot.until(lambda: private.extend(bot.world.records.ephemeral.values()) or private, "Ben gets it")
        (file,) = private[0].attachments
        assert private[0].only_user == bot.ben
        url = str(attachment_view(bot.world, thread.id, file)["url"])
        async with aiohttp.ClientSession(headers={"X-Play-User": str(bot.ben)}) as session, session.get(url) as answer:
            assert await answer.read() == LONG_TEXT.encode()


@pytest.mark.parametrize(
    ("question", "line"), [("briefly", "Done in 1 min 4"), ("faulty", "This could not be answered, after 1 min 4")]
)
async def test_the_asker_of_a_long_turn_is_notified_once(tmp_path: Path, question: str, line: str) -> None:
    clock = Clock()
    script = script_file(tmp_path, *SCENES)
    async with stage(tmp_path, script=script, speed=1.0, rate_limits=False) as bot, bot.app(clock=clock):
        thread = await bot.thread_of(bot.mention(bot.ada, question))
        await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")
        clock.ahead = 100.0
        await bot.until(lambda: line in bot.text(thread.id), "the closing line")
        *answer, closing = bot.messages(thread.id)
        assert closing.content.startswith(f"<@{bot.ada}> {line}")
        assert closing.pinged == [bot.ada]
        assert closing.components == []
        assert not any(bot.ada in message.pinged for message in answer)


async def test_a_retry_takes_the_closing_line_away_and_notifies_with_a_new_one(tmp_path: Path) -> None:
    clock = Clock()
    script = script_file(tmp_path, *SCENES)
    async with stage(tmp_path, script=script, speed=1.0, rate_limits=False) as bot, bot.app(clock=clock):
        thread = await bot.thread_of(bot.mention(bot.ben, "briefly"))
        await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")
        clock.ahead = 100.0
        await bot.until(lambda: "Done in" in bot.text(thread.id), "the closing line")
        first = bot.messages(thread.id)[-1]

        await bot.press(bot.ben, thread.id, "Retry")
        await bot.until(lambda: len(bot.model.requests) == 2, "the model is asked again")
        clock.ahead = 200.0
        second = await bot.until(lambda: closing_lines(bot, thread.id, without=first), "a new line")
        assert first not in bot.messages(thread.id)
        assert [message.pinged for message in second] == [[bot.ben]]


async def test_nobody_is_notified_of_what_was_stopped_or_interrupted(tmp_path: Path) -> None:
    clock = Clock()
    script = script_file(tmp_path, *SCENES)
    async with stage(tmp_path, script=script, speed=1.0, rate_limits=False) as bot:
        async with bot.app(clock=clock):
            thread = await bot.thread_of(bot.mention(bot.ada, "slowly"))
            await bot.until(lambda: "word 3" in bot.text(thread.id), "some of the answer")
            clock.ahead = 100.0
            await bot.press(bot.ada, thread.id, "Stop")
            await bot.answered(thread.id)
            bot.say(bot.ada, thread.id, "slowly again")
            await bot.until(lambda: len(bot.model.requests) == 2, "it is asked")
            await bot.until(lambda: "word 3" in bot.messages(thread.id)[-1].content, "some of the second answer")
            clock.ahead = 200.0
        async with bot.app(clock=clock):
            bot.say(bot.ada, thread.id, "quick")
            await bot.answered(thread.id, count=3)
        assert not any(message.pinged for message in bot.messages(thread.id))
