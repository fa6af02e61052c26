"""The whole bot over real sockets: `/key`, and who pays for what."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.__main__ import QUIET
from bot.messages import JsonObject
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.permissions import Permission
from bot.playground.model.server import MANAGEMENT_KEY
from bot.store import Store
from bot.titles import ASKED
from tests.admins_stage import Ephemeral, fill_in, sub
from tests.bot_trouble import guild_of
from tests.elsewhere import Forms, lounge, submit
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "Easy.", "say": "You said: {question}"}
NAMED: JsonObject = {"name": "title", "when": "/\\AName this/", "think": "A name.", "say": "Paying for words"}
CANARY = "sk-or-v1-canary-0123456789abcdef0123456789abcdef"
OLD, NEW = "a secret for tests that is long enough", "a newer secret for tests, long enough"
OPERATORS = "stand-in"


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, NAMED, ECHO)) as built:
        built.settings = built.settings.model_copy(update={"secret_key": SecretStr(OLD)})
        yield built


@pytest.fixture
async def bot(servers: Stage) -> AsyncGenerator[Stage]:
    async with servers.app():
        yield servers


def general(bot: Stage) -> int:
    return bot.channel("general")


async def set_key(bot: Stage, text: str = CANARY, *, says: str = "own key is set") -> Ephemeral:
    private = Ephemeral(bot, bot.ada)
    await fill_in(bot, bot.ada, general(bot), "key", "set", text)
    await private.told(says)
    return private


async def asked(bot: Stage, who: int, text: str = "hello") -> str:
    thread = await bot.thread_of(bot.mention(who, text))
    return await bot.answered(thread.id)


def payers(bot: Stage) -> list[str]:
    return [record.key for record in bot.model.requests]


async def test_a_servers_own_key_pays_for_its_answers_until_it_is_taken_back(bot: Stage) -> None:
    await asked(bot, bot.ben)
    private = await set_key(bot)
    assert private.last["content"].endswith("$10.00 of $10.00 are left to spend.")
    await asked(bot, bot.ben)
    bot.say(bot.ben, bot.world.open_dm(bot.ben, bot.bot).id, "in private")
    await bot.until(lambda: len(payers(bot)) == 3, "the DM is answered")
    assert payers(bot) == [OPERATORS, CANARY, OPERATORS]

    private.clear()
    await sub(bot, bot.ada, general(bot), "key", "remove")
    await private.told("Do you want to take back this server's own key?")
    await private.press("Keep it")
    await private.told("This server keeps its own key.")
    await asked(bot, bot.ben)

    private.clear()
    await sub(bot, bot.ada, general(bot), "key", "remove")
    await private.told("Do you want to take back this server's own key?")
    await private.press("Take it back")
    assert await private.told("is forgotten: from the next answer on my operator pays.")
    await asked(bot, bot.ben)
    assert payers(bot)[3:] == [CANARY, OPERATORS]


async def test_it_pays_for_titles_too(servers: Stage) -> None:
    async with servers.app(titles=True):
        await set_key(servers)
        thread = await servers.thread_of(servers.mention(servers.ben, "how do I pay?"))
        await servers.until(lambda: servers.world.channel(thread.id).name == "Paying for words", "the title")
    assert [ASKED in str(record.body["messages"]) for record in servers.model.requests] == [False, True]
    assert payers(servers) == [CANARY, CANARY]


async def test_what_is_asked_in_place_elsewhere_is_never_paid_by_that_server(bot: Stage) -> None:
    place = lounge(bot)
    await set_key(bot)
    row = await _stored(bot)
    store = await Store.open(bot.settings.database_url)
    await store.set_key(place.guild_id or 0, bot.ada, row.id, row.sealed)
    await store.close()
    await bot.command(bot.ben, place.id, "ask", prompt="What is a monad?")
    await bot.answered(place.id)
    assert payers(bot) == [OPERATORS]


async def test_the_status_says_what_it_may_spend_and_who_set_it_and_never_the_key(bot: Stage) -> None:
    private = Ephemeral(bot, bot.ada)
    await sub(bot, bot.ada, general(bot), "key", "status")
    await private.told("This server has no key of its own, so my operator pays")

    bot.model.key_facts[CANARY] = {
        "limit": 20,
        "limit_remaining": 7.505,
        "limit_reset": "monthly",
        "usage_daily": 1.25,
        "expires_at": "2031-01-01T00:00:00Z",
        "label": CANARY,
    }
    private = await set_key(bot)
    private.clear()
    await sub(bot, bot.ada, general(bot), "key", "status")
    shown = await private.told("**This server's own key**")
    assert f"by <@{bot.ada}>" in shown
    assert "- $7.50 of $20.00 are left to spend; the limit starts anew every month" in shown
    assert "- $1.25 have been spent today (UTC)" in shown
    assert "- Expires <t:1924992000:f>" in shown
    assert CANARY not in shown

    bot.model.revoked.add(CANARY)
    private.clear()
    await sub(bot, bot.ada, general(bot), "key", "status")
    await private.told("⚠ The model's server does not accept the key any more")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bad-key", "The model's server does not accept this key"),
        ("broke-key", "it has nothing left to spend of its $10.00"),
        (MANAGEMENT_KEY, "This is a management key"),
        ("two words", "This is not a key"),
        ("ключ", "This is not a key"),
        ("\u200b\u200b", "There was no key in the form"),
    ],
)
async def test_a_key_that_cannot_pay_is_refused_and_says_why(bot: Stage, text: str, says: str) -> None:
    private = await set_key(bot, text, says=says)
    private.clear()
    await sub(bot, bot.ada, general(bot), "key", "status")
    await private.told("This server has no key of its own")


async def test_invisible_characters_around_a_key_do_no_harm(bot: Stage) -> None:
    await set_key(bot, f"\u200b {CANARY}\ufeff\n")
    await asked(bot, bot.ben)
    assert payers(bot) == [CANARY]


async def test_without_a_secret_it_is_said_what_the_operator_must_do(servers: Stage) -> None:
    async with servers.app(secret_key=SecretStr("")):
        private = Ephemeral(servers, servers.ada)
        await sub(servers, servers.ada, general(servers), "key", "set")
        await private.told("because my operator has not set SECRET_KEY")


async def test_it_is_for_admins_when_it_is_used_and_when_the_form_comes_back(bot: Stage) -> None:
    guild = guild_of(bot)
    private, forms = Ephemeral(bot, bot.ben), Forms(bot)
    for subcommand in ("set", "status", "remove"):
        private.clear()
        guild.roles[guild.id].permissions |= Permission.MANAGE_GUILD
        command = next(item for item in bot.world.records.commands.values() if item.body["name"] == "key")
        command.body["default_member_permissions"] = None  # its admins show it to everybody
        guild.roles[guild.id].permissions &= ~Permission.MANAGE_GUILD
        await sub(bot, bot.ben, general(bot), "key", subcommand)
        await private.told("Only people with the permission **Manage Server** can do this.")
    guild.roles[guild.id].permissions |= Permission.MANAGE_GUILD
    await sub(bot, bot.ben, general(bot), "key", "set")
    await bot.until(lambda: forms.shown, "the form opens")
    guild.roles[guild.id].permissions &= ~Permission.MANAGE_GUILD
    private.clear()
    await submit(bot, bot.ben, general(bot), forms.shown[-1], CANARY)
    await private.told("Only people with the permission **Manage Server** can do this.")
    assert await _stored_or_none(bot) is None


async def test_it_is_hidden_from_others_works_in_servers_only_and_takes_no_options(bot: Stage) -> None:
    body: Any = next(item.body for item in bot.world.records.commands.values() if item.body["name"] == "key")
    assert body["default_member_permissions"] == str(int(Permission.MANAGE_GUILD))
    assert (body["contexts"], body["integration_types"]) == ([0], [0])
    assert {option["name"]: option.get("options", []) for option in body["options"]} == {
        "set": [],
        "status": [],
        "remove": [],
    }


async def test_the_buttons_of_remove_work_after_a_restart_and_take_back_the_key_that_was_meant(
    servers: Stage,
) -> None:
    async with servers.app():
        private = await set_key(servers)
        private.clear()
        await sub(servers, servers.ada, general(servers), "key", "remove")
        await private.told("Do you want to take back")
        question = private.last
    async with servers.app():
        await set_key(servers, CANARY + "2")
        button = question["components"][0]["components"][0]
        data: JsonObject = {"custom_id": button["custom_id"], "component_type": 2}
        where: JsonObject = {"channel_id": str(general(servers)), "message_id": str(question["id"])}
        await servers.interact(servers.ada, {"type": 3, "data": data, **where})
        await servers.until(lambda: "changed or taken back meanwhile" in "".join(private.texts), "it is said")
        await asked(servers, servers.ben)
    assert payers(servers) == [CANARY + "2"]


async def test_a_changed_secret_needs_the_old_one_only_until_the_next_start(servers: Stage) -> None:
    async with servers.app():
        await set_key(servers)
    async with servers.app(secret_key=SecretStr(f"{NEW}, {OLD}")):
        await asked(servers, servers.ben)
    async with servers.app(secret_key=SecretStr(NEW)):
        await asked(servers, servers.ben)
    assert payers(servers) == [CANARY, CANARY]


async def test_a_key_that_cannot_be_decrypted_is_never_replaced_by_the_operators(servers: Stage) -> None:
    async with servers.app():
        await set_key(servers)
    async with servers.app(secret_key=SecretStr(NEW)):
        shown = await asked(servers, servers.ben)
        assert "This server's key cannot be used right now. I have told the server's admins." in shown
        assert payers(servers) == []
        dm = servers.world.open_dm(servers.bot, servers.ada).id
        await servers.until(lambda: "cannot be read any more" in servers.text(dm), "the owner is told")
        private = Ephemeral(servers, servers.ada)
        await sub(servers, servers.ada, general(servers), "key", "status")
        await private.told("⚠ It cannot be read any more")
        await set_key(servers)
        await asked(servers, servers.ben)
    assert payers(servers) == [CANARY]


async def test_the_key_is_nowhere_to_be_seen(servers: Stage, tmp_path: Path) -> None:
    """In no log at the lowest level, no byte of the database or of the embedded world, no event to anybody."""
    seen: list[str] = []

    def see(event: Dispatch) -> None:
        if event.only_user != servers.bot:  # the form itself, which goes to the bot alone
            seen.append(json.dumps(event.data))

    with everything_logged() as logged:
        servers.world.subscribe(see)
        async with servers.app():
            private = await set_key(servers)
            await asked(servers, servers.ben)
            servers.model.revoked.add(CANARY)
            await asked(servers, servers.ben)
            for subcommand in ("status", "remove"):
                private.clear()
                await sub(servers, servers.ada, general(servers), "key", subcommand)
                await private.told("own key")
            servers.model.broke.add(CANARY + "2")
            await set_key(servers, CANARY + "2", says="nothing left to spend")
            async with (
                aiohttp.ClientSession(headers={"X-Play-User": str(servers.ada)}) as session,
                session.get(f"{servers.discord.origin}/play/session") as answer,
            ):
                seen.append(await answer.text())
            database = bytes_of(tmp_path)
    assert payers(servers) == [CANARY]
    assert CANARY.encode() not in database + servers.world.to_json()
    assert CANARY not in "\n".join(seen)
    assert "server_keys" in "\n".join(logged), "the database's own log is among them"
    assert CANARY not in "\n".join(logged)
    assert len(seen) > 20


def bytes_of(folder: Path) -> bytes:
    """All of the database, what is not checkpointed yet included."""
    return b"".join(path.read_bytes() for path in folder.glob("cogitor.db*"))


@contextmanager
def everything_logged() -> Generator[list[str]]:
    """All that any library logs, at the lowest level; but discord.py, which quotes all events there, as in a run."""
    kept: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(self.format(record))

    names = ("", *QUIET, "sqlalchemy.engine", "asyncio")
    levels = {name: logging.getLogger(name).level for name in names}
    keeper = Keeper(logging.DEBUG)
    logging.getLogger().addHandler(keeper)
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING if name == "discord" else logging.DEBUG)
    try:
        yield kept
    finally:
        logging.getLogger().removeHandler(keeper)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


async def _stored_or_none(bot: Stage) -> Any:
    store = await Store.open(bot.settings.database_url)
    try:
        return await store.key(guild_of(bot).id)
    finally:
        await store.close()


async def _stored(bot: Stage) -> Any:
    row = await _stored_or_none(bot)
    assert row is not None
    return row
