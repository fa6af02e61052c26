"""Reads the body of "Create Message" and "Edit Message" into a value, or refuses it as Discord does.

Only what a body says on its own is judged here. It knows nothing of channels,
permissions or what was said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors, limits
from bot.playground.discord.errors import ApiError
from bot.playground.discord.faults import Faults
from bot.playground.discord.form_components import read_components
from bot.playground.discord.form_embeds import read_embeds
from bot.playground.discord.mentions import AllowedMentions
from bot.playground.discord.records import MessageFlag

SENDABLE_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.IS_COMPONENTS_V2
EDITABLE_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart request; `index` is n of its field `files[n]`."""

    index: int
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class AttachmentNote:
    """What the body says of a file: an upload's index or a kept attachment's id."""

    id: int
    filename: str | None = None
    description: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class MessageForm:
    """A message as somebody wants it. None means: the body does not mention it."""

    content: str | None = None
    embeds: list[dict[str, Any]] | None = None
    components: list[dict[str, Any]] | None = None
    flags: int | None = None
    attachments: tuple[AttachmentNote, ...] | None = None
    uploads: tuple[Upload, ...] = ()
    allowed_mentions: AllowedMentions | None = None
    reply_to: int | None = None
    reply_must_exist: bool = True
    nonce: str | int | None = None
    enforce_nonce: bool = False


def read_message(body: JsonObject, files: Sequence[Upload], *, v2: bool = False) -> MessageForm:
    """Read a body with its files; `v2` says that the message to edit has V2 components already."""
    _refuse_large(files)
    faults = Faults()
    flags = faults.number(("flags",), body["flags"], 2**31 - 1) if body.get("flags") is not None else None
    v2 = v2 or bool((flags or 0) & MessageFlag.IS_COMPONENTS_V2)
    reply_to, reply_must_exist = _read_reference(faults, body.get("message_reference"))
    form = MessageForm(
        content=_read_content(faults, body),
        embeds=read_embeds(faults, body["embeds"]) if "embeds" in body else None,
        components=read_components(faults, body["components"], v2=v2) if "components" in body else None,
        flags=flags,
        attachments=_read_attachments(faults, body),
        uploads=tuple(files),
        allowed_mentions=_read_allowed_mentions(faults, body.get("allowed_mentions")),
        reply_to=reply_to,
        reply_must_exist=reply_must_exist,
        nonce=_read_nonce(faults, body.get("nonce")),
        enforce_nonce=body.get("enforce_nonce") is True,
    )
    if v2:
        _refuse_legacy_fields(faults, body)
    faults.check()
    return form


def _refuse_large(files: Sequence[Upload]) -> None:
    if any(len(file.data) > limits.ATTACHMENT_BYTES for file in files):
        raise ApiError(*errors.ENTITY_TOO_LARGE)
    if len(files) > limits.ATTACHMENTS:
        raise errors.invalid_form(
            ("attachments",), "BASE_TYPE_MAX_LENGTH", f"Must be {limits.ATTACHMENTS} or fewer in length."
        )


def _read_content(faults: Faults, body: JsonObject) -> str | None:
    """The text as Discord keeps it: without white space around it. The limit counts it as it was sent."""
    if "content" not in body:
        return None
    return faults.text(("content",), body["content"], limits.CONTENT_LENGTH).strip()


def _refuse_legacy_fields(faults: Faults, body: JsonObject) -> None:
    for field in ("content", "embeds", "poll", "sticker_ids"):
        if body.get(field):
            faults.add(
                (field,),
                "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                f"The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
            )


def _read_nonce(faults: Faults, value: JsonValue) -> str | int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return faults.text(("nonce",), value, limits.NONCE_LENGTH)


def _read_reference(faults: Faults, value: JsonValue) -> tuple[int | None, bool]:
    if value is None:
        return None, True
    reference = faults.mapping(("message_reference",), value)
    if reference.get("type") not in (None, 0):
        faults.choice(("message_reference", "type"), reference["type"], (0,))
    message_id = faults.snowflake(("message_reference", "message_id"), reference.get("message_id"))
    return message_id, reference.get("fail_if_not_exists") is not False


def _read_attachments(faults: Faults, body: JsonObject) -> tuple[AttachmentNote, ...] | None:
    if body.get("attachments") is None:
        return None
    notes: list[AttachmentNote] = []
    for index, item in enumerate(faults.objects(("attachments",), body["attachments"], limits.ATTACHMENTS)):
        path = ("attachments", index)
        notes.append(
            AttachmentNote(
                faults.snowflake((*path, "id"), item.get("id")),
                _optional(faults, (*path, "filename"), item.get("filename"), 1024),
                _optional(faults, (*path, "description"), item.get("description"), limits.ATTACHMENT_DESCRIPTION),
                _optional(faults, (*path, "title"), item.get("title"), 1024),
            )
        )
    return tuple(notes)


def _optional(faults: Faults, path: tuple[str | int, ...], value: JsonValue, most: int) -> str | None:
    return None if value is None else faults.text(path, value, most)


def _read_allowed_mentions(faults: Faults, value: JsonValue) -> AllowedMentions | None:
    if value is None:
        return None
    path = ("allowed_mentions",)
    body = faults.mapping(path, value)
    parse = faults.items((*path, "parse"), body.get("parse"), 3)
    for index, kind in enumerate(parse):
        faults.choice((*path, "parse", index), kind, ("users", "roles", "everyone"))
    listed = {
        kind: frozenset(
            faults.snowflake((*path, kind, index), item)
            for index, item in enumerate(faults.items((*path, kind), body.get(kind), 100))
        )
        for kind in ("users", "roles")
    }
    for kind, ids in listed.items():
        if kind in parse and ids:
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            faults.add(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
    return AllowedMentions(
        everyone="everyone" in parse,
        all_users="users" in parse,
        all_roles="roles" in parse,
        users=listed["users"],
        roles=listed["roles"],
        replied_user=body.get("replied_user") is True,
    )
