"""The whole bot over real sockets: images, PDFs and other files, from a message on Discord to the model."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.answer import NO_WORDS
from bot.context import MOST_IMAGES
from bot.messages import JsonObject
from bot.playground.discord import people
from bot.playground.discord.form_message import Upload
from bot.playground.discord.records import Attachment, Channel, Message
from bot.playground.model import server as model_server
from bot.playground.model.refusals import bad_request
from bot.playground.model.request import ChatMessage
from bot.prompt import LIGHTENED, NOT_TAKEN, TRIMMED
from bot.store import Store
from tests.files_made import GIF, JPEG, PDF, WEBP, ZIP, png
from tests.whole_bot import Stage, script_file, stage

SMALL = "mistralai/mistral-7b-instruct"
EYE = "anthropic/claude-haiku-4.5"
FULL: JsonObject = {
    "name": "full",
    "when": "too much",
    "say": "It fits.",
    "fault": {"name": "status", "code": 413, "times": 1},
}
ECHO: JsonObject = {"name": "echo", "think": "Hm.", "say": "You said: {question}"}


@asynccontextmanager
async def running(folder: Path, *, model: str | None = None, **settings: Any) -> AsyncGenerator[Stage]:
    """A bot; `settings` are the server's."""
    async with stage(folder, script=script_file(folder, FULL, ECHO), rate_limits=False) as bot:
        if settings:
            store = await Store.open(bot.settings.database_url)
            await store.save_guild_settings(next(iter(bot.world.records.guilds)), settings)
            await store.close()
        async with bot.app(**({"model": model} if model else {})):
            yield bot


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The attachments that were fetched from the embedded Discord, one entry each time."""
    fetched: list[int] = []
    real = people.attachment_response

    def counting(state: Any, uploads: Any, channel_id: int, attachment_id: int) -> Any:
        fetched.append(attachment_id)
        return real(state, uploads, channel_id, attachment_id)

    monkeypatch.setattr(people, "attachment_response", counting)
    return fetched


def files(*named: tuple[str, bytes]) -> list[Upload]:
    return [Upload(number, name, "application/octet-stream", data) for number, (name, data) in enumerate(named)]


def send(bot: Stage, channel_id: int, text: str, *named: tuple[str, bytes], who: int | None = None) -> Message:
    return bot.world.create_message(who or bot.ben, channel_id, {"content": text} if text else {}, files(*named))


async def begin(bot: Stage, text: str, *named: tuple[str, bytes]) -> Channel:
    """A thread in which a question with files was answered."""
    question = send(bot, bot.channel("general"), f"<@{bot.bot}> {text}", *named)
    thread = await bot.thread_of(question)
    await bot.answered(thread.id)
    return thread


def prompt(bot: Stage, which: int = -1) -> list[Any]:
    messages = bot.model.requests[which].body["messages"]
    assert isinstance(messages, list)
    return messages


def shown(messages: list[Any]) -> list[str]:
    """What files a prompt shows: the data of each, in order."""
    parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
    return [_data(part).partition(",")[2] for part in parts if part["type"] != "text"]


def _data(part: Any) -> str:
    data = part["image_url"]["url"] if part["type"] == "image_url" else part["file"]["file_data"]
    assert isinstance(data, str)
    return data


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def beginning(bot: Stage, which: int) -> bytes:
    """A request's bytes up to the end of its messages."""
    raw = bot.model.requests[which].raw
    return raw[: raw.rindex(b'],"max_tokens"')]


async def test_a_model_that_sees_is_shown_images_in_this_turn_and_the_next_without_a_second_download(
    tmp_path: Path, downloads: list[int]
) -> None:
    async with running(tmp_path, model=EYE) as bot:
        thread = await begin(bot, "what is this?", ("a.png", png()), ("b.jpg", JPEG), ("c.webp", WEBP), ("d.gif", GIF))
        assert len(downloads) == 4
        [text, *_] = prompt(bot)[-1]["content"]
        assert text["text"].startswith("[Ben] what is this?\n\n[image a.png]\n\n[image b.jpg]")
        assert shown(prompt(bot)) == [encoded(data) for data in (png(), JPEG, WEBP, GIF)]
        assert "left out" not in bot.text(thread.id)

        bot.say(bot.ben, thread.id, "and its colour?")
        await bot.answered(thread.id, count=2)
        assert shown(prompt(bot)) == [encoded(data) for data in (png(), JPEG, WEBP, GIF)]
        assert len(downloads) == 4
        assert bot.model.requests[1].raw.startswith(beginning(bot, 0))


