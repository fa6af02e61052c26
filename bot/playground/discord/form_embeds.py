"""Reads embeds and holds them against Discord's limits (Discord, "Embed Limits")."""

from __future__ import annotations

from typing import Any

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import limits
from bot.playground.discord.faults import Faults, Path

_TEXTS = {"title": limits.EMBED_TITLE, "description": limits.EMBED_DESCRIPTION, "url": 2048, "timestamp": 100}
_MEDIA = ("image", "thumbnail")


def read_embeds(faults: Faults, value: JsonValue) -> list[dict[str, Any]]:
    """The embeds as Discord keeps them: of type "rich", with known fields only."""
    embeds: list[dict[str, Any]] = []
    total = 0
    for index, body in enumerate(faults.objects(("embeds",), value, limits.EMBEDS)):
        embed, length = _read_embed(faults, ("embeds", index), body)
        embeds.append(embed)
        total += length
    if total > limits.EMBED_TOTAL_LENGTH:
        message = f"Embed size exceeds maximum size of {limits.EMBED_TOTAL_LENGTH}"
        faults.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", message)
    return embeds


def _read_embed(faults: Faults, path: Path, body: JsonObject) -> tuple[dict[str, Any], int]:
    embed: dict[str, Any] = {"type": "rich"}
    for key, most in _TEXTS.items():
        if body.get(key) is not None:
            embed[key] = faults.text((*path, key), body[key], most)
    if body.get("color") is not None:
        embed["color"] = faults.number((*path, "color"), body["color"], 0xFFFFFF)
    length = len(embed.get("title", "")) + len(embed.get("description", ""))
    for key, name, most in (
        ("footer", "text", limits.EMBED_FOOTER),
        ("author", "name", limits.EMBED_AUTHOR),
    ):
        if body.get(key) is not None:
            part = faults.mapping((*path, key), body[key])
            embed[key] = {name: faults.text((*path, key, name), part.get(name), most, 1)}
            length += len(embed[key][name])
    for key in _MEDIA:
        if body.get(key) is not None:
            part = faults.mapping((*path, key), body[key])
            embed[key] = {"url": faults.text((*path, key, "url"), part.get("url"), 2048, 1)}
    if body.get("fields"):
        embed["fields"] = _read_fields(faults, (*path, "fields"), body["fields"])
        length += sum(len(field["name"]) + len(field["value"]) for field in embed["fields"])
    return embed, length


def _read_fields(faults: Faults, path: Path, value: JsonValue) -> list[dict[str, Any]]:
    return [
        {
            "name": faults.text((*path, index, "name"), field.get("name"), limits.EMBED_FIELD_NAME, 1),
            "value": faults.text((*path, index, "value"), field.get("value"), limits.EMBED_FIELD_VALUE, 1),
            "inline": field.get("inline") is True,
        }
        for index, field in enumerate(faults.objects(path, value, limits.EMBED_FIELDS))
    ]
