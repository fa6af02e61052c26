"""Whether Discord shows what the model meant: at every frame of 40 difficult answers at once, and at their ends.

In calm weather, and in a storm of refusals, server errors and lost connections.
A frame is what a message shows after it was sent or edited, judged for itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from random import Random

from benchmarks.balance import Balance, balance, is_complete
from benchmarks.dictation import Dictation, dictated
from benchmarks.difficult import Answer, difficult_answer
from benchmarks.judge import Judge
from benchmarks.process import Process
from benchmarks.stage import BOTS, ask, bot_on
from benchmarks.weather import SILENT_SECONDS, Storm
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.records import Message
from bot.playground.discord.server import DiscordServer

CROWD = 40
RATE = 60.0
"""Tokens a second of each answer."""
SEED = 20261125
LENGTH, LONGEST = 3_000, 11_500
"""Characters of an answer, and of every eighth, which does not fit into the messages that an answer may fill."""

_SETTLED_SECONDS = 4.0
"""Without any change, once all that was written can be found: files come last."""
_GIVEN_UP_SECONDS = {False: 8.0, True: SILENT_SECONDS + 2}
"""Without any change, after which nothing more is expected, in calm weather and in a storm."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen of all answers together. `refused` are 429s that the weather did not send."""

    frames: int
    broken: int
    code_broken: int
    balance: Balance
    complete: int
    posted_twice: int
    refused: int


class Watcher:
    """Notes every state of every message of the bot, in the order in which people saw them."""

    def __init__(self, discord: DiscordServer) -> None:
        self.frames: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        """By channel: the message, and its content."""
        self.posted: Counter[tuple[int, str]] = Counter()
        """By channel, with what each message said when it was posted."""
        self.changed_at = time.monotonic()
        self._bot_id = str(discord.world.bot_id)
        discord.world.subscribe(self._note)

    def _note(self, dispatch: Dispatch) -> None:
        author = dispatch.data.get("author")
        if dispatch.name not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or dispatch.channel_id is None:
            return
        if not isinstance(author, dict) or author["id"] != self._bot_id:
            return
        content = str(dispatch.data["content"])
        self.changed_at = time.monotonic()
        self.frames[dispatch.channel_id].append((int(str(dispatch.data["id"])), content))
        if dispatch.name == "MESSAGE_CREATE":
            self.posted[dispatch.channel_id, content] += 1


async def main() -> None:
    """Measure and print."""
    random = Random(SEED)
    answers = [difficult_answer(random, LONGEST if number % 8 == 7 else LENGTH) for number in range(CROWD)]
    streams = [dictated(random, answer.text, longest=20 if len(answer.text) > 9_000 else 8) for answer in answers]
    print(f"  {'':44}{'Cogitor':>10}{'straightforward':>18}{'ratio':>8}")
    for name, is_stormy in (("calm", False), ("storm", True)):
        ours, theirs = [await measure(module, answers, streams, is_stormy=is_stormy) for module in BOTS.values()]
        print(f"  {name}")
        for row, own, other in _rows(ours, theirs):
            ratio = f"{own / other:.2f}" if other else "–"
            print(f"    {row:42}{_figure(own):>10}{_figure(other):>18}{ratio:>8}")


