"""The first code inside the sandbox: runs the program it finds on its standard input, as `python -i` would show it.

It is here for convenience only. Nothing relies on it: the program can undo all of
it, and would gain nothing. It shows tracebacks without its own frames, echoes a
last expression, and saves figures that were drawn but never saved.
"""

from __future__ import annotations

import ast
import io
import linecache
import os
import sys
import traceback
import warnings
from typing import Any, BinaryIO, cast

_NAME = "program.py"
_MOST_FIGURES = 5
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf")


def _main() -> None:
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):  # what was printed is then known also when time is up
        cast("io.TextIOWrapper[BinaryIO]", stdout).reconfigure(line_buffering=True)
    warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")  # show() is harmless: see _save_figures
    source = sys.stdin.buffer.read().decode(errors="replace")
    linecache.cache[_NAME] = (len(source), None, source.splitlines(keepends=True), _NAME)
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        tree = ast.parse(source, _NAME)
        last = _take_last_expression(tree)
        exec(compile(tree, _NAME, "exec"), namespace)
        if last is not None:
            value = eval(compile(last, _NAME, "eval"), namespace)
            if value is not None:
                print(repr(value))
        _save_figures()
    except Exception as error:
        _show(error)
        sys.exit(1)


def _take_last_expression(tree: ast.Module) -> ast.Expression | None:
    """Take a last expression off the program, so that its value can be shown."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return None
    del tree.body[-1]
    return ast.Expression(last.value)


def _show(error: Exception) -> None:
    """Print the traceback as the program's author expects it: without the frames of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != _NAME:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace, limit=-12, chain=False)


def _save_figures() -> None:
    """Save what matplotlib has open, unless the program saved a picture by itself."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or any(name.lower().endswith(_PICTURES) for name in os.listdir("/")):
        return
    for number in pyplot.get_fignums()[:_MOST_FIGURES]:
        pyplot.figure(number).savefig(f"/figure-{number}.png")


_main()
