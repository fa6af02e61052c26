"""The bot's side of the sandbox: starts a process for each program, hands it over, and ends it whatever happens.

The process gets no environment, no files and no output but a pipe, of which no more
is read than an outcome may be long. Two run at once; others wait their turn for a
while. Knows nothing of models or of Discord.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import struct
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from bot.apart import until_gone
from bot.sandbox.produced import MOST_FILES, MOST_FILES_BYTES, ProducedFile, produced
from bot.sandbox.ready import COMPILED, ROOT, why_not

SECONDS, MOST_SECONDS = 15, 30
"""How long a program may run when nothing is said, and at most."""
MEMORY_BYTES = 384 << 20
DISK_BYTES = 32 << 20
OUTPUT_BYTES = 64 << 10
"""Kept of each of what is printed and of errors; the rest is dropped where it is printed."""
CODE_BYTES = 256 << 10

_START_SECONDS = 12.0
"""Besides its own time: a first read of 300 MB of compiled code from a slow disk."""
_QUEUE_SECONDS = 15.0
_SLOTS = 2
_MOST_HEAD_BYTES = 256 << 10
_HELLO = "print(6 * 7)"
_SCRATCH = "cogitor-sandbox-"
_OLD_SECONDS = 3600


class Stop(Enum):
    """Why a program did not end by itself."""

    TIME = "time"
    FILE_CALLS = "file calls"
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a program: `exit_code` where it ended by itself, `stop` where it did not."""

    exit_code: int | None
    stop: Stop | None
    stdout: str
    stderr: str
    seconds: float
    cut: bool = False
    """Whether it printed more than is here."""
    disk_was_full: bool = False
    files: tuple[ProducedFile, ...] = ()
    left_out: tuple[str, ...] = ()
    """One line for each file that is not among `files`."""
    walls: tuple[str, ...] = ()
    """What stood around the process besides WebAssembly itself."""


class Busy(Exception):
    """All places were taken for as long as a program waits."""


class Broken(Exception):
    """The sandbox itself failed: nothing is known of the program."""


_Size = Annotated[NonNegativeInt, Field(strict=True)]


class _Outcome(BaseModel):
    """What the child says of a program, as it arrives."""

    model_config = ConfigDict(frozen=True)

    exit_code: int | None
    trapped: str | None
    cut: bool
    seconds: float
    disk_was_full: bool
    walls: tuple[str, ...]
    stdout: Annotated[_Size, Field(le=OUTPUT_BYTES)]
    stderr: Annotated[_Size, Field(le=OUTPUT_BYTES)]
    files: Annotated[tuple[tuple[str, _Size], ...], Field(max_length=MOST_FILES)]
    left_out: tuple[str, ...]


class Sandbox:
    """Runs programs, at most `slots` at once. `command` starts the child; its number of this process is appended."""

    def __init__(
        self,
        *,
        command: Sequence[str] = (sys.executable, "-P", "-s", "-m", "bot.sandbox.child"),
        slots: int = _SLOTS,
        queue_seconds: float = _QUEUE_SECONDS,
        start_seconds: float = _START_SECONDS,
    ) -> None:
        self._command = tuple(command)
        self._free = asyncio.Semaphore(slots)
        self._queue_seconds, self._start_seconds = queue_seconds, start_seconds

    async def why_unavailable(self) -> str | None:
        """Why no program can be run here, as a sentence for the operator; None once a program has run.

        Meant for the bot's start: it also removes what a bot that was killed left behind.
        """
        await asyncio.to_thread(_sweep)
        missing = why_not()
        if missing:
            return missing
        try:
            ran = await self.run(_HELLO, seconds=SECONDS)
        except (Busy, Broken):
            ran = None
        if ran is None or ran.stdout != "42\n":
            return (
                "The sandbox does not work on this machine, perhaps because it was set up on another one. "
                "Set it up again: make sandbox."
            )
        return None

    async def run(self, code: str, *, seconds: float = SECONDS) -> Ran:
        """Run a program of at most CODE_BYTES for at most MOST_SECONDS. Raises Busy and Broken.

        When cancelled, the program's process is gone before this returns.
        """
        try:
            async with asyncio.timeout(self._queue_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Busy from None
        try:
            with tempfile.TemporaryDirectory(prefix=_SCRATCH, ignore_cleanup_errors=True) as scratch:
                return await self._run(_job(code, seconds), scratch, seconds)
        except OSError as error:
            raise Broken(f"no process could be started ({type(error).__name__})") from None
        finally:
            self._free.release()

    async def _run(self, job: bytes, scratch: str, seconds: float) -> Ran:
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *self._command,
                str(os.getpid()),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=scratch,
                env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": scratch},
                start_new_session=True,
            )
        )
        is_cancelled = await _outlast(starting)  # half started, nobody would own what it starts
        child = starting.result()
        try:
            if is_cancelled:
                raise asyncio.CancelledError
            async with asyncio.timeout(seconds + self._start_seconds):
                return await _converse(child, job, seconds)
        except TimeoutError:
            return Ran(None, Stop.TIME, "", "", seconds)
        finally:
            await _end(child)


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            about = folder.lstat()
            if about.st_uid == os.getuid() and time.time() - about.st_mtime > _OLD_SECONDS:
                shutil.rmtree(folder)


