"""The whole bot over real sockets: what only admins or the operator can mend is told to them once, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.messages import JsonObject
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, ChannelOverwrite
from bot.playground.discord.rest_faults import Answer, Hang
from bot.playground.discord.world import default_world
from bot.store import Store
from tests.admins_stage import Ephemeral, fill_in
from tests.bot_trouble import guild_of
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "think": "Easy.", "say": "You said: {question}"}
CANARY = "sk-or-v1-canary-0123456789abcdef0123456789abcdef"
SECRET = "a secret for tests that is long enough"
MARK = "zanzibar"
RETIRING = "moonshotai/kimi-k2-0905"
UNKNOWN = "moonshotai/kimi-unheard-of"


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built:
        owner = built.world.add_user("olga", "Olga")
        built.world.add_member(guild_of(built).id, owner.id)  # Discord takes letters only to people one meets
        built.settings = built.settings.model_copy(update={"secret_key": SecretStr(SECRET), "owner_ids": (owner.id,)})
        yield built


def dm(bot: Stage, who: int) -> int:
    return bot.world.open_dm(bot.bot, who).id


def olga(bot: Stage) -> int:
    """The DM of the operator."""
    return dm(bot, bot.user("Olga"))


def owner(bot: Stage) -> int:
    """The DM of the server's owner."""
    return dm(bot, bot.ada)


async def set_key(bot: Stage, text: str = CANARY) -> None:
    private = Ephemeral(bot, bot.ada)
    await fill_in(bot, bot.ada, bot.channel("general"), "key", "set", text)
    await private.told("own key is set")


async def asked(bot: Stage) -> str:
    thread = await bot.thread_of(bot.mention(bot.ben, f"hello {MARK}"))
    return await bot.answered(thread.id)


async def settings(bot: Stage, **changes: object) -> None:
    store = await Store.open(bot.settings.database_url)
    await store.save_guild_settings(guild_of(bot).id, changes)  # type: ignore[arg-type]  # JSON by its callers
    await store.close()


async def told(bot: Stage, channel_id: int, words: str) -> None:
    await bot.until(lambda: words in bot.text(channel_id), f"told: {words}")
    assert MARK not in bot.text(channel_id)
    assert CANARY not in bot.text(channel_id)


@pytest.mark.parametrize(
    ("fail", "member", "admins"),
    [
        (lambda bot: bot.model.revoked.add(CANARY), "does not work right now", "does not accept this server's own key"),
        (lambda bot: bot.model.broke.add(CANARY), "has no credit left", "has nothing left to spend"),
    ],
)
async def test_a_servers_failing_key_is_told_to_its_owner_once_and_to_members_in_one_sentence(
    servers: Stage, fail: Callable[[Stage], None], member: str, admins: str
) -> None:
    async with servers.app():
        await set_key(servers)
        fail(servers)
        assert f"This server's key {member}. I have told the server's admins." in await asked(servers)
        await told(servers, owner(servers), admins)
        assert "**Cogitor playground**: " in servers.text(owner(servers))
        await asked(servers)
    async with servers.app():  # a restart repeats nothing
        await asked(servers)
    assert len(servers.messages(owner(servers))) == 1
    assert servers.messages(olga(servers)) == []


async def test_a_new_key_that_fails_is_news(servers: Stage) -> None:
    async with servers.app():
        for number, key in enumerate((CANARY, CANARY + "2"), 1):
            await set_key(servers, key)
            servers.model.revoked.add(key)
            await asked(servers)
            await servers.until(lambda n=number: len(servers.messages(owner(servers))) == n, "the owner is told")


async def test_notices_go_to_the_channel_that_admins_chose(servers: Stage) -> None:
    channel = servers.world.add_channel(guild_of(servers).id, "admins-only")
    async with servers.app():
        await set_key(servers)
        await settings(servers, notice_channel=channel.id)
        servers.model.revoked.add(CANARY)
        await asked(servers)
        await told(servers, channel.id, "does not accept this server's own key")
    assert servers.messages(owner(servers)) == []


async def elsewhere(bot: Stage) -> Channel:
    """A channel of another server, where the bot is, too."""
    other = bot.world.add_guild("Another server", bot.user("Olga"))
    bot.world.add_bot(other.id)
    return bot.world.add_channel(other.id, "theirs")


async def deleted(bot: Stage) -> Channel:
    return bot.world.add_channel(guild_of(bot).id, "gone")


