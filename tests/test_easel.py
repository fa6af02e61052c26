"""Pictures are drawn beside everything else, one at a time, and what goes wrong costs only the picture."""

from __future__ import annotations

import threading

import pytest

from bot.easel import Easel


async def test_a_picture_is_drawn_in_a_thread_of_its_own() -> None:
    drawn_in: list[int] = []

    def draw() -> bytes:
        drawn_in.append(threading.get_ident())
        return b"png"

    assert await Easel().draw(draw) == b"png"
    assert drawn_in != [threading.get_ident()]


async def test_a_picture_that_takes_too_long_is_left_out() -> None:
    ended = threading.Event()

    def draw() -> bytes:
        ended.wait(20)
        return b"png"

    easel = Easel(0.05)
    assert await easel.draw(draw) is None
    ended.set()
    assert await easel.draw(lambda: b"next") == b"next"


async def test_a_picture_that_cannot_be_drawn_is_left_out_and_logged_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def draw() -> bytes:
        raise ValueError("zanzibar")

    assert await Easel().draw(draw) is None
    assert "a picture could not be drawn: ValueError at test_easel.py" in caplog.text
    assert "zanzibar" not in caplog.text
