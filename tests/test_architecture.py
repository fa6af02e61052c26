"""Arrows point from Discord inward: which module may import what, read from the code itself."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ALLOWED: dict[str, tuple[str, ...]] = {
    "discord": ("cogs/", "bot/client.py", "bot/posting.py", "bot/app.py", "bot/doctor.py"),
    "httpx": ("bot/openrouter/", "bot/tools/"),
    "httpx_sse": ("bot/openrouter/",),
    "sqlalchemy": ("bot/store/", "migrations/"),
    "alembic": ("bot/store/", "migrations/"),
    "aiosqlite": ("bot/store/",),
    "asyncpg": ("bot/store/",),
    "aiohttp": (
        "bot/playground/",
        "bot/health.py",
        "bot/client.py",
        "bot/meter.py",
        "bot/posting.py",
        "bot/app.py",
        "bot/doctor.py",
        "bot/openrouter/transport.py",
        "cogs/",
    ),
    "cogs": ("cogs/",),
    "bot.playground": ("bot/playground/", "bot/__main__.py"),
}

PURE = (
    "bot/address.py",
    "bot/assemble.py",
    "bot/choosing.py",
    "bot/context.py",
    "bot/effort.py",
    "bot/errors.py",
    "bot/events.py",
    "bot/finding.py",
    "bot/guild.py",
    "bot/incoming.py",
    "bot/leaks.py",
    "bot/marks.py",
    "bot/messages.py",
    "bot/model.py",
    "bot/persona.py",
    "bot/pieces.py",
    "bot/reasoning.py",
    "bot/written_calls.py",
)
PURE_MAY = {
    "bot.errors",
    "bot.events",
    "bot.marks",
    "bot.messages",
    "bot.model",
    "bot.pieces",
    "bot.reasoning",
    "bot.written_calls",
    "pydantic",
}
STANDARD = sys.stdlib_module_names
RENDER_MAY = PURE_MAY | {"bot.render"}

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("bot", "cogs", "migrations")
    for path in (ROOT / folder).rglob("*.py")
)


def imports(source: str) -> set[str]:
    """Every absolute module name that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} imports relatively"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_in(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("source", SOURCES)
def test_a_library_is_imported_only_where_it_belongs(source: str) -> None:
    for library, places in ALLOWED.items():
        if any(is_in(module, {library}) for module in imports(source)):
            assert source.startswith(places), f"{source} may not import {library}"


@pytest.mark.parametrize("source", PURE)
def test_the_middle_knows_only_itself(source: str) -> None:
    for module in imports(source):
        if is_in(module, {"bot"}) or module.split(".")[0] not in STANDARD:
            assert is_in(module, PURE_MAY), f"{source} may not import {module}"


@pytest.mark.parametrize("source", [source for source in SOURCES if source.startswith("bot/render/")])
def test_rendering_knows_only_events_and_itself(source: str) -> None:
    for module in imports(source):
        if is_in(module, {"bot"}) or module.split(".")[0] not in STANDARD:
            assert is_in(module, RENDER_MAY), f"{source} may not import {module}"
