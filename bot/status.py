"""How the bot is doing, in words for its operator. Pure text."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.render.usage_facts import brief
from bot.spending import Spent


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of the running process. Times are in Unix seconds, `latency` in seconds."""

    version: str
    python: str
    library: str
    began_at: float
    servers: int
    shards: int
    lost_shards: int
    latency: float
    """NaN or infinite while it is not known."""
    running: int
    waiting: int
    refusals: int
    database: str
    spent: Spent
    """In the last 24 hours, by everybody."""
    model: str
    model_is_known: bool
    catalogue_size: int


def status_text(status: Status) -> str:
    """One fact a line."""
    lines = [
        ("Versions", f"Cogitor {status.version}, Python {status.python}, discord.py {status.library}"),
        ("Running since", f"<t:{int(status.began_at)}:f> (<t:{int(status.began_at)}:R>)"),
        ("Servers", f"{status.servers:,}"),
        ("Gateway", f"{_shards(status)}, {_latency(status.latency)}"),
        ("Answers", f"{status.running:,} running, {_questions(status.waiting)}"),
        ("Refused by Discord (429)", f"{_requests(status.refusals)} since the start"),
        ("Database", status.database),
        ("Last 24 hours", brief(status.spent)),
        ("Model", f"`{status.model.replace('`', '')}`, {_catalogue(status)}"),
    ]
    return "\n".join(["### Status", *(f"- {name}: {fact}" for name, fact in lines)])


def _shards(status: Status) -> str:
    shards = f"{status.shards:,} {'shard' if status.shards == 1 else 'shards'}"
    return f"{shards}, {status.lost_shards:,} of them without a connection" if status.lost_shards else shards


def _latency(seconds: float) -> str:
    return f"latency {seconds * 1_000:.0f} ms" if math.isfinite(seconds) else "latency not known yet"


def _questions(count: int) -> str:
    return f"{count:,} {'question waits' if count == 1 else 'questions wait'}"


def _requests(count: int) -> str:
    return f"{count:,} {'request' if count == 1 else 'requests'}"


def _catalogue(status: Status) -> str:
    if not status.catalogue_size:
        return "but the catalogue of models is not there (yet)"
    return f"{'in' if status.model_is_known else 'but not in'} the catalogue of {status.catalogue_size:,} models"
