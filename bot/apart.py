"""Runs one of our own modules in a process of its own, which can be ended.

For work that nobody can interrupt once it has begun: a parser or a lexer that
some input keeps busy for minutes. The process is told nothing but its input.
Knows nothing of what the work is; how much memory it may take is the module's
own affair.

Also how to wait for the end of any process that was killed.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_CHUNK = 64 * 1024


class Failed(Exception):
    """Nothing came of the work. The text says why, and nothing of the input, so it may be logged."""


async def run_apart(module: str, data: bytes, *, seconds: float) -> bytes:
    """What `python -m module` writes when it is given `data`. Raises Failed.

    The process is ended when it takes longer than `seconds`, and with whoever
    waits for it. Nothing here blocks the event loop.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _run(module, data)
    except TimeoutError:
        raise Failed(f"it took longer than {seconds:g} s") from None
    except OSError as error:
        raise Failed(f"no process could be started ({type(error).__name__})") from None


async def _run(module: str, data: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=_ROOT,
        env={"PYTHONUTF8": "1"},  # none of our secrets
    )
    try:
        answer, _ = await process.communicate(data)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await until_gone(process)
    if process.returncode != 0:
        raise Failed(f"the process ended with {process.returncode}")
    return answer


async def until_gone(process: Process) -> None:
    """Wait for the end of a process that was killed, whatever it had written.

    asyncio says that a process has ended once its pipes have, and does not notice
    the end of a pipe with more in it than it reads ahead.
    """
    while process.stdout is not None and await process.stdout.read(_CHUNK):
        pass
    await process.wait()
