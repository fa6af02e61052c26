"""Whether cutting an answer into messages costs the same for each character, however long the answer is.

Fed in pieces of four characters, about a token each, and drawn every 60 pieces, which
is about once a second. Prose, lists, tables and code alternate.
"""

from __future__ import annotations

import time

from bot.render.split import Splitter

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PIECE, DRAWN_EVERY = 4, 240
CHARACTERS_A_SIZE = 1_000_000
"""Short answers are repeated until this much is fed, so that every figure is as certain."""

SECTION = """## Step {n}: a heading

A paragraph with **bold**, `code` and a [link](https://example.org/{n}), long enough to be wrapped by whoever reads it.

- a first point, with *emphasis*
- a second point, which takes a little longer to make

| name | value |
|---|---|
| item {n} | {n} |

```python
def step_{n}(text: str) -> str:
    return text.strip() or "nothing"
```

"""


async def main() -> None:
    """Measure and print."""
    text = "".join(SECTION.replace("{n}", str(number)) for number in range(4_000))
    titles = f"{'characters':>12}{'fed, ns each':>16}{'drawn too, ns each':>20}{'ns a token':>12}"
    print(f"  {titles}{'characters a second':>22}")
    figures: dict[int, tuple[float, float]] = {}
    for size in SIZES:
        figures[size] = fed, drawn = cost(text[:size], draws=False), cost(text[:size], draws=True)
        print(f"  {size:12,}{fed * 1e9:16.0f}{drawn * 1e9:20.0f}{drawn * PIECE * 1e9:12.0f}{1 / drawn:22,.0f}")
    (short_fed, short_drawn), (long_fed, long_drawn) = figures[SIZES[0]], figures[SIZES[-1]]
    print(f"  largest / smallest{long_fed / short_fed:10.2f}{long_drawn / short_drawn:20.2f}")


def cost(text: str, *, draws: bool) -> float:
    """Processor seconds a character."""
    repeats = max(1, CHARACTERS_A_SIZE // len(text))
    began = time.process_time()
    for _ in range(repeats):
        splitter = Splitter()
        for start in range(0, len(text), PIECE):
            splitter.feed(text[start : start + PIECE])
            if draws and start % DRAWN_EVERY == 0:
                splitter.pages()
        splitter.finish()
        splitter.pages()
    return (time.process_time() - began) / (repeats * len(text))
