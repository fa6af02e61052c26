"""Reads one answer, payload by payload, and knows whether it came to a proper end.

Pure: payloads are the JSON texts of a stream's events, or one whole body. This
module knows nothing of connections; what one chunk means is in `wire`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from bot.errors import ModelError, ModelFault
from bot.events import Finished, ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta
from bot.messages import JsonObject, JsonValue
from bot.openrouter import wire
from bot.pieces import Joint

END = "[DONE]"
"""The payload that ends a stream (OpenRouter, "Streaming")."""


class AnswerReader:
    """One answer being read. `model` is the one asked for, `generation_id` what the headers said, if anything."""

    def __init__(self, model: str, generation_id: str | None = None) -> None:
        self._model = model
        self._generation_id = generation_id
        self._opened = False
        self._answered = False
        self._called_tools = False
        self._finish: str | None = None
        self._done = False
        self._text = Joint()
        self._thought = Joint()

    @property
    def done(self) -> bool:
        """Whether the stream has said that it ends; nothing after that matters."""
        return self._done

    def read(self, payloads: Iterable[str]) -> Iterator[ModelEvent]:
        """The events of the next payloads of a stream, beginning with Opened for the first.

        Pieces of text that came together are one event: each event costs more
        than its text. Raises ModelError, after the events before the fault.
        """
        run: list[ModelEvent] = []
        try:
            for event in self._read_payloads(payloads):
                if run and not _continues(event, run[0]):
                    yield self._note(_joined(run))
                    run = []
                run.append(event)
        except ModelError:
            if run:
                yield self._note(_joined(run))
            raise
        if run:
            yield self._note(_joined(run))

    def read_whole(self, body: bytes) -> Iterator[ModelEvent]:
        """The events of an answer that was not streamed. Raises ModelError."""
        chunk = _parse(body.decode("utf-8", "replace").strip())
        nested = chunk.get("provider")
        if chunk.get("choices") is None and isinstance(nested, dict):
            chunk = nested  # seen in the field: the completion stands where the provider's name belongs
        yield from map(self._note, self._read_chunk(chunk))
        if not chunk.get("choices"):
            raise ModelError(ModelFault.GARBLED, error_type="no_choices", retryable=True)
        self._done = True

    def end(self) -> Iterator[ModelEvent]:
        """What is to be added at the end of the connection. Raises ModelError unless the answer is whole."""
        if self._finish is None and not self._done:
            raise ModelError(ModelFault.CUT_OFF, retryable=True)
        if not self._answered and not self._called_tools:
            moderated = self._finish == "content_filter"
            raise ModelError(ModelFault.MODERATED if moderated else ModelFault.EMPTY, retryable=not moderated)
        if lone := self._text.rest():
            yield TextDelta(lone)
        if self._finish is None:
            yield Finished("tool_calls" if self._called_tools else "stop")

    def _read_payloads(self, payloads: Iterable[str]) -> Iterator[ModelEvent]:
        for payload in payloads:
            said = payload.strip()
            if said == END:
                self._done = True
            if self._done:
                return
            if said:
                yield from self._read_chunk(_parse(said))

    def _read_chunk(self, chunk: JsonObject) -> Sequence[ModelEvent]:
        events = wire.events(chunk)
        if self._opened:
            return events
        self._opened = True
        return (wire.opening(chunk, model=self._model, generation_id=self._generation_id), *events)

    def _note(self, event: ModelEvent) -> ModelEvent:
        match event:
            case TextDelta(text):
                self._answered = self._answered or not text.isspace()
                return TextDelta(self._text.join(text))
            case ReasoningDelta(text, details):
                return ReasoningDelta(self._thought.join(text), details)
            case ToolCallDelta():
                self._called_tools = True
            case Finished(reason):
                self._finish = reason
            case _:
                pass
        return event


def _continues(event: ModelEvent, before: ModelEvent) -> bool:
    """Whether two events are pieces of the same text."""
    return type(event) is type(before) and isinstance(event, TextDelta | ReasoningDelta)


def _joined(run: list[ModelEvent]) -> ModelEvent:
    """Pieces of the same text as one event; any other event is alone."""
    if len(run) == 1:
        return run[0]
    if isinstance(run[0], TextDelta):
        return TextDelta("".join([event.text for event in run if isinstance(event, TextDelta)]))
    thoughts = [event for event in run if isinstance(event, ReasoningDelta)]
    details = [event.details for event in thoughts if event.details is not None]
    return ReasoningDelta("".join([event.text for event in thoughts]), tuple(chain(*details)) if details else None)


def _parse(payload: str) -> JsonObject:
    """The object that a payload is, white space around it gone. Raises ModelError."""
    try:
        chunk: JsonValue
        chunk, end = _DECODER.raw_decode(payload)  # `decode` would look for white space, which takes as long
        if end < len(payload):
            raise ValueError("more than one value")
    except (ValueError, RecursionError):
        raise ModelError(ModelFault.GARBLED, error_type="not_json", retryable=True) from None
    if not isinstance(chunk, dict):
        raise ModelError(ModelFault.GARBLED, error_type="not_an_object", retryable=True)
    return chunk


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


# What JSON itself cannot say must not get in, for it could not be sent back: NaN, Infinity, 1e999.
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=lambda _: None)
