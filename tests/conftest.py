"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# The same examples in every run, and no failure because a shared machine was slow for a moment.
settings.register_profile("cogitor", deadline=None, derandomize=True, database=None)
settings.load_profile("cogitor")
