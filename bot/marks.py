"""Reads a streamed text and takes out the marks that a model's server should have taken out itself.

Open models separate reasoning, tool calls and messages by marks in their text;
a server whose parser fails lets them through. A mark is only one outside of
code, where people and models may well talk about it. The way the text was cut
into pieces makes no difference, and no more is held back than may be the
beginning of a mark. This module knows nothing of events.

Which marks leak was seen in the field: Kimi's own on several hosts, `<think>` of
DeepSeek, Qwen and others, `<tool_call>` of Hermes and Qwen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from bot.written_calls import ARGUMENTS_BEGIN, CALL_BEGIN, CALL_END, LeakedCall, hermes_call, kimi_calls

MOST_HELD = 262_144
"""Characters of leaked tool calls that are kept until they are complete; what exceeds that is dropped."""

_CLOSING_THINK = {"<think>": "</think>", "<thinking>": "</thinking>", "◁think▷": "◁/think▷"}
_THINK_ENDS = frozenset(_CLOSING_THINK.values())
_SECTION_BEGIN, _SECTION_END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
_HERMES_BEGIN, _HERMES_END = "<tool_call>", "</tool_call>"
_STRAY = frozenset(
    {_SECTION_END, CALL_END, ARGUMENTS_BEGIN, "<|im_end|>", "<|im_start|>", "<|im_middle|>", "<|endoftext|>"}
)
"""Marks that say nothing on their own."""

_MARKS = (*_CLOSING_THINK, *_THINK_ENDS, _SECTION_BEGIN, CALL_BEGIN, _HERMES_BEGIN, *_STRAY)
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
_BEGINNINGS = frozenset(mark[:length] for mark in _MARKS for length in range(1, len(mark)))
_FIRST_CHARACTERS = "<◁"
_TALKED_ABOUT_AFTER = " \t\"'(“‘*_"
"""What stands before a mention of a mark; before the real end of a reasoning stands its last word, or a line break."""

_RUN_OR_BREAK = re.compile(r"`+|\n|[^`\n]+")
_VISIBLE = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is what it seems to be."""

    text: str


