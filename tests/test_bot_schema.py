"""A lively session of the whole bot, every request and answer held against Discord's and OpenRouter's own schemas."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import StreamReader, web
from aiohttp.typedefs import Handler
from jsonschema import Draft202012Validator

from bot.messages import JsonObject
from bot.playground.discord.form_message import Upload
from bot.playground.discord.rest import PREFIX, RestApi
from bot.playground.discord.rest_faults import Hang
from tests.discord_schema import SCHEMA_PATH, check_request, check_response
from tests.whole_bot import Stage, script_file, stage

MODEL_SCHEMAS = SCHEMA_PATH.parent / "openrouter-sdk-1.3.84-schemas.json"

pytestmark = pytest.mark.skipif(not SCHEMA_PATH.exists(), reason="Discord's schema does not lie beside this repository")

SLOW: JsonObject = {
    "name": "slow",
    "when": "slowly",
    "think": {"repeat": 200, "text": "Thought {n}." + " " * 40},  # white space is one token
    "say": {"repeat": 4000, "text": "word {n} "},
    "speed": 400,
}
BROKEN: JsonObject = {"name": "broken", "when": "fail", "fault": {"name": "status", "code": 402}}
QUICK: JsonObject = {
    "name": "quick",
    "think": {"repeat": 300, "text": "Thought {n}. "},
    "say": "The answer to {question} is `42`.",
    "speed": 4000,
}


class Recorder:
    """Checks all that passes between the bot and the embedded Discord's API, and keeps the faults."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str, int]] = Counter()
        self.faults: list[str] = []

    @web.middleware
    async def record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = await _read(request)
        response = await handler(request)
        resource = request.match_info.route.resource
        route = "" if resource is None else resource.canonical.removeprefix(PREFIX)
        self.seen[request.method, route, response.status] += 1
        try:
            check_request(request.method, route, _with_texts_as_ids(sent))
            check_response(request.method, route, response.status, _answered(response))
        except AssertionError as fault:
            self.faults.append(str(fault))
        return response


