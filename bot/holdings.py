"""What is stored about a member, in plain words, and all of it for an export.

Knows nothing of Discord or of SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.data_policy import promise
from bot.earlier import own_words
from bot.export.mine import Mine
from bot.guild import DataPolicy
from bot.messages import Image, Pdf, Turn
from bot.store import Store
from bot.store.holdings import Held

LARGEST_FILE = 2_000_000
MOST_FILE_BYTES = 16_000_000
"""Of images and PDFs in an export, in bytes; beyond, only their names are in it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms what people say is kept and processed in one place."""

    host: str
    """Where the model's server is."""
    enforces_policy: bool
    """Whether that server understands data policies at all."""
    policy: DataPolicy
    days_kept: int | None
    """After so many days without a message a conversation is forgotten; None means never by itself."""
    in_server: bool
    privacy_url: str = ""


def told(held: Held, terms: Terms) -> str:
    """What is stored about the one who asks, as Markdown for a message."""
    if held.since is None and not held.quoted:
        stored = ["**I store nothing about you.**"]
    else:
        files = f"{_count(held.files, 'attached file')} ({_size(held.file_bytes)} of images and PDFs)"
        stored = [
            "**What I store about you**" + (f", since <t:{held.since:.0f}:D>" if held.since else ""),
            f"- {_count(held.messages, 'message')} that you wrote to me, "
            f"in {_count(held.conversations, 'conversation')} (forks count as well)",
            f"- {files}",
            f"- {_count(held.answers, 'answer')} to them, with the model's reasoning and what its tools returned",
            f"- {_count(held.requests, 'line')} in the ledger: time, model, tokens and cost, no text",
            f"- {_count(held.changes, 'change')} that you made to the settings of servers",
            f"- {_count(held.quoted, 'question')} of others in which messages of yours are quoted, or in what was read "
            "to answer them",
            "- your Discord id, and the display name you had with each message",
        ]
    place = "in this server" if terms.in_server else "in direct messages"
    days = terms.days_kept
    kept = (
        "until you, or the deletion of the message or thread, let me forget it"
        if days is None
        else f"until nothing was written in a conversation for {_count(days, 'day')}"
    )
    policy = (
        f"which may pass it on {promise(terms.policy)} (`{terms.policy}`)"
        if terms.enforces_policy
        else "which does not know of data policies: ask the operator who runs it"
    )
    lines = [
        *stored,
        "",
        f"**How long**: {place}, {kept}.",
        f"**Who processes it**: to answer, I send a conversation to the model's server at `{terms.host}`, {policy}.",
        "**What you can do**: `/privacy export` gives you all of it; `/privacy forget` deletes it.",
    ]
    policy_page = f"<{terms.privacy_url}>" if terms.privacy_url else "the operator of this bot has it"
    return "\n".join([*lines, f"-# The privacy policy: {policy_page}."])


async def gather(store: Store, user_id: int, *, clock: Callable[[], float]) -> Mine:
    """Everything that is stored about a member."""
    turns: list[Turn] = []
    files: dict[str, bytes] = {}
    room = MOST_FILE_BYTES
    while found := await store.turns_asked_by(user_id, after=turns[-1].id if turns else 0):
        own = [
            replace(turn, question=tuple(replace(said, parts=own_words(said.parts)) for said in turn.question))
            for turn in found
        ]
        turns += own
        said = [said for turn in own for said in turn.question]
        digests = {part.digest for each in said for part in each.parts if isinstance(part, Image | Pdf)}
        if digests - files.keys() and room:
            bytes_of = await store.file_bytes([each.id for each in said], most=min(LARGEST_FILE, room))
            for digest in sorted(digests & bytes_of.keys()):
                if digest not in files and len(bytes_of[digest]) <= room:
                    files[digest] = bytes_of[digest]
                    room -= len(bytes_of[digest])
    return Mine(
        user_id=user_id,
        at=clock(),
        turns=tuple(turns),
        guilds=await store.guilds_of({turn.conversation_id for turn in turns}),
        usage=tuple(await store.spent_by(user_id)),
        changes=tuple(await store.changed_by(user_id)),
        files=files,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB" if number >= 100_000 else f"{number / 1_000:.0f} KB"
