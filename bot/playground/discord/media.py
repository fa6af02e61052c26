"""What a message's V2 components show of its files: `attachment://` references become real addresses.

Discord calls the result an unfurled media item. It knows components and
attachment objects, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.messages import JsonObject

_NESTED = ("components", "items")


def resolved_media(component: Mapping[str, Any], attachments: Mapping[str, JsonObject]) -> dict[str, Any]:
    """The component as it goes on the wire; `attachments` are the message's files by their references."""
    shown = dict(component)
    for key in _NESTED:
        if key in shown:
            shown[key] = [resolved_media(child, attachments) for child in shown[key]]
    if "accessory" in shown:
        shown["accessory"] = resolved_media(shown["accessory"], attachments)
    for key in ("media", "file"):
        if key in shown:
            shown[key] = _unfurled(shown[key]["url"], attachments)
    if "file" in shown and (attachment := attachments.get(component["file"]["url"])) is not None:
        shown |= {"name": attachment["filename"], "size": attachment["size"]}
    return shown


def _unfurled(url: str, attachments: Mapping[str, JsonObject]) -> JsonObject:
    attachment = attachments.get(url)
    if attachment is None:
        return {"id": "0", "url": url, "proxy_url": url}
    return {
        "id": attachment["id"],
        "attachment_id": attachment["id"],
        "url": attachment["url"],
        "proxy_url": attachment["proxy_url"],
        "content_type": attachment["content_type"],
    }
