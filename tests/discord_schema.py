"""Holds requests and answers against Discord's own schema, where it lies beside the repository.

`check_response` and `check_request` do nothing where it does not, so that tests
may call them always; a test that is about the schema itself skips instead.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA_PATH = Path(__file__).parents[1].parent / "shared" / "data" / "discord-openapi.json"

NO_CONTENT = 204


def check_response(method: str, route: str, status: int, body: Any) -> None:
    """Fail where an answer of `route` (a template, names of parameters do not matter) breaks the schema."""
    if _spec() is None:
        return
    operation = _operation(method, route)
    assert operation is not None or status == 404, f"Discord has no {method} {route}"
    if operation is None:
        return
    answers = operation["responses"]
    described = answers.get(str(status)) or answers.get(f"{status // 100}XX")
    assert described is not None, f"Discord never answers {method} {route} with {status}"
    described = _resolved(described)
    if "content" not in described:
        assert body is None, f"{method} {route} answers {status} without a body"
        return
    pointer = ("responses", str(status)) if str(status) in answers else ("responses", f"{status // 100}XX")
    _check(f"answer {status} of {method} {route}", _schema(method, operation["operationId"], *pointer), body)


def check_request(method: str, route: str, body: Any) -> None:
    """Fail where a JSON body sent to `route` breaks the schema."""
    if _spec() is None:
        return
    operation = _operation(method, route)
    assert operation is not None, f"Discord has no {method} {route}"
    if "requestBody" not in operation:
        assert body is None, f"{method} {route} takes no body"
        return
    _check(f"body of {method} {route}", _schema(method, operation["operationId"], "requestBody"), body)


@functools.cache
def _spec() -> dict[str, Any] | None:
    if not SCHEMA_PATH.exists():
        return None
    spec = json.loads(SCHEMA_PATH.read_text())
    # A form's faults carry names such as BASE_TYPE_MAX_LENGTH (Discord, "Error Messages"); the schema says integers.
    fault = {"type": "object", "required": ["code", "message"], "properties": {"code": {"type": "string"}}}
    schemas = spec["components"]["schemas"]
    schemas["InnerErrors"]["properties"]["_errors"]["items"] = fault
    # A 429 has a code only at times (Discord, "Rate Limits"); the schema always wants one.
    schemas["RatelimitedResponse"]["allOf"][0] = {"type": "object", "required": ["message"]}
    return spec


def _shape(route: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", route)


@functools.cache
def _operations() -> dict[tuple[str, str], dict[str, Any]]:
    spec = _spec()
    assert spec is not None
    return {
        (method.upper(), _shape(path)): operation
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def _operation(method: str, route: str) -> dict[str, Any] | None:
    return _operations().get((method, _shape(route)))


def _resolved(described: dict[str, Any]) -> dict[str, Any]:
    spec = _spec()
    assert spec is not None
    if "$ref" not in described:
        return described
    return spec["components"]["responses"][described["$ref"].rsplit("/", 1)[-1]]


@functools.cache
def _schema(method: str, operation_id: str, *pointer: str) -> Draft202012Validator:
    spec = _spec()
    assert spec is not None
    found = next(
        operation
        for (verb, _), operation in _operations().items()
        if (verb, operation["operationId"]) == (method, operation_id)
    )
    for key in pointer:
        found = found[key]
    schema = _resolved(found)["content"]["application/json"]["schema"]
    return Draft202012Validator({"allOf": [schema], "components": spec["components"]})


def _check(what: str, validator: Draft202012Validator, body: Any) -> None:
    faults = [f"  {fault.json_path}: {fault.message[:300]}" for fault in validator.iter_errors(body)]
    assert not faults, f"The {what} breaks Discord's schema:\n" + "\n".join(faults[:10])
