"""Holds a click or a submitted form against the components it claims to come from.

It knows message and modal components as JSON, not how they are shown or sent.
Source: Discord's documentation, "Component Reference".
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import limits
from bot.playground.discord.errors import ApiError, invalid_form
from bot.playground.discord.faults import Faults, Path
from bot.playground.discord.interactions_resolved import Resolved, objects


class ComponentType(IntEnum):
    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    TEXT_DISPLAY = 10
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


_SELECTS = frozenset(range(ComponentType.USER_SELECT, ComponentType.CHANNEL_SELECT + 1)) | {ComponentType.STRING_SELECT}
_CHOICES = frozenset({ComponentType.STRING_SELECT, ComponentType.RADIO_GROUP, ComponentType.CHECKBOX_GROUP})
_IN_LABEL = _SELECTS | {
    ComponentType.TEXT_INPUT,
    ComponentType.FILE_UPLOAD,
    ComponentType.RADIO_GROUP,
    ComponentType.CHECKBOX_GROUP,
    ComponentType.CHECKBOX,
}
_MODAL_COMPONENTS, _MODAL_TITLE, _LABEL = 5, 45, 45
_TEXT_INPUT = 4000


def walk(components: JsonValue) -> Iterator[JsonObject]:
    """Every component, nested ones and accessories included, from the outside in."""
    for component in objects(components):
        yield component
        yield from walk(component.get("components"))
        yield from walk([component.get("accessory"), component.get("component")])


def check_click(components: JsonValue, given: JsonObject, resolved: Resolved) -> JsonObject:
    """The data of a click on a message with these `components`. Raises ApiError if there is nothing to click."""
    custom_id, kind = given.get("custom_id"), given.get("component_type")
    clicked = next((c for c in walk(components) if c.get("custom_id") == custom_id and c.get("type") == kind), None)
    if clicked is None or clicked.get("disabled") is True:
        raise invalid_form(("data", "custom_id"), "COMPONENT_NOT_FOUND", "This component cannot be used.")
    data: JsonObject = {"custom_id": custom_id, "component_type": kind, "id": clicked.get("id", 0)}
    if kind in _SELECTS:
        faults = Faults()
        data["values"] = [*_values(faults, ("data", "values"), clicked, given.get("values"), resolved)]
        data["resolved"] = resolved.as_json()
        faults.check()
    return data


def check_modal(data: JsonObject) -> JsonObject:
    """A modal as the bot wants it shown. Raises ApiError with Discord's tree of faults."""
    faults = Faults()
    faults.text(("data", "custom_id"), data.get("custom_id"), limits.CUSTOM_ID, 1)
    faults.text(("data", "title"), data.get("title"), _MODAL_TITLE, 1)
    path = ("data", "components")
    for index, component in enumerate(faults.objects(path, data.get("components"), _MODAL_COMPONENTS, 1)):
        _check_modal_component(faults, (*path, index), component)
    _check_unique_ids(faults, data.get("components"))
    faults.check()
    return {key: data[key] for key in ("custom_id", "title", "components")}


