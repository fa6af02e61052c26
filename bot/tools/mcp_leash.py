"""Holds an MCP server so that it never outlives the bot, and passes on what it says, line by line.

A program of its own, started as `mcp_leash.py PARENT COMMAND ARGS…` in a
process group of its own. However the bot ends, killed included, the kernel
tells this process, and the whole group goes. A line without end would fill the
bot's memory, so there is a longest one; what is not JSON is not passed on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

MAX_LINE = 8 * 1024 * 1024
CANNOT_START = 127

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the server until it ends, says too much, or the bot is gone."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    signal.signal(signal.SIGTERM, _end_all)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the kernel was asked
        return 0
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    try:
        server = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - the operator's own command
    except OSError:
        return CANNOT_START
    if server.stdout is not None:
        _pass_on(server.stdout.fileno())
    _end_all()
    return 0


def _pass_on(source: int) -> None:
    pending = bytearray()
    while chunk := os.read(source, 1 << 16):
        if b"\n" not in chunk:
            pending += chunk
        else:
            *lines, rest = (bytes(pending) + chunk).split(b"\n")
            pending = bytearray(rest)
            _write(b"".join(line + b"\n" for line in lines if line.lstrip()[:1] in {b"{", b"["}))
        if len(pending) > MAX_LINE:
            return


def _write(data: bytes) -> None:
    while data:
        try:
            data = data[os.write(1, data) :]
        except BrokenPipeError:
            _end_all()


def _end_all(*_: object) -> None:
    """End the server, whatever it has started, and this process."""
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
