"""What `python -m benchmarks` finds to run."""

from __future__ import annotations

from inspect import iscoroutinefunction

from benchmarks.__main__ import find_benchmarks


def test_every_benchmark_says_what_it_measures_and_can_be_run() -> None:
    found = find_benchmarks()
    assert {"ends", "first_token", "start_of_turn"} <= found.keys()
    for module in found.values():
        assert (module.__doc__ or "").splitlines()[0].endswith(".")
        assert iscoroutinefunction(module.main)


def test_what_benchmarks_are_made_of_is_not_taken_for_one() -> None:
    assert {"stage", "straightforward"}.isdisjoint(find_benchmarks())