@pytest.mark.parametrize("place", [elsewhere, deleted])
async def test_a_channel_that_is_gone_or_anothers_is_not_used(
    servers: Stage, place: Callable[[Stage], Awaitable[Channel]]
) -> None:
    channel = await place(servers)
    async with servers.app():
        await set_key(servers)
        await settings(servers, notice_channel=channel.id)
        if place is deleted:
            servers.world.delete_channel(servers.ada, channel.id)
        servers.model.revoked.add(CANARY)
        await asked(servers)
        await told(servers, owner(servers), "does not accept this server's own key")
    assert servers.messages(channel.id) == []


async def test_a_channel_that_cannot_be_written_in_is_passed_over_and_so_is_an_owner_who_takes_no_letters(
    servers: Stage,
) -> None:
    guild = guild_of(servers)
    guild.system_channel_id = servers.channel("code")
    channel = servers.world.add_channel(guild.id, "admins-only")
    channel.overwrites.append(ChannelOverwrite(servers.bot, True, deny=int(Permission.SEND_MESSAGES)))
    servers.discord.rest.faults.add("POST", "/users/@me/channels", Answer(403), times=9)
    async with servers.app():
        await set_key(servers)
        await settings(servers, notice_channel=channel.id)
        servers.model.revoked.add(CANARY)
        await asked(servers)
        await told(servers, servers.channel("code"), "does not accept this server's own key")
    assert servers.messages(channel.id) == []


async def test_an_answer_never_waits_for_a_notice(servers: Stage) -> None:
    servers.discord.rest.faults.add("POST", "/users/@me/channels", Hang(8.0), times=9)
    async with servers.app():
        await set_key(servers)
        servers.model.revoked.add(CANARY)
        assert "I have told the server's admins." in await asked(servers)
        servers.model.revoked.clear()
        assert f"You said: hello {MARK}" in await asked(servers)


async def test_the_operators_failing_key_is_told_to_operators_and_no_admin_is_bothered(servers: Stage) -> None:
    servers.model.revoked.add("stand-in")
    async with servers.app():
        shown = await asked(servers)
        assert "The key for the model's server is missing or invalid. I have told my operator." in shown
        await told(servers, olga(servers), "does not accept OPENROUTER_API_KEY")
        await asked(servers)
    assert len(servers.messages(olga(servers))) == 1
    assert servers.messages(owner(servers)) == []


async def test_without_operators_nobody_is_said_to_have_been_told(servers: Stage) -> None:
    servers.model.broke.add("stand-in")
    async with servers.app(owner_ids=()):
        shown = await asked(servers)
    assert "has no credit left. Only my operator can mend that." in shown
    assert "admin" not in shown


async def test_a_servers_model_that_retires_is_announced_once(servers: Stage) -> None:
    async with servers.app():
        await settings(servers, model=RETIRING)
        await asked(servers)
        await told(servers, owner(servers), f"The model that is set for this server, `{RETIRING}`, retires on ")
    async with servers.app():
        await asked(servers)
    assert len(servers.messages(owner(servers))) == 1
    assert servers.messages(olga(servers)) == []


async def test_the_default_model_that_retires_is_announced_to_admins_and_operators(servers: Stage) -> None:
    async with servers.app(model=RETIRING):
        await asked(servers)
        await told(servers, owner(servers), f"`{RETIRING}`, retires on ")
        await told(servers, olga(servers), "Please choose its successor as MODEL")


async def test_a_servers_model_that_nobody_serves_is_told_to_its_admins(servers: Stage) -> None:
    async with servers.app():
        await settings(servers, model=UNKNOWN)
        await asked(servers)
        await told(servers, owner(servers), f"`{UNKNOWN}`")
        assert "/settings" in servers.text(owner(servers))


async def test_a_hostile_servers_name_does_nothing_in_a_notice(tmp_path: Path) -> None:
    world = default_world()
    next(iter(world.records.guilds.values())).name = "**@everyone** [x](https://e.example) <@123456789012345678>"
    async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as servers:
        async with servers.app(model=RETIRING):
            await asked(servers)
            await servers.until(lambda: "retires on" in servers.text(owner(servers)), "the owner is told")
        (message,) = servers.messages(owner(servers))
    name = r"\*\*@{0}everyone\*\* \[x](https://e.example) <@{0}123456789012345678>".format("\u200b")
    assert message.content.startswith(f"**{name}**: ")
