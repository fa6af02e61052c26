"""Reads message components, of both generations, and holds them against Discord's rules.

Source: Discord, "Component Reference". Legacy messages take action rows only;
with the flag IS_COMPONENTS_V2 the layout components are open, 40 in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import limits
from bot.playground.discord.faults import Faults, Path
from bot.playground.discord.records import ComponentType

_SELECTS = (
    ComponentType.STRING_SELECT,
    ComponentType.USER_SELECT,
    ComponentType.ROLE_SELECT,
    ComponentType.MENTIONABLE_SELECT,
    ComponentType.CHANNEL_SELECT,
)
_IN_CONTAINER = (
    ComponentType.ACTION_ROW,
    ComponentType.SECTION,
    ComponentType.TEXT_DISPLAY,
    ComponentType.MEDIA_GALLERY,
    ComponentType.FILE,
    ComponentType.SEPARATOR,
)
_LINK_STYLE, _PREMIUM_STYLE = 5, 6

_Read: TypeAlias = "Callable[[_Reader, Path, JsonObject], dict[str, Any]]"


def read_components(faults: Faults, value: JsonValue, *, v2: bool) -> list[dict[str, Any]]:
    """The components as Discord keeps them: known fields, defaults filled in, each with an id."""
    reader = _Reader(faults)
    most = limits.COMPONENTS if v2 else limits.ACTION_ROWS
    allowed = (*_IN_CONTAINER, ComponentType.CONTAINER) if v2 else (ComponentType.ACTION_ROW,)
    components = reader.children(("components",), value, allowed, most)
    if reader.count > limits.COMPONENTS:
        text = f"Must be {limits.COMPONENTS} or fewer in length."
        faults.add(("components",), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
    if reader.text_length > limits.DISPLAYED_TEXT:
        text = f"The total size of displayable text exceeds {limits.DISPLAYED_TEXT}"
        faults.add(("components",), "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)
    return components


class _Reader:
    """What has to be known across the whole tree: ids, custom_ids, counts."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.count = 0
        self.text_length = 0
        self._custom_ids: set[str] = set()

    def children(
        self, path: Path, value: JsonValue, allowed: tuple[ComponentType, ...], most: int, least: int = 0
    ) -> list[dict[str, Any]]:
        bodies = self.faults.objects(path, value, most, least)
        return [self.component((*path, index), body, allowed) for index, body in enumerate(bodies)]

    def component(self, path: Path, body: JsonObject, allowed: tuple[ComponentType, ...]) -> dict[str, Any]:
        kind = body.get("type")
        if isinstance(kind, bool) or not isinstance(kind, int) or kind not in allowed:
            text = f'Value of field "type" must be one of ({", ".join(str(int(one)) for one in allowed)}).'
            self.faults.add((*path, "type"), "UNION_TYPE_CHOICES", text)
            return {"type": 0}
        self.count += 1
        given = body.get("id")
        own: dict[str, Any] = {"type": kind, "id": self.count}
        if given:
            own["id"] = self.faults.number((*path, "id"), given, 2**31 - 1)
        return own | _READERS[kind](self, path, body)

    def custom_id(self, path: Path, body: JsonObject) -> str:
        path = (*path, "custom_id")
        custom_id = self.faults.text(path, body.get("custom_id"), limits.CUSTOM_ID, 1)
        if custom_id and custom_id in self._custom_ids:
            self.faults.add(path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
        self._custom_ids.add(custom_id)
        return custom_id


def _read_row(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    path = (*path, "components")
    children = reader.children(
        path, body.get("components"), (ComponentType.BUTTON, *_SELECTS), limits.BUTTONS_IN_ROW, 1
    )
    if len(children) > 1 and any(child["type"] in _SELECTS for child in children):
        reader.faults.add(path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
    return {"components": children}


def _read_button(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    faults = reader.faults
    style = body.get("style")
    faults.choice((*path, "style"), style, range(1, 7))
    button: dict[str, Any] = {"style": style, "disabled": body.get("disabled") is True}
    if body.get("label") is not None:
        button["label"] = faults.text((*path, "label"), body["label"], limits.BUTTON_LABEL)
    if body.get("emoji") is not None:
        button["emoji"] = _read_emoji(faults, (*path, "emoji"), body["emoji"])
    if style == _LINK_STYLE:
        button["url"] = faults.text((*path, "url"), body.get("url"), limits.BUTTON_URL, 1)
        if body.get("custom_id"):
            text = "A custom id and url cannot both be specified"
            faults.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", text)
    elif style != _PREMIUM_STYLE:
        button["custom_id"] = reader.custom_id(path, body)
        if not button.get("label") and not button.get("emoji"):
            text = "A button must have a label or emoji"
            faults.add(path, "BUTTON_COMPONENT_INVALID_LABEL", text)
    return button


def _read_emoji(faults: Faults, path: Path, value: JsonValue) -> dict[str, Any]:
    emoji = faults.mapping(path, value)
    read: dict[str, Any] = {"name": faults.text((*path, "name"), emoji.get("name"), 64)}
    if emoji.get("id") is not None:
        read["id"] = str(faults.snowflake((*path, "id"), emoji["id"]))
    return read


def _read_select(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    faults = reader.faults
    select: dict[str, Any] = {"custom_id": reader.custom_id(path, body), "disabled": body.get("disabled") is True}
    if body.get("placeholder") is not None:
        select["placeholder"] = faults.text((*path, "placeholder"), body["placeholder"], limits.SELECT_PLACEHOLDER)
    for key, default in (("min_values", 0), ("max_values", 1)):
        given = body.get(key)
        select[key] = 1 if given is None else faults.number((*path, key), given, limits.SELECT_OPTIONS, default)
    if select["min_values"] > select["max_values"]:
        text = "min_values must be less than or equal to max_values"
        faults.add((*path, "min_values"), "SELECT_COMPONENT_MIN_VALUES_GREATER_THAN_MAX_VALUES", text)
    if body.get("type") == ComponentType.STRING_SELECT:
        select["options"] = _read_select_options(faults, (*path, "options"), body.get("options"))
        if select["max_values"] > len(select["options"]) and select["options"]:
            text = "max_values must be less than or equal to the number of options"
            faults.add((*path, "max_values"), "SELECT_COMPONENT_MAX_VALUES_GREATER_THAN_OPTIONS", text)
    if body.get("default_values"):
        where = (*path, "default_values")
        select["default_values"] = [
            _read_default(faults, (*where, index), item)
            for index, item in enumerate(faults.objects(where, body["default_values"], limits.SELECT_OPTIONS))
        ]
    if body.get("channel_types"):
        where = (*path, "channel_types")
        kinds = enumerate(faults.items(where, body["channel_types"], limits.SELECT_OPTIONS))
        select["channel_types"] = [faults.number((*where, index), kind, 16) for index, kind in kinds]
    return select


def _read_default(faults: Faults, path: Path, body: JsonObject) -> dict[str, Any]:
    faults.choice((*path, "type"), body.get("type"), ("user", "role", "channel"))
    return {"id": str(faults.snowflake((*path, "id"), body.get("id"))), "type": body.get("type")}


def _read_select_options(faults: Faults, path: Path, value: JsonValue) -> list[dict[str, Any]]:
    options: list[dict[str, Any]] = []
    values: set[str] = set()
    for index, body in enumerate(faults.objects(path, value, limits.SELECT_OPTIONS, 1)):
        option: dict[str, Any] = {
            key: faults.text((*path, index, key), body.get(key), limits.OPTION_TEXT, 1) for key in ("label", "value")
        }
        if body.get("description") is not None:
            where = (*path, index, "description")
            option["description"] = faults.text(where, body["description"], limits.OPTION_TEXT)
        if body.get("emoji") is not None:
            option["emoji"] = _read_emoji(faults, (*path, index, "emoji"), body["emoji"])
        if body.get("default") is not None:
            option["default"] = faults.flag((*path, index, "default"), body["default"])
        if option["value"] in values:
            text = "The specified option value is already used"
            faults.add((*path, index, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)
        values.add(option["value"])
        options.append(option)
    return options


def _read_section(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    accessory = reader.faults.mapping((*path, "accessory"), body.get("accessory"))
    texts = reader.children(
        (*path, "components"), body.get("components"), (ComponentType.TEXT_DISPLAY,), limits.SECTION_TEXTS, 1
    )
    return {
        "components": texts,
        "accessory": reader.component((*path, "accessory"), accessory, (ComponentType.BUTTON, ComponentType.THUMBNAIL)),
    }


def _read_text(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    content = reader.faults.text((*path, "content"), body.get("content"), limits.DISPLAYED_TEXT, 1)
    reader.text_length += len(content)
    return {"content": content}


def _read_media(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    """A thumbnail, or one item of a gallery."""
    media, description = reader.faults.mapping((*path, "media"), body.get("media")), body.get("description")
    return {
        "media": {"url": reader.faults.text((*path, "media", "url"), media.get("url"), 2048, 1)},
        "description": None if description is None else reader.faults.text((*path, "description"), description, 1024),
        "spoiler": body.get("spoiler") is True,
    }


def _read_gallery(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    path = (*path, "items")
    items = reader.faults.objects(path, body.get("items"), limits.GALLERY_ITEMS, 1)
    return {"items": [_read_media(reader, (*path, index), item) for index, item in enumerate(items)]}


def _read_file(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    file = reader.faults.mapping((*path, "file"), body.get("file"))
    url = reader.faults.text((*path, "file", "url"), file.get("url"), 2048, 1)
    if url and not url.startswith("attachment://"):
        text = "Only attachment:// references are allowed here"
        reader.faults.add((*path, "file", "url"), "FILE_COMPONENT_INVALID_REFERENCE", text)
    return {"file": {"url": url}, "name": None, "size": None, "spoiler": body.get("spoiler") is True}


def _read_separator(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    spacing = body.get("spacing", 1)
    reader.faults.choice((*path, "spacing"), spacing, (1, 2))
    return {"divider": body.get("divider") is not False, "spacing": spacing}


def _read_container(reader: _Reader, path: Path, body: JsonObject) -> dict[str, Any]:
    accent = body.get("accent_color")
    if accent is not None:
        reader.faults.number((*path, "accent_color"), accent, 0xFFFFFF)
    return {
        "accent_color": accent,
        "spoiler": body.get("spoiler") is True,
        "components": reader.children(
            (*path, "components"), body.get("components"), _IN_CONTAINER, limits.COMPONENTS, 1
        ),
    }


_READERS: Mapping[int, _Read] = {
    ComponentType.ACTION_ROW: _read_row,
    ComponentType.BUTTON: _read_button,
    ComponentType.SECTION: _read_section,
    ComponentType.TEXT_DISPLAY: _read_text,
    ComponentType.THUMBNAIL: _read_media,
    ComponentType.MEDIA_GALLERY: _read_gallery,
    ComponentType.FILE: _read_file,
    ComponentType.SEPARATOR: _read_separator,
    ComponentType.CONTAINER: _read_container,
    **dict.fromkeys(_SELECTS, _read_select),
}
