"""One turn of 300 tool calls through the whole bot: what goes back to the model, what a step costs, how that grows."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, cast

from benchmarks.marathon import Marathon, details_of
from benchmarks.process import Process
from benchmarks.stage import BOTS, FIRST_WORD, LAST_WORDS, ask, bot_on, until
from bot.messages import JsonObject
from bot.playground.discord.server import DiscordServer
from bot.playground.discord.world import World
from bot.store import Store

STEPS = 300
THOUGHT = 1_200
"""Characters of reasoning before each call."""
ADDRESS = "http://127.0.0.1:9/"
"""`web_fetch` refuses it without asking anybody, so that the time is the bot's own."""
SEED = 20261126
SOME = 30
"""Steps at the beginning and at the end whose medians are compared."""
SCHEMAS = Path(__file__).parents[1].parent / "shared" / "data" / "openrouter-sdk-1.3.84-schemas.json"

_REST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the turn. Counts are of steps or of requests; `invalid` is None where there is no schema."""

    completed: int
    same_thoughts: int
    same_calls: int
    begin_with_last: int
    stored_before: int
    invalid: int | None
    milliseconds: tuple[float, ...]
    """From the end of each step to the next request, in order."""
    processor: float
    """Seconds that all of it took the bot's processor."""
    last_request: int
    memory: int
    memory_more: int


async def main() -> None:
    """Measure and print."""
    figures = await measure(STEPS)
    first, last = median(figures.milliseconds[:SOME]), median(figures.milliseconds[-SOME:])
    rows: list[tuple[str, str]] = [
        (f"steps with their result, of {STEPS}", f"{figures.completed}"),
        (f"steps whose reasoning came back to the byte, of {STEPS}", f"{figures.same_thoughts}"),
        (f"steps whose call came back to the byte, of {STEPS}", f"{figures.same_calls}"),
        (f"requests that begin with the one before, of {STEPS}", f"{figures.begin_with_last}"),
        (f"steps stored before the next began, of {STEPS}", f"{figures.stored_before}"),
        (f"requests not as OpenRouter's schema has it, of {STEPS + 1}", _or_unknown(figures.invalid)),
        (f"between two requests, first {SOME} steps, median ms", f"{first:.1f}"),
        (f"between two requests, last {SOME} steps, median ms", f"{last:.1f}"),
        ("between two requests, 95 %, ms", f"{sorted(figures.milliseconds)[int(0.95 * STEPS)]:.1f}"),
        ("processor, ms a step", f"{1e3 * figures.processor / STEPS:.1f}"),
        ("growth a step, ms", f"{(last - first) / (STEPS - SOME):.3f}"),
        ("the last request, kB", f"{figures.last_request / 1e3:,.0f}"),
        ("memory at rest, MB", f"{figures.memory / 1e6:.1f}"),
        ("more at the most, MB", f"{figures.memory_more / 1e6:.1f}"),
    ]
    for name, value in rows:
        print(f"  {name:62}{value:>10}")


def _or_unknown(count: int | None) -> str:
    return "–" if count is None else f"{count}"


async def measure(steps: int) -> Figures:
    """Let the bot answer one question with so many calls, and look at all that it sent."""
    database = _Database()

    async def prepare(world: World, url: str) -> None:
        database.path = url.removeprefix("sqlite:///")
        store = await Store.open(url)
        try:
            for guild_id in world.records.guilds:
                known = await store.guild_settings(guild_id) or {}
                settings: JsonObject = {**known, "max_tool_calls": steps, "tools": ["web_fetch"]}
                await store.save_guild_settings(guild_id, settings)
        finally:
            await store.close()

    model = Marathon(
        steps,
        name="web_fetch",
        arguments=lambda number: {"url": f"{ADDRESS}{number}"},
        thought=THOUGHT,
        seed=SEED,
        last_words=f"{FIRST_WORD} {LAST_WORDS}",
        stored=database.steps,
    )
    async with model, bot_on(BOTS["Cogitor"], model.base_url, prepare=prepare) as (discord, process):
        await asyncio.sleep(_REST_SECONDS)
        at_rest, before = process.memory(), process.processor_seconds()
        most = await _run(model, discord, process)
        took = process.processor_seconds() - before
    return _judged(model, at_rest, most - at_rest, took)


async def _run(model: Marathon, discord: DiscordServer, process: Process) -> int:
    """Ask, and wait until the answer can be read; returns the most memory that was in use meanwhile."""
    thread = ask(discord.world, [0])[0]
    samples: list[int] = []

    def is_over() -> bool:
        samples.append(process.memory())
        shown = discord.world.records.messages.get(thread, {}).values()
        return model.is_over and any(LAST_WORDS in message.content for message in shown)

    await until(is_over, process)
    return max(samples)


class _Database:
    """The bot's database, read from outside."""

    def __init__(self) -> None:
        self.path = ""

    def steps(self) -> int:
        """How many steps are stored with the results of their calls."""
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as db:
            found = db.execute("SELECT count(*) FROM steps WHERE body LIKE '%\"tool_results\":[{%'")
            return int(found.fetchone()[0])


def _judged(model: Marathon, at_rest: int, more: int, processor: float) -> Figures:
    bodies = [asked.body for asked in model.asked]
    sent = [*_steps_in(bodies[-1])]
    return Figures(
        completed=sum(result["tool_call_id"] == call["tool_calls"][0]["id"] for call, result in sent),
        same_thoughts=sum(
            _written(call["reasoning_details"]) == _written(details_of(thought))
            for (call, _), thought in zip(sent, model.thoughts, strict=False)
        ),
        same_calls=sum(
            _written(call["tool_calls"]) == _written([_called(model, number)]) for number, (call, _) in enumerate(sent)
        ),
        begin_with_last=sum(_begins_with(one, other) for one, other in pairwise(bodies)),
        stored_before=sum(asked.kept >= number for number, asked in enumerate(model.asked[1:], 1)),
        invalid=_invalid(bodies),
        milliseconds=tuple(1e3 * (other.at - one.answered_at) for one, other in pairwise(model.asked)),
        processor=processor,
        last_request=len(bodies[-1]),
        memory=at_rest,
        memory_more=more,
    )


def _called(model: Marathon, number: int) -> JsonObject:
    function: JsonObject = {"name": "web_fetch", "arguments": model.arguments[number]}
    return {"id": model.call_id(number), "type": "function", "function": function}


def _steps_in(body: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each message that calls a tool, with the result behind it."""
    messages = cast("list[dict[str, Any]]", json.loads(body)["messages"])
    for one, other in pairwise(messages):
        if one.get("tool_calls") and other["role"] == "tool":
            yield one, other


def _written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _begins_with(one: bytes, other: bytes) -> bool:
    """Whether a request has all of the one before, up to the end of its messages, at its own beginning."""
    return other.startswith(one[: one.rindex(b"],")])


def _invalid(bodies: list[bytes]) -> int | None:
    """How many requests OpenRouter's own schema does not allow.

    Each begins with the one before, so of all but the last only what is new is looked at.
    """
    if find_spec("jsonschema") is None or not SCHEMAS.exists():
        return None
    import jsonschema

    validator: Any = jsonschema.Draft202012Validator(json.loads(SCHEMAS.read_text())["ChatRequest"])
    requests = [json.loads(body) for body in bodies]
    light = [{**request, "messages": request["messages"][-3:]} for request in requests[:-1]]
    return sum(not validator.is_valid(request) for request in [*light, requests[-1]])
