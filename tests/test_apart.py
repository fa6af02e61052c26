"""Work in a process of its own: what it is told, what comes of it, and that it never outlives whoever waits for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from bot.apart import Failed, run_apart
from tests.child_processes import running

OBEDIENT = "tests.obedient"
LONG = 50.0
"""More than anything here takes, however busy the machine."""
FOR_EVER = "import time\nwhile True: time.sleep(1)"


async def run(program: str, *, seconds: float = LONG) -> bytes:
    return await run_apart(OBEDIENT, program.encode(), seconds=seconds)


async def test_what_the_work_writes_is_its_result() -> None:
    assert await run("print('é' * 100_000, end='')") == ("é" * 100_000).encode()


async def test_the_process_is_told_nothing_but_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    assert b"DISCORD_TOKEN" not in await run("import os; print(list(os.environ))")


@pytest.mark.parametrize("program", ["raise ValueError", "import os; os.kill(os.getpid(), 9)", "exit(3)"])
async def test_work_that_fails_is_said_to_have_failed_without_its_text(program: str) -> None:
    with pytest.raises(Failed, match=r"^the process ended with -?\d+$"):
        await run(program)


async def test_half_a_result_of_work_that_fails_does_not_count() -> None:
    with pytest.raises(Failed):
        await run("print('half', flush=True); exit(1)")


async def test_work_that_reads_none_of_its_input_is_no_error_of_ours() -> None:
    assert await run_apart("this", b"x" * 1_000_000, seconds=LONG) != b""


async def test_a_module_that_does_not_exist_fails() -> None:
    with pytest.raises(Failed):
        await run_apart("tests.there_is_no_such_module", b"", seconds=LONG)


@pytest.mark.parametrize("seconds", [0.0, 0.3])
async def test_work_that_takes_too_long_is_given_up_and_its_process_ended(seconds: float) -> None:
    with pytest.raises(Failed, match="longer than"):
        await run(FOR_EVER, seconds=seconds)
    assert running(OBEDIENT) == []


async def test_the_process_ends_with_whoever_waits_for_it() -> None:
    waiting = asyncio.create_task(run(FOR_EVER))
    while not running(OBEDIENT):  # noqa: ASYNC110 - nothing announces the beginning of a process
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert running(OBEDIENT) == []


async def test_a_process_that_is_ended_in_the_middle_of_its_output_leaves_no_pipe_open() -> None:
    before = pipes()
    with pytest.raises(Failed, match="longer than"):
        await run("while True: print('x' * 65536, flush=True)", seconds=1.0)
    await asyncio.sleep(0)  # the loop closes what has come to its end
    assert pipes() == before


def pipes() -> set[str]:
    """The pipes that this process has open."""
    found: set[str] = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add(str(file.readlink()))
    return {name for name in found if name.startswith("pipe:")}
