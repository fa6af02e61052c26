"""The whole bot over real sockets when a model sends what no honest one would.

Whatever it is, people see readable messages or a file, the log sees no exception
and none of it, and memory stays bounded.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.answer import UNEXPECTED
from bot.pieces import mend
from bot.playground.discord.records import SYSTEM_TYPES, Attachment, Channel
from bot.render.inline import units
from tests.bot_trouble import MARK, Private, discreet_log
from tests.discord_markdown import shown
from tests.model_server import HELLO, Reply, chunk, serving, sse
from tests.whole_bot import Stage, stage

MEGABYTE = 1_000_000
MOST_MEMORY = 150 * 2**20
"""Bytes that an answer of a megabyte may take for a moment, the servers' own and the file's encoding included."""

HOSTILE = {
    "no line break": "word",
    "one letter": "w",
    "backticks": "`",
    "pipes": "|",
    "rows of pipes": "|\n",
    "tables": "| |\n|-|\n",
    "controls": "\x00\x1b[31m\x07\x08\x9b",
    "directions": "\u202e\u2066 abc",
    "stars": "**a *b ",
    "fences": "```\n",
}


@pytest.fixture(autouse=True)
def log() -> Generator[None]:
    with discreet_log():
        yield


@asynccontextmanager
async def told(folder: Path, *answers: bytes) -> AsyncGenerator[Stage]:
    """A running bot whose model sends these bodies in turn."""
    replies = [Reply(_in_pieces(answer)) for answer in answers]
    async with (
        stage(folder, rate_limits=False) as bot,
        serving(*replies, to_gets=Reply([b"{}"], status=404)) as model,
        bot.app(openrouter_base_url=model.url),
    ):
        await bot.until(lambda: bot.world.records.commands, "the commands are published")
        yield bot


def _in_pieces(body: bytes) -> list[bytes]:
    return [body[start : start + 50_000] for start in range(0, len(body), 50_000)]


def answer(*deltas: str) -> bytes:
    return sse(*(chunk({"content": delta}) for delta in deltas), chunk(finish="stop"), "[DONE]")


async def files_of(bot: Stage, thread: Channel) -> list[Attachment]:
    def attached() -> list[Attachment]:
        return [file for message in bot.messages(thread.id) for file in message.attachments]

    return await bot.until(attached, "a file is attached")


def assert_readable(bot: Stage, thread: Channel) -> None:
    """Every message shows something, and no more than fits; where code begins, it ends."""
    for message in bot.messages(thread.id):
        if message.type in SYSTEM_TYPES:
            continue
        assert units(message.content) <= 2000
        assert message.content.count("```") % 2 == 0
        assert "".join(run.text for run in shown(message.content)).strip()
        assert UNEXPECTED not in message.content


def memory() -> int:
    """The most bytes that this process has occupied so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@pytest.mark.parametrize(
    ("name", "size"),
    [*((name, MEGABYTE) for name in HOSTILE), ("no line break", 1000), ("backticks", 997), ("pipes", 1000)],
)
async def test_a_megabyte_of_anything_is_shown_in_part_and_attached_whole(tmp_path: Path, name: str, size: int) -> None:
    """In one delta, or in many."""
    text = (HOSTILE[name] * MEGABYTE)[:MEGABYTE]
    body = answer(*(text[start : start + size] for start in range(0, len(text), size)))
    before = memory()
    async with told(tmp_path, body) as bot:
        thread = await bot.thread_of(bot.mention(bot.ben, f"go on {MARK}"))

        await bot.answered(thread.id)
        (file,) = [file for file in await files_of(bot, thread) if file.filename == "answer.md"]

        assert bytes(file.data) == text.encode()
        assert len(bot.messages(thread.id)) <= 6
        assert_readable(bot, thread)
    assert memory() - before < MOST_MEMORY


async def test_a_hundred_thousand_tiny_deltas_are_one_answer(tmp_path: Path) -> None:
    words = [f"{number} " for number in range(100_000)]
    before = memory()
    async with told(tmp_path, answer(*words)) as bot:
        thread = await bot.thread_of(bot.mention(bot.ben, f"count {MARK}"))

        await bot.answered(thread.id)
        (file,) = await files_of(bot, thread)

        assert bytes(file.data) == "".join(words).encode()
        assert "0 1 2 3 " in bot.text(thread.id)
        assert_readable(bot, thread)
    assert memory() - before < MOST_MEMORY


@pytest.mark.parametrize("name", ["pipes", "backticks", "controls", "no line break"])
async def test_hostile_reasoning_stays_behind_its_spoiler(tmp_path: Path, name: str) -> None:
    thought = (HOSTILE[name] * MEGABYTE)[:MEGABYTE]
    thinking = chunk({"content": "", "reasoning": thought})
    body = sse(thinking, chunk({"content": "Forty-two."}), chunk(finish="stop"), "[DONE]")
    async with told(tmp_path, HELLO, body) as bot:
        thread, private = await bot.thread_of(bot.mention(bot.ada, f"hello {MARK}")), Private(bot, bot.ada)
        await bot.answered(thread.id)
        await bot.command(bot.ada, thread.id, "reasoning", show="spoiler")
        await private.told("behind a spoiler")
        before = len(bot.messages(thread.id))

        bot.say(bot.ada, thread.id, "again")

        await bot.answered(thread.id, count=2)
        (file,) = await files_of(bot, thread)
        covered, reply = bot.messages(thread.id)[before:]
        assert file.filename == "SPOILER_reasoning.md"
        assert bytes(file.data) == mend(thought).encode()
        assert reply.content.startswith("Forty-two.")
        first, *rest = covered.content.split("\n")
        assert first.startswith("-# 💭 Thought")
        assert all("spoiler" in run.styles for run in shown("\n".join(rest)) if run.text.strip("\u200b\n "))
        assert units(covered.content) <= 2000


@pytest.mark.parametrize("deltas", [("\ud83d", "\ude00"), ("\ude00\ude00", "a\ud83d", "b"), ("\ud83d" * 50_000, "end")])
async def test_halves_of_characters_are_joined_or_replaced(tmp_path: Path, deltas: tuple[str, ...]) -> None:
    async with told(tmp_path, answer("Here: ", *deltas, " done")) as bot:
        thread = await bot.thread_of(bot.mention(bot.ben, f"half {MARK}"))

        text = await bot.answered(thread.id)

        assert "done" in text or (await files_of(bot, thread))
        text.encode()
        assert_readable(bot, thread)
        assert ("😀" in text) is (deltas == ("\ud83d", "\ude00"))


@pytest.mark.parametrize("text", ["\x00" * 50_000, "\u200b", "\u202e\u202c"])
async def test_an_answer_that_nobody_can_see_is_said_to_be_empty(tmp_path: Path, text: str) -> None:
    async with told(tmp_path, answer(text)) as bot:
        thread = await bot.thread_of(bot.mention(bot.ben, f"nothing {MARK}"))

        assert "without saying anything" in await bot.answered(thread.id)
        assert_readable(bot, thread)
