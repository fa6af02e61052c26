"""The processes that this one has started; for tests of whether they are ended."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def running(module: str) -> list[str]:
    """The ids of those that run one of our modules."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_ours = f"PPid:\t{os.getpid()}\n" in (process / "status").read_text()
            if is_ours and module.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found
