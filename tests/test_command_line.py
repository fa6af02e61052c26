"""The command line as an operator meets it: a process with a clean environment, in an empty folder."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sqlite3
import time
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from bot import __version__
from bot.__main__ import without_traceback
from bot.playground.app import KeptWorld, kept_secret
from bot.playground.model import ModelServer
from bot.store import Store
from tests.command_line import (
    KEY,
    NOWHERE,
    PATIENCE,
    ROOT,
    TOKEN,
    UNPRIVILEGED,
    end_of,
    holds_anything,
    needs_permissions,
    one_line,
    playground,
    run,
    start,
)


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, ["DISCORD_TOKEN"]),
        ({"DISCORD_TOKEN": TOKEN}, ["OPENROUTER_API_KEY"]),
        ({"DISCORD_TOKEN": KEY}, ["DISCORD_TOKEN"]),
        ({"DISCORD_TOKEN": TOKEN, "OPENROUTER_API_KEY": KEY, "LOG_LEVEL": "loud"}, ["LOG_LEVEL"]),
        (
            {"HEALTH_PORT": "many", "OWNER_IDS": "Ada", "DATABASE_URL": TOKEN},
            ["DATABASE_URL", "HEALTH_PORT", "OWNER_IDS"],
        ),
    ],
)
async def test_each_setting_at_fault_is_one_line_on_standard_error(
    tmp_path: Path, environment: dict[str, str], names: list[str]
) -> None:
    ended = await run(tmp_path, **environment)

    assert ended.code == 1
    assert [line.split()[0] for line in ended.lines] == names
    assert ended.out == ""


@pytest.mark.parametrize("content", [b"MODEL=\xff\xfe\n", b"\xff\xfeM\0O\0"])
async def test_a_dotenv_file_that_is_not_utf_8_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)

    assert one_line(await run(tmp_path)).startswith(".env cannot be read")


@needs_permissions
async def test_a_dotenv_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DISCORD_TOKEN={TOKEN}")
    (tmp_path / ".env").chmod(0)

    assert one_line(await run(tmp_path, prefix=UNPRIVILEGED)).startswith(".env cannot be read")


async def test_help_and_version_need_no_settings(tmp_path: Path) -> None:
    helped, versioned = await run(tmp_path, "--help", LOG_LEVEL="loud"), await run(tmp_path, "--version")

    assert (helped.code, helped.err) == (0, "")
    assert all(command in helped.out for command in ("run", "playground", "doctor"))
    assert (versioned.code, versioned.out) == (0, f"Cogitor {__version__}\n")


def test_the_package_says_the_same_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


@pytest.mark.parametrize("arguments", [("dance",), ("playground", "--port", "99999"), ("playground", "--port", "-1")])
async def test_a_mistyped_command_is_explained(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = await run(tmp_path, *arguments)

    assert ended.code == 2
    assert ended.lines[0].startswith("usage: python -m bot")


async def test_the_playground_will_not_see_a_real_token(tmp_path: Path) -> None:
    assert "run DISCORD_TOKEN= make play" in one_line(await run(tmp_path, "playground", DISCORD_TOKEN=TOKEN))
    assert not holds_anything(tmp_path)


async def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])

        line = one_line(await run(tmp_path, "playground", "--port", port))

    assert f"port {port}" in line
    assert "--port" in line


async def test_a_health_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = str(other.getsockname()[1])

        line = one_line(
            await run(
                tmp_path,
                DISCORD_TOKEN=TOKEN,
                OPENROUTER_BASE_URL=NOWHERE,
                DISCORD_API_URL=NOWHERE,
                HEALTH_PORT=port,
                LOG_LEVEL="ERROR",
            )
        )

    assert line.startswith(f"HEALTH_PORT names port {port}")


async def test_a_playground_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "playground").touch()

    assert "cannot use its folder data/playground" in one_line(await run(tmp_path, "playground", "--port", "0"))


async def test_a_terminal_that_cannot_show_every_character_stops_nothing(tmp_path: Path) -> None:
    ended = await run(
        tmp_path,
        "doctor",
        PYTHONIOENCODING="ascii",
        DISCORD_API_URL=NOWHERE,
        OPENROUTER_BASE_URL=NOWHERE,
        DATABASE_URL="sqlite:///cogitor.db",
    )

    assert ended.code == 1
    assert "Database: open" in ended.out


async def test_the_playground_prints_one_url_and_serves_its_page_on_loopback_only(tmp_path: Path) -> None:
    async with playground(tmp_path) as running:
        async with running.session.get(running.url) as page:
            assert page.status == 200
            assert page.content_type == "text/html"
        port = int(running.url.rstrip("/").rpartition(":")[2])
        with pytest.raises(ConnectionRefusedError):  # this machine's other address, where a wider listener would answer
            await asyncio.wait_for(asyncio.open_connection("127.0.0.2", port), PATIENCE)
        assert (await running.get("play/start"))["model"] == {"label": "Stand-in model (scripted)", "stand_in": True}
    kept = KeptWorld(tmp_path / "data" / "playground" / "world.json")
    assert kept.world.records.commands  # nobody said anything, but what the bot published is kept with its database


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_a_signal_ends_the_playground_cleanly_within_seconds(tmp_path: Path, name: str) -> None:
    async with playground(tmp_path) as running:
        running.process.send_signal(signal.Signals[name])
        async with asyncio.timeout(5):
            await running.process.wait()


def wait_for_imports(pid: int) -> None:
    """Return once a process has loaded pydantic's extension: then it is in the middle of its imports."""
    deadline = time.monotonic() + PATIENCE
    while "pydantic_core" not in Path(f"/proc/{pid}/maps").read_text():
        assert time.monotonic() < deadline, "the process never began to import"
        time.sleep(0.001)


