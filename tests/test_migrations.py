"""The migrations and the tables say the same, and every database gets there."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, MetaData, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store import Store
from bot.store.connect import create_engines, parse_url
from bot.store.migrate import MIGRATIONS, migrate
from bot.store.tables import metadata, notes
from tests.databases import Queries, rows

pytest_plugins = ["tests.database_fixtures"]

BROKEN = """
revision = "9999"
down_revision = "{head}"

def upgrade():
    raise ArithmeticError
"""


async def differences(database_url: str, wanted: MetaData) -> list[object]:
    """What is still to be done to give a database the `wanted` tables."""

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, wanted)

    engine = create_async_engine(parse_url(database_url))
    try:
        async with engine.connect() as db:
            return await db.run_sync(compare)
    finally:
        await engine.dispose()


async def test_the_migrations_make_the_tables(store: Store, database_url: str) -> None:
    assert await differences(database_url, metadata) == []


async def test_the_comparison_sees_a_missing_column(store: Store, database_url: str) -> None:
    """Without this, the test above could pass by comparing nothing."""
    wanted = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(wanted)
    wanted.tables["notes"].append_column(Column("extra", Integer))
    assert [change[0] for change in await differences(database_url, wanted)] == ["add_column"]  # pyright: ignore


async def test_deleted_rows_take_theirs_along_in_every_table(store: Store, database_url: str) -> None:
    """Which the comparison does not see on SQLite: ON DELETE CASCADE."""

    def cascades(connection: Connection) -> dict[str, list[str | None]]:
        found = inspect(connection)
        return {
            name: [key["options"].get("ondelete") for key in found.get_foreign_keys(name)]
            for name in found.get_table_names()
            if found.get_foreign_keys(name)
        }

    engine = create_async_engine(parse_url(database_url))
    async with engine.connect() as db:
        found = await db.run_sync(cascades)
    await engine.dispose()
    assert found == {
        name: ["CASCADE"] for name in ("turns", "said", "files", "steps", "pages", "quotes", "quoted", "unshown")
    }


async def test_opening_an_up_to_date_database_changes_nothing(database_url: str) -> None:
    store = await Store.open(database_url)
    await store.set_note("key", "value")
    await store.close()
    with Queries() as sent:
        store = await Store.open(database_url)
    await store.close()
    assert sent
    assert not [statement for statement in sent if statement.lstrip().startswith(("CREATE", "ALTER", "INSERT"))]
    assert await rows(database_url, notes) == [{"key": "key", "value": "value"}]


async def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    stores = await asyncio.gather(*(Store.open(database_url) for _ in range(4)))
    for store in stores:
        await store.close()
    assert await differences(database_url, metadata) == []


async def test_a_migration_that_fails_leaves_nothing_behind(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing, so that the next start can try again."""
    broken = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, broken)
    last = broken / "versions" / "9999_broken.py"
    last.write_text(BROKEN.format(head=ScriptDirectory(str(MIGRATIONS)).get_current_head()))
    engines = create_engines(parse_url(database_url))
    try:
        with monkeypatch.context() as patch, pytest.raises(ArithmeticError):
            patch.setattr("bot.store.migrate.MIGRATIONS", broken)
            await migrate(engines.writer)
        async with engines.reader.connect() as db:
            assert await db.run_sync(lambda connection: inspect(connection).get_table_names()) == []
    finally:
        await engines.close()
    await (await Store.open(database_url)).close()


async def test_the_working_directory_does_not_matter(sqlite_url: str, tmp_path: Path) -> None:
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        store = await Store.open(sqlite_url)
    finally:
        os.chdir(before)
    await store.close()


def test_migrations_form_one_line_and_go_forward_only() -> None:
    config = Config(MIGRATIONS / "alembic.ini")
    script = ScriptDirectory.from_config(config)
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert not hasattr(revision.module, "downgrade")
        assert "bot.store" not in Path(revision.path).read_text()
