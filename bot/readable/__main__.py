"""A process of its own that reads one body: a line of JSON and the body come in, JSON goes out.

Started by `bot/readable/apart.py`. It limits itself before it looks at
anything, so that it ends even if nobody is left to end it.
"""

from __future__ import annotations

import json
import resource
import sys

from bot.readable.document import Document, read_page
from bot.readable.invisible import visible
from bot.readable.kinds import Kind, decoded
from bot.readable.writer import MAX_CHARS

CPU_SECONDS = 4
MEMORY_BYTES = 768 * 1024 * 1024


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _read(asked: dict[str, str], body: bytes) -> Document:
    is_page = asked["kind"] == Kind.PAGE
    text = decoded(body, asked["content_type"], is_page=is_page)
    if is_page:
        return read_page(text.replace("\x00", ""), asked["url"])
    return Document("", text[:MAX_CHARS], is_whole=len(text) <= MAX_CHARS)


def _main() -> None:
    _limit()
    asked = json.loads(sys.stdin.buffer.readline())
    document = _read(asked, sys.stdin.buffer.read())
    answer = {
        "title": document.title,
        "text": visible(document.text),
        "links": [(visible(text), url) for text, url in document.links],
        "is_whole": document.is_whole,
    }
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    _main()
