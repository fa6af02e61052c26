"""Reads tool calls that a model wrote into its text, in the forms of Kimi and of Hermes and Qwen.

Only complete calls with sound arguments count. This module knows nothing of
how they are found in a text, nor of which tools there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

CALL_BEGIN, CALL_END = "<|tool_call_begin|>", "<|tool_call_end|>"
ARGUMENTS_BEGIN = "<|tool_call_argument_begin|>"

_CALL_ID = re.compile(r"\s*(?:functions\.)?(?P<name>[\w.-]{1,64}?)(?::\d{1,9})?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class LeakedCall:
    """A complete tool call, as it stood in the text. `id` is empty where it had none."""

    id: str
    name: str
    arguments: str


def kimi_calls(body: str) -> Iterator[LeakedCall]:
    """The complete calls between Kimi's marks (Moonshot, "Tool calling guidance")."""
    for chunk in body.split(CALL_BEGIN):
        head, begins, rest = chunk.partition(ARGUMENTS_BEGIN)
        arguments, ends, _ = rest.partition(CALL_END)
        named = _CALL_ID.fullmatch(head)
        if begins and ends and named and _object(arguments) is not None:
            yield LeakedCall(head.strip(), named["name"], arguments.strip())


def hermes_call(body: str) -> LeakedCall | None:
    """A call as Hermes and Qwen write it: an object with `name` and `arguments`."""
    call = _object(body)
    if call is None or not isinstance(name := call.get("name"), str):
        return None
    arguments = call.get("arguments", {})
    return LeakedCall("", name, arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False))


def _object(text: str) -> dict[str, object] | None:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, object], value) if isinstance(value, dict) else None