async def _read(request: web.Request) -> Any:
    """The JSON that was sent, of a form too; the body can be read again afterwards."""
    if request.content_type != "multipart/form-data":
        body = await request.read()
        return json.loads(body) if body else None
    body = await request.content.read()
    again = StreamReader(request.protocol, 2**16, loop=asyncio.get_running_loop())
    again.feed_data(body)
    again.feed_eof()
    request._payload = again  # aiohttp has no way to read a form twice
    found = re.search(rb'name="payload_json".*?\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
    return json.loads(found[1]) if found else None


def _with_texts_as_ids(sent: Any) -> Any:
    """discord.py sends the ids of replies and attachments as numbers, which Discord takes but its schema does not."""
    match sent:
        case {"data": dict(data)}:
            return {**sent, "data": _with_texts_as_ids(data)}
        case {"message_reference": dict(reference)}:
            return {**sent, "message_reference": {key: str(value) for key, value in reference.items()}}
        case {"attachments": [*attachments]}:
            return {**sent, "attachments": [{**item, "id": str(item["id"])} for item in attachments]}
        case _:
            return sent


def _answered(response: web.StreamResponse) -> Any:
    assert isinstance(response, web.Response)
    return json.loads(response.body) if isinstance(response.body, bytes) and response.body else None


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder, build = Recorder(), RestApi.application

    def application(*args: Any, **kwargs: Any) -> web.Application:
        app = build(*args, **kwargs)
        app.middlewares.insert(0, recorder.record)
        return app

    monkeypatch.setattr(RestApi, "application", application)
    return recorder


@pytest.fixture
async def bot(tmp_path: Path, recorder: Recorder) -> AsyncGenerator[Stage]:
    script = script_file(tmp_path, SLOW, BROKEN, QUICK)
    async with stage(tmp_path, script=script, speed=1.0) as built, built.app():
        await built.until(lambda: built.world.records.commands, "the commands are published")
        yield built


async def test_every_request_and_every_answer_keeps_to_the_schemas(bot: Stage, recorder: Recorder) -> None:
    slow_to_appear = Hang(0.8)  # so that typing is signalled
    bot.discord.rest.faults.add("POST", "/channels/{channel_id}/messages", slow_to_appear, times=4)
    await asyncio.gather(
        talk_in_a_thread(bot), ask_by_command(bot), talk_privately(bot), press_buttons(bot), make_mistakes(bot)
    )

    assert not recorder.faults, "\n\n".join(recorder.faults[:5])
    methods = Counter({(method, route): n for (method, route, _), n in recorder.seen.items()})
    for expected in (
        ("POST", "/channels/{channel_id}/messages"),
        ("PATCH", "/channels/{channel_id}/messages/{message_id}"),
        ("POST", "/channels/{channel_id}/messages/{message_id}/threads"),
        ("POST", "/channels/{channel_id}/typing"),
        ("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"),
        ("PUT", "/applications/{application_id}/commands"),
    ):
        assert methods[expected], f"{expected} was never used: {methods}"
    assert any("/callback" in route for _, route in methods)
    assert any(route.startswith("/webhooks/") for _, route in methods)
    check_model_requests(bot)


async def talk_in_a_thread(bot: Stage) -> None:
    code = Upload(0, "fix.py", "text/x-python", b"print(1)\n"), Upload(1, "a.png", "image/png", b"\x89PNG\0\0")
    bot.world.create_message(bot.ada, bot.channel("code"), {"content": f"<@{bot.bot}> look slowly"}, code)
    thread = await bot.until(
        lambda: next((c for c in bot.world.records.channels.values() if c.name == "look slowly"), None), "a thread"
    )
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
    waiting = bot.say(bot.ben, thread.id, "me too @everyone \u202e𝔘")
    await bot.until(lambda: waiting.reactions, "the second question waits")
    await press_stop(bot, thread.id)
    await bot.answered(thread.id, count=2)


async def ask_by_command(bot: Stage) -> None:
    general = bot.channel("general")
    ask = next(item for item in bot.world.records.commands.values() if item.body["name"] == "ask")
    typed = [{"name": "prompt", "type": 3, "value": "x"}, {"name": "model", "type": 3, "value": "ki", "focused": True}]
    data: JsonObject = {"id": str(ask.id), "name": "ask", "type": 1, "options": typed}
    await bot.interact(bot.ben, {"type": 4, "channel_id": str(general), "data": data})
    await bot.command(bot.ben, general, "ask", prompt="y" * 3000, model="x-ai/grok-4.1-fast", effort="high")
    thread = await bot.until(
        lambda: next((c for c in bot.world.records.channels.values() if c.name.startswith("yyy")), None), "a thread"
    )
    await bot.answered(thread.id)


async def talk_privately(bot: Stage) -> None:
    channel = bot.world.open_dm(bot.ben, bot.bot)
    bot.say(bot.ben, channel.id, "hello")
    await bot.answered(channel.id)
    await bot.command(bot.ben, channel.id, "help")
    for name in ("model", "persona"):
        await bot.command(bot.ben, channel.id, name)
    await bot.command(bot.ben, channel.id, "listen", mode="all")
    await bot.command(bot.ben, channel.id, "retry", model="google/gemini-3-flash-preview")
    await bot.until(lambda: any("hello" in str(r.body) for r in bot.model.requests), "it is answered again")


async def press_buttons(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "slowly please"))
    await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
    await press_stop(bot, thread.id)
    await bot.answered(thread.id)
    private: list[JsonObject] = []
    bot.world.subscribe(lambda event: private.append(event.data) if event.only_user == bot.ben else None)
    await bot.press(bot.ben, thread.id, "Reasoning")
    await bot.until(lambda: any("reasoning.md" in str(data) for data in private), "the long reasoning comes as a file")
    await bot.press(bot.ada, thread.id, "Continue")
    await bot.answered(thread.id, count=2)
    await bot.press(bot.ben, thread.id, "Reasoning")
    await bot.until(lambda: any("Thought 300." in str(data) for data in private), "a second message follows")
    await asyncio.gather(
        *(bot.press(bot.ada, thread.id, "Retry") for _ in "ab")
    )  # one is refused after it was deferred
    await bot.answered(thread.id, count=2)


async def press_stop(bot: Stage, thread_id: int) -> None:
    """While an answer moves on to its next message there is no button for a moment."""
    await bot.until(lambda: any(label == "Stop" for label, _, _ in bot.buttons(thread_id)), "a Stop button")
    await bot.press(bot.ada, thread_id, "Stop")


async def make_mistakes(bot: Stage) -> None:
    general = bot.channel("general")
    for name in ("stop", "retry"):
        await bot.command(bot.ben, general, name)
    await bot.command(bot.ben, general, "ask", prompt="\u200b")
    await bot.command(bot.ben, general, "ask", prompt="x", model="nobody/knows")
    bot.mention(bot.ben, "")
    thread = await bot.thread_of(bot.mention(bot.ben, "fail"))
    await bot.answered(thread.id)
    page = bot.messages(thread.id)[-1]
    bot.world.delete_message(bot.ada, thread.id, page.id)
    bot.say(bot.ben, thread.id, "go on")
    await bot.answered(thread.id)


def check_model_requests(bot: Stage) -> None:
    validator = Draft202012Validator(json.loads(MODEL_SCHEMAS.read_text())["ChatRequest"])
    faults = [
        f"{fault.json_path}: {fault.message[:300]}"
        for request in bot.model.requests
        for fault in validator.iter_errors(request.body)
    ]
    assert not faults, "\n".join(faults[:5])
    assert len(bot.model.requests) >= 8
