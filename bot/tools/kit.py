"""The tools there are, and which of them one turn may use.

A turn's tools are those that its server's admins have turned on, that are there,
and that its model can call. This module knows nothing of what any of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.guild import GuildSettings
from bot.model import Catalogue, ModelInfo
from bot.tools import Asking, Consent, NoteQuoted, Tool, Toolbox, noted_nowhere

WEB_SEARCH = "web_search"
"""The tool that OpenRouter runs itself; there is no Tool of this name."""

ABOUT: Mapping[str, str] = {
    "web_fetch": "reads a public web page",
    "read_attachment": "reads on in a large text file of the conversation",
    "read_thread": "reads earlier messages of this thread, or of another channel that the asker may read",
    "search_messages": "searches the messages of channels that the asker may read",
    "run_python": "runs a Python program in a sandbox without network",
    WEB_SEARCH: "lets OpenRouter search the web, which costs extra for each search",
}
"""What the built-in tools do, for admins."""

NOT_HERE = "it is not part of this installation"
NOT_OPENROUTER = "only OpenRouter can search, and I use another server for models"


@dataclass(frozen=True, slots=True)
class Listed:
    """One tool as admins see it."""

    name: str
    about: str
    is_on: bool
    why_not: str = ""
    """Why it is not to be had, as the end of a sentence; empty where it is."""
    asks_first: bool = False


class Kit:
    """All tools. `found` gives those that are there at the moment, `absent` says why others are not, by name.

    `remarks` is what admins should know besides, as sentences.
    """

    def __init__(
        self,
        found: Callable[[], Iterable[Tool]],
        catalogue: Catalogue,
        *,
        consent: Consent | None = None,
        note_quoted: NoteQuoted = noted_nowhere,
        absent: Callable[[], Mapping[str, str]] = dict,
        remarks: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._found = found
        self._catalogue = catalogue
        self._consent = consent
        self._note_quoted = note_quoted
        self._absent = absent
        self.remarks = remarks

    def box(self, settings: GuildSettings, info: ModelInfo | None, asking: Asking) -> Toolbox:
        """The tools of one turn; `info` is what is known of its model."""
        speaks_openrouter = self._catalogue.speaks_openrouter
        if not settings.max_tool_calls or (speaks_openrouter and info is not None and not info.uses_tools):
            return Toolbox(max_calls=settings.max_tool_calls)
        wanted = set(settings.tools)
        return Toolbox(
            sorted((tool for tool in self._found() if tool.spec.name in wanted), key=lambda tool: tool.spec.name),
            asking=asking,
            consent=self._consent,
            note_quoted=self._note_quoted,
            max_calls=settings.max_tool_calls,
            searches_web=WEB_SEARCH in wanted and speaks_openrouter,
        )

    def listed(self, settings: GuildSettings) -> tuple[Listed, ...]:
        """Every tool that there is, that could be there, or that the admins have turned on; built-in ones first."""
        found = {tool.spec.name: tool for tool in self._found()}
        names = dict.fromkeys((*ABOUT, *sorted(found), *sorted(self._absent()), *settings.tools))
        return tuple(self._listed(name, found.get(name), settings) for name in names)

    def _listed(self, name: str, tool: Tool | None, settings: GuildSettings) -> Listed:
        about = ABOUT.get(name) or (tool.spec.description if tool else "")
        asks_first = tool is not None and tool.asks_first
        return Listed(name, about, name in settings.tools, self._why_not(name, tool), asks_first)

    def _why_not(self, name: str, tool: Tool | None) -> str:
        if name == WEB_SEARCH:
            return "" if self._catalogue.speaks_openrouter else NOT_OPENROUTER
        return "" if tool is not None else self._absent().get(name, NOT_HERE)