@dataclass(frozen=True, slots=True)
class Aside:
    """Text that stood between marks of reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class AllWasAside:
    """The end of a reasoning whose beginning was not marked: all words so far belonged to it."""


Found: TypeAlias = Words | Aside | AllWasAside


class _Kind(Enum):
    THINK = auto()
    KIMI = auto()
    HERMES = auto()


class _Block:
    """What stands between two marks, while the second one has not come."""

    def __init__(self, kind: _Kind, opening: str, closing: str) -> None:
        self.kind = kind
        self.opening = opening
        self.closing = closing
        self.is_certain = kind is not _Kind.HERMES
        """Whether what follows the first mark shows that it is one."""
        self._pieces: list[str] = []
        self._room = MOST_HELD

    @property
    def body(self) -> str:
        return "".join(self._pieces)

    def add(self, text: str) -> None:
        self._pieces.append(text[: self._room])
        self._room = max(0, self._room - len(text))


class MarkReader:
    """Reads one text. `is_thought`: the text is reasoning already, so its own marks are merely dropped."""

    def __init__(self, *, is_thought: bool = False) -> None:
        self.calls: list[LeakedCall] = []
        """The complete tool calls found so far."""
        self.has_found = False
        """Whether anything was taken out or moved."""
        self.may_end_unopened = True
        """Whether the end of a reasoning that never began may still come; not where it came separately."""
        self._is_thought = is_thought
        self._held = ""
        self._block: _Block | None = None
        self._code = _Code()
        self._is_start = True  # there was nothing but white space
        self._trims = False  # the white space that follows belonged to a mark
        self._last = "\n"
        self._is_alert = True  # what the next words mean depends on what came before

    def is_plain(self, text: str) -> bool:
        """Whether `text` is nothing but words, so that `feed` need not see it. Costs almost nothing."""
        if self._is_alert or "<" in text or "`" in text or "◁" in text or not text:
            return False
        self._last = text[-1]
        return True

    def feed(self, text: str) -> list[Found]:
        """What is decided now that `text` has come. Work is linear in `text`."""
        found: list[Found] = []
        data, self._held = self._held + text, ""
        position = 0
        while position < len(data):
            if self._block is None:
                position = self._read_words(data, position, found)
            else:
                position = self._read_block(self._block, data, position, found)
        expects = self._held or self._block is not None or self._is_start or self._trims
        self._is_alert = bool(expects) or self._code.is_open
        return found

    def finish(self) -> list[Found]:
        """What is left when no more comes."""
        found: list[Found] = []
        held, self._held = self._held, ""
        block, self._block = self._block, None
        if block is None:
            self._pass(held, found)
            return found
        if block.kind is _Kind.THINK:
            self._pass_aside(held, found)
            return found
        block.add(held)
        if block.kind is _Kind.KIMI:
            self.calls += kimi_calls(block.body)
        elif not block.body.lstrip().startswith(('{"name"', "<function=")):
            self._pass(block.opening + block.body, found)
        return found

    def _read_words(self, data: str, position: int, found: list[Found]) -> int:
        mark = _MARK.search(data, position)
        if mark is None:
            last = max(data.rfind(character, position) for character in _FIRST_CHARACTERS)
            end = last if last >= 0 and data[last:] in _BEGINNINGS else len(data)
            self._pass(data[position:end], found)
            self._held = data[end:]
            return len(data)
        self._pass(data[position : mark.start()], found)
        self._meet(mark[0], found)
        return mark.end()

    def _meet(self, mark: str, found: list[Found]) -> None:
        """Decide what a mark means where it stands."""
        if self._code.surrounds:
            self._pass(mark, found)
        elif mark in _CLOSING_THINK and self._is_start:
            self._drop()
            if not self._is_thought:
                self._open(_Kind.THINK, mark, _CLOSING_THINK[mark])
        elif mark in _THINK_ENDS and self._is_start:
            self._drop()
        elif mark in _THINK_ENDS and self._ends_reasoning():
            self._drop()
            if not self._is_thought:
                found.append(AllWasAside())
                self._begin_again()
        elif mark == _SECTION_BEGIN:
            self._open(_Kind.KIMI, mark, _SECTION_END)
        elif mark == CALL_BEGIN:
            self._open(_Kind.KIMI, mark, CALL_END)
        elif mark == _HERMES_BEGIN and (self._is_start or self._last == "\n"):
            self._open(_Kind.HERMES, mark, _HERMES_END)
        elif mark in _STRAY:
            self.has_found = True
        else:
            self._pass(mark, found)

    def _ends_reasoning(self) -> bool:
        return (self._is_thought or self.may_end_unopened) and self._last not in _TALKED_ABOUT_AFTER

    def _open(self, kind: _Kind, opening: str, closing: str) -> None:
        self._block = _Block(kind, opening, closing)
        self.has_found = self.has_found or kind is not _Kind.HERMES

    def _drop(self) -> None:
        self.has_found = True
        self._trims = True

    def _begin_again(self) -> None:
        """The reasoning is over, so what follows is the beginning of the answer."""
        self._is_start = self._trims = True
        self.may_end_unopened = False
        self._code = _Code()

    def _read_block(self, block: _Block, data: str, position: int, found: list[Found]) -> int:
        if not block.is_certain and (visible := _VISIBLE.search(data, position)):
            block.is_certain = visible[0] in "{<"
            if not block.is_certain:  # no call, but somebody talking about one
                self._block = None
                self._pass(block.opening + block.body + data[position : visible.start()], found)
                return visible.start()
        end = data.find(block.closing, position)
        if end < 0:
            last = data.rfind(block.closing[0], position)
            end = last if last >= 0 and block.closing.startswith(data[last:]) else len(data)
            self._take(block, data[position:end], found)
            self._held = data[end:]
            return len(data)
        self._take(block, data[position:end], found)
        self._block = None
        self._close(block, found)
        return end + len(block.closing)

    def _take(self, block: _Block, text: str, found: list[Found]) -> None:
        if block.kind is _Kind.THINK:
            self._pass_aside(text, found)
        else:
            block.add(text)

    def _close(self, block: _Block, found: list[Found]) -> None:
        match block.kind:
            case _Kind.THINK:
                self._begin_again()
            case _Kind.KIMI:
                self.calls += kimi_calls(block.body + (CALL_END if block.closing == CALL_END else ""))
            case _Kind.HERMES:
                call = hermes_call(block.body)
                if call is not None:
                    self.has_found = True
                    self.calls.append(call)
                elif block.body.lstrip().startswith("<function="):
                    self.has_found = True
                else:
                    self._pass(block.opening + block.body + block.closing, found)

    def _pass(self, words: str, found: list[Found]) -> None:
        if self._trims:
            words = words.lstrip()
        if not words:
            return
        self._trims = False
        self._code.see(words)
        self._is_start = self._is_start and words.isspace()
        self._last = words[-1]
        found.append(Words(words))

    def _pass_aside(self, words: str, found: list[Found]) -> None:
        if self._trims:
            words = words.lstrip()
        if words:
            self._trims = False
            found.append(Aside(words))


class _Code:
    """Whether the end of a text is inside a code span or a code block, as far as backticks tell."""

    def __init__(self) -> None:
        self._is_block = False
        self._span = 0  # the backticks that will close it
        self._run = 0  # the backticks at the very end

    @property
    def surrounds(self) -> bool:
        """Whether something other than a backtick that follows would be code."""
        self._settle()
        return self._is_block or self._span > 0

    @property
    def is_open(self) -> bool:
        """Whether a text without backticks may change something."""
        return self._run > 0 or self._span > 0

    def see(self, text: str) -> None:
        if "`" not in text and not self.is_open:
            return
        for match in _RUN_OR_BREAK.finditer(text):
            if match[0][0] == "`":
                self._run += len(match[0])
                continue
            self._settle()
            if match[0] == "\n":
                self._span = 0  # so that a lone backtick does no harm beyond its line

    def _settle(self) -> None:
        run, self._run = self._run, 0
        if run >= 3 and not self._span:
            self._is_block = not self._is_block
        elif run and not self._is_block:
            self._span = 0 if run == self._span else self._span or run
