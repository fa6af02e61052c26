"""The tool `run_python`: a model's program, run in the sandbox, and told as the model can use it.

What runs programs is `bot/sandbox/`; this module knows only what goes in and how
the outcome is put into words.
"""

from __future__ import annotations

import re
from typing import Protocol

from bot.messages import JsonObject
from bot.model import ToolSpec
from bot.sandbox.owner import (
    CODE_BYTES,
    DISK_BYTES,
    MEMORY_BYTES,
    MOST_SECONDS,
    SECONDS,
    Broken,
    Busy,
    Ran,
    Stop,
)
from bot.sandbox.produced import MOST_FILES, MOST_FILES_BYTES
from bot.tools import ToolFailed

MOST_TEXT = 12_000
"""Characters of what was printed that the model reads, of each kind; the middle of longer text is left out."""

DESCRIPTION = f"""\
Run a Python program and read what it prints. Use it to compute, to check code before giving it, and to draw charts.
CPython 3.15 (WebAssembly) with its standard library, numpy 2.5, pandas 3.0, scipy, scikit-learn, statsmodels, sympy, \
networkx, matplotlib (Agg), seaborn, pillow, lxml, beautifulsoup4, openpyxl, pyyaml, jinja2 and sqlite3. \
No other packages, no pip, no network, no subprocesses, no threads, no input().
Every call starts afresh: no variables or files remain from earlier calls, so send the whole program each time. \
Print what you want to see; the value of a last expression is shown too.
Files written to the current folder are posted in the thread, as are open matplotlib figures when nothing was saved: \
at most {MOST_FILES} files, {MOST_FILES_BYTES >> 20} MB together, pictures (PNG, JPEG, GIF, WebP), PDF, XLSX or text. \
You see their names, not their content. Use /tmp for what nobody needs.
Limits: {SECONDS} s (timeout: up to {MOST_SECONDS}), {MEMORY_BYTES >> 20} MB of memory, {DISK_BYTES >> 20} MB of \
files. Importing pandas or matplotlib takes 1 to 3 s of it."""

SPEC = ToolSpec(
    "run_python",
    DESCRIPTION,
    {
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "The whole program."},
            "timeout": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": MOST_SECONDS,
                "description": f"Seconds it may run; {SECONDS} when left out.",
            },
        },
        "required": ["code"],
        "additionalProperties": False,
    },
)


class Runner(Protocol):
    """What runs programs: `Sandbox`, or what stands in for it."""

    async def run(self, code: str, *, seconds: float = SECONDS) -> Ran: ...


class RunPython:
    """The tool. `run` gives everything there is of a program, `call` what the model reads of it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        return SPEC

    async def call(self, arguments: JsonObject) -> str:
        """Run the program of `arguments`. Raises ToolFailed also where it was stopped."""
        ran = await self.run(arguments)
        if ran.stop is not None:
            raise ToolFailed(told(ran))
        return told(ran)

    async def run(self, arguments: JsonObject) -> Ran:
        """Run the program of `arguments`. Raises ToolFailed where none was run."""
        code, seconds = _checked(arguments)
        try:
            return await self._runner.run(code, seconds=seconds)
        except Busy:
            raise ToolFailed(
                "Other programs are running and none ended in time. Try again once, or answer without running code."
            ) from None
        except Broken:
            raise ToolFailed("The sandbox failed before the program began. Answer without running code.") from None


def told(ran: Ran) -> str:
    """What came of a program, in words for the model."""
    parts = [_ending(ran)]
    printed, errors = _readable(ran.stdout), _readable(ran.stderr)
    if printed:
        parts.append(f"{'Printed until then' if ran.stop else 'Printed'}:\n{printed}")
    if errors:
        parts.append(f"Errors:\n{errors}")
    if not printed and not errors and ran.stop is None:
        parts.append("It printed nothing. Use print() for what you want to see.")
    if ran.cut:
        parts.append("It printed more than is kept; the rest was dropped. Print less.")
    if ran.disk_was_full:
        parts.append(f"A file could not be written: all files together may have {DISK_BYTES >> 20} MB.")
    if ran.files:
        names = ", ".join(f"{file.name} ({_size(len(file.data))})" for file in ran.files)
        parts.append(f"Posted in the thread: {names}.")
    parts += [f"Not posted: {line}." for line in ran.left_out]
    return "\n".join(parts)


def _ending(ran: Ran) -> str:
    match ran.stop:
        case Stop.TIME:
            return (
                f"The code ran longer than {ran.seconds:.0f} s and was stopped. Make it do less, or ask for more time."
            )
        case Stop.FILE_CALLS:
            return "The code was stopped, for it made too many file operations."
        case Stop.CRASH:
            return (
                "The code was stopped, for its interpreter crashed: too deep a recursion, too much memory, too large a "
                "file, or an attempt at what the sandbox does not have. Nothing else was harmed."
            )
        case None if ran.exit_code:
            return f"The code ended with exit code {ran.exit_code} after {ran.seconds:.1f} s."
        case None:
            return f"The code ended normally after {ran.seconds:.1f} s."


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _readable(text: str) -> str:
    """Text without colours, control characters and reversed writing, its middle left out where it is long."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    text = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text).rstrip("\n")
    if len(text) <= MOST_TEXT:
        return text
    head, tail = text[: MOST_TEXT * 2 // 3], text[-MOST_TEXT // 3 :]
    return f"{head}\n[… {len(text) - len(head) - len(tail):,} characters left out …]\n{tail}"


def _checked(arguments: JsonObject) -> tuple[str, float]:
    code, seconds = arguments.get("code"), arguments.get("timeout", SECONDS)
    if not isinstance(code, str) or not code.strip():
        raise ToolFailed("The argument `code` must be the program, as a text that is not empty.")
    if len(code.encode(errors="replace")) > CODE_BYTES:
        raise ToolFailed(f"The program is longer than {CODE_BYTES >> 10} kB. Shorten it, or compute its data.")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= MOST_SECONDS:
        raise ToolFailed(f"The argument `timeout` must be a number of seconds, more than 0 and at most {MOST_SECONDS}.")
    return code, float(seconds)


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 1000 else f"{size / 1000:,.0f} kB"
