"""What hostile programs come to in the sandbox of `run_python`, and how soon an ordinary one runs.

Needs the sandbox (`make sandbox`); says so where it is not there.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.hostile import PROGRAMS, is_contained, outcome
from bot.sandbox.owner import Sandbox
from bot.sandbox.ready import why_not

_RUNS = 10
_CHART = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])"
_ORDINARY = {
    "print": "print(1)",
    "numpy": "import numpy; numpy.arange(9).sum()",
    "pandas": "import pandas; pandas.DataFrame({'a': [1, 2]}).describe()",
    "a chart": _CHART,
}


async def main() -> None:
    """Measure and print."""
    fault = why_not()
    if fault:
        print(f"  left out. {fault}")
        return
    sandbox = Sandbox()
    _forget()
    print(f"  {'seconds until an ordinary program has run':44}{'first':>8}{'median':>8}{'worst':>8}")
    for name, code in _ORDINARY.items():
        times = [await _timed(sandbox, code) for _ in range(_RUNS)]
        print(f"    {name:42}{times[0]:8.2f}{sorted(times)[_RUNS // 2]:8.2f}{max(times):8.2f}")
    print(f"\n  {'hostile program':34}{'contained':>10}{'time':>8}  what happened")
    contained = 0
    for hostile in PROGRAMS:
        began = time.monotonic()
        ran = await sandbox.run(hostile.code, seconds=hostile.seconds)
        good = is_contained(hostile, ran)
        contained += good
        print(f"    {hostile.name:32}{'yes' if good else 'NO':>10}{time.monotonic() - began:8.2f}  {outcome(ran)}")
    ran = await sandbox.run("print('still well')")
    walls = " and ".join(ran.walls) or "nothing"
    print(f"  {contained} of {len(PROGRAMS)} contained; afterwards: {ran.stdout.strip()}; around WebAssembly: {walls}")


async def _timed(sandbox: Sandbox, code: str) -> float:
    began = time.monotonic()
    ran = await sandbox.run(code, seconds=30)
    if ran.exit_code != 0:
        raise RuntimeError(f"an ordinary program failed: {outcome(ran)}")
    return time.monotonic() - began


def _forget() -> None:
    """Have the system forget the files it read, where it lets us, so that the first run is a first run."""
    os.sync()
    with suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("1")


if __name__ == "__main__":
    asyncio.run(main())
