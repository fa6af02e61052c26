"""The walls around the sandbox's process, for the case that a program breaks out of WebAssembly.

Landlock takes away every file but the few that are named, TCP, signals and
debugging of other processes; seccomp takes away sockets, new processes and
programs, and rarely used doors of the kernel; rlimits bound memory, processor
time and files. All of it an ordinary user may do to itself, also in a container
without privileges. Linux only; what the kernel lacks is left out, and said.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2

_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
"""System call numbers, the same on every architecture."""
_LANDLOCK_VERSION, _LANDLOCK_PATH_BENEATH = 1, 1
_FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
"""By the Landlock version that first knows them: every right over files there is."""
_READ, _READ_FOLDER = 1 << 2, 1 << 3
_WRITABLE = 0x7FFF & ~(1 | 0x1000 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11)
"""All but to execute, and to make devices, sockets, pipes and symbolic links."""
_TCP, _SCOPES = 0b11, 0b11

_MACHINES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    # socket, socketpair, fork, vfork, execve, kill, ptrace, mount, add_key, request_key, keyctl, unshare,
    # perf_event_open, setns, process_vm_readv and _writev, bpf, execveat, userfaultfd,
    # pidfd_send_signal, io_uring_setup, pidfd_open, pidfd_getfd
    "x86_64": (
        0xC000003E,
        56,
        (41, 53, 57, 58, 59, 62, 101, 165, 248, 249, 250, 272, 298, 308, 310, 311, 321, 322, 323, 424, 425, 434, 438),
    ),
    "aarch64": (
        0xC00000B7,
        220,
        (198, 199, 221, 129, 117, 40, 217, 218, 219, 97, 241, 268, 270, 271, 280, 281, 282, 424, 425, 434, 438),
    ),
}
"""By machine: the kernel's mark of it, the number of clone, and the system calls that are refused."""
_CLONE3 = 435
_CLONE_THREAD = 0x10000


def die_with(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends; end at once if it already has."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(*, memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    """Bound what this process may use of the machine, and put it behind everybody else."""
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, 256),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))
    os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # when memory runs out, this goes before the bot


def seal(*, readable: Iterable[Path], writable: Iterable[Path]) -> list[str]:
    """Raise the walls, for this thread and all that it will start; returns the names of those that stand.

    Call it before there are other threads: they would stay outside.
    """
    _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    walls = {"Landlock": _restrict_files(readable, writable), "seccomp": _restrict_calls()}
    return [name for name, stands in walls.items() if stands]


def _restrict_files(readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    call = _libc().syscall
    version = call(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return False
    handled = _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]
    attributes = struct.pack("=Q", handled)
    if version >= 4:
        attributes += struct.pack("=Q", _TCP)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    ruleset = call(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for rights, paths in ((_READ | _READ_FOLDER, readable), (_WRITABLE & handled, writable)):
            for path in paths:
                _allow(call, ruleset, rights, path)
        return call(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(call: ctypes._FuncPointer, ruleset: int, rights: int, path: Path) -> None:  # pyright: ignore[reportPrivateUsage]
    """Leave a file or folder open; one that does not exist needs no leave."""
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = rights if path.is_dir() else rights & ~_READ_FOLDER
        call(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_BENEATH, struct.pack("=Qi", rights, target), 0)
    finally:
        os.close(target)


def _restrict_calls() -> bool:
    """A seccomp filter: refused calls fail with EPERM, another architecture's ones end the process."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    mark, clone, refused = machine
    load, equal, greater, masked, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill, refuse, unknown = 0x7FFF0000, 0x80000000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
    program = [
        (load, 0, 0, 4),
        (equal, 1, 0, mark),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),
        (greater, 0, 1, 0x40000000),  # the x32 numbers, which would go around the list
        (answer, 0, 0, refuse),
        (equal, 0, 1, _CLONE3),  # its flags cannot be looked at; the C library then falls back to clone
        (answer, 0, 0, unknown),
    ]
    for number in refused:
        program += [(equal, 0, 1, number), (answer, 0, 0, refuse)]
    program += [
        (equal, 0, 3, clone),
        (load, 0, 0, 16),
        (masked, 1, 0, _CLONE_THREAD),
        (answer, 0, 0, refuse),
        (answer, 0, 0, allow),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    whole = struct.pack("@HP", len(program), ctypes.addressof(code))
    return _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, whole, 0, 0) == 0


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