def _job(code: str, seconds: float) -> bytes:
    program = code.encode(errors="replace")
    if len(program) > CODE_BYTES or not 0 < seconds <= MOST_SECONDS:
        raise ValueError("a program is longer, or may run longer, than any may")
    head = json.dumps(
        {
            "seconds": seconds,
            "memory_bytes": MEMORY_BYTES,
            "disk_bytes": DISK_BYTES,
            "output_bytes": OUTPUT_BYTES,
            "files": MOST_FILES,
            "files_bytes": MOST_FILES_BYTES,
            "cache": str(COMPILED),
        }
    ).encode()
    return struct.pack("!I", len(head)) + head + program


async def _converse(child: Process, job: bytes, seconds: float) -> Ran:
    """Hand the job over and read the outcome, never more of it than it may be long."""
    if child.stdin is None or child.stdout is None:
        raise Broken("the child was started without pipes")
    with suppress(ConnectionError):  # a child that is already gone shows below
        child.stdin.write(job)
        await child.stdin.drain()
        child.stdin.close()
    try:
        (length,) = struct.unpack("!I", await child.stdout.readexactly(4))
        if length > _MOST_HEAD_BYTES:
            raise Broken("the child's outcome is too long")
        outcome = _Outcome.model_validate_json(await child.stdout.readexactly(length))
        stdout = await child.stdout.readexactly(outcome.stdout)
        stderr = await child.stdout.readexactly(outcome.stderr)
        if sum(size for _, size in outcome.files) > MOST_FILES_BYTES:
            raise Broken("the child's files are too large")
        files = [(path, await child.stdout.readexactly(size)) for path, size in outcome.files]
    except ValidationError:
        raise Broken("the child's outcome is not one") from None
    except asyncio.IncompleteReadError:
        return await _crashed(child)
    kept, left_out = produced(files, outcome.left_out)
    stop = _stop(outcome.trapped)
    return Ran(
        exit_code=outcome.exit_code,
        stop=stop,
        stdout=stdout.decode(errors="replace"),
        stderr=stderr.decode(errors="replace"),
        seconds=seconds if stop is Stop.TIME else outcome.seconds,
        cut=outcome.cut,
        disk_was_full=outcome.disk_was_full,
        files=kept,
        left_out=left_out,
        walls=outcome.walls,
    )


async def _crashed(child: Process) -> Ran:
    """What to make of a child that ended before it said anything: a signal is the program's doing."""
    code = await child.wait()
    if code < 0:
        return Ran(None, Stop.CRASH, "", "", 0)
    raise Broken(f"the child ended with {code}")


def _stop(trapped: str | None) -> Stop | None:
    match trapped:
        case None:
            return None
        case "deadline" | "cancelled":
            return Stop.TIME
        case "out of file calls":
            return Stop.FILE_CALLS
        case _:
            return Stop.CRASH


async def _end(child: Process) -> None:
    """Kill the child with everything it may have started, and wait until it is gone, even when cancelled meanwhile."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    if await _outlast(asyncio.ensure_future(until_gone(child))):
        raise asyncio.CancelledError


async def _outlast(task: asyncio.Future[Any]) -> bool:
    """Wait for the end of a task, however often cancelled meanwhile; returns whether it was."""
    is_cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            is_cancelled = True
    return is_cancelled
