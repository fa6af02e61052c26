"""Consent: only the asker is asked, no answer is a no, and what was allowed in a thread is not asked again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from bot.consents import NOT_YOURS, OVER, Consents, Verdict, Wish
from bot.errors import ForUser
from bot.messages import JsonObject
from bot.playground.discord.records import Channel
from bot.render.inline import units
from bot.tools import DENIED
from bot.tools.read_thread import ReadThread
from bot.wishes import DiscordQuestions
from tests.elsewhere import private
from tests.tool_talk import ASKING
from tests.whole_bot import Stage, script_file, stage

SAY: JsonObject = {"name": "else", "say": "You said: {question}"}


@dataclass
class Screen:
    """Where wishes appear; `reacts` is what happens as one does."""

    reacts: Callable[[Wish], None] | None = None
    fails: bool = False
    shown: list[Wish] = field(default_factory=list)
    taken_down: list[int] = field(default_factory=list)

    async def show(self, channel_id: int, wish: Wish) -> int:
        if self.fails:
            raise OSError
        self.shown.append(wish)
        if self.reacts is not None:
            self.reacts(wish)
        return len(self.shown)

    async def take_down(self, channel_id: int, message_id: int) -> None:
        self.taken_down.append(message_id)


def answering(*verdicts: Verdict) -> tuple[Consents, Screen]:
    """Consents of somebody who decides at once, in this order."""
    screen = Screen()
    consents = Consents(screen)
    left = list(verdicts)
    screen.reacts = lambda wish: consents.decide(wish.token, ASKING.asker_id, left.pop(0))
    return consents, screen


async def allows(consents: Consents, place: int | None = None, **other: int) -> bool:
    return await consents.allows(replace(ASKING, **other), "tool", "about", {"a": 1}, place)


async def test_allowed_once_is_asked_again() -> None:
    consents, screen = answering(Verdict.ONCE, Verdict.DENY)
    assert [await allows(consents), await allows(consents)] == [True, False]
    await consents.aclose()
    assert screen.taken_down == [1, 2]


async def test_allowed_in_a_thread_holds_for_this_person_tool_and_thread_alone() -> None:
    consents, screen = answering(Verdict.THREAD, Verdict.DENY, Verdict.DENY)
    assert await allows(consents)
    assert await allows(consents)
    assert len(screen.shown) == 1
    assert not await allows(consents, conversation_id=99)
    assert not await consents.allows(ASKING, "other", "", {})
    assert len(screen.shown) == 3


async def test_what_is_allowed_for_a_place_in_a_thread_holds_for_this_place_alone() -> None:
    consents, screen = answering(Verdict.THREAD, Verdict.DENY, Verdict.DENY)
    assert await allows(consents, place=66)
    assert await allows(consents, place=66)
    assert [wish.place for wish in screen.shown] == [66]
    assert not await allows(consents, place=67)
    assert not await allows(consents)


async def test_calls_at_the_same_time_are_asked_for_one_after_the_other() -> None:
    consents, screen = answering(Verdict.THREAD)
    assert await asyncio.gather(*(allows(consents) for _ in range(5))) == [True] * 5
    assert len(screen.shown) == 1


async def test_no_answer_in_time_is_a_no() -> None:
    screen = Screen()
    consents = Consents(screen, seconds=0.01)
    assert not await allows(consents)
    await consents.aclose()
    assert screen.taken_down == [1]
    with pytest.raises(ForUser, match=OVER):
        consents.decide(screen.shown[0].token, ASKING.asker_id, Verdict.ONCE)


async def test_where_nobody_can_be_asked_nobody_has_allowed_it() -> None:
    assert not await allows(Consents(Screen(fails=True)))


async def test_nobody_else_decides_and_nobody_decides_twice() -> None:
    begun = asyncio.Event()
    screen = Screen(reacts=lambda wish: begun.set())
    consents = Consents(screen)
    asked = asyncio.create_task(allows(consents))
    await begun.wait()
    token = screen.shown[0].token
    with pytest.raises(ForUser, match=NOT_YOURS):
        consents.decide(token, 999, Verdict.ONCE)
    consents.decide(token, ASKING.asker_id, Verdict.DENY)
    with pytest.raises(ForUser, match=OVER):
        consents.decide(token, ASKING.asker_id, Verdict.ONCE)
    assert await asked is False


@pytest.fixture
async def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Stage]:
    """A bot whose read_thread asks first."""
    monkeypatch.setattr(ReadThread, "asks_first", True)
    calls = [[{"name": "read_thread", "arguments": {"limit": n + 5}}] for n in range(2)]
    scene: Any = {"name": "use", "when": "please", "tools": calls, "say": "Found:\n{results}"}
    async with stage(tmp_path, script=script_file(tmp_path, scene, SAY)) as built, built.app():
        yield built


async def asked(bot: Stage) -> Channel:
    """A thread in which the bot asks whether it may use the tool."""
    thread = await bot.thread_of(bot.mention(bot.ben, "please look"))
    await is_asked(bot, thread)
    return thread


async def is_asked(bot: Stage, thread: Channel) -> None:
    await bot.until(lambda: "Deny" in labels(bot, thread), "the bot asks")


def labels(bot: Stage, thread: Channel) -> list[str]:
    return [label for label, _, _ in bot.buttons(thread.id)]


def results(bot: Stage) -> list[str]:
    messages: Any = bot.model.requests[-1].body["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


async def test_the_asker_sees_what_exactly_would_be_called_and_allows_it_once(bot: Stage) -> None:
    thread = await asked(bot)
    assert f"<@{bot.ben}>, may I use `read_thread` for this answer?" in bot.text(thread.id)
    assert '"limit": 5' in bot.text(thread.id)
    await bot.press(bot.ben, thread.id, "Allow once")
    await bot.until(lambda: '"limit": 6' in bot.text(thread.id), "it asks for the second call too")
    await bot.press(bot.ben, thread.id, "Deny")
    await bot.answered(thread.id)
    first, second = results(bot)
    assert "please look" in first
    assert second == DENIED
    await bot.until(lambda: "Deny" not in labels(bot, thread), "the questions are gone")


async def test_allowed_in_this_thread_is_not_asked_again_in_it(bot: Stage) -> None:
    thread = await asked(bot)
    await bot.press(bot.ben, thread.id, "Allow in this thread")
    await bot.answered(thread.id)
    assert all("please look" in result for result in results(bot))


async def test_somebody_else_cannot_decide_not_even_an_admin(bot: Stage) -> None:
    thread = await asked(bot)
    await bot.press(bot.ada, thread.id, "Allow once")
    await bot.until(lambda: NOT_YOURS in str(private(bot, bot.ada)), "it is refused")
    assert "Deny" in labels(bot, thread)
    await bot.press(bot.ben, thread.id, "Deny")
    await is_asked(bot, thread)


async def test_stop_ends_the_wait_and_takes_the_question_away(bot: Stage) -> None:
    thread = await asked(bot)
    await bot.press(bot.ben, thread.id, "Stop")
    text = await bot.answered(thread.id)
    assert "⏹ Stopped." in text
    await bot.until(lambda: "Deny" not in labels(bot, thread), "the question is gone")
    assert len(bot.model.requests) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "/tmp/\u202etxt.exe", "note": "a\u200bb\u2066\u00ad\u3164"},
        {"code": "```\n**Harmless.**\n```json", "`": "``"},
        {"code": "`" * 1_100},
        {"text": "🧪" * 1_199},
        {"half": "\ud800", "line": "\u2028", "tab": "\t", "quote": '"\\'},
        {},
    ],
)
async def test_what_a_person_is_shown_is_what_would_be_called_and_cannot_look_like_anything_else(
    arguments: JsonObject,
) -> None:
    shown = cast("Any", Shown())
    wish = Wish("token", 1, "server_tool", "", arguments)

    await DiscordQuestions(shown, shown).show(7, wish)

    head, _, block = shown.text.partition("```json\n")
    assert "`server_tool`" in head
    assert units(shown.text) <= 2_000
    assert block.endswith("\n```")
    assert "`" not in block.removesuffix("```")
    written = shown.files[0] if shown.files else block.removesuffix("\n```")
    assert json.loads(written) == arguments
    assert written.startswith(block.removesuffix("\n```"))
    assert all(letter == "\n" or letter.isprintable() for letter in written)


class Shown:
    """What would be sent to Discord; stands in for the client, the poster and the channel."""

    id = 5

    def __init__(self) -> None:
        self.text = ""
        self.files: list[str] = []

    def is_in_place(self, channel_id: int) -> bool:
        return False

    def get_partial_messageable(self, channel_id: int) -> Shown:
        return self

    async def send(self, text: str, *, files: Sequence[Any], **_: Any) -> Shown:
        self.text, self.files = text, [file.fp.read().decode() for file in files]
        return self