async def test_images_are_still_known_after_a_restart_and_after_they_were_deleted_from_discord(tmp_path: Path) -> None:
    async with running(tmp_path, model=EYE) as bot:
        question = send(bot, bot.channel("general"), f"<@{bot.bot}> look", ("a.png", png()))
        thread = await bot.thread_of(question)
        await bot.answered(thread.id)
    question.attachments.clear()
    async with bot_again(bot, tmp_path) as again:
        again.say(again.ben, thread.id, "and now?")
        await again.answered(thread.id, count=2)
        assert shown(prompt(again)) == [encoded(png())]


@asynccontextmanager
async def bot_again(before: Stage, folder: Path) -> AsyncGenerator[Stage]:
    """The same Discord and database after everything was started anew."""
    script = folder / "script.yaml"
    async with stage(folder, world=before.world, script=script, rate_limits=False) as bot, bot.app(model=EYE):
        yield bot


async def test_a_model_that_cannot_see_answers_the_rest_and_is_told_what_it_misses(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        thread = await begin(bot, "what is wrong?", ("x.png", png()), ("fix.py", b"print(1)\n"))
        text = bot.text(thread.id)
        assert "kimi-k2-thinking cannot see images, so I left out x.png." in text
        assert "You said: what is wrong?" in text
        assert "[image x.png, which you cannot see]" in prompt(bot)[-1]["content"]
        assert "print(1)" in prompt(bot)[-1]["content"]

        bot.say(bot.ben, thread.id, "thanks")
        await bot.answered(thread.id, count=2)
        assert bot.model.requests[1].raw.startswith(beginning(bot, 0))
        assert bot.text(thread.id).count("cannot see images") == 1


async def test_an_image_alone_costs_nothing_with_a_model_that_cannot_see(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        thread = await begin(bot, "hello")
        send(bot, thread.id, "", ("x.png", png()))
        text = await bot.answered(thread.id, count=2)
        assert "kimi-k2-thinking cannot see images, so I left out x.png." in text
        assert NO_WORDS in text
        assert len(bot.model.requests) == 1

        bot.say(bot.ben, thread.id, "well then")
        await bot.answered(thread.id, count=3)
        assert "[Ben] [image x.png, which you cannot see]" in [message["content"] for message in prompt(bot)]


async def test_a_pdf_is_parsed_once_and_its_text_given_back_after_a_restart_too(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        thread = await begin(bot, "summarise", ("paper.pdf", PDF))
        assert shown(prompt(bot)) == [encoded(PDF)]
        assert "left out" not in bot.text(thread.id)
        [parsed] = bot.model.requests[0].reply.notes  # type: ignore[union-attr]  # it was answered
    async with bot_again(bot, tmp_path) as again:
        again.say(again.ben, thread.id, "and the end?")
        await again.answered(thread.id, count=2)
        assert [message.get("annotations") for message in prompt(again) if message["role"] == "assistant"] == [[parsed]]
        assert again.model.requests[0].reply.notes == ()  # type: ignore[union-attr]  # it was answered


async def test_a_server_that_parses_no_pdfs_is_sent_none_and_people_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare: JsonObject = {"object": "list", "data": [{"id": "moonshotai/kimi-k2-thinking", "object": "model"}]}
    monkeypatch.setattr(model_server, "listing", lambda _now: bare)
    async with running(tmp_path) as bot:
        thread = await begin(bot, "summarise", ("paper.pdf", PDF))
        assert "The server of kimi-k2-thinking does not read PDFs, so I left out paper.pdf." in bot.text(thread.id)
        assert shown(prompt(bot)) == []
        assert "[PDF paper.pdf, which you cannot read]" in prompt(bot)[-1]["content"]


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("code.py", ZIP, "I could not use code.py, because it is neither text, nor an image (PNG"),
        ("photo.png", ZIP, "I could not use photo.png, because it is neither text"),
        ("photo.png", png()[:-8], "I could not use photo.png, because the image in it is damaged or not complete."),
        ("wide.png", png(9_000, 1), "I could not use wide.png, because it is an image of more than 8,000 pixels a"),
        ("none.txt", b"", "I could not use none.txt, because it is empty."),
        ("paper.pdf", PDF[:30], "I could not use paper.pdf, because the PDF in it is not complete."),
        ("big.txt", b"x" * (1_024 * 1_024 + 1), "I did not read big.txt, because it is larger than 1,024 KB."),
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_used_is_named_and_the_rest_is_answered(
    tmp_path: Path, name: str, data: bytes, sentence: str
) -> None:
    async with running(tmp_path, model=EYE) as bot:
        thread = await begin(bot, "look", (name, data), ("good.png", png()))
        assert sentence in bot.text(thread.id)
        assert "You said: look" in bot.text(thread.id)
        assert shown(prompt(bot)) == [encoded(png())]

        send(bot, thread.id, "", (name, data))
        await bot.until(lambda: bot.text(thread.id).count(sentence) == 2, "it is said again")
        bot.say(bot.ben, thread.id, "go on")
        await bot.answered(thread.id, count=2)
        assert len(bot.model.requests) == 2


async def test_a_file_of_25_mb_is_not_even_loaded(tmp_path: Path, downloads: list[int]) -> None:
    async with running(tmp_path) as bot:
        thread = await begin(bot, "hello")
        huge = Attachment(bot.world.mint(), "huge.log", "text/plain", bytes(25 * 1024 * 1024))
        bot.world._add_message(thread, Message(bot.world.mint(), thread.id, bot.ben, "read this", attachments=[huge]))
        text = await bot.answered(thread.id, count=2)
        assert "I did not read huge.log, because it is larger than 1,024 KB." in text
        assert "You said: read this" in text
        assert downloads == []


async def test_a_file_that_is_larger_than_discord_said_is_given_up_at_the_limit(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        thread = await begin(bot, "hello")
        message = send(bot, thread.id, "read this", ("liar.txt", b"small"))
        message.attachments[0].data = b"x" * 5_000_000  # the event that told its size is out already
        text = await bot.answered(thread.id, count=2)
        assert "I did not read liar.txt, because it is larger than 1,024 KB." in text


async def test_the_servers_own_limits_are_obeyed(tmp_path: Path, downloads: list[int]) -> None:
    async with running(tmp_path, max_attachment_kb=2, max_attachments=2) as bot:
        thread = await begin(
            bot, "look", ("a.txt", b"a" * 2_048), ("b.txt", b"b" * 2_049), ("c.txt", b"c"), ("d.txt", b"d")
        )
        assert "I did not read b.txt, because it is larger than 2 KB." in bot.text(thread.id)
        assert "I read only the first 2 files of a message." in bot.text(thread.id)
        assert len(downloads) == 1


async def test_expired_links_are_replaced_once_for_all_files_of_a_message(
    tmp_path: Path, downloads: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, model=EYE) as bot:
        thread = await begin(bot, "hello")
        bot.world.link_seconds = -1.0
        message = send(bot, thread.id, "look", ("a.png", png()), ("b.png", png(colour=9)))
        bot.world.link_seconds = 86_400.0
        with caplog.at_level(logging.DEBUG, "discord.http"):
            text = await bot.answered(thread.id, count=2)
        assert "could not load" not in text
        assert shown(prompt(bot)) == [encoded(png()), encoded(png(colour=9))]
        fetched = f"GET {bot.discord.api_url}/channels/{thread.id}/messages/{message.id} with None has returned"
        assert sum(fetched in record.getMessage() for record in caplog.records) == 1


async def test_a_link_that_stays_dead_is_said_and_the_rest_is_answered(tmp_path: Path) -> None:
    async with running(tmp_path, model=EYE) as bot:
        thread = await begin(bot, "hello")
        bot.world.link_seconds = -1.0
        send(bot, thread.id, "look", ("a.png", png()))
        text = await bot.answered(thread.id, count=2)
        assert "I could not load a.png from Discord. Please attach it again." in text
        assert "You said: look" in text


async def test_the_oldest_images_leave_when_a_thread_has_too_many_and_that_is_said_once(tmp_path: Path) -> None:
    async with running(tmp_path, model=EYE) as bot:
        pictures = [png(colour=number) for number in range(30)]
        named = [(f"{number}.png", data) for number, data in enumerate(pictures)]
        thread = await begin(bot, "number 0", *named[:5])
        for turn in range(1, 6):
            send(bot, thread.id, f"number {turn}", *named[turn * 5 : turn * 5 + 5])
            await bot.answered(thread.id, count=turn + 1)
        sent = [shown(prompt(bot, which)) for which in range(6)]
        assert max(map(len, sent)) == MOST_IMAGES
        assert all(shown_then == [encoded(data) for data in pictures[: turn * 5 + 5]][-len(shown_then) :]
                   for turn, shown_then in enumerate(sent))  # fmt: skip
        assert "[image 0.png, which is no longer shown]" in json.dumps(prompt(bot))
        assert bot.text(thread.id).count(LIGHTENED) == 1
        assert len([message for message in prompt(bot) if message["role"] == "user"]) == 6


async def test_whole_turns_leave_a_small_window_and_that_is_said_once(tmp_path: Path) -> None:
    async with running(tmp_path, model=SMALL) as bot:
        log = b"word " * 900
        thread = await begin(bot, "number 0", ("0.log", log))
        for turn in range(1, 5):
            send(bot, thread.id, f"number {turn}", (f"{turn}.log", log))
            await bot.answered(thread.id, count=turn + 1)
        assert [request.status for request in bot.model.requests] == [200] * 5
        assert len(prompt(bot)) < 8  # the instructions, and less than four turns
        assert bot.text(thread.id).count(TRIMMED) == 1


async def test_a_question_with_images_that_overflows_is_asked_again_with_less_before_it(tmp_path: Path) -> None:
    async with running(tmp_path, model=EYE) as bot:
        thread = await begin(bot, "look at these", *[(f"{number}.png", png(colour=number)) for number in range(5)])
        send(bot, thread.id, "this is too much", ("last.png", png(colour=99)))
        text = await bot.answered(thread.id, count=2)
        assert "It fits." in text
        assert [len(shown(prompt(bot, which))) for which in (1, 2)] == [6, 1]
        assert LIGHTENED in text

        bot.say(bot.ben, thread.id, "thanks")
        await bot.answered(thread.id, count=3)
        assert shown(prompt(bot)) == [encoded(png(colour=99))]
        assert bot.model.requests[3].raw.startswith(beginning(bot, 2))


async def test_a_file_that_the_models_server_refuses_does_not_spoil_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(messages: list[ChatMessage]) -> None:
        if any(part.image_url for message in messages for part in message.parts):
            raise bad_request("The image data you provided does not represent a valid image", "invalid_image")

    monkeypatch.setattr("bot.playground.model.checks.check_files", refuse)
    async with running(tmp_path, model=EYE) as bot:
        thread = await begin(bot, "look", ("a.png", png()))
        text = bot.text(thread.id)
        assert "You said: look" in text
        assert NOT_TAKEN in text
        assert "cannot see" not in text
        assert [request.status for request in bot.model.requests] == [400, 200]

        bot.say(bot.ben, thread.id, "and now?")
        await bot.answered(thread.id, count=2)
        assert [request.status for request in bot.model.requests] == [400, 200, 200]


async def test_a_file_comes_with_ask_too(tmp_path: Path) -> None:
    async with running(tmp_path, model=EYE) as bot:
        await bot.until(lambda: bot.world.records.commands, "the commands are published")
        await ask_with_file(bot, "what is this?", "a.png", png())
        await bot.until(lambda: bot.model.requests, "the model is asked")
        assert shown(prompt(bot)) == [encoded(png())]


async def ask_with_file(bot: Stage, text: str, name: str, data: bytes) -> None:
    """Use `/ask` with a file, as the page does."""
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "ask")
    options = [{"name": "prompt", "type": 3, "value": text}, {"name": "file", "type": 11, "value": "0"}]
    guild_id = next(iter(bot.world.records.guilds))
    body = {
        "type": 2,
        "nonce": "1",
        "guild_id": str(guild_id),
        "channel_id": str(bot.channel("general")),
        "data": {
            "id": str(command.id),
            "name": "ask",
            "type": 1,
            "options": options,
            "attachments": [{"id": "0", "filename": name}],
        },
    }
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    form.add_field("files[0]", data, filename=name, content_type="application/octet-stream")
    headers = {"X-Play-User": str(bot.ben), "Origin": bot.discord.origin}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{bot.discord.origin}/play/interactions", data=form) as answer,
    ):
        assert answer.status == 204, await answer.text()


async def test_called_into_a_thread_it_sees_the_newest_files_of_the_messages_before(tmp_path: Path) -> None:
    async with running(tmp_path, model=EYE, max_attachments=2) as bot:
        start = bot.say(bot.ada, bot.channel("general"), "look at this")
        thread = bot.world.start_thread_from_message(bot.ada, start.channel_id, start.id, {"name": "theirs"})
        for number in range(3):
            send(bot, thread.id, f"picture {number}", (f"{number}.png", png(colour=number)), who=bot.ada)
        bot.say(bot.ben, thread.id, f"<@{bot.bot}> which is brighter?")
        await bot.answered(thread.id)
        [text, *_] = prompt(bot)[-1]["content"]
        assert shown(prompt(bot)) == [encoded(png(colour=1)), encoded(png(colour=2))]
        assert text["text"].startswith(
            "[Ben] [image 1.png]\n\n[image 2.png]\n\nEarlier in this thread:\nAda: look at this\n"
        )
        assert text["text"].endswith("\n\nNow you are asked:\n\nwhich is brighter?")
