"""How old the newest text is that people can read while answers stream: 1, 10, 40 and 200 of them at once.

Against the physical optimum: a new state of every answer as often as Discord
takes one (once a second in a channel, fifty times a second in all), visible one
round trip later.
"""

from __future__ import annotations

import asyncio
import math
import string
import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.metronome import Metronome
from benchmarks.stage import BOTS, ROUND_TRIP, ask, bot_on, until
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.server import DiscordServer

CROWDS = (1, 10, 40, 200)
RATE = 60.0
"""Tokens a second of each answer."""
SPREAD = 480
"""Beats between the beginnings of the first and the last answer: as long as a message takes to fill."""
DIGITS = string.digits + string.ascii_letters
TOKENS = [f"Z{high}{low} " for high in DIGITS for low in DIGITS][:1600]
"""Of each answer, all different: some six thousand characters, so that it goes over several messages."""
SETTLING_SECONDS = 4.0
"""After the last answer has begun to be shown, and before the first ends."""

_CHANNEL_SECONDS = 1.0
_GLOBAL_PER_SECOND = 50
_PAGES_PER_SECOND = 4 * RATE / 2_000
_SAMPLE_SECONDS = 0.02
_SERIALS = {token.strip(): serial for serial, token in enumerate(TOKENS)}
_LAST = len(TOKENS) - 1


@dataclass(frozen=True, slots=True)
class Figures:
    """Ages in seconds; lateness of the ends in seconds; refusals are 429s, of the whole run."""

    median: float
    p95: float
    ending_p95: float
    refused: int
    tokens_per_second: float


_MOST_FOR_STRAIGHTFORWARD = 40
_NEVER = Figures(math.inf, math.inf, math.inf, 0, 0.0)
"""More than that it does not finish within any patience: it spends its time waiting out refusals."""
_APART = Figures(math.nan, math.nan, math.nan, 0, 0.0)
"""Nothing was measured: the machine was so slow that the first answer had ended before the last was settled."""


class Watcher:
    """What can be read in each channel: at which times the newest visible token became which."""

    def __init__(self, discord: DiscordServer) -> None:
        self.seen: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        self._bot_id = str(discord.world.bot_id)
        discord.world.subscribe(self._note)

    def newest(self, channel_id: int) -> int:
        return self.seen[channel_id][-1][1] if self.seen[channel_id] else -1

    def _note(self, dispatch: Dispatch) -> None:
        author = dispatch.data.get("author")
        if dispatch.name not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or dispatch.channel_id is None:
            return
        if not isinstance(author, dict) or author["id"] != self._bot_id:
            return
        words = str(dispatch.data.get("content")).split()
        newest = next((_SERIALS[word] for word in reversed(words) if word in _SERIALS), -1)
        if newest > self.newest(dispatch.channel_id):
            self.seen[dispatch.channel_id].append((time.time(), newest))


async def main() -> None:
    """Measure and print."""
    print(f"  {'seconds':34}{'optimum':>9}{'Cogitor':>9}{'ratio':>7}{'straightforward':>17}{'ratio':>7}")
    for crowd in CROWDS:
        best_median, best_p95 = optimum(crowd)
        ours = await measure(BOTS["Cogitor"], crowd)
        theirs = await measure(BOTS["straightforward"], crowd) if crowd <= _MOST_FOR_STRAIGHTFORWARD else _NEVER
        rows = (
            ("age of the newest text, median", best_median, ours.median, theirs.median),
            ("age of the newest text, 95 %", best_p95, ours.p95, theirs.p95),
            ("last token to complete, 95 %", ROUND_TRIP, ours.ending_p95, theirs.ending_p95),
        )
        print(f"  {crowd} at once, {ours.tokens_per_second:,.0f} tokens a second")
        for name, best, own, other in rows:
            print(f"    {name:32}{best:9.2f}{own:9.2f}{own / best:7.2f}{other:17.2f}{other / best:7.2f}")
        print(f"    {'refused with 429':32}{0:9}{ours.refused:9}{'':7}{theirs.refused:17}")


def optimum(crowd: int) -> tuple[float, float]:
    """The least median and 95th percentile that Discord's limits allow."""
    between = max(_CHANNEL_SECONDS, crowd / (_GLOBAL_PER_SECOND - crowd * _PAGES_PER_SECOND))
    return ROUND_TRIP + between * 0.5, ROUND_TRIP + between * 0.95


async def measure(module: str, crowd: int) -> Figures:
    """Let one bot answer `crowd` questions at the same time."""
    async with (
        Metronome(TOKENS, RATE, crowd, SPREAD) as model,
        bot_on(module, model.base_url) as (discord, process),
    ):
        watcher = Watcher(discord)
        threads = ask(discord.world, range(crowd))
        await until(lambda: all(watcher.newest(thread) >= 0 for thread in threads.values()), process)
        begun = time.time() + SETTLING_SECONDS
        await until(lambda: all(watcher.newest(thread) == _LAST for thread in threads.values()), process)
        await asyncio.sleep(0.5)
        ages: list[float] = []
        endings: list[float] = []
        for number, thread in threads.items():
            first = model.answers[f"benchmark {number:03d}"].first_beat
            sent = model.beats[first : first + len(TOKENS)]
            ages += _ages(watcher.seen[thread], sent, begun, model.beats[_LAST])
            endings.append(watcher.seen[thread][-1][0] - sent[-1])
        if not ages:
            return _APART
        speed = crowd * len(TOKENS) / (model.beats[_LAST] - model.beats[0])
        return Figures(median(ages), _p95(ages), _p95(endings), sum(discord.rest.limited.values()), speed)


def _ages(seen: list[tuple[float, int]], sent: list[float], begun: float, ended: float) -> list[float]:
    """The age of the newest visible token at moments evenly spread over the time in which all answers stream."""
    times = [at for at, _ in seen]
    samples: list[float] = []
    for moment in range(int((ended - begun) / _SAMPLE_SECONDS)):
        at = begun + moment * _SAMPLE_SECONDS
        _, token = seen[bisect_right(times, at) - 1]
        samples.append(at - sent[token])
    return samples


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
