"""The body of POST /chat/completions as typed values, and what the stand-in reads out of it.

Shapes after OpenRouter's ChatRequest; unknown fields are let through, as the real
API does. This module knows nothing of models' own rules (`checks.py`) or of sockets.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bot.playground.model.catalogue import EFFORTS
from bot.playground.model.refusals import bad_request

_SPEAKER = re.compile(r"\[([^\]\n]{1,100})\]:?[ \n]?")


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class ImageUrl(_Wire):
    """Where an image is: a link, or a data URL that holds it."""

    url: str


class SentFile(_Wire):
    """A file and where it is, as an image."""

    filename: str = ""
    file_data: str


class ProviderWishes(_Wire):
    """Which providers may be chosen, as far as the stand-in cares."""

    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None


class ContentPart(_Wire):
    """One part of a message: text, an image or a file; others are let through."""

    type: str
    text: str | None = None
    image_url: ImageUrl | None = None
    file: SentFile | None = None


class FunctionCall(_Wire):
    """Which function, with which JSON text."""

    name: str
    arguments: str


class SentToolCall(_Wire):
    """A tool call that the client sends back."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class ChatMessage(_Wire):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    tool_calls: Annotated[list[SentToolCall], Field(min_length=1)] | None = None
    tool_call_id: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, JsonValue]] | None = None
    annotations: list[dict[str, JsonValue]] = []

    @property
    def parts(self) -> list[ContentPart]:
        return self.content if isinstance(self.content, list) else []

    @property
    def text(self) -> str:
        match self.content:
            case None:
                return ""
            case str():
                return self.content
            case list():
                return "\n".join(part.text for part in self.content if part.text is not None)

    @property
    def carries_reasoning(self) -> bool:
        return any(field is not None for field in (self.reasoning, self.reasoning_content, self.reasoning_details))


class OfferedFunction(_Wire):
    """A function as the model is told of it."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str = ""
    parameters: dict[str, JsonValue] = {}


class OfferedTool(_Wire):
    """A tool of the request; server tools have no function."""

    type: str
    function: OfferedFunction | None = None


class ReasoningWish(_Wire):
    """The `reasoning` parameter."""

    effort: str | None = None
    max_tokens: int | None = None
    exclude: bool = False
    enabled: bool | None = None


class ChatRequest(_Wire):
    """The whole body."""

    model: str | None = None
    models: list[str] = []
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: bool = False
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[OfferedTool] = []
    tool_choice: JsonValue = None
    session_id: Annotated[str, Field(max_length=256)] | None = None
    reasoning: ReasoningWish | None = None
    reasoning_effort: str | None = None
    provider: ProviderWishes | None = None

    @property
    def candidates(self) -> list[str]:
        """The wanted model and then its fallbacks, each once."""
        return list(dict.fromkeys([*([self.model] if self.model else []), *self.models]))

    @property
    def output_limit(self) -> int | None:
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def effort(self) -> str | None:
        return self.reasoning_effort or (self.reasoning.effort if self.reasoning else None)

    @property
    def refuses_reasoning(self) -> bool:
        return self.effort == "none" or (self.reasoning is not None and self.reasoning.enabled is False)

    @property
    def wants_reasoning(self) -> bool:
        if self.refuses_reasoning:
            return False
        return self.effort is not None or bool(self.reasoning and (self.reasoning.enabled or self.reasoning.max_tokens))

    @property
    def functions(self) -> list[OfferedFunction]:
        return [tool.function for tool in self.tools if tool.function is not None]

    @property
    def turn(self) -> list[ChatMessage]:
        """What followed the last user message: the steps of the running turn."""
        last = max((index for index, message in enumerate(self.messages) if message.role == "user"), default=-1)
        return self.messages[last + 1 :]

    @property
    def questions(self) -> list[tuple[str | None, str]]:
        """Every user message as (speaker's name if given, text), oldest first."""
        return [split_speaker(message.text) for message in self.messages if message.role == "user"]


def split_speaker(text: str) -> tuple[str | None, str]:
    """Separate a leading `[Name] ` from what was said."""
    speaker = _SPEAKER.match(text)
    return (speaker[1], text[speaker.end() :]) if speaker else (None, text)


def parse_request(body: bytes) -> ChatRequest:
    """Read a body. Raises Refusal with a 400 that names the first field at fault."""
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in fault["loc"]) or "body"
        raise bad_request(f"{where}: {fault['msg']}") from None
    if request.effort is not None and request.effort not in EFFORTS:
        options = "|".join(f'"{effort}"' for effort in EFFORTS)
        raise bad_request(f"reasoning.effort: Invalid option: expected one of {options}")
    return request
