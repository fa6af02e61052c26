"""The command line: `run` (the default), `playground` and `doctor`. The only place that ends the process."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    # Until the event loop listens, Ctrl-C ends this process as it ends any other: no traceback out of an import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import io
import logging
from collections.abc import Coroutine
from typing import Any, BinaryIO, cast

from bot import __version__
from bot.errors import ConfigError, describe
from bot.settings import load_settings

QUIET = ("discord", "httpx", "httpcore", "sqlalchemy", "aiosqlite", "alembic", "aiohttp", "matplotlib", "PIL")
"""Libraries whose debug output quotes messages or headers, or lists every font; LOG_LEVEL does not lower them."""


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    _let_print_cope()
    arguments = _parser().parse_args()
    try:
        settings = load_settings()
        chosen = "log_level" in settings.model_fields_set
        # The playground's person wants its URL; what goes wrong they hear all the same.
        _set_up_logging("WARNING" if arguments.command == "playground" and not chosen else settings.log_level)
        match arguments.command:
            case "playground":
                from bot.playground.app import play  # the bot on Discord does without the playground's weight

                return _run(play(settings, port=arguments.port))
            case "doctor":
                from bot.doctor import examine  # needed for this command only

                return _run(examine(settings))
            case _:
                settings.check_for_discord()
                from bot.app import App  # so that `--help` and a malformed setting answer at once

                return _run(App(settings).run())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Cogitor, a coding assistant in Discord.")
    parser.add_argument("--version", action="version", version=f"Cogitor {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("run", help="run the bot on Discord (the default)")
    playground = commands.add_parser("playground", help="run the bot on an embedded Discord, with a page to talk to it")
    playground.add_argument("--port", type=_port, default=8420, help="the page's port on this machine (default 8420)")
    commands.add_parser("doctor", help="check everything the bot needs, and say what to do about each fault")
    return parser


def _let_print_cope() -> None:
    """A terminal without UTF-8 shows question marks, but stops nothing."""
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        cast("io.TextIOWrapper[BinaryIO]", stdout).reconfigure(errors="replace")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("use a port number from 1 to 65535, or 0 for any free one")
    return int(text)


def _run(work: Coroutine[Any, Any, int | None]) -> int:
    """Run to the end; SIGTERM and Ctrl-C cancel it, and it takes itself down in order."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        async def until_done() -> int:
            task = asyncio.ensure_future(work)
            for name in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(name, task.cancel)
            try:
                return await task or 0
            except asyncio.CancelledError:
                return 0

        return runner.run(until_done())


def _set_up_logging(level_name: str) -> None:
    logging.basicConfig(level=level_name, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(without_traceback)
    level = logging.getLevelNamesMapping()[level_name]
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, level))
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns of voice libraries that are not needed


def without_traceback(record: logging.LogRecord) -> bool:
    """Let a log record name its error's type and place only: the text may quote what people wrote."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args = f"{record.getMessage()} ({describe(error)})", ()
        record.exc_info = record.exc_text = None
    return True


if __name__ == "__main__":
    sys.exit(main())
