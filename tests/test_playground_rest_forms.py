"""What the embedded Discord refuses, with the code, the place and the text that Discord gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import JsonObject
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_command import read_command, read_commands
from bot.playground.discord.form_message import MessageForm, read_message
from tests.discord_rest import bench

V2 = 1 << 15


def row(*children: JsonObject) -> JsonObject:
    return {"type": 1, "components": list(children)}


def button(custom_id: str = "a", **more: Any) -> JsonObject:
    return {"type": 2, "style": 1, "label": "L", "custom_id": custom_id, **more}


def select(**more: Any) -> JsonObject:
    return {"type": 3, "custom_id": "s", "options": [{"label": "l", "value": "v"}], **more}


def text(content: str = "t") -> JsonObject:
    return {"type": 10, "content": content}


def fault_codes(tree: Any, path: str = "") -> dict[str, str]:
    """Each fault of an error body by its dotted path."""
    found: dict[str, str] = {}
    for key, child in (tree or {}).items():
        if key == "_errors":
            found[path] = child[0]["code"]
        else:
            found |= fault_codes(child, f"{path}.{key}".lstrip("."))
    return found


REFUSED_MESSAGES: dict[str, tuple[JsonObject, dict[str, str]]] = {
    "content is too long": ({"content": "x" * 2001}, {"content": "BASE_TYPE_MAX_LENGTH"}),
    "content is not text": ({"content": {}}, {"content": "STRING_TYPE_CONVERT"}),
    "nonce is too long": ({"content": "x", "nonce": "n" * 26}, {"nonce": "BASE_TYPE_MAX_LENGTH"}),
    "flags are not a number": ({"content": "x", "flags": "1"}, {"flags": "NUMBER_TYPE_COERCE"}),
    "too many embeds": ({"embeds": [{"title": "t"}] * 11}, {"embeds": "BASE_TYPE_MAX_LENGTH"}),
    "embed title": ({"embeds": [{"title": "t" * 257}]}, {"embeds.0.title": "BASE_TYPE_MAX_LENGTH"}),
    "embed description": ({"embeds": [{"description": "t" * 4097}]}, {"embeds.0.description": "BASE_TYPE_MAX_LENGTH"}),
    "embeds together": (
        {"embeds": [{"description": "t" * 3001}, {"description": "t" * 3000}]},
        {"embeds": "MAX_EMBED_SIZE_EXCEEDED"},
    ),
    "embed field": ({"embeds": [{"fields": [{"name": "n"}]}]}, {"embeds.0.fields.0.value": "BASE_TYPE_REQUIRED"}),
    "six rows": (
        {"content": "x", "components": [row(button(str(i))) for i in range(6)]},
        {"components": "BASE_TYPE_MAX_LENGTH"},
    ),
    "six buttons": (
        {"content": "x", "components": [row(*(button(str(i)) for i in range(6)))]},
        {"components.0.components": "BASE_TYPE_BAD_LENGTH"},
    ),
    "an empty row": ({"content": "x", "components": [row()]}, {"components.0.components": "BASE_TYPE_BAD_LENGTH"}),
    "a button outside a row": ({"content": "x", "components": [button()]}, {"components.0.type": "UNION_TYPE_CHOICES"}),
    "a select beside a button": (
        {"content": "x", "components": [row(select(), button())]},
        {"components.0.components": "COMPONENT_LAYOUT_WIDTH_EXCEEDED"},
    ),
    "one custom_id twice": (
        {"content": "x", "components": [row(button("a"), button("a"))]},
        {"components.0.components.1.custom_id": "COMPONENT_CUSTOM_ID_DUPLICATED"},
    ),
    "no custom_id": (
        {"content": "x", "components": [row({"type": 2, "style": 1, "label": "L"})]},
        {"components.0.components.0.custom_id": "BASE_TYPE_REQUIRED"},
    ),
    "a long custom_id": (
        {"content": "x", "components": [row(button("c" * 101))]},
        {"components.0.components.0.custom_id": "BASE_TYPE_BAD_LENGTH"},
    ),
    "a long label": (
        {"content": "x", "components": [row(button(label="l" * 81))]},
        {"components.0.components.0.label": "BASE_TYPE_MAX_LENGTH"},
    ),
    "a button that shows nothing": (
        {"content": "x", "components": [row({"type": 2, "style": 1, "custom_id": "a"})]},
        {"components.0.components.0": "BUTTON_COMPONENT_INVALID_LABEL"},
    ),
    "26 options": (
        {"content": "x", "components": [row(select(options=[{"label": "l", "value": str(i)} for i in range(26)]))]},
        {"components.0.components.0.options": "BASE_TYPE_BAD_LENGTH"},
    ),
    "a long placeholder": (
        {"content": "x", "components": [row(select(placeholder="p" * 151))]},
        {"components.0.components.0.placeholder": "BASE_TYPE_MAX_LENGTH"},
    ),
    "a V2 component without the flag": (
        {"content": "x", "components": [text()]},
        {"components.0.type": "UNION_TYPE_CHOICES"},
    ),
    "content beside V2": (
        {"content": "x", "flags": V2, "components": [text()]},
        {"content": "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"},
    ),
    "41 V2 components": (
        {"flags": V2, "components": [{"type": 17, "components": [text()] * 40}]},
        {"components": "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"},
    ),
    "4001 shown characters": (
        {"flags": V2, "components": [text("a" * 4000), text("b")]},
        {"components": "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"},
    ),
    "a container in a container": (
        {"flags": V2, "components": [{"type": 17, "components": [{"type": 17, "components": [text()]}]}]},
        {"components.0.components.0.type": "UNION_TYPE_CHOICES"},
    ),
    "a file from elsewhere": (
        {"flags": V2, "components": [{"type": 13, "file": {"url": "https://example.org/f"}}]},
        {"components.0.file.url": "FILE_COMPONENT_INVALID_REFERENCE"},
    ),
    "mentions both parsed and listed": (
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        {"allowed_mentions": "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"},
    ),
    "two faults at once": (
        {"content": "x" * 2001, "nonce": "n" * 26},
        {"content": "BASE_TYPE_MAX_LENGTH", "nonce": "BASE_TYPE_MAX_LENGTH"},
    ),
}


@pytest.mark.parametrize("case", REFUSED_MESSAGES)
def test_a_message_is_refused_with_each_fault_in_its_place(case: str) -> None:
    body, faults = REFUSED_MESSAGES[case]
    with pytest.raises(ApiError) as refused:
        read_message(body, ())
    assert (refused.value.status, refused.value.code) == (400, 50035)
    assert fault_codes(refused.value.errors) == faults


TAKEN_MESSAGES: dict[str, JsonObject] = {
    "2000 emoji are 2000 characters": {"content": "🤔" * 2000},
    "five full rows": {"content": "x", "components": [row(*(button(f"{r}{c}") for c in range(5))) for r in range(5)]},
    "40 V2 components": {"flags": V2, "components": [{"type": 17, "components": [text()] * 39}]},
    "4000 shown characters": {"flags": V2, "components": [text("a" * 4000)]},
    "25 options": {
        "content": "x",
        "components": [row(select(options=[{"label": "l", "value": str(i)} for i in range(25)]))],
    },
    "embeds of 6000 together": {"embeds": [{"description": "t" * 3000}, {"description": "t" * 3000}]},
    "a link button": {"content": "x", "components": [row({"type": 2, "style": 5, "label": "L", "url": "https://a.b"})]},
}


@pytest.mark.parametrize("case", TAKEN_MESSAGES)
def test_a_message_at_the_limit_is_taken(case: str) -> None:
    assert isinstance(read_message(TAKEN_MESSAGES[case], ()), MessageForm)


FIELDS = (
    "content",
    "embeds",
    "components",
    "flags",
    "attachments",
    "allowed_mentions",
    "message_reference",
    "nonce",
    "type",
    "name",
    "options",
    "description",
    "contexts",
    "id",
    "choices",
    "value",
    "name_localizations",
    "media",
    "accessory",
    "items",
    "fields",
    "footer",
    "parse",
    "users",
    "emoji",
    "custom_id",
    "url",
    "min_values",
)
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 20) | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_is_sent_is_taken_or_refused_in_form(body: JsonObject) -> None:
    """No JSON makes the readers fail in any other way than Discord's, and what they let through can be written."""
    for read in (lambda: read_message(body, ()), lambda: read_command(body), lambda: read_commands([body])):
        try:
            outcome: Any = read()
        except ApiError as refused:
            assert refused.code == 50035
            assert fault_codes(refused.errors)
            outcome = refused.body()
        if isinstance(outcome, MessageForm):
            outcome = [outcome.content, outcome.embeds, outcome.components, outcome.nonce]
        assert json.dumps(outcome, ensure_ascii=False).encode()


