"""Links to attachments, which carry a signature and expire (Discord, "Signed Attachment CDN URLs").

Whoever fetches a message gets new links; an old one is answered as if the file
were gone. Knows nothing of who asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from bot.playground.discord.records import Attachment
from bot.playground.discord.state import State


def signed_link(state: State, channel_id: int, attachment: Attachment) -> str:
    """Where an attachment can be fetched for `state.link_seconds` from now on: `ex`, `is` and `hm` as Discord's.

    Links made in the same hour are equal, so that the page need not load a picture again with each of them.
    """
    issued = int(state.now() // 3_600 * 3_600)
    expires = int(issued + state.link_seconds)
    path = f"/play/attachments/{channel_id}/{attachment.id}/{quote(attachment.filename)}"
    return f"{state.origin}{path}?ex={expires:x}&is={issued:x}&hm={_signature(attachment.id, f'{expires:x}')}"


def is_valid(state: State, attachment_id: int, query: Mapping[str, str]) -> bool:
    """Whether a link's signature fits and it has not expired."""
    expires = query.get("ex", "")
    if query.get("hm") != _signature(attachment_id, expires):
        return False
    return state.now() < int(expires, 16)


def _signature(attachment_id: int, expires: str) -> str:
    """Fits this file and time only. Nothing is secret here: everybody on this machine may see everything."""
    return hashlib.sha256(f"{attachment_id}/{expires}".encode()).hexdigest()