async def test_ctrl_c_during_the_start_leaves_no_traceback(tmp_path: Path) -> None:
    process = await start(tmp_path, "playground", "--port", "0")
    if not Path("/proc/self/maps").exists():  # noqa: ASYNC240 - /proc is memory
        pytest.skip("only Linux tells from outside how far a start has come")
    await asyncio.to_thread(wait_for_imports, process.pid)
    process.send_signal(signal.SIGINT)

    ended = await end_of(process)

    assert ended.err == ""


async def test_a_second_start_finds_the_earlier_conversations(tmp_path: Path) -> None:
    async with playground(tmp_path) as running:
        start_view = await running.get("play/start")
        ada, bot = start_view["users"][0]["id"], start_view["bot"]["id"]
        general = next(item["id"] for item in await running.get("play/channels", user=ada) if item["name"] == "general")
        await running.say(ada, general, f"<@{bot}> remember the milk")
        thread = await running.until_thread(ada, "remember the milk")

    async with playground(tmp_path) as running:
        assert thread["id"] in [item["id"] for item in await running.get("play/channels", user=ada)]
        await running.say(ada, thread["id"], "what did I ask before")
        shown = await running.until_shown(ada, thread["id"], "This is what you asked before")
        assert "> remember the milk" in shown or "remember the milk" in shown.partition("asked before")[2]


