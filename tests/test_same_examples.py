"""A property is tested with the same examples in every run, so that a change and nothing else makes it fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = """
import importlib, sys
import tests.conftest
from hypothesis import given, strategies as st
importlib.import_module(sys.argv[1])

@given(st.integers(), st.text())
def show(number, text):
    print(number, ascii(text))

show()
"""


def examples(imported: str) -> str:
    """The examples of a test in a process that has imported this module before."""
    shown = subprocess.run(
        [sys.executable, "-c", EXAMPLES, imported], cwd=ROOT, capture_output=True, text=True, check=True, timeout=50
    )
    return shown.stdout


@pytest.mark.parametrize("imported", ["bot.render.split", "bot.guild"])
def test_examples_do_not_depend_on_what_was_imported_before(imported: str) -> None:
    assert examples(imported) == examples("json") != ""
