"""The walls around the sandbox's process: what code that broke out of WebAssembly would still find shut."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")

ROOT = Path(__file__).parents[1]


def sealed(code: str, *, readable: str = "[]", writable: str = "[]") -> list[str]:
    """Run `code` line by line behind the walls; returns for each what it gave, or the error's name."""
    program = textwrap.dedent(
        f"""
        import ctypes, json, os, socket, subprocess, sys, threading, multiprocessing
        from pathlib import Path
        from bot.sandbox import seal
        walls = seal.seal(readable={readable}, writable={writable})
        told = []
        for line in {code.strip().splitlines()!r}:
            try:
                told.append(str(eval(line.strip())))
            except BaseException as error:
                told.append(type(error).__name__)
        print(json.dumps([walls, told]))
        """
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=50,
        check=True,
    )
    walls, told = json.loads(ended.stdout)
    missing = {"Landlock", "seccomp"} - set(walls)
    if missing:
        pytest.skip(f"this kernel does not offer {' and '.join(sorted(missing))}")
    return told


def test_files_are_shut_but_for_those_named(tmp_path: Path) -> None:
    for name in ("open", "shut", "work"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)

    told = sealed(
        f"""
        Path('{tmp_path}/open/file').read_text()
        Path('{tmp_path}/open/file').write_text('x')
        Path('{tmp_path}/open/new').touch()
        Path('{tmp_path}/shut/file').read_text()
        os.listdir('{tmp_path}/shut')
        Path('{tmp_path}/work/new').write_text('mine')
        os.symlink('/etc', '{tmp_path}/work/link')
        os.rename('{tmp_path}/work/new', '{tmp_path}/open/new')
        os.truncate('{tmp_path}/shut/file', 0)
        open('/etc/passwd').read()
        os.listdir('/')
        """,
        readable=f"[Path('{tmp_path}/open'), Path('/no/such/file')]",
        writable=f"[Path('{tmp_path}/work')]",
    )

    assert told[0] == "open"
    assert told[5] == "4"
    refused = told[1:5] + told[6:]
    assert set(refused) <= {"PermissionError", "OSError"}, told
    assert (tmp_path / "shut" / "file").read_text() == "shut"


def test_other_processes_and_their_secrets_are_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "planted")
    told = sealed(
        f"""
        open('/proc/{os.getpid()}/environ').read()
        open('/proc/{os.getpid()}/mem', 'rb').read(1)
        os.kill({os.getpid()}, 0)
        os.pidfd_open({os.getpid()})
        ctypes.CDLL(None, use_errno=True).ptrace(16, {os.getpid()}, 0, 0)
        """
    )

    assert told == ["PermissionError"] * 4 + ["-1"]


def test_there_is_no_network_and_no_new_program() -> None:
    told = sealed(
        """
        socket.socket()
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        socket.socket(socket.AF_UNIX)
        socket.socketpair()
        os.execv('/bin/true', ['true'])
        os.fork()
        os.posix_spawn('/bin/true', ['true'], {})
        subprocess.run(['/bin/true'])
        """
    )

    assert set(told) <= {"PermissionError", "OSError"}


def test_threads_still_start_and_are_behind_the_walls_too() -> None:
    told = sealed(
        """
        (heard := [])
        (thread := threading.Thread(target=lambda: heard.append(os.access('/etc/passwd', 4) and os.listdir('/etc'))))
        setattr(threading, 'excepthook', lambda said: heard.append(said.exc_type.__name__))
        thread.start()
        thread.join()
        heard
        """
    )

    assert told[-1] == "['PermissionError']"


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("bytearray(2**30)", "MemoryError"),
        ("open(os.environ['TMPDIR'] + '/big', 'wb', 0).write(bytes(2**21)) == 2**20 and 1 / 0", "ZeroDivisionError"),
        ("[os.dup(0) for _ in range(300)]", "OSError"),
    ],
)
def test_memory_files_and_descriptors_are_bounded(tmp_path: Path, attempt: str, error: str) -> None:
    program = (
        "import os\nfrom bot.sandbox import seal\n"
        "seal.limit(memory_bytes=2**29, cpu_seconds=20, file_bytes=2**20)\n"
        f"try: {attempt}\nexcept Exception as error: print(type(error).__name__)\n"
        "os.closerange(3, 256)\n"
        "print(os.nice(0), open('/proc/self/oom_score_adj').read())"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )

    assert ended.stdout.split() == [error, str(min(os.nice(0) + 10, 19)), "1000"]


def test_processor_time_is_bounded_whatever_the_clock_says() -> None:
    program = (
        "from bot.sandbox import seal\nseal.limit(memory_bytes=2**30, cpu_seconds=1, file_bytes=0)\nwhile True: pass"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program], env={"PYTHONPATH": str(ROOT)}, timeout=50, check=False
    )

    assert ended.returncode < 0


def test_an_orphan_ends_at_once() -> None:
    program = "from bot.sandbox import seal\nseal.die_with(1 << 22)\nprint('lived')"
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=50,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, b"")