async def test_a_damaged_world_does_not_stop_the_playground(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "playground"
    folder.mkdir(parents=True)
    (folder / "world.json").write_bytes(b'{"users": {"1"')

    async with playground(tmp_path) as running:
        assert len((await running.get("play/start"))["guilds"]) == 1

    assert (folder / "world.unreadable").read_bytes() == b'{"users": {"1"'
    assert KeptWorld(folder / "world.json").world.records.guilds


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[1, 2]", b'{"users": {}}', b"[" * 100_000])
def test_a_damaged_world_is_set_aside_and_said_so(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "world.json").write_bytes(damage)

    kept = KeptWorld(tmp_path / "world.json")

    assert len(kept.world.records.guilds) == 1
    assert (tmp_path / "world.unreadable").read_bytes() == damage
    assert "world.unreadable" in caplog.text


def test_a_world_that_the_disk_refuses_is_saved_with_the_next_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = KeptWorld(tmp_path / "world.json")
    channel = kept.world.open_dm(kept.world.application.owner_id, kept.world.bot_id)
    (tmp_path / "world.new").mkdir()
    kept.save()
    assert "could not be saved" in caplog.text

    (tmp_path / "world.new").rmdir()
    kept.world.type_in(kept.world.application.owner_id, channel.id)
    kept.save()

    assert channel.id in KeptWorld(tmp_path / "world.json").world.records.channels


async def test_another_model_server_is_used_instead_of_the_stand_in_and_the_page_says_so(tmp_path: Path) -> None:
    async with (
        ModelServer(speed=float("inf")) as model,
        playground(tmp_path, OPENROUTER_BASE_URL=model.base_url, OPENROUTER_API_KEY=KEY, TITLES="false") as running,
    ):
        start_view = await running.get("play/start")
        assert start_view["model"] == {"label": "kimi-k2-thinking", "stand_in": False}
        ada, bot = start_view["users"][0]["id"], start_view["bot"]["id"]
        general = next(item["id"] for item in await running.get("play/channels", user=ada) if item["name"] == "general")
        await running.say(ada, general, f"<@{bot}> who are you")
        await running.until_thread(ada, "who are you")
        assert len(model.requests) == 1


async def database_fault(tmp_path: Path, url: str, *, prefix: tuple[str, ...] = ()) -> str:
    line = one_line(
        await run(
            tmp_path,
            prefix=prefix,
            DISCORD_TOKEN=TOKEN,
            OPENROUTER_API_KEY=KEY,
            DISCORD_API_URL=NOWHERE,
            OPENROUTER_BASE_URL=NOWHERE,
            DATABASE_URL=url,
        )
    )
    assert line.startswith("DATABASE_URL")
    return line


async def make_database(tmp_path: Path) -> Path:
    path = tmp_path / "cogitor.db"
    await (await Store.open(f"sqlite:///{path}")).close()
    return path


@needs_permissions
async def test_a_read_only_database_file_stops_the_start_with_one_line(tmp_path: Path) -> None:
    path = await make_database(tmp_path)
    path.chmod(0o400)

    assert "cannot be written" in await database_fault(tmp_path, f"sqlite:///{path}", prefix=UNPRIVILEGED)


@needs_permissions
async def test_a_read_only_database_folder_stops_the_start_with_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)

    line = await database_fault(tmp_path, "sqlite:///data/cogitor.db", prefix=UNPRIVILEGED)

    assert "cannot be opened" in line


async def test_a_database_that_another_process_holds_stops_the_start_with_one_line(tmp_path: Path) -> None:
    path = await make_database(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked by another process" in await database_fault(tmp_path, f"sqlite:///{path}?timeout=0.01")


async def test_a_database_of_a_newer_version_stops_the_start_with_one_line(tmp_path: Path) -> None:
    path = await make_database(tmp_path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")

    assert "newer Cogitor" in await database_fault(tmp_path, f"sqlite:///{path}")


async def test_a_file_that_is_no_database_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "cogitor.db").write_bytes(b"Dear diary, " * 100)

    assert "is not a database" in await database_fault(tmp_path, "sqlite:///cogitor.db")


def test_an_error_that_a_library_logs_is_named_without_its_text() -> None:
    try:
        raise ValueError(KEY)
    except ValueError as error:
        record = logging.LogRecord("discord", logging.ERROR, "", 0, "retry in %s s", (2,), (ValueError, error, None))

    assert without_traceback(record)

    shown = logging.Formatter("%(message)s").format(record)
    assert shown.startswith("retry in 2 s (ValueError at test_command_line.py:")
    assert "\n" not in shown


def test_the_playgrounds_secret_is_the_same_the_next_day_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = kept_secret(path)
    assert len(first.get_secret_value()) >= 32
    assert kept_secret(path) == first
    assert path.stat().st_mode & 0o077 == 0
    assert kept_secret(tmp_path / "no folder" / "secret").get_secret_value() == ""
