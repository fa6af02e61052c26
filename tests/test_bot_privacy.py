"""The whole bot over real sockets: `/privacy`, what is forgotten by itself, and to whom conversations may be sent."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.export.mine import Mine, from_json
from bot.messages import JsonObject
from bot.playground.discord.form_message import Upload
from bot.playground.discord.records import Channel, Message
from bot.store import Store, tables
from bot.store.erasure import Erasure, Job
from tests.bot_trouble import Private
from tests.databases import execute, rows
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "They said: {question}", "say": "You said: {question}"}
QUOTES: JsonObject = {"name": "quotes", "when": "what was asked", "say": "Before you, this was asked:\n\n{asked}"}
SLOW: JsonObject = {"name": "slow", "when": "slowly", "say": {"repeat": 2000, "text": "word {n} "}, "speed": 50}
SCENES = (SLOW, QUOTES, ECHO)
CANARY = "zanzibar"
DAY = 86_400.0


class Now:
    """The time of day, which tests put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
async def built(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, *SCENES), speed=1.0) as made:
        yield made


@pytest.fixture
async def bot(built: Stage) -> AsyncGenerator[Stage]:
    async with built.app():
        await built.until(lambda: built.world.records.commands, "the commands are published")
        yield built


async def privacy(bot: Stage, who: int, channel_id: int, what: str) -> None:
    command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "privacy")
    options = [{"name": what, "type": 1, "options": []}]
    data: JsonObject = {"id": str(command.id), "name": "privacy", "type": 1, "options": options}
    await bot.interact(who, {"type": 2, "channel_id": str(channel_id), "data": data})


