"""The fold from what happens in a turn to what its messages show.

A turn that is running, one that has just ended and one read back from the
database go through the same fold, so they look the same. Pure: the time is
passed in, and nothing here knows how pages reach Discord.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from bot.errors import ModelError, ModelFault
from bot.events import (
    Answered,
    Cited,
    Ended,
    FilesMade,
    Noticed,
    ReplyEvent,
    StartedOver,
    Thought,
    ToolEnded,
    ToolStarted,
)
from bot.messages import MadeFile, Source, Turn, TurnStatus
from bot.render.body import Body
from bot.render.files import REFUSED, Attached, attached, goes_on
from bot.render.footer import (
    ToolUse,
    figures,
    notice_lines,
    one_line,
    seconds,
    small,
    source_lines,
    tool_lines,
    tool_summary,
)
from bot.render.inline import is_visible, units
from bot.render.page import Control, Page
from bot.render.split import MESSAGE_LIMIT
from bot.render.spoiler import THINKING, Spoiler
from bot.render.stored import events_of

_LONGEST_ERROR = 600
_LONGEST_CLOSING = 1_700
_NOTIFIED_AFTER_SECONDS = 60.0
"""An answer that took longer is announced to its asker by a message of its own, for edits notify nobody."""


class Reply:
    """An answer as it is to be shown now.

    `started_at` and the `now` of `pages` are seconds of the same clock.
    `needs_reply_button` is for places where the bot cannot read plain messages.
    `asker_id` is whom a closing line notifies when the answer took long;
    `shows_reasoning` puts the reasoning above the answer, covered, in a message of its own.
    """

    def __init__(
        self,
        *,
        started_at: float,
        model: str,
        footer: bool = True,
        reasoning_model: bool = True,
        needs_reply_button: bool = False,
        shows_reasoning: bool = False,
        asker_id: int | None = None,
    ) -> None:
        self._started_at = started_at
        self._model = model
        self._footer = footer
        self._reasoning_model = reasoning_model
        self._needs_reply_button = needs_reply_button
        self._shows_reasoning = shows_reasoning
        self._asker_id = asker_id
        self._files_refused = False
        self._is_withdrawn = False
        self._version = 0
        self._shown: tuple[Page, ...] = ()
        self._ended: Ended | None = None
        self._notices: list[str] = []
        self._start_over()

    @classmethod
    def of(
        cls,
        turn: Turn,
        *,
        footer: bool = True,
        needs_reply_button: bool = False,
        started_at: float = 0.0,
        reasoning_model: bool = True,
        shows_reasoning: bool = False,
    ) -> Reply:
        """The reply of a stored turn; the same pages as when its events were applied one by one."""
        model = next((step.model for step in reversed(turn.steps) if step.model), "")
        reply = cls(
            started_at=started_at,
            model=model,
            footer=footer,
            reasoning_model=reasoning_model,
            needs_reply_button=needs_reply_button,
            shows_reasoning=shows_reasoning,
        )
        for event in events_of(turn, model):
            reply.apply(event)
        return reply

    @property
    def version(self) -> int:
        """Grows whenever `pages` would differ for another reason than time."""
        return self._version

    @property
    def over(self) -> bool:
        """Whether the turn has ended: what `pages` gives is final."""
        return self._ended is not None or self._is_withdrawn

    @property
    def has_words(self) -> bool:
        """Whether any of the answer itself has come."""
        return self._has_text

    @property
    def shows_words(self) -> bool:
        """Whether `pages` last gave any of it; the meaning of a first character may have to wait for a second."""
        return self._shows_words

    @property
    def has_files(self) -> bool:
        """Whether any page that `pages` last gave has files."""
        return any(page.files for page in self._shown)

    def refuse_files(self) -> None:
        """Discord does not take the files: the answer says so instead."""
        self._files_refused = True
        self._version += 1

    def withdraw(self) -> None:
        """The turn is gone: nothing shows it any more, whatever still happens."""
        self._is_withdrawn = True
        self._version += 1

    def apply(self, event: ReplyEvent) -> None:
        """Take in what happened. Work is linear in the event's text.

        Notices outlive a new start, for they are about the question. After the
        end only a further notice makes a difference.
        """
        match event:
            case Thought(text):
                if not self._think(text):
                    return
            case Answered(text):
                self._answer(text)
            case ToolStarted(name, about, number, step):
                self._tools.append(ToolUse(name, about, number=number, step=step))
                self._step_is_new = True
                self._is_thinking = False
                self._thoughts.end_step()
            case ToolEnded():
                self._end_tool(event)
            case FilesMade(files):
                self._made += files
            case Cited(sources):
                self._sources.update((source.url, source) for source in sources)
            case StartedOver():
                self._start_over()
            case Noticed(text):
                if text in self._notices:  # said again by an attempt that started over
                    return
                self._notices.append(text)
            case Ended():
                self._body.finish()
                self._ended = event
            case _:
                assert_never(event)
        self._version += 1

    def pages(self, now: float) -> tuple[Page, ...]:
        """What each message shows at `now`; a page that did not change is the same object.

        There is always a page, unless the reply was withdrawn.
        """
        if self._is_withdrawn:
            return ()
        if self._ended:
            pages = self._final_pages(self._ended)
        else:
            contents = self._with_status(now)
            # Of what goes on unseen, Source shows as much as there is.
            controls = (Control.STOP, Control.SOURCE) if self._body.goes_on else (Control.STOP,)
            pages = [*self._pages_of_thoughts(now, is_alone=not contents), *map(Page, contents)]
            pages[-1] = replace(pages[-1], controls=controls)
        if self._files_refused:
            pages = [replace(page, files=()) for page in pages]
        known = self._shown
        self._shown = tuple(
            known[index] if index < len(known) and known[index] == page else page for index, page in enumerate(pages)
        )
        return self._shown

    def _start_over(self) -> None:
        self._body = Body()
        self._thoughts = Spoiler()
        self._attached: Attached | None = None
        self._has_text = False
        self._shows_words = False
        self._has_reasoning = False
        self._is_thinking = False
        self._step_is_new = False
        self._tools: list[ToolUse] = []
        self._made: list[MadeFile] = []
        self._sources: dict[str, Source] = {}
        self._tools_of_earlier_steps = 0

    def _think(self, text: str) -> bool:
        """Take in more reasoning; returns whether that makes a difference to the pages."""
        is_news = not self._is_thinking or bool(text and not self._has_reasoning)
        self._is_thinking = True
        self._has_reasoning = self._has_reasoning or bool(text)
        if not self._shows_reasoning:
            return is_news
        was_cut = self._thoughts.is_cut
        self._thoughts.add(text)
        return is_news or not was_cut

    def _answer(self, text: str) -> None:
        if not text:
            return
        if self._step_is_new and self._has_text:
            self._body.feed("\n\n")
        self._step_is_new = False
        self._tools_of_earlier_steps = len(self._tools)
        self._is_thinking = False
        self._has_text = self._has_text or is_visible(text)
        self._body.feed(text)

    def _end_tool(self, ended: ToolEnded) -> None:
        for index in reversed(range(len(self._tools))):
            tool = self._tools[index]
            if tool.number == ended.number and tool.name == ended.name and tool.seconds is None:
                self._tools[index] = replace(tool, seconds=ended.seconds, is_error=ended.is_error)
                return

    def _final_pages(self, ended: Ended) -> list[Page]:
        """The answer with its small print, buttons and files, and below it the line that notifies the asker."""
        closing = self._closing(ended)
        contents = self._with_closing(closing, whole=self._body.is_cut)
        if self._body.goes_on and not self._body.is_cut:
            contents = self._with_closing(closing, whole=True)
        files = self._attached.files if self._attached else ()
        pages = [*map(Page, contents[:-1]), Page(contents[-1], self._final_controls(ended), files)]
        if self._thoughts.has_words:
            pages.insert(0, self._thoughts.last_page(ended.thinking_seconds, with_file=not self._files_refused))
        return [*pages, *self._notification(ended)]

    def _with_closing(self, closing: list[str], *, whole: bool) -> list[str]:
        """The text of each page, with room made for the small print on the last one; `whole`: all of it is a file."""
        if self._attached is None or self._attached.is_whole != whole:
            self._attached = attached(self._body.text, whole=whole, made=self._made)
        files = [REFUSED] if self._files_refused else self._attached.small_print
        below = "\n".join([*files, *closing])
        return _joined(self._body.pages(reserve=units(below) + 1 if below else 0), below)

    def _with_status(self, now: float) -> list[str]:
        """The text of each page so far, and below it what the bot is doing unless its text shows that.

        Nothing, while a page of thoughts says it all.
        """
        texts = self._body.pages()
        self._shows_words = bool(texts)
        tools = self._tools[self._tools_of_earlier_steps :]
        if self._thoughts.has_words and not (texts or tools or self._has_text):
            return []
        lines = [goes_on(self._body.length)] if self._body.goes_on else []
        lines += tool_lines(tools)
        if not texts:
            lines.append(self._doing(now))
        elif self._is_thinking or (self._step_is_new and not _are_running(tools)):
            lines.append(THINKING)
        return _joined(texts, "\n".join(lines))

    def _doing(self, now: float) -> str:
        """What the bot is doing while nothing of the answer can be seen."""
        if self._has_text or not (self._reasoning_model or self._is_thinking or self._tools):
            return small("✍️ Writing…")
        elapsed = int(now - self._started_at)
        doing = "⚙️ Working…" if _are_running(self._tools) else "💭 Thinking…"
        return small(f"{doing} {seconds(elapsed)}" if elapsed >= 1 else doing)

    def _pages_of_thoughts(self, now: float, *, is_alone: bool) -> list[Page]:
        """The covered reasoning, where it is shown and there is any; `is_alone` while there is no other page."""
        if not self._thoughts.has_words:
            return []
        resting = THINKING if self._is_thinking else small("💭 Thought")
        return [self._thoughts.page(self._doing(now) if is_alone else resting)]

    def _closing(self, ended: Ended) -> list[str]:
        """The small print under an answer that has ended; sources and tools have what room the rest leaves."""
        lines = self._outcome(ended)
        room = _LONGEST_CLOSING - units("\n".join(lines))
        used = [*tool_summary(self._tools), *source_lines(self._sources.values())]
        while used and units("\n".join(used)) > room:
            used.pop()
        return [*used, *lines]

    def _outcome(self, ended: Ended) -> list[str]:
        """How an answer ended, what is to be remarked, and its figures."""
        lines: list[str] = []
        match ended.status:
            case TurnStatus.STOPPED:
                lines.append(small("⏹ Stopped."))
            case TurnStatus.INTERRUPTED:
                lines.append(small("⚡ Interrupted by a restart."))
            case TurnStatus.FAILED:
                error = ended.error or "Something went wrong on my side. Please try again."
                lines.append(f"⚠️ {one_line(error, _LONGEST_ERROR)}")
            case TurnStatus.REFUSED:
                lines.append(f"🚦 {one_line(ended.error or '', _LONGEST_ERROR)}")
                return lines
            case TurnStatus.DONE | TurnStatus.QUEUED | TurnStatus.RUNNING:
                if not self._has_text:
                    lines.append(f"⚠️ {ModelError(ModelFault.EMPTY).sentence}")
        lines += notice_lines(self._notices)
        if self._footer:
            lines += figures(ended.model or self._model, ended.thinking_seconds, ended.usage)
        return lines

    def _notification(self, ended: Ended) -> list[Page]:
        """A message of its own that mentions the asker: not after Stop or a restart, which are no end to wait for."""
        if self._asker_id is None or ended.seconds <= _NOTIFIED_AFTER_SECONDS:
            return []
        if ended.status not in (TurnStatus.DONE, TurnStatus.FAILED):
            return []
        if ended.status is TurnStatus.DONE and self._has_text:
            line = f"<@{self._asker_id}> Done in {seconds(ended.seconds)}."
        else:
            line = f"<@{self._asker_id}> This could not be answered, after {seconds(ended.seconds)}."
        return [Page(line, notifies=self._asker_id)]

    def _final_controls(self, ended: Ended) -> tuple[Control, ...]:
        continues = (
            ended.status is TurnStatus.INTERRUPTED
            or (ended.status in (TurnStatus.STOPPED, TurnStatus.FAILED) and bool(self._tools))
            or (ended.status is TurnStatus.STOPPED and self._has_text)
            or (ended.status is TurnStatus.DONE and ended.finish == "length")
        )
        wanted = {
            Control.RETRY: True,
            Control.CONTINUE: continues,
            Control.REASONING: self._has_reasoning or bool(self._tools),
            Control.SOURCE: self._has_text,
            Control.REPLY: self._needs_reply_button,
        }
        return tuple(control for control, is_wanted in wanted.items() if is_wanted)


def _are_running(tools: list[ToolUse]) -> bool:
    return any(tool.seconds is None for tool in tools)


def _joined(texts: list[str], below: str) -> list[str]:
    """`texts` with a few lines below: on the last page if there is room, else on one of their own."""
    if not below:
        return texts
    if texts and units(texts[-1]) + 1 + units(below) <= MESSAGE_LIMIT:
        return [*texts[:-1], f"{texts[-1]}\n{below}"]
    return [*texts, below]
