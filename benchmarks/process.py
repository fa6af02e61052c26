"""A bot as a process of its own, watched from outside: the processor time it uses and the memory it occupies.

Reads Linux's /proc, so no figure comes from the bot itself. This module knows
nothing of Discord or of models.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

_GRACE_SECONDS = 10.0


class Process:
    """A running bot."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._folder = Path(f"/proc/{process.pid}")

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    def processor_seconds(self) -> float:
        """What the threads that it has now have used so far."""
        on_processor = [int((task / "schedstat").read_text().split()[0]) for task in (self._folder / "task").iterdir()]
        return sum(on_processor) / 1e9  # nanoseconds (Linux, "Scheduler Statistics")

    def memory(self) -> int:
        """Bytes in use now (the resident set)."""
        lines = (self._folder / "status").read_text().splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
        return int(kilobytes) * 1024


@asynccontextmanager
async def running(module: str, environment: Mapping[str, str], *, is_quiet: bool = False) -> AsyncGenerator[Process]:
    """Run a module with Python, its log unseen if it `is_quiet`; leaving this ends it as a service manager would."""
    errors = asyncio.subprocess.DEVNULL if is_quiet else None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, cwd=ROOT, env=environment, stderr=errors
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
