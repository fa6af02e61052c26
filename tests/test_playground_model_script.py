"""The embedded model's script, and the speed at which it is played."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.model import ModelServer, Script, ScriptError, load_script
from bot.playground.model.pace import Pace
from bot.playground.model.reply import tokens
from bot.playground.model.script import FaultName
from tests.model_talk import (
    SCRIPT,
    ask,
    said,
    stream,
)


class FakeTime:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0)
        await asyncio.sleep(0)


class TestPace:
    async def test_a_scene_is_played_at_its_own_speed(self) -> None:
        time = FakeTime()
        async with ModelServer(SCRIPT, clock=time.clock, sleep=time.sleep) as server:
            headers = {"Authorization": "Bearer k"}
            async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
                await stream(client, ask("think for a minute"))
        record = server.requests[-1]
        assert record.ended_at is not None
        assert 55 < record.ended_at - record.at < 70

    async def test_a_late_sleeper_catches_up(self) -> None:
        time = FakeTime()
        pace = Pace(10, 1, clock=time.clock, sleep=time.sleep, random=_Even())
        time.now += 5
        for _ in range(100):
            await pace.after(1)
        assert time.now == pytest.approx(1_010, abs=0.01)

    async def test_the_same_seed_makes_the_same_unevenness(self) -> None:
        assert await _duration(seed=1) == await _duration(seed=1)
        assert await _duration(seed=1) != await _duration(seed=2)


async def _duration(seed: int) -> float:
    time = FakeTime()
    async with (
        ModelServer(SCRIPT, clock=time.clock, sleep=time.sleep, seed=seed) as server,
        httpx.AsyncClient(base_url=server.base_url, headers={"Authorization": "Bearer k"}) as client,
    ):
        await stream(client, ask("hello"))
    return time.now


class _Even:
    """A random source without surprises."""

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


class TestScript:
    @pytest.mark.parametrize("scene", [scene for scene in SCRIPT.scenes if scene.when], ids=lambda scene: scene.name)
    def test_each_scene_is_reached_by_its_own_phrase(self, scene: Any) -> None:
        assert SCRIPT.scene_for(f"Please: {scene.phrase.upper()}.") is scene

    def test_every_fault_is_played_by_some_scene(self) -> None:
        assert {scene.fault.name for scene in SCRIPT.scenes if scene.fault} == set(FaultName)

    def test_an_ordinary_question_gets_the_default_scene(self) -> None:
        assert SCRIPT.scene_for("Can you help me fix an error 500 in my program?").name == "default"

    def test_the_long_program_is_whole_python(self) -> None:
        scene = next(scene for scene in SCRIPT.scenes if scene.name == "program")
        code = SCRIPT.words(scene.say).split("```python\n")[1].split("\n```")[0]
        assert len(code.splitlines()) > 300
        compile(code, "program", "exec")

    async def test_people_may_play_their_own_script(self, tmp_path: Path) -> None:
        (tmp_path / "poem.md").write_text("A {short} poem for {name}.")
        own = tmp_path / "own.yaml"
        own.write_text("version: 1\nscenes:\n  - {name: all, say: {file: poem.md}}\n")
        async with ModelServer(load_script(own), speed=math.inf) as server:
            headers = {"Authorization": "Bearer k"}
            async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
                assert said(await stream(client, ask("[Ann] hi"))) == "A {short} poem for Ann."

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("scenes: [", "is not YAML"),
            ("[]", "is not a script"),
            ("scenes: []", "scenes"),
            ("scenes: [{name: a, when: b}]", "exactly one scene must have no `when`"),
            ("scenes: [{name: a, when: '/(/'}, {name: b}]", "not a regular expression"),
            ("scenes: [{name: a, shout: b}]", "scenes.0.shout"),
            ("scenes: [{name: a, fault: {name: gremlins}}]", "scenes.0.fault.name"),
            ("scenes: [{name: a, say: {file: ../secret}}]", "scenes.0.say"),
            ("scenes: [{name: a, say: {file: missing.md}}]", "cannot be read"),
        ],
    )
    def test_a_faulty_script_is_refused_with_the_place(self, tmp_path: Path, text: str, complaint: str) -> None:
        path = tmp_path / "own.yaml"
        path.write_text(text)
        with pytest.raises(ScriptError) as refused:
            load_script(path)
        assert complaint in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_regular_expressions_and_phrases_ignore_case(self) -> None:
        script = Script.model_validate(
            {"scenes": [{"name": "a", "when": ["/^go+$/", "red car"]}, {"name": "b"}]},
        )
        assert [script.scene_for(text).name for text in ("GOOO", "a Red Car!", "scared cargo", "go on")] == list("aabb")


@given(st.text())
def test_tokens_lose_nothing(text: str) -> None:
    assert "".join(tokens(text)) == text
