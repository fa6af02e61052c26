"""Programs in the real sandbox: what hostile ones come to, and what honest ones give back.

Left out, with the reason, where the sandbox is not set up (`make sandbox`).
"""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.hostile import PROGRAMS, Hostile, is_contained, outcome
from bot.sandbox.owner import OUTPUT_BYTES, Sandbox, Stop
from bot.sandbox.ready import why_not
from bot.tools.sandbox import DESCRIPTION, RunPython, told

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.mark.parametrize("hostile", PROGRAMS, ids=lambda hostile: hostile.name)
async def test_a_hostile_program_is_contained(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "planted")

    ran = await Sandbox().run(hostile.code, seconds=hostile.seconds)

    assert is_contained(hostile, ran), outcome(ran)
    assert "planted" not in ran.stdout + ran.stderr
    assert "ended" in told(ran) or "stopped" in told(ran)


async def test_it_is_ready_and_walled_in() -> None:
    sandbox = Sandbox()

    assert await sandbox.why_unavailable() is None
    assert "seccomp" in (await sandbox.run("1")).walls


async def test_what_it_prints_and_its_last_value_come_back() -> None:
    ran = await Sandbox().run("import sys\nprint('a')\nprint('b', file=sys.stderr)\n6 * 7")

    assert (ran.exit_code, ran.stop, ran.stdout, ran.stderr) == (0, None, "a\n42\n", "b\n")


async def test_a_traceback_shows_the_programs_own_lines_only() -> None:
    ran = await Sandbox().run("def f():\n    return 1 / 0\n\nf()")

    assert ran.exit_code == 1
    assert "return 1 / 0" in ran.stderr
    assert ran.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert ran.stderr.count("File ") == 2
    assert 'File "program.py", line 4' in ran.stderr


async def test_what_was_printed_before_the_time_was_up_is_kept() -> None:
    ran = await Sandbox().run("print('so far')\nwhile True: pass", seconds=1)

    assert ran.stop is Stop.TIME
    assert told(ran).startswith("The code ran longer than 1 s and was stopped.")
    assert told(ran).endswith("Printed until then:\nso far")


async def test_files_come_back_and_hidden_or_temporary_ones_stay() -> None:
    ran = await Sandbox().run(
        "import os\nos.makedirs('out/deep')\n"
        "for path in ('out/deep/table.csv', '.hidden.txt', '/tmp/scratch.txt', 'run.exe', '/note.md'):\n"
        "    with open(path, 'w') as file: file.write('a,b')"
    )

    assert [(file.name, file.data) for file in ran.files] == [("table.csv", b"a,b"), ("note.md", b"a,b")]
    assert len(ran.left_out) == 1
    assert "run.exe" in ran.left_out[0]


async def test_a_chart_that_was_not_saved_comes_back_and_a_saved_one_once() -> None:
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"

    shown, saved = [await Sandbox().run(draw + rest, seconds=30) for rest in ("plt.show()", "plt.savefig('my.png')")]

    assert [file.name for file in shown.files] == ["figure-1.png"]
    assert [file.name for file in saved.files] == ["my.png"]
    assert shown.files[0].data.startswith(b"\x89PNG")


async def test_one_programs_doings_are_gone_for_the_next() -> None:
    sandbox = Sandbox()
    await sandbox.run("open('left.txt', 'w').write('x')\nimport builtins\nbuiltins.left = 1")

    ran = await sandbox.run("import os, builtins\nprint(os.listdir('/'), hasattr(builtins, 'left'))")

    assert ran.stdout == "['tmp'] False\n"


async def test_a_program_cannot_find_out_about_another_that_runs() -> None:
    sandbox = Sandbox()
    look = "import os, time\nopen('mine.txt', 'w').close()\ntime.sleep(0.5)\nprint(sorted(os.listdir('/')))"

    ran = await asyncio.gather(sandbox.run(look), sandbox.run(look))

    assert [it.stdout for it in ran] == ["['mine.txt', 'tmp']\n"] * 2


async def test_the_event_loop_goes_on_while_a_program_runs() -> None:
    longest, last = 0.0, time.monotonic()
    running = asyncio.ensure_future(Sandbox().run("while True: print('x' * 10_000)", seconds=2))
    while not running.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()

    assert len((await running).stdout) == OUTPUT_BYTES
    assert longest < 0.5


async def test_what_the_model_is_told_of_the_packages_is_true() -> None:
    names = {"scikit-learn": "sklearn", "pillow": "PIL", "beautifulsoup4": "bs4", "pyyaml": "yaml"}
    told_of = (
        DESCRIPTION.partition("library, ")[2].partition(". No other")[0].replace("(Agg)", "").replace(" and ", ",")
    )
    packages = [part.split()[0].rstrip(".") for part in told_of.replace("\n", "").split(",") if part.strip()]
    assert {"numpy", "sqlite3", "matplotlib"} <= set(packages)
    imports = "\n".join(f"import {names.get(name, name)}" for name in packages)

    ran = await Sandbox().run(
        f"{imports}\nimport sys\nprint(sys.version_info[:2], numpy.__version__[:3], pandas.__version__[:3])", seconds=30
    )

    assert ran.stdout == "(3, 15) 2.5 3.0\n", ran.stderr
    assert all(text in DESCRIPTION for text in ("CPython 3.15", "numpy 2.5", "pandas 3.0"))


async def test_the_tool_takes_it_from_the_models_arguments_to_the_models_text() -> None:
    text = await RunPython(Sandbox()).call({"code": "print('hi')\nopen('a.csv', 'w').write('1')", "timeout": 5})

    assert text.splitlines()[1:] == ["Printed:", "hi", "1", "Posted in the thread: a.csv (1 bytes)."]
