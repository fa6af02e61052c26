"""Arrows point from Discord inward: which module may import what, read from the code itself."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ALLOWED: dict[str, tuple[str, ...]] = {
    "discord": (
        "cogs/",
        "bot/client.py",
        "bot/posting.py",
        "bot/shelves.py",
        "bot/wishes.py",
        "bot/in_place.py",
        "bot/refusals.py",
        "bot/widgets.py",
        "bot/app.py",
        "bot/bulletins.py",
        "bot/doctor.py",
        "bot/thread_names.py",
    ),
    "httpx": ("bot/openrouter/", "bot/tools/"),
    "httpx_sse": ("bot/openrouter/",),
    "sqlalchemy": ("bot/store/", "migrations/"),
    "alembic": ("bot/store/", "migrations/"),
    "aiosqlite": ("bot/store/",),
    "matplotlib": ("bot/render/pen.py",),
    "cryptography": ("bot/cipher.py",),
    "markdown_it": ("bot/export/",),
    "pygments": ("bot/export/",),
    "asyncpg": ("bot/store/",),
    "aiohttp": (
        "bot/playground/",
        "bot/bulletins.py",
        "bot/health.py",
        "bot/client.py",
        "bot/meter.py",
        "bot/posting.py",
        "bot/refusals.py",
        "bot/shelves.py",
        "bot/app.py",
        "bot/doctor.py",
        "bot/thread_names.py",
        "bot/openrouter/transport.py",
        "bot/tools/download.py",
        "cogs/",
    ),
    "mcp": ("bot/tools/mcp_session.py", "bot/tools/mcp_results.py", "bot/tools/mcp.py"),
    "httpx2": ("bot/tools/mcp_session.py",),
    "selectolax": ("bot/readable/document.py",),
    "cogs": ("cogs/",),
    "bot.playground": ("bot/playground/", "bot/__main__.py"),
}

PURE = (
    "bot/address.py",
    "bot/allowance.py",
    "bot/annotations.py",
    "bot/assemble.py",
    "bot/attachments.py",
    "bot/audience.py",
    "bot/audit_words.py",
    "bot/choosing.py",
    "bot/context.py",
    "bot/deciding.py",
    "bot/data_policy.py",
    "bot/earlier.py",
    "bot/effort.py",
    "bot/errors.py",
    "bot/events.py",
    "bot/failing.py",
    "bot/finding.py",
    "bot/guild.py",
    "bot/incoming.py",
    "bot/leaks.py",
    "bot/limits.py",
    "bot/limit_words.py",
    "bot/marks.py",
    "bot/messages.py",
    "bot/model.py",
    "bot/panel.py",
    "bot/panel_items.py",
    "bot/persona.py",
    "bot/pictures.py",
    "bot/pieces.py",
    "bot/pressing.py",
    "bot/readable/invisible.py",
    "bot/readable/kinds.py",
    "bot/readable/writer.py",
    "bot/reasoning.py",
    "bot/setting_values.py",
    "bot/setting_words.py",
    "bot/sandbox/disk.py",
    "bot/sandbox/produced.py",
    "bot/sight.py",
    "bot/spending.py",
    "bot/spending_csv.py",
    "bot/starting.py",
    "bot/titles.py",
    "bot/toolless.py",
    "bot/traces.py",
    "bot/window.py",
    "bot/written_calls.py",
)
PURE_MAY = {
    "bot.annotations",
    "bot.choosing",
    "bot.context",
    "bot.deciding",
    "bot.effort",
    "bot.errors",
    "bot.events",
    "bot.finding",
    "bot.guild",
    "bot.incoming",
    "bot.limits",
    "bot.marks",
    "bot.messages",
    "bot.model",
    "bot.panel",
    "bot.panel_items",
    "bot.pictures",
    "bot.pieces",
    "bot.reasoning",
    "bot.setting_values",
    "bot.setting_words",
    "bot.sight",
    "bot.spending",
    "bot.window",
    "bot.written_calls",
    "pydantic",
}
STANDARD = sys.stdlib_module_names
RENDER_MAY = PURE_MAY | {"bot.render", "matplotlib"}
EXPORT_MAY = PURE_MAY | {"bot.apart", "bot.export", "bot.render", "bot.store.codec", "markdown_it", "pygments"}

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


@pytest.mark.parametrize("source", [source for source in SOURCES if source.startswith("bot/export/")])
def test_exporting_knows_only_turns_and_formats(source: str) -> None:
    for module in imports(source):
        if is_in(module, {"bot"}) or module.split(".")[0] not in STANDARD:
            assert is_in(module, EXPORT_MAY), f"{source} may not import {module}"


@pytest.mark.parametrize("source", ["bot/render/chart.py", "bot/render/pen.py", "bot/render/usage_chart.py"])
def test_pictures_are_drawn_without_anything_that_is_shared_or_slow_to_start(source: str) -> None:
    """pyplot keeps figures in the module; and matplotlib takes a second to import, which a start need not."""
    module = ast.parse((ROOT / source).read_text())
    at_start = [ast.unparse(node) for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any("matplotlib" in line for line in at_start)
    assert not any("pyplot" in name for name in imports(source))
