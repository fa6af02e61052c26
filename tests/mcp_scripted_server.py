"""An MCP server over standard input and output without the SDK, so that it starts at once and may misbehave.

Started as `mcp_scripted_server.py MANNER [FILE]`; FILE is where it writes what a test wants to know.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MANNER = sys.argv[1]
FILE = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(os.devnull)


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}.", "inputSchema": {"type": "object"}, **fields}


def listed(params: dict[str, Any]) -> dict[str, Any]:
    if MANNER == "many":
        return {"tools": [tool(f"t{n}") for n in range(10_000)]}
    if MANNER == "pages":
        page = int(params.get("cursor", "0"))
        return {"tools": [tool(f"t{page}")], "nextCursor": str(page + 1)}
    if MANNER == "changing":
        names = FILE.read_text().split() if FILE.exists() else ["old"]
        return {"tools": [tool(name) for name in names]}
    return {"tools": [tool("echo"), tool("echo"), tool("die"), tool("sleep"), tool("env"), tool("bad"), tool("huge")]}


def called(params: dict[str, Any]) -> dict[str, Any]:
    name, arguments = params["name"], params.get("arguments") or {}
    if name == "die":
        os._exit(1)
    if name == "sleep":
        time.sleep(60)
    if name == "env":
        arguments = dict(os.environ)
    if name == "bad":
        return {"content": "not a list"}
    if name == "huge":
        os.write(1, b'{"' + b"x" * 9 * 1024 * 1024)
        time.sleep(60)
    if name == "old":
        FILE.write_text("new newer")
        send({"method": "notifications/tools/list_changed"})
    return {"content": [{"type": "text", "text": json.dumps(arguments)}]}


def serve() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        params = message.get("params") or {}
        match message["method"]:
            case "initialize":
                result: dict[str, Any] = {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": {"name": "scripted", "version": "1"},
                }
            case "tools/list":
                result = listed(params)
            case "tools/call":
                result = called(params)
            case _:
                send({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
                continue
        send({"id": message["id"], "result": result})


def main() -> None:
    match MANNER:
        case "exit":
            sys.exit(3)
        case "silent":
            time.sleep(600)
        case "garbage":
            while True:
                os.write(1, b"\xff\xfe garbage \x00\n" * 1000 + b"{not json}\n")
                time.sleep(0.01)
        case "endless line":
            while True:
                os.write(1, b"x" * 65536)
        case "noisy":
            os.write(1, b"Server starting...\n\n")
            os.write(2, b"SECRET on the error output\n")
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            FILE.write_text(f"{os.getpid()} {other.pid}")
        case _:
            pass
    serve()
    if MANNER == "stubborn":
        time.sleep(600)


main()