def command(**more: Any) -> JsonObject:
    return {"name": "ask", "description": "Ask.", **more}


def option(**more: Any) -> JsonObject:
    return {"type": 3, "name": "prompt", "description": "What.", **more}


REFUSED_COMMANDS: dict[str, tuple[JsonObject, dict[str, str]]] = {
    "capital letters": (command(name="Ask"), {"name": "APPLICATION_COMMAND_INVALID_NAME"}),
    "a space": (command(name="a b"), {"name": "APPLICATION_COMMAND_INVALID_NAME"}),
    "a long name": (command(name="a" * 33), {"name": "BASE_TYPE_BAD_LENGTH"}),
    "no description": (command(description=""), {"description": "BASE_TYPE_REQUIRED"}),
    "a long description": (command(description="d" * 101), {"description": "BASE_TYPE_BAD_LENGTH"}),
    "a described context menu": (
        command(type=3),
        {"description": "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION"},
    ),
    "26 options": (
        command(options=[option(name=f"n{i}") for i in range(26)]),
        {"options": "BASE_TYPE_MAX_LENGTH"},
    ),
    "an option's name twice": (
        command(options=[option(), option()]),
        {"options.1.name": "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"},
    ),
    "required after optional": (
        command(options=[option(name="a"), option(name="b", required=True)]),
        {"options.1": "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"},
    ),
    "26 choices": (
        command(options=[option(choices=[{"name": str(i), "value": str(i)} for i in range(26)])]),
        {"options.0.choices": "BASE_TYPE_MAX_LENGTH"},
    ),
    "choices with autocomplete": (
        command(options=[option(choices=[{"name": "a", "value": "b"}], autocomplete=True)]),
        {"options.0.choices": "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES"},
    ),
    "8001 characters": (
        command(options=[option(choices=[{"name": "n" * 100, "value": f"{i:0100}"} for i in range(25)])] * 2),
        {
            "": "APPLICATION_COMMAND_TOO_LARGE",
            "options.1.name": "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
        },
    ),
    "a number for a text": (
        command(options=[option(choices=[{"name": "n", "value": 1}])]),
        {"options.0.choices.0.value": "STRING_TYPE_CONVERT"},
    ),
}


