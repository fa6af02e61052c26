"""The files a program leaves behind: what of them may go to a thread, and under which names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.produced import MOST_FILES, MOST_FILES_BYTES, produced

PNG = b"\x89PNG\r\n\x1a\n...."


def names(*paths: str, data: bytes = b"text") -> list[str]:
    return [file.name for file in produced([(path, data) for path in paths])[0]]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/table.csv", "table.csv"),
        ("/out/deep/table.CSV", "table.csv"),
        ("/../../etc/cron.d/x.txt", "x.txt"),
        ("/a b\u202egnp.txt", "a_b_gnp.txt"),
        ("/@everyone.md", "everyone.md"),
        ("/`code` ||x||.py", "code_x.py"),
        ("/\U0001f600.txt", "file.txt"),
        ("/..txt", "file.txt"),
        ("/x" * 200 + "/" + "y" * 300 + ".json", "y" * 55 + ".json"),
        ("/a.tar.md", "a.tar.md"),
    ],
)
def test_names_are_plain(path: str, name: str) -> None:
    assert names(path) == [name]


@given(st.lists(st.tuples(st.text(min_size=1), st.sampled_from([b"text", PNG, b"", b"\xff", b"a\0b"])), max_size=20))
def test_whatever_the_names_they_are_harmless_and_differ(files: list[tuple[str, bytes]]) -> None:
    kept, lines = produced([(f"/{path}.txt", data) for path, data in files])

    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,70}", file.name) for file in kept)
    assert len({file.name.lower() for file in kept}) == len(kept)
    assert all(line.isprintable() and "@" not in line for line in lines)
    assert len(kept) <= MOST_FILES
    assert len(lines) <= MOST_FILES


def test_files_of_one_name_in_several_folders_are_told_apart() -> None:
    assert names("/a/x.txt", "/b/x.txt", "/c/X.TXT") == ["x.txt", "x-2.txt", "X-3.txt"]


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("/run.exe", b"MZ", "only pictures"),
        ("/page.html", b"<script>", "only pictures"),
        ("/picture.svg", b"<svg onload='x'/>", "only pictures"),
        ("/run.sh", b"rm", "only pictures"),
        ("/none", b"text", "only pictures"),
        ("/fake.png", b"MZ\x90", "not what .png promises"),
        ("/fake.pdf", b"<html>", "not what .pdf promises"),
        ("/odd.txt", b"\xff\xfe", "not UTF-8"),
        ("/odd.csv", b"a\0b", "not text"),
        ("/empty.txt", b"", "empty"),
    ],
)
def test_what_is_not_harmless_stays_and_is_named_with_its_reason(path: str, data: bytes, reason: str) -> None:
    kept, (line,) = produced([(path, data)])

    assert kept == ()
    assert reason in line


def test_no_more_than_a_message_can_carry() -> None:
    many, more = produced([(f"/{number}.txt", b"x") for number in range(MOST_FILES + 2)])
    large, too_large = produced([("/a.txt", b"x" * MOST_FILES_BYTES), ("/b.txt", b"x")], ["/c.txt"])

    assert (len(many), len(more)) == (MOST_FILES, 2)
    assert [file.name for file in large] == ["a.txt"]
    assert [line.split(":")[0] for line in too_large] == ["b.txt", "c.txt"]