def _figure(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def _rows(ours: Figures, theirs: Figures) -> list[tuple[str, float, float]]:
    both = (ours, theirs)
    pairs = {
        "frames": [it.frames for it in both],
        "broken, of a thousand": [1000 * it.broken / max(1, it.frames) for it in both],
        "code and text confused, of a thousand": [1000 * it.code_broken / max(1, it.frames) for it in both],
        f"answers complete, of {CROWD}": [it.complete for it in both],
        f"characters lost, of {ours.balance.letters:,}": [it.balance.letters_lost for it in both],
        f"lines of code damaged, of {ours.balance.code_lines:,}": [it.balance.code_lines_damaged for it in both],
        "files": [it.balance.files for it in both],
        "of them not as written": [it.balance.files_damaged for it in both],
        "messages posted twice": [it.posted_twice for it in both],
        "refused with 429, weather apart": [it.refused for it in both],
    }
    return [(row, own, other) for row, (own, other) in pairs.items()]


async def measure(module: str, answers: list[Answer], streams: list[list[bytes]], *, is_stormy: bool) -> Figures:
    """Let one bot show all answers at once, and judge everything that it showed."""
    dictated_to = {f"benchmark {number:03d}": pieces for number, pieces in enumerate(streams)}
    async with (
        Dictation(dictated_to, RATE) as model,
        bot_on(module, model.base_url, is_quiet=is_stormy and module != "bot") as (discord, process),
    ):
        watcher = Watcher(discord)
        storm = Storm(Random(SEED)) if is_stormy else None
        if storm is not None:
            discord.rest.faults = storm
        threads = ask(discord.world, range(len(answers)))
        asked = {threads[number]: answer for number, answer in enumerate(answers)}
        await _until_over(model, watcher, process, discord, asked, _GIVEN_UP_SECONDS[is_stormy])
        refused = sum(discord.rest.limited.values()) - (storm.refusals if storm else 0)
        return _judged(discord, watcher, asked, refused)


async def _until_over(
    model: Dictation,
    watcher: Watcher,
    process: Process,
    discord: DiscordServer,
    answers: dict[int, Answer],
    patience: float,
) -> None:
    """Wait until all can be found on Discord, or nothing has changed for `patience` seconds."""
    still = 0.0
    while still < patience:
        await asyncio.sleep(0.5)
        if not process.is_running:
            raise RuntimeError("the bot has ended, which no benchmark expects")
        still = time.monotonic() - watcher.changed_at if model.is_over else 0.0
        if still > _SETTLED_SECONDS and all(
            is_complete(it, *_shown(discord, thread)) for thread, it in answers.items()
        ):
            return


def _shown(discord: DiscordServer, thread: int) -> tuple[list[str], list[bytes]]:
    """What the bot's messages in a thread say, and the files that they have."""
    messages = [it for it in _messages(discord, thread) if it.author_id == discord.world.bot_id]
    return [it.content for it in messages], [bytes(file.data) for it in messages for file in it.attachments]


def _messages(discord: DiscordServer, thread: int) -> list[Message]:
    return sorted(discord.world.records.messages.get(thread, {}).values(), key=lambda message: message.id)


def _judged(discord: DiscordServer, watcher: Watcher, answers: dict[int, Answer], refused: int) -> Figures:
    frames = broken = code_broken = complete = 0
    ends: list[Balance] = []
    for thread, answer in answers.items():
        judge, seen = Judge(answer), watcher.frames[thread]
        last = dict(seen)
        verdicts = [judge.verdict(content, is_final=False) for _, content in seen]
        verdicts += [judge.verdict(content, is_final=True) for content in last.values()]
        frames += len(verdicts)
        broken += sum(verdict.is_broken for verdict in verdicts)
        code_broken += sum(verdict.breaks_code for verdict in verdicts)
        ends.append(balance(answer, *_shown(discord, thread)))
        complete += is_complete(answer, *_shown(discord, thread)) and not ends[-1].code_lines_damaged
    return Figures(
        frames=frames,
        broken=broken,
        code_broken=code_broken,
        balance=_sum(ends),
        complete=complete,
        posted_twice=sum(count - 1 for count in watcher.posted.values()),
        refused=refused,
    )


def _sum(ends: list[Balance]) -> Balance:
    return Balance(
        letters=sum(end.letters for end in ends),
        letters_lost=sum(end.letters_lost for end in ends),
        code_lines=sum(end.code_lines for end in ends),
        code_lines_damaged=sum(end.code_lines_damaged for end in ends),
        files=sum(end.files for end in ends),
        files_damaged=sum(end.files_damaged for end in ends),
    )