def _check_unique_ids(faults: Faults, components: JsonValue) -> None:
    ids = [str(component["custom_id"]) for component in walk(components) if "custom_id" in component]
    if len(set(ids)) < len(ids):
        faults.add(("data", "components"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def _check_modal_component(faults: Faults, path: Path, component: JsonObject) -> None:
    match component.get("type"):
        case ComponentType.ACTION_ROW:
            nested = faults.objects((*path, "components"), component.get("components"), 1, 1)
            for index, item in enumerate(nested):
                if faults.choice((*path, "components", index, "type"), item.get("type"), [ComponentType.TEXT_INPUT]):
                    faults.text((*path, "components", index, "label"), item.get("label"), _LABEL, 1)
                    _check_field(faults, (*path, "components", index), item)
        case ComponentType.LABEL:
            faults.text((*path, "label"), component.get("label"), _LABEL, 1)
            faults.text((*path, "description"), component.get("description"), limits.OPTION_TEXT)
            item = faults.mapping((*path, "component"), component.get("component"))
            if faults.choice((*path, "component", "type"), item.get("type"), sorted(_IN_LABEL)):
                _check_field(faults, (*path, "component"), item)
        case ComponentType.TEXT_DISPLAY:
            faults.text((*path, "content"), component.get("content"), limits.DISPLAYED_TEXT, 1)
        case other:
            allowed = (ComponentType.ACTION_ROW, ComponentType.TEXT_DISPLAY, ComponentType.LABEL)
            faults.choice((*path, "type"), other, allowed)


def _check_field(faults: Faults, path: Path, item: JsonObject) -> None:
    faults.text((*path, "custom_id"), item.get("custom_id"), limits.CUSTOM_ID, 1)
    if item.get("type") == ComponentType.TEXT_INPUT:
        faults.choice((*path, "style"), item.get("style"), (1, 2))
        faults.text((*path, "placeholder"), item.get("placeholder"), limits.OPTION_TEXT)
        faults.text((*path, "value"), item.get("value"), _TEXT_INPUT)
        for name in ("min_length", "max_length"):
            if item.get(name) is not None:
                faults.number((*path, name), item[name], _TEXT_INPUT, 0 if name == "min_length" else 1)
    elif item.get("type") in _CHOICES:
        faults.objects((*path, "options"), item.get("options"), limits.SELECT_OPTIONS, 1)


def check_submission(modal: JsonObject, given: JsonObject, resolved: Resolved) -> JsonObject:
    """The data of a submitted modal: the values that were given, in the modal's own structure."""
    faults = Faults()
    values = {str(item["custom_id"]): item for item in walk(given.get("components")) if "custom_id" in item}
    components: list[JsonValue] = [
        _submitted(faults, component, values, resolved) for component in objects(modal["components"])
    ]
    faults.check()
    data: JsonObject = {"custom_id": modal["custom_id"], "components": components}
    data["resolved"] = resolved.as_json()
    return data


def _submitted(faults: Faults, component: JsonObject, values: dict[str, JsonObject], resolved: Resolved) -> JsonObject:
    """One component of the modal with what was entered in it."""
    kind = component["type"]
    answer: JsonObject = {"type": kind, "id": component.get("id", 0)}
    if kind == ComponentType.ACTION_ROW:
        nested = [_submitted(faults, item, values, resolved) for item in objects(component["components"])]
        answer["components"] = [*nested]
    elif kind == ComponentType.LABEL and isinstance(inner := component["component"], dict):
        answer["component"] = _submitted(faults, inner, values, resolved)
    elif "custom_id" in component:
        custom_id = str(component["custom_id"])
        answer |= {"custom_id": custom_id}
        answer |= _entered(faults, ("data", custom_id), component, values.get(custom_id, {}), resolved)
    return answer


def _entered(faults: Faults, path: Path, field: JsonObject, given: JsonObject, resolved: Resolved) -> JsonObject:
    match field["type"]:
        case ComponentType.TEXT_INPUT:
            return {"value": _text(faults, path, field, given.get("value"))}
        case ComponentType.CHECKBOX:
            return {"value": given.get("value") is True}
        case ComponentType.RADIO_GROUP:
            value = given.get("value")
            if value is not None or field.get("required") is not False:
                faults.choice(path, value, _option_values(field))
            return {"value": value}
        case ComponentType.FILE_UPLOAD:
            listed = faults.items(path, given.get("values"), _int(field, "max_values", 1), _least(field))
            return {"values": [str(resolved.attachment(value).id) for value in listed]}
        case _:
            return {"values": [*_values(faults, path, field, given.get("values"), resolved)]}


def _text(faults: Faults, path: Path, field: JsonObject, value: JsonValue) -> str:
    required = field.get("required") is not False
    least = _int(field, "min_length", 1 if required else 0)
    if not value and not required:
        return ""
    return faults.text(path, value, _int(field, "max_length", _TEXT_INPUT), max(least, 1 if required else 0))


def _values(faults: Faults, path: Path, field: JsonObject, value: JsonValue, resolved: Resolved) -> Iterator[str]:
    """The chosen values, each looked up or held against the options."""
    for index, item in enumerate(faults.items(path, value, _int(field, "max_values", 1), _least(field))):
        try:
            match field["type"]:
                case ComponentType.USER_SELECT:
                    resolved.user(item)
                case ComponentType.ROLE_SELECT:
                    resolved.role(item)
                case ComponentType.MENTIONABLE_SELECT:
                    resolved.mentionable(item)
                case ComponentType.CHANNEL_SELECT:
                    resolved.channel(item)
                case _:
                    faults.choice((*path, index), item, _option_values(field))
        except ApiError as error:
            faults.add((*path, index), "COMPONENT_VALUE", error.message)
        yield str(item)


def _option_values(field: JsonObject) -> list[str]:
    return [str(option["value"]) for option in objects(field.get("options"))]


def _least(field: JsonObject) -> int:
    """How many values must be chosen; in a modal, none where the field is not required."""
    return 0 if field.get("required") is False else _int(field, "min_values", 1)


def _int(field: JsonObject, name: str, default: int) -> int:
    value = field.get(name)
    return value if isinstance(value, int) else default
