"""What the operator is told when the database cannot be used: one line with the remedy, never a password."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from bot.errors import ConfigError
from bot.store import Store

pytest_plugins = ["tests.database_fixtures"]


async def refusal(database_url: str) -> str:
    """The line that the operator reads when this database cannot be opened."""
    with pytest.raises(ConfigError) as caught:
        await Store.open(database_url)
    line = str(caught.value)
    assert line.startswith("DATABASE_URL")
    assert line.endswith(".")
    assert "\n" not in line
    return line


async def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/new/folder/cogitor.db")
    await store.close()
    assert (tmp_path / "new/folder/cogitor.db").exists()


async def test_sqlite_writes_ahead_so_that_readers_do_not_wait(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/cogitor.db")
    await store.close()
    with closing(sqlite3.connect(tmp_path / "cogitor.db")) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:/x", "postgresql://host:port/name"])
async def test_a_malformed_url(url: str) -> None:
    assert "malformed" in await refusal(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
async def test_a_database_in_memory_would_forget_everything(url: str) -> None:
    assert "in memory" in await refusal(url)


async def test_an_option_that_sqlite_cannot_read(sqlite_url: str) -> None:
    assert "check path, options and disk" in await refusal(f"{sqlite_url}?timeout=soon")


async def test_a_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = await refusal(f"sqlite:///{tmp_path}/file/below/cogitor.db")
    assert f"{tmp_path}/file/below cannot be created" in line


async def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    assert "cannot be opened" in await refusal(f"sqlite:///{tmp_path}")


async def test_a_read_only_file(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/cogitor.db")
    await store.close()
    assert "cannot be written" in await refusal(f"sqlite:///file:{tmp_path}/cogitor.db?mode=ro&uri=true")


@pytest.fixture
def forbidden(tmp_path: Path) -> Path:
    folder = tmp_path / "forbidden"
    folder.mkdir(mode=0o500)
    return folder


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
async def test_a_folder_without_permission_to_write(forbidden: Path) -> None:
    assert "cannot be opened" in await refusal(f"sqlite:///{forbidden}/cogitor.db")


async def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "cogitor.db"
    path.write_bytes(b"Dear diary, " * 1_000)
    assert "is not a database" in await refusal(f"sqlite:///{path}")
    assert path.read_bytes() == b"Dear diary, " * 1_000


@pytest.mark.parametrize("exists", [True, False])
async def test_a_file_that_another_process_holds(tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "cogitor.db"
    if exists:
        await (await Store.open(f"sqlite:///{path}")).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked by another process" in await refusal(f"sqlite:///{path}?timeout=0.01")


async def test_a_sqlite_database_of_a_newer_cogitor(tmp_path: Path) -> None:
    path = tmp_path / "cogitor.db"
    await (await Store.open(f"sqlite:///{path}")).close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer Cogitor" in await refusal(f"sqlite:///{path}")


async def test_a_postgres_database_of_a_newer_cogitor(postgres_url: str) -> None:
    await (await Store.open(postgres_url)).close()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    assert "newer Cogitor" in await refusal(postgres_url)


async def test_a_postgres_server_that_is_not_there() -> None:
    with socket.socket() as unused:  # bound, but nobody listens
        unused.bind(("127.0.0.1", 0))
        line = await refusal(f"postgresql://me:hush@127.0.0.1:{unused.getsockname()[1]}/cogitor")
    assert "cannot be reached" in line
    assert "hush" not in line


async def test_a_postgres_host_without_an_address() -> None:
    assert "cannot be reached" in await refusal("postgresql://me:hush@nowhere.invalid/cogitor")


async def test_a_postgres_database_that_does_not_exist(postgres_url: str) -> None:
    line = await refusal(f"{postgres_url}_not")
    assert "has no database named" in line


async def test_a_wrong_password() -> None:
    """Played by a server that says what PostgreSQL says ("Message Formats", ErrorResponse)."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first[4:] == b"\x04\xd2\x16\x2f":  # SSLRequest
            writer.write(b"N")
            first = await reader.readexactly(8)
        await reader.readexactly(int.from_bytes(first[:4], "big") - 8)
        fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "me"\0\0'
        writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        line = await refusal(f"postgresql://me:hush@127.0.0.1:{port}/cogitor")
    assert "refuses this user or password" in line
    assert "hush" not in line


async def test_an_option_that_postgres_does_not_know(postgres_url: str) -> None:
    assert "cannot be used" in await refusal(f"{postgres_url}?colour=blue")


async def test_sslmode_is_understood_as_other_programs_do(postgres_url: str) -> None:
    await (await Store.open(f"{postgres_url}?sslmode=prefer")).close()


async def test_postgres_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    assert "install the postgres extra" in await refusal("postgresql://me:hush@127.0.0.1/cogitor")
