"""What a model wrote as the arguments of a call, made fit for the tool or refused in words it can act on.

Models send JSON inside a string, numbers as words and null for what they leave
out; that is mended where only one thing can be meant. Everything else is an error
that names the field and what it takes. Pure; knows nothing of any tool.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import cast

from bot.messages import JsonObject, JsonValue
from bot.model import ToolSpec
from bot.pieces import mend

_LONGEST_QUOTE = 60
_DEEPEST = 32


class WrongArguments(Exception):
    """Read by the model: what is wrong with its arguments, and what the tool takes."""


def parsed(arguments: str) -> JsonObject:
    """The arguments as a JSON object. Raises WrongArguments."""
    value = _loaded(arguments) if arguments.strip() else {}
    if isinstance(value, str):  # JSON within JSON
        value = _loaded(value)
    if not isinstance(value, dict):
        raise WrongArguments("The arguments must be a JSON object.")
    return value


def checked(arguments: JsonObject, spec: ToolSpec) -> JsonObject:
    """The arguments as the tool's schema wants them. Raises WrongArguments."""
    schema = spec.parameters
    properties = _object(schema.get("properties"))
    given = {name: value for name, value in arguments.items() if value is not None or _takes_null(properties.get(name))}
    faults: list[str] = []
    if properties and schema.get("additionalProperties") is False:
        faults += [f"{_quoted(name)} is not known" for name in given if name not in properties]
    required = schema.get("required")
    if isinstance(required, list):
        faults += [f"{_quoted(str(name))} is missing" for name in required if name not in given]
    fit: JsonObject = {}
    for name, value in given.items():
        inner = properties.get(name)
        fit[name] = _mended(value, inner) if isinstance(inner, dict) else value
        if isinstance(inner, dict):
            faults += _faults(fit[name], inner, _quoted(name), _DEEPEST)
    if faults:
        raise WrongArguments(f"Wrong arguments: {'; '.join(faults[:8])}. {_takes(spec)}")
    return fit


def _loaded(text: str) -> JsonValue:
    try:
        return cast(JsonValue, json.loads(mend(text), parse_constant=_refuse))
    except ValueError as error:
        raise WrongArguments(f"The arguments are not JSON: {error}.") from None
    except RecursionError:
        raise WrongArguments("The arguments are nested too deeply.") from None


def _refuse(constant: str) -> None:
    """NaN and Infinity are not JSON, though Python reads them."""
    raise ValueError(f"{constant} is no value in JSON")


def _object(value: JsonValue | None) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _types(schema: JsonObject) -> tuple[str, ...]:
    kind = schema.get("type")
    if isinstance(kind, list):
        return tuple(item for item in kind if isinstance(item, str))
    return (kind,) if isinstance(kind, str) else ()


def _takes_null(schema: JsonValue | None) -> bool:
    return isinstance(schema, dict) and (not _types(schema) or "null" in _types(schema))


def _mended(value: JsonValue, schema: JsonObject) -> JsonValue:
    """A value as it was meant, where what was written is of another type than the one that is wanted."""
    kinds = _types(schema)
    if isinstance(value, float) and value.is_integer() and "integer" in kinds:
        return int(value)
    if not isinstance(value, str) or not kinds or "string" in kinds:
        return value
    try:
        meant: JsonValue = json.loads(value.lower() if value.lower() in ("true", "false") else value)
    except (ValueError, RecursionError):
        return value
    return meant if any(_is_a(meant, kind) for kind in kinds) else value


def _is_a(value: JsonValue, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return _is_a(value, "integer") or (isinstance(value, float) and isfinite(value))
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "null":
            return value is None
        case _:
            return True


def _faults(value: JsonValue, schema: JsonObject, where: str, levels: int) -> Iterator[str]:
    """What is wrong with a value; keywords that are not known here are left to the tool."""
    kinds = _types(schema)
    if kinds and not any(_is_a(value, kind) for kind in kinds):
        yield f"{where} must be {_a(kinds)}"
        return
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        yield f"{where} must be one of {', '.join(json.dumps(choice) for choice in choices[:20])}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from _out_of_bounds(value, schema, where)
    inner = schema.get("items")
    if isinstance(value, list) and isinstance(inner, dict) and levels:
        for place, item in enumerate(value[:200]):
            yield from _faults(item, inner, f"{where}[{place}]", levels - 1)


def _out_of_bounds(value: float, schema: JsonObject, where: str) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float) and value < least:
        yield f"{where} must be at least {least}"
    if isinstance(most, int | float) and value > most:
        yield f"{where} must be at most {most}"


def _a(kinds: tuple[str, ...]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'aio' else 'a'} {kind}" for kind in kinds)


def _takes(spec: ToolSpec) -> str:
    """What a tool takes, as a sentence."""
    properties, required = _object(spec.parameters.get("properties")), spec.parameters.get("required")
    must = required if isinstance(required, list) else []
    told: list[str] = []
    for name, schema in properties.items():
        facts = [*_types(_object(schema)), *(["required"] if name in must else [])]
        told.append(f"{name} ({', '.join(facts)})" if facts else name)
    return f"{spec.name} takes {', '.join(told)}." if told else f"{spec.name} takes no arguments."


def _quoted(name: str) -> str:
    return repr(name if len(name) <= _LONGEST_QUOTE else f"{name[:_LONGEST_QUOTE]}…")
