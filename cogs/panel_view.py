"""A panel in discord.py's terms. Its controls are found by their ids, so no view is kept in memory (`stop`)."""

from __future__ import annotations

from typing import Any

import discord

from bot.panel_items import Button, ChannelSelect, Form, Places, RoleSelect, Row, Screen, Select, Style, clipped
from cogs.forms import form

_STYLES = {
    Style.PLAIN: discord.ButtonStyle.secondary,
    Style.MAIN: discord.ButtonStyle.primary,
    Style.DANGER: discord.ButtonStyle.danger,
}
_FORUMS = [discord.ChannelType.forum, discord.ChannelType.media]
_TEXT = [discord.ChannelType.text, discord.ChannelType.news]
_PLACES = {
    Places.ALL: [*_TEXT, *_FORUMS, discord.ChannelType.voice, discord.ChannelType.stage_voice],
    Places.FORUMS: _FORUMS,
    Places.TEXT: _TEXT,
}
LONGEST_LABEL = 45
LONGEST_PROMPT = 100
"""Characters of what stands above a field, and in an empty one (Discord, "Component Reference")."""


def view_of(screen: Screen) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(screen.rows):
        for item in _items(row):
            item.row = number
            view.add_item(item)
    view.stop()
    return view


def modal_of(shown: Form) -> discord.ui.Modal:
    return form(
        shown.id,
        shown.title,
        clipped(shown.label, LONGEST_LABEL),
        text=shown.text,
        prompt=clipped(shown.prompt, LONGEST_PROMPT),
        is_long=shown.is_long,
        longest=shown.longest,
    )


def _items(row: Row) -> list[discord.ui.Item[Any]]:
    match row:
        case Select():
            return [_select(row)]
        case ChannelSelect():
            channel = discord.SelectDefaultValueType.channel
            return [
                discord.ui.ChannelSelect[Any](
                    custom_id=row.id,
                    placeholder=row.prompt,
                    channel_types=_PLACES[row.places],
                    min_values=0,
                    max_values=row.most,
                    default_values=[discord.SelectDefaultValue(id=item, type=channel) for item in row.chosen],
                )
            ]
        case RoleSelect():
            role = discord.SelectDefaultValueType.role
            return [
                discord.ui.RoleSelect[Any](
                    custom_id=row.id,
                    placeholder=row.prompt,
                    min_values=row.least,
                    max_values=row.most,
                    default_values=[discord.SelectDefaultValue(id=item, type=role) for item in row.chosen],
                )
            ]
        case buttons:
            return [_button(button) for button in buttons]


def _select(row: Select) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(
            label=option.label,
            value=option.value,
            description=option.description or None,
            default=option.chosen,
        )
        for option in row.options
    ]
    return discord.ui.Select[Any](
        custom_id=row.id, placeholder=row.prompt, options=options, min_values=row.least, max_values=row.most
    )


def _button(button: Button) -> discord.ui.Button[Any]:
    return discord.ui.Button[Any](
        custom_id=button.id, label=button.label, style=_STYLES[button.style], disabled=button.disabled
    )
