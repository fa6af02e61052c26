"""The operator's list of MCP servers: the usual `mcp.json`, read once at start.

Secrets come from the environment (`${NAME}`) and appear in no error, log or
representation. This module starts and connects nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from bot.errors import ConfigError

MAX_SERVERS = 20
MAX_BYTES = 1024 * 1024

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A server that the bot starts and speaks to through its standard input and output."""

    name: str
    command: str
    args: tuple[str, ...] = field(default=(), repr=False)
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A server that runs already and is spoken to by streamable HTTP."""

    name: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


ServerConfig = StdioServer | HttpServer


def load_servers(path: str, environment: Mapping[str, str]) -> tuple[ServerConfig, ...]:
    """The servers of the file that MCP_CONFIG names; none where it is blank. Raises ConfigError."""
    if not path:
        return ()
    servers = _listed(_read(path))
    if len(servers) > MAX_SERVERS:
        raise ConfigError(f"MCP_CONFIG lists {len(servers)} servers: keep at most {MAX_SERVERS}.")
    if servers and find_spec("mcp") is None:
        raise ConfigError("MCP_CONFIG lists servers, but the extra is not installed: run uv sync --extra mcp.")
    entries = [_Entry(name, fields, environment) for name, fields in servers.items()]
    return tuple(entry.server() for entry in entries if not entry.is_disabled)


def _read(path: str) -> object:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        raise ConfigError("MCP_CONFIG names a file that cannot be read: check its path and permissions.") from None
    if len(data) > MAX_BYTES:
        raise ConfigError("MCP_CONFIG names a file larger than 1 MiB: keep only servers in it.")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError("MCP_CONFIG names a file that is not UTF-8: save it as UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"MCP_CONFIG names a file that is not JSON: correct line {error.lineno}.") from None
    except (RecursionError, ValueError):
        raise ConfigError("MCP_CONFIG names a file that is not sensible JSON: correct it.") from None


def _listed(content: object) -> dict[str, object]:
    servers: object = cast(dict[str, object], content).get("mcpServers") if isinstance(content, dict) else None
    if not isinstance(servers, dict):
        raise ConfigError('MCP_CONFIG names a file without servers: it must hold {"mcpServers": {"name": {…}}}.')
    return cast(dict[str, object], servers)


class _Entry:
    """One entry of the file."""

    def __init__(self, name: str, fields: object, environment: Mapping[str, str]) -> None:
        self._name = " ".join(name.split())[:40]
        if not self._name or not self._name.isprintable():
            raise ConfigError("MCP_CONFIG has a server without a proper name: give it one of letters and digits.")
        if not isinstance(fields, dict):
            raise self._fault("is not an object", 'give it a "command" or a "url"')
        self._fields = cast(dict[str, object], fields)
        self._environment = environment

    @property
    def is_disabled(self) -> bool:
        return self._fields.get("disabled") is True

    def server(self) -> ServerConfig:
        has_command, has_url = "command" in self._fields, "url" in self._fields
        if has_command == has_url:
            raise self._fault('has both "command" and "url", or neither', "give it one of them")
        if self._fields.get("type", "") == "sse":
            raise self._fault('is of type "sse"', "use its streamable HTTP address, and leave the type out")
        return self._stdio() if has_command else self._http()

    def _stdio(self) -> StdioServer:
        command = self._text("command", self._fields["command"])
        if not command.strip():
            raise self._fault('has a blank "command"', "name the program to start")
        args = self._fields.get("args", [])
        if not isinstance(args, list):
            raise self._fault('has "args" that are not a list', "use a list of texts")
        cwd = self._fields.get("cwd")
        return StdioServer(
            self._name,
            command,
            tuple(self._text("args", arg) for arg in cast(list[object], args)),
            self._texts("env"),
            None if cwd is None else self._text("cwd", cwd),
        )

    def _http(self) -> HttpServer:
        url = self._text("url", self._fields["url"])
        try:
            parts = urlsplit(url)
            is_fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_fit = False
        if not is_fit or re.search(r"[\x00-\x20\x7f]", url):
            raise self._fault('has a "url" that is none', "use a complete http(s) URL")
        headers = self._texts("headers")
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or not value.isprintable() or not value.isascii():
                raise self._fault('has "headers" that cannot be sent', "use plain names and values in one line")
        return HttpServer(self._name, url, headers)

    def _texts(self, field_name: str) -> dict[str, str]:
        values = self._fields.get(field_name, {})
        if not isinstance(values, dict):
            raise self._fault(f'has "{field_name}" that are not an object', "use names and texts")
        return {name: self._text(field_name, value) for name, value in cast(dict[str, object], values).items()}

    def _text(self, field_name: str, value: object) -> str:
        if not isinstance(value, str) or "\x00" in value:
            raise self._fault(f'has something in "{field_name}" that is not a text', "put it in quotes")
        return _VARIABLE.sub(self._variable, value)

    def _variable(self, match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        value = self._environment.get(name) or default
        if value is None:
            raise self._fault(f"needs the environment variable {name}", "set it, or write ${NAME:-default}")
        return value

    def _fault(self, what: str, remedy: str) -> ConfigError:
        return ConfigError(f'MCP_CONFIG: the server "{self._name}" {what}: {remedy}.')
