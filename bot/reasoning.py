"""Puts the fragments of a model's `reasoning_details` together again.

The result can be sent back as the model made it, which providers check. This
module knows nothing of how fragments arrive, nor of which model may be sent
which details.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from bot.errors import ModelError, ModelFault
from bot.messages import JsonObject, JsonValue, ReasoningDetail
from bot.pieces import Growing, mend

MAX_CHARACTERS = 8_000_000
"""The details of one step together; far beyond any real answer."""
MAX_DETAILS = 4_096
MAX_NESTING = 64
"""Levels of lists and objects in one reasoning detail; deeper ones could not be written back."""

_PAYLOADS = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""The kinds of detail that arrive in fragments, and the key whose text grows. All others are opaque."""
_COMMON_KEYS = frozenset({"type", "text", "summary", "signature", "id", "format", "index"})


class DetailMerger:
    """Merges fragments of `reasoning_details` into whole items, in the order in which they began.

    Text and summaries grow; encrypted, server tool and unknown items are kept
    whole, exact repeats once. Items are never sorted, re-indexed or trimmed,
    for providers check the sequence they get back (OpenRouter, "Preserving
    reasoning").
    """

    def __init__(self) -> None:
        self._room = MAX_CHARACTERS
        self._items: list[_Fragmented | ReasoningDetail] = []
        self._latest: dict[tuple[str, int], _Fragmented] = {}
        self._opaque: set[str | tuple[JsonValue, ...]] = set()

    def add(self, fragment: ReasoningDetail) -> None:
        """Take one more fragment. Raises ModelError(GARBLED) for too much, or too deeply nested."""
        payload = _payload_key(fragment)
        fragment = _encodable_but(fragment, payload)
        self._room -= _weight(fragment)
        if self._room < 0:
            raise _too_much("characters")
        if payload is None:
            self._keep_whole(fragment)
            return
        item = self._target(fragment)
        if item is None or not item.accepts(fragment):
            item = _Fragmented(payload)
            self._append(item)
        elif item.repeats(fragment):
            return
        item.add(fragment)
        index = _index(fragment)
        if index is not None:
            self._latest[str(fragment["type"]), index] = item

    def merged(self) -> tuple[ReasoningDetail, ...]:
        """The whole items so far."""
        return tuple(item.build() if isinstance(item, _Fragmented) else item for item in self._items)

    def _target(self, fragment: ReasoningDetail) -> _Fragmented | None:
        kind, index = str(fragment["type"]), _index(fragment)
        if index is not None:
            return self._latest.get((kind, index))
        last = self._items[-1] if self._items else None
        return last if isinstance(last, _Fragmented) and last.kind == kind else None

    def _keep_whole(self, item: ReasoningDetail) -> None:
        kind, key, data = item.get("type"), item.get("id"), item.get("data")
        known = isinstance(data, str) and isinstance(kind, str) and (key is None or isinstance(key, str))
        mark = (kind, key, data) if known else json.dumps(item, sort_keys=True)
        if mark not in self._opaque:
            self._opaque.add(mark)
            self._append(item)

    def _append(self, item: _Fragmented | ReasoningDetail) -> None:
        if len(self._items) >= MAX_DETAILS:
            raise _too_much("reasoning_details")
        self._items.append(item)


class _Fragmented:
    """One item of reasoning text or summary that arrives in fragments."""

    __slots__ = ("_fields", "_payload", "_text")

    def __init__(self, payload: str) -> None:
        self._payload = payload
        self._fields: JsonObject = {}
        self._text = Growing()

    @property
    def kind(self) -> JsonValue:
        return self._fields.get("type")

    def accepts(self, fragment: ReasoningDetail) -> bool:
        if any(self._conflicts(fragment, key) for key in ("id", "format", "signature")):
            return False
        signed = self._fields.get("signature") is not None
        return not (signed and fragment.get(self._payload)) or self.repeats(fragment)

    def repeats(self, fragment: ReasoningDetail) -> bool:
        """Whether a signed item is sent once more as a whole; unsigned text may well say the same twice."""
        signature, text = fragment.get("signature"), fragment.get(self._payload)
        signed = signature is not None and signature == self._fields.get("signature")
        return signed and bool(text) and text == self._text.join()

    def add(self, fragment: ReasoningDetail) -> None:
        for key, value in fragment.items():
            if value is not None or key not in self._fields:
                self._fields[key] = value
        text = fragment.get(self._payload)
        if isinstance(text, str):
            self._text.add(text)

    def build(self) -> ReasoningDetail:
        item = dict(self._fields)
        if isinstance(item.get(self._payload), str):
            item[self._payload] = self._text.join()
        return item

    def _conflicts(self, fragment: ReasoningDetail, key: str) -> bool:
        ours, theirs = self._fields.get(key), fragment.get(key)
        return ours is not None and theirs is not None and ours != theirs


def merge_details(fragments: Iterable[ReasoningDetail]) -> tuple[ReasoningDetail, ...]:
    """The whole items that the fragments make."""
    merger = DetailMerger()
    for fragment in fragments:
        merger.add(fragment)
    return merger.merged()


def _payload_key(fragment: ReasoningDetail) -> str | None:
    """The key whose text grows, or None for an item to keep whole."""
    payload = _PAYLOADS.get(str(fragment.get("type")))
    if payload is None or not isinstance(fragment.get(payload), str | None):
        return None
    return payload


def _index(fragment: ReasoningDetail) -> int | None:
    index = fragment.get("index")
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _weight(detail: ReasoningDetail) -> int:
    """About how many characters a fragment takes."""
    text = detail.get("text") or detail.get("summary") or ""
    if detail.keys() <= _COMMON_KEYS and isinstance(text, str):
        return len(text)
    return len(json.dumps(detail))


def _encodable_but(fragment: ReasoningDetail, payload: str | None) -> ReasoningDetail:
    """The fragment with every string encodable, except the growing one, which is mended when it is whole."""
    return {
        mend(key): value if key == payload and isinstance(value, str) else _encodable(value, MAX_NESTING)
        for key, value in fragment.items()
    }


def _encodable(value: JsonValue, levels: int) -> JsonValue:
    if isinstance(value, str):
        return mend(value)
    if isinstance(value, list | dict) and not levels:
        raise _too_much("levels")
    if isinstance(value, list):
        return [_encodable(item, levels - 1) for item in value]
    if isinstance(value, dict):
        return {mend(key): _encodable(item, levels - 1) for key, item in value.items()}
    return value


def _too_much(what: str) -> ModelError:
    return ModelError(ModelFault.GARBLED, error_type=f"too_many_{what}")
