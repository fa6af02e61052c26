"""`python -m bot doctor`: what it finds, what it says to do about it, and how it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.cipher import Cipher
from bot.doctor import NEEDED, Health, check_key, examine
from bot.errors import ModelError, ModelFault
from bot.openrouter import key_status, open_http
from bot.playground.discord.permissions import BOT_PERMISSIONS, Permission
from bot.playground.discord.rest_faults import Answer, Drop, TooMany
from bot.playground.discord.world import default_world, new_world
from bot.playground.model.server import BAD_KEY
from bot.sandbox.owner import Sandbox
from bot.settings import Settings
from bot.store import Store
from tests.whole_bot import Stage, stage

SECRETS = ("playground.", "stand-in-key", "hush")


async def doctor(settings: Settings, **changes: Any) -> tuple[int, list[str]]:
    """The exit code and the lines of a visit; no secret is ever among them."""
    lines: list[str] = []
    code = await examine(settings.model_copy(update=changes), show=lines.append)
    assert not any(secret in line for line in lines for secret in SECRETS)
    assert all("\n" not in line for line in lines)
    return code, lines


def the_line(lines: list[str], about: str) -> str:
    found = [line for line in lines if about in line]
    assert len(found) == 1, lines
    return found[0]


@pytest.fixture(autouse=True)
def sandbox_fault(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is wrong with the sandbox, which is not run here; nothing unless a test adds to it."""
    faults: list[str] = []

    async def why_unavailable(_: Sandbox) -> str | None:
        return faults[0] if faults else None

    monkeypatch.setattr(Sandbox, "why_unavailable", why_unavailable)
    return faults


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path) as built:
        yield built


async def test_when_all_is_well_every_check_says_so(servers: Stage) -> None:
    async with servers.app():
        await servers.until(lambda: servers.world.records.commands, "the commands are published")

    code, lines = await doctor(servers.settings, secret_key=type(servers.settings.secret_key)("hush" * 8))

    assert code == 0
    assert lines[-1] == "Everything is in order."
    assert all(line.startswith("✔ ") for line in lines[:-1]), lines
    for about in (
        "Settings",
        "Token",
        "Gateway",
        "intent",
        "User install",
        "Commands",
        "Server",
        "Model ",
        "Database",
        "Sandbox",
    ):
        the_line(lines, about)


async def test_what_is_worth_knowing_is_no_fault(servers: Stage) -> None:
    code, lines = await doctor(servers.settings)

    assert code == 0
    assert the_line(lines, "SECRET_KEY").startswith("! ")
    assert the_line(lines, "Commands: none are published").startswith("! ")


async def test_a_secret_that_could_be_guessed_is_a_fault(servers: Stage) -> None:
    secret = type(servers.settings.secret_key)
    code, lines = await doctor(servers.settings, secret_key=secret(f"{'hush' * 8},hush"))

    assert code == 1
    assert "fewer than 32 characters" in the_line(lines, "✘ SECRET_KEY")


async def test_servers_keys_that_cannot_be_decrypted_are_a_fault_and_those_that_can_are_counted(
    servers: Stage,
) -> None:
    old, new = "hush" * 8, "hush hush" * 4
    store = await Store.open(servers.settings.database_url)
    for guild_id in (1, 2):
        await store.set_key(guild_id, 3, "0123456789ab", Cipher([old]).seal("hush", owner=guild_id))
    await store.close()
    secret = type(servers.settings.secret_key)

    code, lines = await doctor(servers.settings, secret_key=secret(f"{new},{old}"))
    assert code == 0
    assert "2, and all can be decrypted" in the_line(lines, "✔ Servers' keys")

    for wrong in ("", new):
        code, lines = await doctor(servers.settings, secret_key=secret(wrong))
        assert code == 1
        assert "2 of 2 cannot be decrypted" in the_line(lines, "✘ Servers' keys")


