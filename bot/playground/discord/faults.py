"""Collects what is wrong with a form, all of it, in Discord's nested shape.

Discord, "Error Messages": faults nest by key and index down to `_errors`. This
module knows the shape, not the forms.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.errors import INVALID_FORM, ApiError

Path: TypeAlias = tuple[str | int, ...]


class Faults:
    """The faults found so far; `check` refuses the form if there are any."""

    def __init__(self) -> None:
        self._tree: dict[str, Any] = {}

    def add(self, path: Path, code: str, message: str) -> None:
        node: dict[str, Any] = self._tree
        for key in path:
            node = node.setdefault(str(key), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def check(self) -> None:
        if self._tree:
            raise ApiError(*INVALID_FORM, errors=self._tree)

    def require(self, path: Path) -> None:
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def text(self, path: Path, value: JsonValue, most: int, least: int = 0) -> str:
        """A text of `least` to `most` code points, which is how Discord counts; "" where it is not one."""
        if value is None:
            value = ""
        if not isinstance(value, str) or not _is_unicode(value):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{_shown(value)}" as string.')
            return ""
        if not least <= len(value) <= most:
            if least == 0:
                self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
            elif not value:
                self.require(path)
            else:
                self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        return value

    def number(self, path: Path, value: JsonValue, most: int, least: int = 0) -> int:
        """A whole number from `least` to `most`; `least` where it is not one."""
        if isinstance(value, bool) or not isinstance(value, int):
            self.add(path, "NUMBER_TYPE_COERCE", f'Value "{_shown(value)}" is not int.')
            return least
        if value < least:
            self.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {least}.")
        if value > most:
            self.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")
        return value

    def choice(self, path: Path, value: JsonValue, choices: Iterable[int | str]) -> bool:
        allowed = tuple(choices)
        if isinstance(value, bool) or value not in allowed:
            self.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{', '.join(map(str, allowed))}}}.")
            return False
        return True

    def flag(self, path: Path, value: JsonValue) -> bool:
        if not isinstance(value, bool):
            self.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
            return False
        return value

    def snowflake(self, path: Path, value: JsonValue) -> int:
        """An id, as a text or a number; 0 where it is neither."""
        if (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20) or (
            isinstance(value, int) and not isinstance(value, bool) and value >= 0
        ):
            return int(value)
        self.add(path, "NUMBER_TYPE_COERCE", f'Value "{_shown(value)}" is not snowflake.')
        return 0

    def items(self, path: Path, value: JsonValue, most: int, least: int = 0) -> list[JsonValue]:
        """A list of `least` to `most` items; empty where it is not one."""
        if value is None:
            value = []
        if not isinstance(value, list):
            self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if not least <= len(value) <= most:
            if least == 0:
                self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
            else:
                self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        return value[: most + 1]

    def objects(self, path: Path, value: JsonValue, most: int, least: int = 0) -> list[JsonObject]:
        """A list of objects; whatever else is in it is a fault and becomes an empty object."""
        return [self.mapping((*path, index), item) for index, item in enumerate(self.items(path, value, most, least))]

    def mapping(self, path: Path, value: JsonValue) -> JsonObject:
        if not isinstance(value, dict):
            self.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return {}
        return value


def _is_unicode(text: str) -> bool:
    """Whether a text can be written down: JSON's escapes allow half a surrogate pair, UTF-8 does not."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _shown(value: JsonValue) -> str:
    return str(value)[:100].encode(errors="replace").decode()
