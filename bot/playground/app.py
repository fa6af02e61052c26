"""What `make play` runs: the embedded Discord, the embedded model where no other is set, and the real bot.

Everything listens on loopback only. The embedded world is kept in a file, so
that conversations are still there the next day. This module knows nothing of how
the bot or the servers work inside.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import SecretStr

from bot.app import App, running
from bot.errors import ConfigError, describe
from bot.model import short_name
from bot.playground.discord.people import PlayStart
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World, default_world
from bot.playground.model import ModelServer
from bot.settings import OPENROUTER_BASE_URL, Settings

log = logging.getLogger(__name__)

FOLDER = Path("data/playground")
WEB_ROOT = Path(__file__).parent / "web"
SAVE_SECONDS = 2.0
STAND_IN_KEY = "stand-in"

ALREADY_SET = (
    "DISCORD_TOKEN is set, but the playground has no use for it and must never see a real token: "
    "run DISCORD_TOKEN= make play."
)


async def play(settings: Settings, *, port: int, folder: Path = FOLDER) -> None:
    """Run the playground until cancelled. Raises ConfigError for what the person who started it must mend."""
    if settings.discord_token.get_secret_value():
        raise ConfigError(ALREADY_SET)
    async with AsyncExitStack() as stack:
        settings, start = await _choose_model(settings, stack)
        kept = KeptWorld(folder / "world.json")
        server = DiscordServer(kept.world, port=port, web_root=WEB_ROOT, start=start)
        await stack.enter_async_context(server)
        await stack.enter_async_context(running(kept.keep()))
        stack.callback(kept.write)
        settings = settings.model_copy(
            update={
                "discord_token": type(settings.discord_token)(server.token),
                "discord_api_url": server.api_url,
                "discord_gateway_url": server.gateway_url,
                "database_url": f"sqlite:///{folder / 'cogitor.db'}",
                "secret_key": settings.secret_key if settings.secret_keys else kept_secret(folder / "secret"),
            }
        )
        print(f"Starting; {start.model_label} answers …", flush=True)  # noqa: T201 - the playground speaks to its person
        await App(settings, on_ready=lambda: _welcome(server.page_url)).run()


class KeptWorld:
    """The embedded world and the file it is kept in. A file that cannot be read is set aside, not overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.world = self._load()
        except OSError as error:
            raise ConfigError(
                f"The playground cannot use its folder {path.parent} ({error.strerror}): "
                "make it a folder that you may write, or start the playground elsewhere."
            ) from None
        self._saved_at = self._changes = 0
        self.world.subscribe(lambda _dispatch: self._note_change())

    async def keep(self) -> None:
        """Save every SAVE_SECONDS while something changes, until cancelled."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            self.save()

    def save(self) -> None:
        """Write the world down if something has happened in it."""
        if self._saved_at != self._changes:
            self._saved_at = self._changes
            self.write()

    def write(self) -> None:
        """Write the world down. What the disk refuses is only logged, for the next change tries again."""
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(self.world.to_json())
            fresh.replace(self._path)
        except OSError as error:
            log.warning("the playground's world could not be saved in %s: %s", self._path, describe(error))

    def _note_change(self) -> None:
        self._changes += 1

    def _load(self) -> World:
        try:
            return World.from_json(self._path.read_bytes())
        except FileNotFoundError:
            return default_world()
        except (ValueError, KeyError, TypeError) as error:
            aside = self._path.with_suffix(".unreadable")
            self._path.replace(aside)
            log.warning("the playground's world could not be read (%s) and is now in %s", describe(error), aside)
            return default_world()


def kept_secret(path: Path) -> SecretStr:
    """A SECRET_KEY of the playground's own, which is the same the next day, so that `/key` can be tried."""
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32))
        return SecretStr(path.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        log.warning("the playground's secret in %s cannot be used: %s", path, describe(error))
        return SecretStr("")


async def _choose_model(settings: Settings, stack: AsyncExitStack) -> tuple[Settings, PlayStart]:
    """The embedded stand-in, unless a key or another endpoint is set."""
    if settings.openrouter_api_key.get_secret_value() or settings.openrouter_base_url != OPENROUTER_BASE_URL:
        return settings, PlayStart(model_label=short_name(settings.model), stand_in=False)
    model = await stack.enter_async_context(ModelServer())
    stand_in = settings.model_copy(
        update={
            "openrouter_base_url": model.base_url,
            "openrouter_api_key": type(settings.openrouter_api_key)(STAND_IN_KEY),
        }
    )
    return stand_in, PlayStart(model_label=model.label, stand_in=True)


def _welcome(url: str) -> None:
    print(f"The playground is ready: {url}\nPress Ctrl-C to end it.", flush=True)  # noqa: T201 - as above