async def test_a_refused_token_says_where_to_get_another(servers: Stage) -> None:
    code, lines = await doctor(servers.settings, discord_token=type(servers.settings.discord_token)("playground.no"))

    assert code == 1
    assert "developer portal" in the_line(lines, "✘ Token")
    assert the_line(lines, "Database").startswith("✔")


async def test_a_missing_intent_says_where_to_turn_it_on(tmp_path: Path) -> None:
    async with stage(tmp_path, world=default_world(message_content=False)) as servers:
        code, lines = await doctor(servers.settings)

    assert code == 0
    assert "Bot → Message Content Intent" in the_line(lines, "! Message content intent")


async def test_without_user_installs_it_is_said_where_to_turn_them_on(servers: Stage) -> None:
    servers.world.application.takes_user_installs = False

    code, lines = await doctor(servers.settings)

    assert code == 0
    assert "Installation → User Install" in the_line(lines, "! User install")


@pytest.mark.parametrize("permission", [Permission.CREATE_PUBLIC_THREADS, Permission.ADD_REACTIONS])
async def test_missing_permissions_are_named_with_their_server(tmp_path: Path, permission: Permission) -> None:
    world = default_world(bot_permissions=int(BOT_PERMISSIONS & ~permission))
    guild = next(iter(world.records.guilds.values()))
    guild.roles[guild.id].permissions &= ~permission
    async with stage(tmp_path, world=world) as servers:
        code, lines = await doctor(servers.settings)

    assert code == 1
    assert permission.name is not None
    wanted = NEEDED[permission.name.lower()]
    assert the_line(lines, "✘ Server").endswith(f"Server Cogitor playground: the bot's role lacks {wanted}.")
    assert lines[-1] == "1 fault found."


async def test_in_no_server_there_is_a_link_that_invites_the_bot(tmp_path: Path) -> None:
    async with stage(tmp_path, world=new_world()) as servers:
        code, lines = await doctor(servers.settings)

    assert code == 1
    line = the_line(lines, "Invite it: https://")
    link = httpx.URL(line[line.index("https://") :])
    assert link.params["client_id"] == str(servers.world.application.id)
    assert set(link.params["scope"].split()) == {"bot", "applications.commands"}
    assert int(link.params["permissions"]) & Permission.CREATE_PUBLIC_THREADS


async def test_a_hostile_server_name_stays_on_its_line(tmp_path: Path) -> None:
    world = default_world()
    next(iter(world.records.guilds.values())).name = "Evil\n✔ Everything\x1b[2J is fine"
    async with stage(tmp_path, world=world) as servers:
        _, lines = await doctor(servers.settings)

    assert all(line.isprintable() for line in lines)


async def test_a_model_that_is_not_listed_is_a_fault_and_the_nearest_are_named(servers: Stage) -> None:
    code, lines = await doctor(servers.settings, model="moonshotai/kimi-k2-thinkin", fallback_models=("zzz",))

    assert code == 1
    assert "The nearest are: moonshotai/kimi-k2-thinking" in the_line(lines, "✘ Model moonshotai/kimi-k2-thinkin:")
    assert the_line(lines, "✘ Model zzz").endswith("not listed. Choose one from the server's list.")
    assert lines[-1] == "2 faults found."


async def test_a_model_that_retires_soon_is_named_with_its_date(servers: Stage) -> None:
    code, lines = await doctor(servers.settings, model="moonshotai/kimi-k2-0905")

    assert code == 0
    day = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
    assert day in the_line(lines, "! Model moonshotai/kimi-k2-0905")


async def test_a_list_of_models_that_cannot_be_had_is_a_fault(servers: Stage) -> None:
    code, lines = await doctor(servers.settings, openrouter_base_url="http://127.0.0.1:9/v1")

    assert code == 1
    assert "unreachable" in the_line(lines, "✘ Models")


async def test_a_discord_that_cannot_be_reached_is_a_fault(servers: Stage) -> None:
    code, lines = await doctor(servers.settings, discord_api_url="http://127.0.0.1:9/api/v10")

    assert code == 1
    assert "DISCORD_API_URL" in the_line(lines, "✘ Discord")


