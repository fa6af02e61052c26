"""How the database is reached: URLs, connections, transactions, and what can be wrong with them.

Knows nothing of tables. All text here is written for the operator, and none of
it contains a password.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import aiosqlite
from sqlalchemy import URL, AsyncAdaptedQueuePool, Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.errors import ConfigError

_P = ParamSpec("_P")
_T = TypeVar("_T")

_BUSY_SECONDS = 5.0
_POSTGRES_CONNECT_SECONDS = 10.0
_POSTGRES_QUERY_SECONDS = 30.0
_SQLITE_READERS = 4
_THREAD_SECONDS = 1.0

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers never wait for the writer
    "PRAGMA synchronous=NORMAL",  # safe in WAL: a power cut may cost the last commits, never the file
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what is deleted is overwritten
)


@dataclass(frozen=True, slots=True)
class Engines:
    """Where to read, where to write, and where to do both.

    What reads sees one moment, however many queries it takes.
    """

    reader: AsyncEngine
    writer: AsyncEngine
    copier: AsyncEngine

    async def close(self) -> None:
        await self.reader.dispose()
        await self.writer.dispose()


def parse_url(database_url: str) -> URL:
    """DATABASE_URL with its asynchronous driver. Raises ConfigError."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "DATABASE_URL is malformed: use sqlite:///path/to/file.db or postgresql://user:password@host/database."
        ) from None
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    if "sslmode" in url.query:  # libpq's word, which asyncpg's dialect calls ssl
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})
    return url.set(drivername="postgresql+asyncpg")


def create_engines(url: URL) -> Engines:
    """Connect lazily to a parsed URL. Raises ConfigError."""
    try:
        return _sqlite_engines(url) if url.get_backend_name() == "sqlite" else _postgres_engines(url)
    except (TypeError, ValueError) as error:  # an option in the URL that is not what it should be
        raise explain(url, error) from None


def explain(url: URL, error: Exception) -> ConfigError:
    """What the operator should know of an error that opening the database raised."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if url.get_backend_name() == "sqlite":
        return _explain_sqlite(url, cause)
    return _explain_postgres(url, cause)


def _sqlite_engines(url: URL) -> Engines:
    """One connection writes, so that writes queue here, in order, instead of failing as locked; a few read.

    Each write takes the lock as it begins: a transaction that reads first and
    then writes could otherwise find another process ahead of it.
    """
    if not url.database or url.database == ":memory:":
        raise ConfigError(
            "DATABASE_URL names a database in memory, which forgets everything: use sqlite:///path/to/file.db."
        )
    _create_folder(url, url.database)
    writer = _sqlite_engine(url, connections=1, begin="BEGIN IMMEDIATE")
    return Engines(_sqlite_engine(url, connections=_SQLITE_READERS, begin="BEGIN"), writer, copier=writer)


def _sqlite_engine(url: URL, *, connections: int, begin: str) -> AsyncEngine:
    args, options = url.get_dialect()().create_connect_args(url)
    options = {"timeout": _BUSY_SECONDS, **options, "isolation_level": None}

    async def connect() -> aiosqlite.Connection:
        opening = aiosqlite.connect(*args, **options)
        try:
            connection = await opening
        except BaseException:
            # aiosqlite does not wait for its thread here, which must not outlive the event loop that it reports to.
            await asyncio.to_thread(opening._thread.join, _THREAD_SECONDS)  # pyright: ignore[reportPrivateUsage]
            raise
        try:
            for pragma in _PRAGMAS:
                await connection.execute(pragma)
        except BaseException:
            await connection.close()
            raise
        return connection

    engine = create_async_engine(
        url,
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_reset_on_return=None,  # each transaction sees to its own end, and a rollback costs a hop between threads
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
    )

    # The driver's own transactions begin too late, and not at all for DDL.
    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction] - registered by the decorator
        connection.exec_driver_sql(begin)

    return engine


def _create_folder(url: URL, file: str) -> None:
    if "uri" in url.query:  # the path is a SQLite URI, and its folder is the operator's business
        return
    folder = Path(file).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"DATABASE_URL: the folder {folder} cannot be created ({error.strerror}): "
            "make it writable, or choose another path."
        ) from None


def _postgres_engines(url: URL) -> Engines:
    try:
        writer = create_async_engine(
            url,
            connect_args={"timeout": _POSTGRES_CONNECT_SECONDS, "command_timeout": _POSTGRES_QUERY_SECONDS},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        raise ConfigError(
            "DATABASE_URL names PostgreSQL, whose driver is not installed: install the postgres extra "
            "(uv sync --extra postgres), or use sqlite:///path/to/file.db."
        ) from None
    still = writer.execution_options(isolation_level="REPEATABLE READ")
    return Engines(still, writer, copier=still)


def _explain_sqlite(url: URL, cause: BaseException) -> ConfigError:
    about = f"DATABASE_URL: the file {url.database}"
    match getattr(cause, "sqlite_errorcode", 0) & 0xFF:  # the low byte is the kind, the rest its detail
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ConfigError(f"{about} is locked by another process: stop the other Cogitor, or use another file.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return ConfigError(f"{about} cannot be written: make it and its folder writable, or choose another path.")
        case sqlite3.SQLITE_CANTOPEN:
            return ConfigError(
                f"{about} cannot be opened: check that the path names a file, in a folder that may be written."
            )
        case sqlite3.SQLITE_NOTADB:
            return ConfigError(f"{about} is not a database: move it away, or choose another path.")
        case sqlite3.SQLITE_CORRUPT:
            return ConfigError(f"{about} is damaged: restore a backup, or move it away to start afresh.")
        case sqlite3.SQLITE_FULL:
            return ConfigError(f"{about} cannot grow: the disk is full. Make room and start again.")
        case _:
            return ConfigError(f"{about} cannot be used ({type(cause).__name__}): check path, options and disk.")


def _explain_postgres(url: URL, cause: BaseException) -> ConfigError:
    about = f"DATABASE_URL: PostgreSQL at {url.host or 'localhost'}:{url.port or 5432}"
    if isinstance(cause, OSError):  # refused, unknown name, timed out
        return ConfigError(f"{about} cannot be reached: check host and port, and that the server is running.")
    match str(getattr(cause, "sqlstate", None) or getattr(cause.__cause__, "sqlstate", "")):
        case "28P01" | "28000":
            return ConfigError(f"{about} refuses this user or password: correct them in DATABASE_URL.")
        case "3D000":
            return ConfigError(f"{about} has no database named {url.database}: create it, or correct the name.")
        case "42501":
            return ConfigError(f"{about} does not let this user create tables: grant it CREATE on its schema.")
        case "25006":
            return ConfigError(f"{about} only lets this program read: name the primary server instead of a replica.")
        case "53300":
            return ConfigError(f"{about} has no connection left: raise max_connections, or stop other clients.")
        case sqlstate:
            detail = sqlstate or type(cause).__name__
            return ConfigError(f"{about} cannot be used (error {detail}): check DATABASE_URL and the server's log.")
