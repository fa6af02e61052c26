"""The command line as a process with a clean environment, for tests; and the page's requests to a playground."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

ROOT = Path(__file__).parents[1]
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB"
KEY = "sk-or-v1-hush"
NOWHERE = "http://127.0.0.1:9"
PATIENCE = 45.0

UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Starts a process for which file permissions hold, even when root runs the tests."""

needs_permissions = pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="nothing is forbidden to root"
)


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The complaint: what is on standard error."""
        return self.err.splitlines()


async def start(
    folder: Path, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(*prefix, sys.executable, "-m", "bot", *arguments),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(folder: Path, *arguments: str, prefix: tuple[str, ...] = (), **environment: str) -> Ended:
    """Run the command line to its end; no traceback and no secret may ever come of it."""
    process = await start(folder, *arguments, prefix=prefix, **environment)
    ended = await end_of(process)
    for secret in (TOKEN, KEY):
        assert secret not in ended.out + ended.err
    return ended


async def end_of(process: asyncio.subprocess.Process) -> Ended:
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert "Traceback" not in err.decode()
    return Ended(process.returncode or 0, out.decode(errors="replace"), err.decode())


def one_line(ended: Ended) -> str:
    """The only line of complaint of a start that was refused."""
    assert ended.code == 1
    assert len(ended.lines) == 1, ended.err
    assert ended.lines[0].endswith(".")
    return ended.lines[0]


def holds_anything(folder: Path) -> bool:
    return any(folder.iterdir())


@dataclass
class Playground:
    """A playground that runs, and the requests its page would make."""

    process: asyncio.subprocess.Process
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str, *, user: str = "") -> Any:
        headers = {"X-Play-User": user} if user else {}
        async with self.session.get(self.url + path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def say(self, user: str, channel: str, text: str) -> None:
        path = f"play/channels/{channel}/messages"
        async with self.session.post(self.url + path, json={"content": text}, headers={"X-Play-User": user}) as answer:
            assert answer.status == 200, await answer.text()

    async def until_thread(self, user: str, name: str) -> dict[str, Any]:
        """Wait until there is a thread of this name with an answer that has its final buttons."""
        async with asyncio.timeout(PATIENCE):
            while True:
                channels = await self.get("play/channels", user=user)
                thread = next((channel for channel in channels if channel["name"] == name), None)
                if thread is not None:
                    await self.until_shown(user, thread["id"], "Retry")
                    return thread
                await asyncio.sleep(0.05)

    async def until_shown(self, user: str, channel: str, text: str) -> str:
        """Wait until a text stands in a channel, in a message or on a button; returns all that stands there."""
        async with asyncio.timeout(PATIENCE):
            while True:
                shown = str(await self.get(f"play/channels/{channel}/messages", user=user))
                if text in shown:
                    return shown
                await asyncio.sleep(0.05)


@asynccontextmanager
async def playground(folder: Path, **environment: str) -> AsyncGenerator[Playground]:
    """A playground on a free port, ready to talk to; ends with SIGTERM, cleanly."""
    process = await start(folder, "playground", "--port", "0", **environment)
    assert process.stdout is not None
    printed = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while b"http://" not in printed:
                line = await process.stdout.readline()
                assert line, (await end_of(process)).err
                printed += line
        url = printed[printed.index(b"http://") :].decode().strip()
        async with aiohttp.ClientSession() as session:
            yield Playground(process, url, session)
    finally:
        if process.returncode is None:
            process.terminate()
        ended = await end_of(process)
    assert ended.code == 0
    assert "http" not in ended.out
