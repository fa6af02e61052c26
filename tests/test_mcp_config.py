"""The operator's mcp.json: what is understood, and what is said where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.tools import mcp_config
from bot.tools.mcp_config import MAX_BYTES, MAX_SERVERS, HttpServer, StdioServer, load_servers

pytest.importorskip("mcp", reason="the extra mcp is not installed")

ENVIRONMENT = {"TOKEN": "s3cret", "HOME": "/home/me", "EMPTY": ""}


def load(tmp_path: Path, content: object) -> tuple[object, ...]:
    path = tmp_path / "mcp.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return load_servers(str(path), ENVIRONMENT)


def test_no_file_means_no_servers() -> None:
    assert load_servers("", ENVIRONMENT) == ()


def test_the_usual_file_is_understood(tmp_path: Path) -> None:
    servers = load(
        tmp_path,
        {
            "inputs": [],
            "mcpServers": {
                "files": {
                    "command": "npx",
                    "args": ["-y", "server", "${HOME}/notes", "${PORT:-80}", "$HOME", "${EMPTY:-x}"],
                    "env": {"KEY": "Bearer ${env:TOKEN}"},
                    "cwd": "${HOME}",
                    "autoApprove": ["*"],
                },
                "web": {"type": "http", "url": "https://x.example/mcp?k=${TOKEN}", "headers": {"X-Key": "${TOKEN}"}},
                "off": {"command": "", "disabled": True},
            },
        },
    )
    assert servers == (
        StdioServer(
            "files",
            "npx",
            ("-y", "server", "/home/me/notes", "80", "$HOME", "x"),
            {"KEY": "Bearer s3cret"},
            "/home/me",
        ),
        HttpServer("web", "https://x.example/mcp?k=s3cret", {"X-Key": "s3cret"}),
    )
    assert "s3cret" not in repr(servers)


def entry(**fields: object) -> dict[str, object]:
    return {"mcpServers": {"a": fields}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "correct line 1"),
        ('{\n"a": 1,\n}', "correct line 3"),
        ("[" * 100_000, "not sensible JSON"),
        ("[]", "must hold"),
        ("{}", "must hold"),
        ({"mcpServers": []}, "must hold"),
        ({"mcpServers": {"": {"command": "x"}}}, "proper name"),
        ({"mcpServers": {"a": "npx"}}, 'the server "a" is not an object'),
        (entry(), 'both "command" and "url", or neither'),
        (entry(command="x", url="https://x.example/"), 'both "command" and "url", or neither'),
        (entry(command=" "), 'blank "command"'),
        (entry(command=1), 'something in "command" that is not a text'),
        (entry(command="x\x00y"), 'something in "command" that is not a text'),
        (entry(command="x", args="y"), '"args" that are not a list'),
        (entry(command="x", args=[1]), 'something in "args" that is not a text'),
        (entry(command="x", env=[]), '"env" that are not an object'),
        (entry(command="x", env={"A": 1}), 'something in "env" that is not a text'),
        (entry(command="x", env={"A": "${NOT_SET}"}), "needs the environment variable NOT_SET"),
        (entry(command="x", cwd=5), 'something in "cwd" that is not a text'),
        (entry(url="x.example/mcp"), '"url" that is none'),
        (entry(url="ftp://x.example/"), '"url" that is none'),
        (entry(url="http://[x/"), '"url" that is none'),
        (entry(url="http://x.example/ y"), '"url" that is none'),
        (entry(url="https://x.example/", type="sse"), 'of type "sse"'),
        (entry(url="https://x.example/", headers={"A b": "c"}), '"headers" that cannot be sent'),
        (entry(url="https://x.example/", headers={"A": "${TOKEN}\r\nB: c"}), '"headers" that cannot be sent'),
        (entry(url="https://x.example/", headers={"A": "ü${TOKEN}"}), '"headers" that cannot be sent'),
        ({"mcpServers": {str(n): {"command": "x"} for n in range(MAX_SERVERS + 1)}}, "keep at most"),
        (" " * (MAX_BYTES + 1), "larger than 1 MiB"),
    ],
)
def test_a_fault_is_named_with_its_remedy_and_without_secrets(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, content)
    sentence = str(raised.value)
    assert sentence.startswith("MCP_CONFIG")
    assert said in sentence
    assert sentence.endswith(".")
    assert ": " in sentence
    assert "s3cret" not in sentence


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_servers(str(path), ENVIRONMENT)
    (tmp_path / "latin.json").write_bytes(b'{"\xff": 1}')
    with pytest.raises(ConfigError, match="UTF-8"):
        load_servers(str(tmp_path / "latin.json"), ENVIRONMENT)


def test_servers_without_the_extra_are_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_config, "find_spec", lambda name: None)
    assert load(tmp_path, {"mcpServers": {}}) == ()
    with pytest.raises(ConfigError, match="uv sync --extra mcp"):
        load(tmp_path, entry(command="x"))
