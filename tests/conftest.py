"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis.internal.conjecture import providers

# Hypothesis also draws constants from whichever of our modules happen to be imported, so that the examples of a
# test would depend on what its worker ran before.
providers._get_local_constants = providers.Constants

# The same examples in every run, and no failure because a shared machine was slow for a moment.
settings.register_profile("cogitor", deadline=None, derandomize=True, database=None)
settings.load_profile("cogitor")


def pytest_xdist_auto_num_workers() -> int:
    """Three workers a core: most tests of the whole bot wait for the passing of time, not for the processor."""
    return 3 * (os.cpu_count() or 1)
