"""The script of the stand-in: a YAML file of scenes, read once and checked strictly.

A scene says what to answer to which phrase. The fields below are the whole
language; `script.yaml` beside this file explains it by example. This module knows
nothing of requests, streams or sockets.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError, model_validator

OWN_SCRIPT = Path(__file__).with_name("script.yaml")
_LARGEST_FILE = 1_000_000
_SEARCHED_CHARS = 4_000


class ScriptError(Exception):
    """Read by the operator: the script is unusable, where and why."""


class FaultName(StrEnum):
    """Everything that can go wrong on purpose."""

    STATUS = "status"  # an HTTP error, `code`
    ERROR_IN_200 = "error in 200"  # status 200 and an error object
    NULL_CHOICES = "null choices"  # status 200 and nothing but nulls
    HTML = "html"  # a web page, with status `code`
    HANG = "hang"  # no byte at all
    COMMENTS = "comments"  # signs of life for ever, and no answer
    SILENCE = "silence"  # nothing more after some tokens
    CUT = "cut"  # a proper end of the body, but neither finish reason nor [DONE]
    RESET = "reset"  # the connection breaks
    NO_FINISH = "no finish"  # [DONE] without a finish reason
    ERROR = "error"  # an error in mid-stream
    ERROR_NO_CHOICES = "error without choices"
    ERROR_ON_CHOICE = "error on choice"
    ERROR_NO_DONE = "error without done"
    ERROR_UNSAID = "error unsaid"  # finish reason "error" and no error object
    EMPTY = "empty"  # a proper end with nothing before it
    ONLY_REASONING = "only reasoning"
    GARBAGE = "garbage"  # a data line that is not JSON
    SPLIT_BYTES = "split bytes"  # the network cuts inside lines and characters
    SURROGATES = "surrogates"  # half characters, as JSON escapes
    TWO_USAGES = "two usages"
    BARE_USAGE = "bare usage"  # the usage chunk has no choices
    HUGE_DELTA = "huge delta"  # everything in one delta
    STOP_AFTER_TOOLS = "stop after tools"  # finish reason "stop" although tools were called


class Fault(BaseModel):
    """A fault with its parameters; each fault reads those that concern it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: FaultName
    code: int = Field(500, ge=200, le=599, description="HTTP status, or the code of an error in mid-stream")
    after: int = Field(30, ge=0, description="tokens sent before it happens")
    times: int | None = Field(
        None, ge=1, description="how often in a row it happens in a conversation; then it is over"
    )
    first_model_only: bool = Field(False, description="a fallback model of the request is spared")
    retry_after: float = Field(2, ge=0, description="seconds that the Retry-After header asks for")
    size: int = Field(1_000_000, ge=1, le=8_000_000, description="characters of a huge delta")


class ScriptedCall(BaseModel):
    """A tool call to make. Without a name the first tool on offer is called, with sample arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    arguments: dict[str, JsonValue] | None = None


class Repeated(BaseModel):
    """A text said many times over; `{n}` in it counts from 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repeat: int = Field(ge=1, le=10_000)
    text: str


class FromFile(BaseModel):
    """A text in a file of its own, beside the script."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(pattern=r"^[\w.-]+$")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = str | Repeated | FromFile


class Scene(BaseModel):
    """What to answer when one of the phrases of `when` occurs in the last question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    when: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="phrases, or /regular expressions/; none: the scene for everything else"
    )
    about: str = ""
    think: Words = ""
    say: Words = ""
    tools: tuple[tuple[ScriptedCall, ...], ...] = Field(
        (), description="rounds of calls, each answered before the next"
    )
    say_without_tools: str = ""
    speed: float = Field(70, gt=0, description="tokens a second")
    delay: float = Field(0.4, ge=0, description="seconds before the first token")
    fault: Fault | None = None

    @property
    def phrase(self) -> str | None:
        """What a person types to see the scene."""
        return next((phrase for phrase in self.when if not _is_regex(phrase)), None)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{_regex(phrase)})" for phrase in self.when), re.IGNORECASE)

    def fits(self, question: str) -> bool:
        return bool(self.when) and self._pattern.search(question, 0, _SEARCHED_CHARS) is not None


class Script(BaseModel):
    """All scenes; the first that fits is played, and the one without `when` otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    scenes: tuple[Scene, ...] = Field(min_length=1)
    files: dict[str, str] = Field(default={}, exclude=True)

    @model_validator(mode="after")
    def _check(self) -> Script:
        if [bool(scene.when) for scene in self.scenes].count(False) != 1:
            raise ValueError("exactly one scene must have no `when`: it answers everything else")
        for scene in self.scenes:
            for phrase in scene.when:
                _check_regex(phrase)
        return self

    def scene_for(self, question: str) -> Scene:
        """The scene that answers `question`."""
        fitting = (scene for scene in self.scenes if scene.fits(question))
        return next(fitting, None) or next(scene for scene in self.scenes if not scene.when)

    def words(self, words: Words) -> str:
        """The text behind a scene's `think` or `say`."""
        match words:
            case str():
                return words
            case Repeated():
                return "".join(words.text.replace("{n}", str(n)) for n in range(1, words.repeat + 1))
            case FromFile():
                return self.files[words.file]


def load_script(path: Path = OWN_SCRIPT) -> Script:
    """Read a script and the files it names. Raises ScriptError with one line that says what is wrong."""
    try:
        raw: object = yaml.safe_load(_read(path))
        script = Script.model_validate(raw)
    except yaml.YAMLError as error:
        raise ScriptError(f"{path.name} is not YAML: {' '.join(str(error).split())}.") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in fault["loc"]) or "the script"
        raise ScriptError(f"{path.name} is not a script: {where}: {fault['msg']}.") from None
    named = {words.file for scene in script.scenes for words in (scene.think, scene.say) if isinstance(words, FromFile)}
    return script.model_copy(update={"files": {name: _read(path.with_name(name)) for name in sorted(named)}})


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ScriptError(f"{path.name} is too large: a script's files may have {_LARGEST_FILE} bytes each.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScriptError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ScriptError(f"{path.name} is not UTF-8 text.") from None


def _is_regex(phrase: str) -> bool:
    return len(phrase) > 2 and phrase.startswith("/") and phrase.endswith("/")


def _regex(phrase: str) -> str:
    return phrase[1:-1] if _is_regex(phrase) else rf"\b{re.escape(phrase)}\b"


def _check_regex(phrase: str) -> None:
    try:
        re.compile(_regex(phrase))
    except re.error as error:
        raise ValueError(f"{phrase} is not a regular expression: {error}") from None
