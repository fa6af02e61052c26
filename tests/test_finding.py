"""Models found by what somebody types, and the line that is shown about each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.finding import described, find
from bot.model import ModelInfo

KIMI = ModelInfo(
    "moonshotai/kimi-k2-thinking",
    "Kimi K2 Thinking",
    262_144,
    prompt_price=600,
    completion_price=2_500,
    uses_tools=True,
    reasons=True,
)
EYES = ModelInfo(
    "openai/gpt-4.1-mini",
    "GPT-4.1 Mini",
    1_047_576,
    prompt_price=400,
    completion_price=1_600,
    sees_images=True,
    reads_files=True,
    uses_tools=True,
)
FREE = ModelInfo("z-ai/glm-5:free", "GLM 5 (free)", 65_536, prompt_price=0, completion_price=0, reasons=True)
LOCAL = ModelInfo("tools.gguf", "tools.gguf", 8_192)
ALL = (KIMI, EYES, FREE, LOCAL)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ALL),
        ("  ", ALL),
        ("kimi", (KIMI,)),
        ("THINKING", (KIMI,)),
        ("images", (EYES,)),
        ("sees", (EYES,)),
        ("files images", (EYES,)),
        ("tools", (LOCAL, KIMI, EYES)),
        ("reasoning", (KIMI, FREE)),
        ("reasoning glm", (FREE,)),
        ("free", (FREE,)),
        ("<$2", (EYES, FREE)),
        ("<2.5", (KIMI, EYES, FREE)),
        ("≤$0", (FREE,)),
        ("128k", (KIMI, EYES)),
        (">1m", (EYES,)),
        ("se", ()),
        ("images reasoning", ()),
        ("nothing of the kind", ()),
        ("<$", ()),
    ],
)
def test_a_model_is_found_by_name_ability_price_and_window(typed: str, found: tuple[ModelInfo, ...]) -> None:
    assert find(ALL, typed) == found


def test_no_more_are_found_than_are_asked_for() -> None:
    assert find(ALL, "", 2) == (KIMI, EYES)


@pytest.mark.parametrize(
    ("info", "line"),
    [
        (KIMI, "Kimi K2 Thinking · 262k · $0.60/$2.50 per M · reasoning · tools"),
        (EYES, "GPT-4.1 Mini · 1M · $0.40/$1.60 per M · tools · sees images · reads files"),
        (FREE, "GLM 5 (free) · 65k · free · reasoning"),
        (LOCAL, "tools.gguf · 8k"),
        (
            ModelInfo("a/b", "B", prompt_price=1, completion_price=75_000, retires_on="2026-12-05"),
            "B · 32k · $0.00/$75.00 per M · retires 2026-12-05",
        ),
    ],
)
def test_a_line_tells_name_window_price_abilities_and_the_last_day(info: ModelInfo, line: str) -> None:
    assert described(info) == line


@given(
    st.builds(
        ModelInfo,
        id=st.text(min_size=1),
        name=st.text(min_size=1),
        context_tokens=st.integers(1, 10**9),
        prompt_price=st.none() | st.integers(0, 10**12),
        completion_price=st.none() | st.integers(0, 10**12),
        reasons=st.booleans(),
        uses_tools=st.booleans(),
        sees_images=st.booleans(),
        reads_files=st.booleans(),
        retires_on=st.none() | st.just("2026-12-05"),
    ),
    st.text() | st.from_regex(r"[<>≤≥=$\d.km٣²]{1,12}"),
)
def test_any_words_find_any_model_or_not_and_its_line_fits_a_choice(info: ModelInfo, typed: str) -> None:
    assert find((info,), typed) in ((), (info,))
    assert 1 <= len(described(info)) <= 100
