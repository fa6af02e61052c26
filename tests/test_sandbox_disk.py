"""The sandbox's disk in memory: it behaves as a real one does, and never grows beyond its size."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.disk import Disk


def disk(most_bytes: int = 1000, most_entries: int = 20) -> Disk:
    return Disk(most_bytes=most_bytes, most_entries=most_entries, make_stat=lambda *about: about, clock=lambda: 7)


def error_of(act: Callable[[], object]) -> int | None:
    """The number of the error that an act ends with, or None."""
    try:
        act()
    except OSError as error:
        return error.errno
    return None


def on_both(real: Path, name: str, *arguments: Any) -> tuple[Callable[[Disk], object], Callable[[], object]]:
    """One act, on a disk of ours and on a folder of this machine."""
    paths = [Path(f"{real}{path}") for path in arguments if isinstance(path, str)]
    acts: dict[str, Callable[[], object]] = {
        "write": lambda: paths[0].write_bytes(arguments[1]),
        "mkdir": lambda: paths[0].mkdir(),
        "remove": lambda: paths[0].unlink(),
        "rmdir": lambda: paths[0].rmdir(),
        "rename": lambda: paths[0].rename(paths[1]),
        "read": lambda: paths[0].read_bytes(),
        "list": lambda: [*paths[0].iterdir()],
    }
    return (lambda it: getattr(it, name)(*arguments)), acts[name]


PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
ACTS = st.one_of(
    st.tuples(st.just("write"), PATHS, st.binary(max_size=3)),
    st.tuples(st.sampled_from(["mkdir", "mkdir", "remove", "rmdir", "read", "list"]), PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
)


@given(st.lists(ACTS, max_size=40))
def test_it_answers_as_a_real_file_system_does(acts: list[tuple[Any, ...]]) -> None:
    ours = disk()
    with TemporaryDirectory() as folder:
        real = Path(folder)
        (real / "tmp").mkdir()
        for act in acts:
            on_ours, on_real = on_both(real, *act)
            assert error_of(lambda: on_ours(ours)) == error_of(on_real), act  # noqa: B023  called at once
        assert ours.files == {f"/{it.relative_to(real)}": it.read_bytes() for it in real.rglob("*") if it.is_file()}
        for folder_path in [real, *(it for it in real.rglob("*") if it.is_dir())]:
            inside = "/" + folder_path.relative_to(real).as_posix().strip(".")
            assert sorted(name for name, _ in ours.list(inside)) == sorted(it.name for it in folder_path.iterdir())


@given(st.lists(st.one_of(ACTS, st.tuples(st.just("write"), PATHS, st.binary(max_size=60))), max_size=60))
def test_it_never_holds_more_than_it_may(acts: list[tuple[Any, ...]]) -> None:
    ours = disk(most_bytes=100, most_entries=6)
    for name, *arguments in acts:
        error_of(lambda: getattr(ours, name)(*arguments))  # noqa: B023  called at once
        assert sum(map(len, ours.files.values())) <= 100
        assert len(ours.files) <= 6


def test_room_comes_back_when_files_go() -> None:
    ours = disk(most_bytes=10)
    ours.write("/a", bytes(10))

    assert error_of(lambda: ours.write("/b", b"x")) == errno.ENOSPC
    ours.write("/a", bytes(5))
    ours.write("/b", bytes(5))
    ours.rename("/a", "/b")
    ours.write("/c", bytes(5))
    ours.remove("/b")
    ours.write("/d", bytes(5))

    assert set(ours.files) == {"/c", "/d"}


@pytest.mark.parametrize("make", ["mkdir", "write"])
def test_empty_entries_count_too(make: str) -> None:
    ours = disk(most_entries=5)  # two are there from the beginning
    for number in range(3):
        ours.mkdir(f"/{number}")

    assert error_of(lambda: ours.mkdir("/x") if make == "mkdir" else ours.write("/x", b"")) == errno.ENOSPC


def test_it_says_what_a_path_is() -> None:
    ours = disk()
    ours.write("/a", b"abc")

    assert (ours.stat("/a"), ours.stat("/tmp")) == (("file", 3, 7), ("dir", 0, 0))
    assert error_of(lambda: ours.stat("/b")) == errno.ENOENT
    assert error_of(lambda: ours.stat("/a/b")) == errno.ENOTDIR
    assert error_of(lambda: ours.rmdir("/")) is not None
    assert error_of(lambda: ours.rename("/", "/x")) is not None