class Letters:
    """The ephemeral messages that one person sees, from now on, as they are."""

    def __init__(self, bot: Stage, who: int) -> None:
        self._bot = bot
        self.messages: dict[str, dict[str, Any]] = {}
        bot.world.subscribe(lambda event: self._note(event.data) if event.only_user == who else None)

    def _note(self, data: Any) -> None:
        if "content" in data and "id" in data:
            self.messages[data["id"]] = self.messages.get(data["id"], {}) | data

    async def told(self, text: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            return next((one for one in self.messages.values() if text in one["content"]), None)

        message = await self._bot.until(found, f"privately: {text}\n{self.messages}")
        assert message is not None
        return message


async def press(bot: Stage, who: int, message: dict[str, Any], label: str) -> None:
    button = next(item for row in message["components"] for item in row["components"] if item["label"] == label)
    data: JsonObject = {"custom_id": button["custom_id"], "component_type": 2}
    place: JsonObject = {"channel_id": message["channel_id"], "message_id": message["id"]}
    await bot.interact(who, {"type": 3, **place, "data": data})


async def ask_to_forget(bot: Stage, who: int, channel_id: int) -> tuple[Letters, dict[str, Any]]:
    letters = Letters(bot, who)
    await privacy(bot, who, channel_id, "forget")
    return letters, await letters.told("Do you want me to forget you?")


async def forget(bot: Stage, who: int, channel_id: int) -> str:
    letters, warning = await ask_to_forget(bot, who, channel_id)
    await press(bot, who, warning, "Forget me")
    return str((await letters.told("I have forgotten you"))["content"])


async def in_thread(bot: Stage, *said: tuple[int, str]) -> tuple[Channel, list[Message]]:
    """A thread in which these were said and answered."""
    messages = [bot.mention(*said[0])]
    thread = await bot.thread_of(messages[0])
    await bot.answered(thread.id)
    for number, (who, text) in enumerate(said[1:], 2):
        messages.append(bot.say(who, thread.id, text))
        await bot.answered(thread.id, count=number)
    return thread, messages


async def stored(bot: Stage) -> str:
    """Everything in the database but the ledger, its sums and who is being forgotten, as text."""
    found = [
        f"{table.name}: {await rows(bot.settings.database_url, table)}"
        for table in tables.metadata.sorted_tables
        if table not in (tables.usage, tables.tallies, tables.forgetting, tables.notes)
    ]
    return "\n".join(found)


async def until_true(holds: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(20):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


def raw(bot: Stage) -> bytes:
    file = Path(bot.settings.database_url.removeprefix("sqlite:///"))
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


class TestForget:
    async def test_words_answers_and_name_go_everywhere_and_others_keep_theirs(self, bot: Stage) -> None:
        words = [(bot.ada, "hers one"), (bot.ben, f"my {CANARY}-77431 key"), (bot.ada, "what was asked?")]
        thread, _ = await in_thread(bot, *words, (bot.ada, "two"))
        dm = bot.world.open_dm(bot.ben, bot.bot)
        bot.world.create_message(bot.ben, dm.id, {"content": "x"}, [Upload(0, "a.txt", "text/plain", CANARY.encode())])
        await bot.answered(dm.id)
        await bot.command(bot.ben, bot.channel("code"), "ask", prompt=f"tell me of {CANARY}")
        await bot.until(lambda: f"You said: tell me of {CANARY}" in "".join(bot.everything().values()), "its answer")
        own = next(c for c in bot.world.records.channels.values() if c.name == f"tell me of {CANARY}")
        await bot.answered(own.id)
        await until_true(lambda: rows(bot.settings.database_url, tables.quotes))

        done = await forget(bot, bot.ben, thread.id)

        assert "3 of your messages and 4 answers" in done
        left = await stored(bot)
        assert CANARY not in left
        assert str(bot.ben) not in left
        assert "'Ben'" not in left
        assert CANARY.encode() not in raw(bot)
        await bot.until(lambda: CANARY not in "".join(bot.everything().values()), "nothing on Discord of ours shows it")
        assert "You said: hers one" in bot.text(thread.id)
        assert "You said: two" in bot.text(thread.id)
        assert "Before you" not in bot.text(thread.id)
        assert "Ben asked" not in bot.text(bot.channel("code"))
        bot.say(bot.ada, thread.id, "what was asked now?")
        await bot.until(lambda: "Before you" in bot.text(thread.id), "the next answer")
        assert CANARY not in str(bot.model.requests[-1].body)
        assert "hers one" in str(bot.model.requests[-1].body)
        assert {row["user_id"] for row in await rows(bot.settings.database_url, tables.usage)} == {bot.ada, bot.ben}

    async def test_what_others_quote_of_them_goes_and_the_rest_of_the_question_stays(self, bot: Stage) -> None:
        start = bot.say(bot.ben, bot.channel("general"), f"our {CANARY}")
        thread = bot.world.start_thread_from_message(bot.ben, bot.channel("general"), start.id, {"name": "Plans"})
        bot.say(bot.ben, thread.id, f"ship {CANARY}")
        bot.say(bot.ada, thread.id, f"<@{bot.bot}> is that wise?")
        await bot.answered(thread.id)
        assert CANARY in await stored(bot)
        letters, warning = await ask_to_forget(bot, bot.ben, thread.id)
        await press(bot, bot.ben, warning, "Forget me")
        await letters.told("I have forgotten you")
        left = await stored(bot)
        assert CANARY not in left
        assert str(bot.ben) not in left
        assert "is that wise?" in left
        await bot.until(lambda: CANARY not in bot.text(thread.id), "the answer is deleted")

    async def test_the_ledger_loses_the_name_after_a_day_in_a_sweep(self, built: Stage) -> None:
        now = Now()
        async with built.app(now=now):
            thread, _ = await in_thread(built, (built.ben, "hello there"))
            await forget(built, built.ben, thread.id)
        now.ahead = DAY + 2 * 3_600.0
        async with built.app(now=now):
            await until_true(lambda: self._is_nameless(built))
        assert str(built.ben).encode() not in raw(built)

    async def _is_nameless(self, bot: Stage) -> bool:
        ledger = await rows(bot.settings.database_url, tables.usage)
        jobs = await rows(bot.settings.database_url, tables.forgetting)
        return [row["user_id"] for row in ledger] == [0] and not jobs

    async def test_running_and_waiting_answers_are_cut(self, bot: Stage) -> None:
        message = bot.mention(bot.ben, "slowly please")
        thread = await bot.thread_of(message)
        await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")
        waiting = bot.say(bot.ben, thread.id, "me again")
        hers = bot.say(bot.ada, thread.id, "and me")
        await bot.until(lambda: waiting.reactions and hers.reactions, "they wait")

        await forget(bot, bot.ben, thread.id)

        await bot.until(lambda: bot.model.requests[0].cancelled, "the provider's connection is closed")
        await bot.until(lambda: "You said: and me" in bot.text(thread.id), "the next is answered")
        await bot.until(lambda: not waiting.reactions, "the mark is gone")
        assert "word" not in bot.text(thread.id)
        assert "me again" not in str(bot.model.requests[-1].body)

    async def test_a_running_answer_to_somebody_else_begins_anew_without_them(self, bot: Stage) -> None:
        thread, _ = await in_thread(bot, (bot.ben, CANARY))
        bot.say(bot.ada, thread.id, "slowly please")
        await bot.until(lambda: "word 3 " in bot.text(thread.id), "some of the answer")

        await forget(bot, bot.ben, thread.id)

        await bot.until(lambda: len(bot.model.requests) == 3, "it is asked again")
        assert CANARY not in str(bot.model.requests[-1].body)

    async def test_only_who_asked_may_press_and_not_for_ever(self, bot: Stage) -> None:
        thread, _ = await in_thread(bot, (bot.ben, CANARY))
        letters, warning = await ask_to_forget(bot, bot.ben, thread.id)
        custom_id = warning["components"][0]["components"][0]["custom_id"]
        old = re.sub(r"\d+$", lambda found: str(int(found[0]) - 16 * 60), custom_id)
        for button in (custom_id, old):
            item = {"type": 2, "style": 4, "label": "Forget me", "custom_id": button}
            body: JsonObject = {"content": "x", "components": [{"type": 1, "components": [item]}]}
            bot.world.create_message(bot.bot, thread.id, body)
        hers = Private(bot, bot.ada)
        await bot.press(bot.ada, thread.id, "Forget me", which=0)
        await hers.told("Only the person who asked")
        await bot.press(bot.ben, thread.id, "Forget me", which=1)
        await bot.until(lambda: "older than 15 minutes" in bot.text(thread.id), "it is too old")
        await press(bot, bot.ben, warning, "Keep everything")
        await letters.told("Nothing was deleted.")
        assert CANARY in await stored(bot)

    async def test_the_button_works_after_a_restart(self, built: Stage) -> None:
        async with built.app():
            thread, _ = await in_thread(built, (built.ben, CANARY))
            letters, warning = await ask_to_forget(built, built.ben, thread.id)
        async with built.app():
            await press(built, built.ben, warning, "Forget me")
            await letters.told("I have forgotten you")
        assert CANARY not in await stored(built)

    async def test_a_restart_in_the_middle_goes_on_to_the_end(
        self, built: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reached = asyncio.Event()

        async def dies(self: Erasure, job: Job) -> None:
            reached.set()
            await asyncio.Event().wait()

        async with built.app():
            thread, _ = await in_thread(built, (built.ben, CANARY), (built.ada, "hers"))
            with monkeypatch.context() as patch:
                patch.setattr(Erasure, "erase_traces", dies)
                _, warning = await ask_to_forget(built, built.ben, thread.id)
                await press(built, built.ben, warning, "Forget me")
                await asyncio.wait_for(reached.wait(), 10)
                assert str(built.ben) in await stored(built)
                await execute(built.settings.database_url, "UPDATE leftovers SET turn_id = turn_id")
        async with built.app():
            await until_true(lambda: self._is_gone(built))
            await built.until(lambda: CANARY not in built.text(thread.id), "nothing shows it")
            assert "You said: hers" in built.text(thread.id)

    async def _is_gone(self, bot: Stage) -> bool:
        return str(bot.ben) not in await stored(bot) and CANARY not in await stored(bot)

    async def test_who_waits_at_a_restart_is_not_answered_but_forgotten(self, built: Stage) -> None:
        async with built.app():
            message = built.mention(built.ben, f"slowly {CANARY}")
            thread = await built.thread_of(message)
            await built.until(lambda: "word 3 " in built.text(thread.id), "some of the answer")
            waiting = built.say(built.ben, thread.id, f"then {CANARY}")
            await built.until(lambda: waiting.reactions, "it waits")
        store = await Store.open(built.settings.database_url)
        await store.begin_forgetting(built.ben, time.time())
        await store.close()
        asked = len(built.model.requests)
        async with built.app():
            await until_true(lambda: self._is_gone(built))
            await built.until(lambda: "word" not in built.text(thread.id), "nothing shows it")
            assert len(built.model.requests) == asked


class TestShowAndExport:
    async def test_show_tells_numbers_terms_and_what_can_be_done(self, built: Stage) -> None:
        async with built.app(retention_days=90, privacy_url="https://example.org/privacy") as _:
            thread, _ = await in_thread(built, (built.ben, "one"), (built.ada, "hers"), (built.ben, "two"))
            letters = Letters(built, built.ben)
            await privacy(built, built.ben, thread.id, "show")
            shown = (await letters.told("What I store about you"))["content"]
        for text in (
            "2 messages that you wrote to me, in 1 conversation",
            "2 answers to them",
            "2 lines in the ledger",
            "0 changes",
            "until nothing was written in a conversation for 90 days",
            "only to providers that do not train on them (`no_training`)",
            "`127.0.0.1`",
            "https://example.org/privacy",
        ):
            assert text in shown
        assert letters.messages

    async def test_of_a_stranger_nothing_is_stored(self, bot: Stage) -> None:
        letters = Letters(bot, bot.ben)
        await privacy(bot, bot.ben, bot.channel("general"), "show")
        await letters.told("I store nothing about you.")
        await privacy(bot, bot.ben, bot.channel("general"), "export")
        await letters.told("there is nothing to export")

    async def test_the_export_has_all_that_is_theirs_and_nothing_of_others(self, bot: Stage) -> None:
        thread, _ = await in_thread(bot, (bot.ada, "hers alone"), (bot.ben, "mine"))
        await bot.command(bot.ada, thread.id, "listen", mode="all")
        mine = await self._exported(bot, bot.ben, thread.id)
        assert [part.text for turn in mine.turns for said in turn.question for part in said.parts] == ["mine"]  # type: ignore[union-attr]
        assert mine.turns[0].text == "You said: mine"
        assert mine.turns[0].reasoning == "They said: mine"
        assert mine.user_id == bot.ben
        assert [row["user_id"] for row in mine.usage] == [bot.ben]
        assert "hers alone" not in str(mine)
        assert str(bot.ada) not in str(mine)

    async def _exported(self, bot: Stage, who: int, channel_id: int) -> Mine:
        letters = Letters(bot, who)
        await privacy(bot, who, channel_id, "export")
        await letters.told("Everything that I store about you")
        message = await bot.until(
            lambda: next((one for one in letters.messages.values() if one.get("attachments")), None), "a file"
        )
        assert message is not None
        [file] = message["attachments"]
        assert file["filename"] == "my-data.json"
        async with aiohttp.ClientSession() as session, session.get(file["url"]) as answer:
            return from_json(await answer.read())


class TestRetention:
    async def test_quiet_conversations_are_forgotten_and_begin_afresh(self, built: Stage) -> None:
        now = Now()
        async with built.app(now=now, retention_days=30):
            thread, _ = await in_thread(built, (built.ben, CANARY))
            dm = built.world.open_dm(built.ben, built.bot)
            built.say(built.ben, dm.id, CANARY)
            await built.answered(dm.id)
        now.ahead = 29 * DAY
        async with built.app(now=now, retention_days=30):
            await built.until(built.ready.is_set, "it is ready")
            assert CANARY in await stored(built)
        now.ahead = 31 * DAY
        async with built.app(now=now, retention_days=30):
            await until_true(lambda: self._is_forgotten(built))
            assert CANARY.encode() not in raw(built)
            assert f"You said: {CANARY}" in built.text(thread.id)
            built.say(built.ada, thread.id, f"<@{built.bot}> and now?")
            await built.answered(thread.id, count=2)
            [_, asked] = built.model.requests[-1].body["messages"]  # type: ignore[misc]
            assert "Earlier in this thread:" in str(asked)
            assert CANARY in str(asked)

    async def _is_forgotten(self, bot: Stage) -> bool:
        return CANARY not in await stored(bot)

    async def test_a_server_may_choose_less_than_the_operator_and_not_more(self, built: Stage) -> None:
        now = Now()
        async with built.app(now=now):
            await in_thread(built, (built.ben, CANARY))
        guild = next(iter(built.world.records.guilds))
        store = await Store.open(built.settings.database_url)
        await store.save_guild_settings(guild, {"retention_days": 10})
        await store.close()
        now.ahead = 11 * DAY
        async with built.app(now=now, retention_days=30):
            await until_true(lambda: self._is_forgotten(built))


class TestDepartedServers:
    async def test_after_thirty_days_a_server_is_forgotten(self, built: Stage) -> None:
        guild, now = next(iter(built.world.records.guilds)), Now()
        async with built.app(now=now):
            await self._lively(built)
            built.world.remove_member(guild, built.bot)
            await until_true(lambda: rows(built.settings.database_url, tables.departed))
        now.ahead = 29 * DAY
        async with built.app(now=now):
            await built.until(built.ready.is_set, "it is ready")
            assert CANARY in await stored(built)
        now.ahead = 31 * DAY
        async with built.app(now=now):
            await until_true(lambda: self._is_forgotten(built, guild))
        ledger = await rows(built.settings.database_url, tables.usage)
        assert [(row["guild_id"], row["user_id"], row["conversation_id"]) for row in ledger] == [(0, 0, 0)]

    async def _is_forgotten(self, bot: Stage, guild: int) -> bool:
        left = await stored(bot)
        return CANARY not in left and str(guild) not in left

    async def _lively(self, bot: Stage) -> Channel:
        thread, _ = await in_thread(bot, (bot.ben, CANARY))
        store = await Store.open(bot.settings.database_url)
        await store.change_settings(thread.guild_id or 0, bot.ada, lambda _: {"footer": False})
        await store.close()
        return thread

    async def test_a_removal_while_the_bot_was_away_is_found_and_a_return_is_too(self, built: Stage) -> None:
        guild, now = next(iter(built.world.records.guilds)), Now()
        async with built.app(now=now):
            thread = await self._lively(built)
        built.world.remove_member(guild, built.bot)
        async with built.app(now=now):
            await until_true(lambda: rows(built.settings.database_url, tables.departed))
        built.world.add_bot(guild)
        now.ahead = 40 * DAY
        async with built.app(now=now):
            await until_true(lambda: self._has_returned(built))
            built.say(built.ben, thread.id, "still there?")
            await built.answered(thread.id, count=2)
            assert CANARY in str(built.model.requests[-1].body)

    async def _has_returned(self, bot: Stage) -> bool:
        return not await rows(bot.settings.database_url, tables.departed)

    async def test_a_return_while_it_runs_clears_the_note(self, bot: Stage) -> None:
        guild = next(iter(bot.world.records.guilds))
        await self._lively(bot)
        bot.world.remove_member(guild, bot.bot)
        await until_true(lambda: rows(bot.settings.database_url, tables.departed))
        bot.world.add_bot(guild)
        await until_true(lambda: self._has_returned(bot))

    async def test_an_outage_is_no_removal(self, bot: Stage) -> None:
        guild = next(iter(bot.world.records.guilds))
        thread = await self._lively(bot)
        bot.world.begin_outage(guild)
        bot.world.end_outage(guild)
        bot.say(bot.ben, thread.id, "still there?")
        await bot.answered(thread.id, count=2)
        assert await rows(bot.settings.database_url, tables.departed) == []


class TestDataPolicy:
    async def test_the_servers_policy_goes_along_and_in_direct_messages_the_operators(self, built: Stage) -> None:
        async with built.app(data_policy="zero_retention", titles=True):
            await in_thread(built, (built.ben, "hello"))
            await built.until(lambda: len(built.model.requests) == 2, "a title is asked for")
            dm = built.world.open_dm(built.ben, built.bot)
            built.say(built.ben, dm.id, "hello")
            await built.answered(dm.id)
        assert [request.body["provider"] for request in built.model.requests] == [
            {"data_collection": "deny"},
            {"data_collection": "deny"},
            {"data_collection": "deny", "zdr": True},
        ]

    async def test_nobody_who_keeps_to_it_is_a_clear_sentence_and_the_model_stays_known(self, built: Stage) -> None:
        guild = next(iter(built.world.records.guilds))
        store = await Store.open(built.settings.database_url)
        await store.save_guild_settings(guild, {"data_policy": "zero_retention", "model": "openai/gpt-4.1-mini"})
        await store.close()
        async with built.app():
            thread, _ = await in_thread(built, (built.ben, "hello"))
            text = built.text(thread.id)
            assert "neither train on them nor keep them (`zero_retention`)" in text
            assert "ask an admin to change *Providers* in `/settings`" in text
            store = await Store.open(built.settings.database_url)
            await store.save_guild_settings(guild, {"data_policy": "any", "model": "openai/gpt-4.1-mini"})
            await store.close()
            await built.press(built.ben, thread.id, "Retry")
            await built.until(lambda: "You said: hello" in built.text(thread.id), "the answer")
            assert "provider" not in built.model.requests[-1].body
            assert built.model.requests[-1].body["model"] == "openai/gpt-4.1-mini"
