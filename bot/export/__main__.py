"""A process of its own that colours a page: JSON of `bot/export/archive.py` comes in, the page goes out.

Started by `bot/export/apart.py`, which ends it when it takes too long.
"""

from __future__ import annotations

import sys

from bot.export.archive import from_json
from bot.export.page import to_html

if __name__ == "__main__":
    sys.stdout.buffer.write(to_html(from_json(sys.stdin.buffer.read()), colours=True))
