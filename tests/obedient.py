"""A program that runs whatever it is handed; for tests of processes that must be watched and ended."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    exec(sys.stdin.read())
