"""Forms with one field, which are found by their ids when they come back.

They are never kept in memory, so that it does not matter which process shows one
and which takes it.
"""

from __future__ import annotations

from typing import Any

import discord


def form(
    custom_id: str,
    title: str,
    label: str,
    *,
    text: str = "",
    prompt: str = "",
    is_long: bool = True,
    longest: int = 4000,
) -> discord.ui.Modal:
    """A form that begins with `text`; `prompt` stands in its field while it is empty."""
    modal = discord.ui.Modal(title=title, custom_id=custom_id)
    style = discord.TextStyle.paragraph if is_long else discord.TextStyle.short
    field = discord.ui.TextInput[discord.ui.Modal](
        label=label, style=style, default=text or None, placeholder=prompt or None, max_length=longest, required=False
    )
    modal.add_item(field)
    modal.stop()
    return modal


def typed(data: Any) -> str:
    """What was typed into a form, which has one field."""
    for row in data.get("components", ()):
        for field in (*row.get("components", ()), row.get("component") or {}):
            if isinstance(field.get("value"), str):
                return field["value"]
    return ""
