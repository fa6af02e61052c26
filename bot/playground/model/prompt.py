"""How large a request is, and how much of it the provider has just seen.

Tokens are estimated from bytes. A cache hit is a true one: the prompt begins with the
same bytes as the session's last request. This module knows nothing of sockets.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from itertools import takewhile

from bot.playground.model.catalogue import StandIn
from bot.playground.model.files import file_tokens, without_data
from bot.playground.model.request import ChatMessage, ChatRequest

BYTES_A_TOKEN = 4
_BLOCK_TOKENS = 16
_SESSIONS = 1_000


class PromptCache:
    """Remembers each session's last prompt by the hashes of its blocks, as providers do."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[tuple[str, str], list[int]] = OrderedDict()

    def store(self, session_id: str | None, model: StandIn, prompt: bytes) -> int:
        """Remember the prompt; return how many of its tokens the session's last one began with too."""
        if session_id is None:
            return 0
        size = _BLOCK_TOKENS * BYTES_A_TOKEN
        blocks = [hash(prompt[at : at + size]) for at in range(0, len(prompt) - size + 1, size)]
        key = (session_id, model.id)
        known = self._blocks.pop(key, [])
        self._blocks[key] = blocks
        if len(self._blocks) > _SESSIONS:
            self._blocks.popitem(last=False)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(known, blocks, strict=False))
        return sum(1 for _ in same) * _BLOCK_TOKENS


def measure(prompt: bytes, request: ChatRequest) -> int:
    """A prompt's size in tokens, at least 1."""
    return max(1, len(prompt) // BYTES_A_TOKEN + file_tokens(request.messages))


def render(request: ChatRequest) -> bytes:
    """The prompt in the order in which a model reads it: tools first, then every message."""
    parts = [*request.tools, *map(_without_data, request.messages)]
    dumped = [json.dumps(part.model_dump(exclude_unset=True), ensure_ascii=False) for part in parts]
    return "\n".join(dumped).encode("utf-8", "surrogatepass")


def _without_data(message: ChatMessage) -> ChatMessage:
    parts = message.parts
    return message.model_copy(update={"content": [without_data(part) for part in parts]}) if parts else message