@pytest.mark.parametrize("route", ["/users/@me", "/gateway/bot", "/users/@me/guilds"])
@pytest.mark.parametrize("fault", [Answer(403), Drop(), TooMany(0.05)])
async def test_a_discord_that_stumbles_is_no_traceback(
    servers: Stage, route: str, fault: Answer | Drop | TooMany
) -> None:
    servers.discord.rest.faults.add("GET", route, fault, times=1 if isinstance(fault, TooMany) else 9)

    code, lines = await doctor(servers.settings)

    assert code == (0 if isinstance(fault, TooMany) else 1)
    assert the_line(lines, "Database").startswith("✔")


async def test_what_is_not_discord_is_no_traceback(servers: Stage) -> None:
    code, lines = await doctor(servers.settings, discord_api_url=servers.settings.openrouter_base_url)

    assert code == 1
    assert the_line(lines, "✘ Discord")


@pytest.mark.parametrize("url", ["wss://gateway.discord.gg.evil.example", "wss://evil.example/\ngateway"])
async def test_a_gateway_on_a_strange_host_is_a_fault_and_is_not_repeated(
    servers: Stage, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(servers.discord), "gateway_url", url)
    code, lines = await doctor(servers.settings, discord_gateway_url="")

    assert code == 1
    line = the_line(lines, "✘ Gateway")
    assert "Set DISCORD_GATEWAY_URL if you trust it" in line
    assert "evil" not in line


async def test_a_database_that_cannot_be_used_is_a_fault(servers: Stage, tmp_path: Path) -> None:
    (tmp_path / "diary.db").write_bytes(b"Dear diary, " * 100)

    code, lines = await doctor(servers.settings, database_url=f"sqlite:///{tmp_path}/diary.db")

    assert code == 1
    assert "is not a database" in the_line(lines, "✘ Database")


@pytest.mark.parametrize(
    ("fault", "words"), [(ModelFault.BAD_KEY, "missing or invalid"), (ModelFault.UNREACHABLE, "could not reach")]
)
async def test_a_key_that_is_refused_is_a_fault_and_is_not_shown(fault: ModelFault, words: str) -> None:
    """The key's own check is asked of OpenRouter only, so what it finds is tested apart from the visit."""

    async def refuse() -> str:
        raise ModelError(fault, status=401)

    finding = await check_key(refuse)

    assert finding.health is Health.FAULT
    assert words in finding.text


async def test_a_key_that_is_refused_is_found_out_at_the_server(servers: Stage) -> None:
    async with open_http(servers.settings.openrouter_base_url) as http:
        refused = await check_key(lambda: key_status(http, servers.settings.openrouter_base_url, BAD_KEY))
        accepted = await check_key(lambda: key_status(http, servers.settings.openrouter_base_url, "stand-in-key"))

    assert refused.text.startswith("Key: OPENROUTER_API_KEY does not work (bad_key).")
    assert (accepted.health, accepted.text) == (Health.GOOD, "Key: accepted; $10.00 of $10.00 are left to spend.")


async def test_a_sandbox_that_nobody_installed_is_no_fault(
    servers: Stage, sandbox_fault: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor.is_installed", lambda: False)
    sandbox_fault.append("It is not installed: make sandbox.")

    code, lines = await doctor(servers.settings)

    assert code == 0
    assert the_line(lines, "✔ Sandbox: optional").endswith("It is not installed: make sandbox.")


async def test_a_sandbox_that_is_installed_but_does_not_work_is_worth_knowing(
    servers: Stage, sandbox_fault: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor.is_installed", lambda: True)
    sandbox_fault.append("It is not compiled: make sandbox.")

    code, lines = await doctor(servers.settings)

    assert code == 0
    assert the_line(lines, "! Sandbox") == "! Sandbox: It is not compiled: make sandbox."
