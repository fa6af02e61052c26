"""Brings a database to the present shape, forward only, when the store opens.

All steps run in one transaction on the store's own connection, and only one
process does it at a time. This module knows nothing of what the tables hold.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.errors import ConfigError

MIGRATIONS = Path(__file__).parents[2] / "migrations"

_LOCK = 0x636F676974  # "cogit": any number that no other program on this database uses


async def migrate(engine: AsyncEngine) -> None:
    """Upgrade to the newest revision. Raises ConfigError when the database is ahead of this program."""
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite's write lock is held already
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present - {revision.revision for revision in script.walk_revisions()}:
        raise ConfigError(
            "DATABASE_URL names a database that a newer Cogitor has used: upgrade Cogitor, or restore a backup."
        )
    if present != set(script.get_heads()):
        command.upgrade(config, "head")
    # SQLite notices a read-only file only at the first write, which should not be somebody's question.
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")
