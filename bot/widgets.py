"""A page in discord.py's terms: its buttons, its files, whom it notifies.

This module knows nothing of how a page gets to Discord.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import discord

from bot.render.page import Control, Page

_STYLES = {
    Control.STOP: discord.ButtonStyle.danger,
    Control.RETRY: discord.ButtonStyle.secondary,
    Control.CONTINUE: discord.ButtonStyle.primary,
    Control.REASONING: discord.ButtonStyle.secondary,
    Control.SOURCE: discord.ButtonStyle.secondary,
    Control.REPLY: discord.ButtonStyle.primary,
}


def custom_id(control: Control, turn_id: int) -> str:
    """The button's identity on Discord; it alone must suffice to act on a click after a restart."""
    return f"cogitor:{control.value}:{turn_id}"


def allowed_mentions(page: Page) -> discord.AllowedMentions | None:
    """Exactly the one who is to be notified; None leaves it at the client's rule, which is nobody."""
    return discord.AllowedMentions(users=[discord.Object(page.notifies)]) if page.notifies is not None else None


def files(page: Page) -> list[discord.File]:
    return [discord.File(io.BytesIO(file.data), file.name) for file in page.files]


def view(page: Page, turn_id: int) -> discord.ui.View | None:
    """The page's buttons. Clicks are found by custom id, so the view is never kept in memory (`stop`)."""
    if not page.controls:
        return None
    view = discord.ui.View(timeout=None)
    for control in page.controls:
        view.add_item(
            discord.ui.Button(
                label=control.value.title(), style=_STYLES[control], custom_id=custom_id(control, turn_id)
            )
        )
    view.stop()
    return view


@lru_cache(maxsize=512)
def components(controls: tuple[Control, ...], turn_id: int) -> Sequence[Any]:
    """The same buttons as JSON, not to be changed: a running answer is shown all the time, and its buttons stay."""
    buttons = view(Page("", controls), turn_id)
    return () if buttons is None else buttons.to_components()


def shows(message: discord.Message, page: Page, turn_id: int) -> bool:
    """Whether a message shows a page; Discord trims white space at both ends."""
    ids = [
        button.custom_id
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for button in row.children
        if isinstance(button, discord.Button)
    ]
    wanted = [custom_id(control, turn_id) for control in page.controls]
    return message.content.strip() == page.content.strip() and ids == wanted
