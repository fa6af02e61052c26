"""What was consumed, as a file for spreadsheets: one row for each day, model and member.

A spreadsheet takes long numbers for imprecise ones and texts that begin with
certain signs for formulas; so members stand here as mentions, and models, whose
names come from outside, are kept from being formulas. Pure text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.spending import DAY, NOBODY, Line

COLUMNS = (
    "day_utc",
    "model",
    "member",
    "requests",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cost_usd",
    "requests_without_cost",
)
_LONGEST_MODEL = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_FORMULA = ("=", "+", "-", "@")


def to_csv(lines: Iterable[Line]) -> bytes:
    """The file, in UTF-8. A cost that was not reported is an empty field, never a zero."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_row(line) for line in lines)
    return text.getvalue().encode()


def exact_dollars(nanodollars: int) -> str:
    """An amount with all its digits: `0.002100000`."""
    whole, rest = divmod(abs(nanodollars), 10**9)
    return f"{'-' if nanodollars < 0 else ''}{whole}.{rest:09}"


def _row(line: Line) -> tuple[str | int, ...]:
    spent, usage = line.spent, line.spent.usage
    return (
        datetime.fromtimestamp(line.day * DAY, UTC).date().isoformat(),
        _harmless(line.model),
        f"<@{line.user_id}>" if line.user_id != NOBODY else "forgotten",
        spent.requests,
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.completion_tokens,
        usage.reasoning_tokens,
        "" if usage.cost is None else exact_dollars(usage.cost),
        spent.unpriced,
    )


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula; OWASP, "CSV Injection"."""
    plain = _UNPRINTABLE.sub(" ", text.encode("utf-8", "replace").decode()).strip()[:_LONGEST_MODEL]
    return f"'{plain}" if plain.startswith(_FORMULA) else plain
