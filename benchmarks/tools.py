"""What a turn of 300 tool calls costs besides model and tools: each step, from the first to the last, and memory.

The engine, the store and the client of the model's server are the bot's own; the
server is a function that answers at once and looks at each request: whether
OpenRouter's schema allows it (where that lies beside this repository), and
whether all reasoning comes back as it was sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bot.engine import Draft, Engine
from bot.messages import Conversation, JsonObject, Said, Text, Turn
from bot.model import ModelRequest, ToolSpec
from bot.openrouter import Catalogue, OpenRouter
from bot.saving import Saving
from bot.store import Store
from bot.tools import Asking, Output, Toolbox

CALLS = 300
URL = "https://model.invalid/api/v1"
MODEL = "moonshotai/kimi-k2-thinking"
SCHEMAS = Path(__file__).parents[2] / "shared" / "data" / "openrouter-sdk-1.3.84-schemas.json"
THOUGHT = "I have seen what this page says, and it leads me to the next one, which I read now. " * 6
PAGE = "A page of documentation has paragraphs such as this one, which say little at some length. " * 22
WINDOWS = (("everything fits", 10_000_000), ("a window of 128,000", 100_000))


class Server:
    """Answers each request at once: calls the tool until it was called often enough."""

    def __init__(self) -> None:
        self.asked = 0
        self.began: list[tuple[float, float]] = []
        """When each request came: seconds of the clock and of the processor."""
        self.ended: list[tuple[float, float]] = []
        self.sizes: list[int] = []
        self.memory: list[int] = []
        self.faults = 0
        self._validator = _validator()

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404)
        self.began.append((time.perf_counter(), time.process_time()))
        raw = request.content
        self.sizes.append(len(raw))
        self.memory.append(_memory())
        number, self.asked = self.asked, self.asked + 1
        if number % 50 == 0 or number >= CALLS:
            self.faults += self._faults(json.loads(raw))
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=self._answer(number))

    async def _answer(self, number: int) -> AsyncIterator[bytes]:
        delta: JsonObject = {"content": "Done."}
        if number < CALLS:
            function: JsonObject = {"name": "read", "arguments": json.dumps({"page": number})}
            calls: Any = [{"index": 0, "id": "functions.read:0", "type": "function", "function": function}]
            delta = {"content": None, "reasoning": THOUGHT, "reasoning_details": [detail(number)], "tool_calls": calls}
        finish = "tool_calls" if number < CALLS else "stop"
        choice: Any = {"index": 0, "delta": delta, "finish_reason": finish}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.0001}
        chunk = {"id": f"gen-{number}", "model": MODEL, "object": "chat.completion.chunk", "created": 1}
        yield f"data: {json.dumps({**chunk, 'choices': [choice], 'usage': usage})}\n\ndata: [DONE]\n\n".encode()
        self.ended.append((time.perf_counter(), time.process_time()))

    def _faults(self, body: Any) -> int:
        """What is wrong with a request."""
        wrong = 0 if self._validator is None else len(list(self._validator.iter_errors(body)))
        steps = [message for message in body["messages"] if message["role"] == "assistant"]
        first = self.asked - 1 - len(steps)  # steps that have left the window, with their reasoning
        wrong += sum(step.get("reasoning_details") != [detail(first + place)] for place, step in enumerate(steps))
        results = sum(message["role"] == "tool" for message in body["messages"])
        return wrong + (results != len(steps))


def detail(number: int) -> JsonObject:
    """The reasoning of one step, as the server sends it and wants it back."""
    return {"type": "reasoning.text", "text": f"{number}: {THOUGHT}", "format": "unknown", "index": 0}


class Reader:
    """A tool that answers at once."""

    spec = ToolSpec("read", "Reads a page.", {"type": "object", "properties": {"page": {"type": "integer"}}})
    seconds = 5.0
    asks_first = False

    def label(self, arguments: JsonObject) -> str:
        return str(arguments["page"])

    async def closed_place(self, arguments: JsonObject, asking: Asking) -> int | None:
        return None

    async def call(self, arguments: JsonObject, asking: Asking) -> Output:
        return Output(f"Page {arguments['page']}. {PAGE}")


async def main() -> None:
    """Measure and print."""
    print(f"  {'milliseconds of a step':24}{'steps 1-30':>12}{'steps 271-300':>15}{'ratio':>8}")
    for name, room in WINDOWS:
        await _measure(name, room)


async def _measure(name: str, room: int) -> None:
    server, draft = Server(), Draft()
    with TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite:///{Path(folder) / 'cogitor.db'}")
        try:
            turn = await _begun_turn(store)
            saving = Saving(store, turn.id, _no_sleep)
            async with httpx.AsyncClient(transport=httpx.MockTransport(server.handle)) as http:
                model = OpenRouter(http, URL, "", catalogue=Catalogue(http, URL, ""), sleep=_no_sleep)
                engine = Engine(model, clock=time.monotonic)
                request = ModelRequest(MODEL, "You are kind. " * 100, (turn,), "session", room=room)
                box = Toolbox([Reader()], max_calls=CALLS)
                async for _ in engine.run(request, box, draft, lambda: saving.step(draft)):
                    pass
            stored = await store.turn(turn.id)
        finally:
            await store.close()
    kept = [] if stored is None else [step.reasoning_details for step in stored.steps if step.tool_results]
    equal = sum(details == (detail(number),) for number, details in enumerate(kept))
    _report(name, server, draft, equal)


def _report(name: str, server: Server, draft: Draft, equal: int) -> None:
    for unit, which in (("waiting", 0), ("processor", 1)):
        took = [began[which] - ended[which] for began, ended in zip(server.began[1:], server.ended[:-1], strict=True)]
        early, late = median(took[:30]), median(took[-30:])
        print(f"  {name + ', ' + unit:24}{early * 1e3:12.1f}{late * 1e3:15.1f}{late / early:8.1f}")
    finished = sum(bool(step.tool_results) for step in draft.steps())
    grown = (max(server.memory[50:]) - server.memory[50]) / 1e6
    schema = "held against the schema" if SCHEMAS.exists() else "with no schema at hand"
    print(
        f"    {finished} of {CALLS} steps kept, the reasoning of {equal} to the byte; {server.faults} faults {schema}"
    )
    print(f"    requests of up to {max(server.sizes) / 1e3:,.0f} kB; {grown:.0f} MB more memory than at step 50")


async def _begun_turn(store: Store) -> Turn:
    await store.add_conversation(Conversation(1, 1, 1))
    turn = await store.ask(1, Said(1_001, 1, "Ada", (Text("Please read all of it."),), time.time()))
    if turn is None:
        raise RuntimeError("the database took no question")
    await store.begin(turn.id)
    return turn


async def _no_sleep(_seconds: float) -> None:
    return None


def _memory() -> int:
    """Bytes in use by this process (the resident set)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def _validator() -> Any:
    if not SCHEMAS.exists():
        return None
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMAS.read_text())["ChatRequest"])