@pytest.mark.parametrize("case", REFUSED_COMMANDS)
def test_a_command_is_refused_with_each_fault_in_its_place(case: str) -> None:
    body, faults = REFUSED_COMMANDS[case]
    with pytest.raises(ApiError) as refused:
        read_command(body)
    assert fault_codes(refused.value.errors) == faults


def test_a_list_of_commands_names_its_faults_by_index() -> None:
    with pytest.raises(ApiError) as refused:
        read_commands([command(), command(name="B"), command()])
    assert fault_codes(refused.value.errors) == {
        "1.name": "APPLICATION_COMMAND_INVALID_NAME",
        "2.name": "APPLICATION_COMMANDS_DUPLICATE_NAME",
    }


async def test_a_refusal_travels_whole() -> None:
    """The body that the real API is known for, text and all."""
    async with bench() as it:
        answer = await it.send("x" * 2001)
    assert answer.body == {
        "message": "Invalid Form Body",
        "code": 50035,
        "errors": {
            "content": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}]}
        },
    }


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": " \n"}, {"components": [row(button())]}])
async def test_an_empty_message_is_refused(body: JsonObject) -> None:
    async with bench() as it:
        answer = await it.call("POST", "/channels/{channel_id}/messages", body)
    assert answer.code == 50006


async def test_white_space_around_a_message_is_lost() -> None:
    async with bench() as it:
        assert (await it.send("  a\n b \n")).body["content"] == "a\n b"


async def test_an_ephemeral_message_cannot_be_sent_to_a_channel() -> None:
    async with bench() as it:
        assert (await it.send("x", flags=64)).code == 50035


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"files[0]": ("big", b"x" * (10 * 1024 * 1024 + 1))}, 40005),
        ({f"files[{i}]": (str(i), b"x" * 9_000_000) for i in range(3)}, 40005),
        ({f"files[{i}]": (str(i), b"x") for i in range(11)}, 50035),
    ],
    ids=["one file too large", "all together too large", "too many"],
)
async def test_files_have_their_limits(files: dict[str, tuple[str, bytes]], code: int) -> None:
    async with bench() as it:
        answer = await it.call("POST", "/channels/{channel_id}/messages", {"content": "x"}, files=files)
        assert answer.code == code
        assert it.world.records.messages == {}


async def test_a_file_note_must_name_a_file() -> None:
    async with bench() as it:
        answer = await it.send("x", attachments=[{"id": "7"}])
    assert fault_codes(answer.body["errors"]) == {"attachments.0.id": "MESSAGE_ATTACHMENT_NOT_FOUND"}


async def test_an_edit_keeps_the_files_it_names_and_adds_new_ones() -> None:
    route = "/channels/{channel_id}/messages"
    async with bench() as it:
        files = {"files[0]": ("a", b"1"), "files[1]": ("b", b"2")}
        sent = await it.call("POST", route, {}, files=files)
        kept = sent.body["attachments"][1]["id"]
        notes = {"attachments": [{"id": kept}, {"id": "0", "description": "new"}]}
        one = f"{route}/{{message_id}}"
        edited = await it.call("PATCH", one, notes, files={"files[0]": ("c", b"3")}, message_id=sent.body["id"])
        assert [a["filename"] for a in edited.body["attachments"]] == ["b", "c"]
        emptied = await it.call("PATCH", one, {"attachments": []}, message_id=sent.body["id"])
        assert emptied.code == 50006


async def test_a_number_that_json_does_not_know_is_refused() -> None:
    raw = b'{"name": "ask", "description": "d", "options": [{"type": 10, "min_value": NaN}]}'
    async with bench() as it:
        answer = await it.call("POST", "/applications/{application_id}/commands", raw=raw)
    assert answer.code == 50109


@pytest.mark.parametrize(("raw", "code"), [(b"{", 50109), (b"[" * 100_000, 50109), (b"[]", 50109)])
async def test_a_body_that_is_no_json_object_is_refused(raw: bytes, code: int) -> None:
    async with bench() as it:
        assert (await it.call("POST", "/channels/{channel_id}/messages", raw=raw)).code == code
