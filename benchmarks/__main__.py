"""Runs the benchmarks: `python -m benchmarks` all of them, `python -m benchmarks NAME …` those named.

A benchmark is a module of this folder with a coroutine function `main`; the first
line of its docstring says what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import pkgutil
from types import ModuleType

import benchmarks


def find_benchmarks() -> dict[str, ModuleType]:
    """Every module of the folder that has a `main`, by name."""
    names = [info.name for info in pkgutil.iter_modules(benchmarks.__path__) if not info.name.startswith("_")]
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "main")}


def main() -> None:
    """Run what the command line names."""
    found = find_benchmarks()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Cogitor.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of: {', '.join(found)} (default: all)")
    names = parser.parse_args().names or list(found)
    if unknown := sorted(set(names) - found.keys()):
        parser.error(f"there is no benchmark named {', '.join(unknown)}; there are: {', '.join(found)}")
    logging.getLogger("aiohttp.server").disabled = True  # a bot that ends leaves requests behind; that is no news
    for name in names:
        print(f"\n{name}: {(found[name].__doc__ or '').splitlines()[0]}")
        asyncio.run(found[name].main())


if __name__ == "__main__":
    main()
