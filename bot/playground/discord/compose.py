"""Makes messages out of forms: mentions worked out, files attached, edits applied.

It changes one message and nothing else; who may do it is decided by the caller.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from bot.playground.discord import errors, limits
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_message import EDITABLE_FLAGS, SENDABLE_FLAGS, AttachmentNote, MessageForm, Upload
from bot.playground.discord.mentions import AllowedMentions, find_mentions
from bot.playground.discord.records import (
    Attachment,
    Channel,
    ComponentType,
    Message,
    MessageFlag,
    MessageType,
    Reference,
)
from bot.playground.discord.state import State

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_UNTOLD = "application/octet-stream"
"""What discord.py says of every file; Discord itself finds out what it is."""


def compose_message(
    state: State,
    author: int,
    channel: Channel,
    form: MessageForm,
    *,
    reference: Reference | None = None,
    message_id: int | None = None,
    default_mentions: AllowedMentions | None = None,
    may_be_empty: bool = False,
) -> Message:
    """A new message, not yet in any channel. `default_mentions` holds where the form says nothing of mentions."""
    flags = (form.flags or 0) & SENDABLE_FLAGS
    message = Message(
        id=message_id or state.mint(),
        channel_id=channel.id,
        author_id=author,
        type=MessageType.DEFAULT if reference is None else MessageType.REPLY,
        content=form.content or "",
        embeds=form.embeds or [],
        components=form.components or [],
        flags=flags,
        reference=reference,
        nonce=form.nonce,
    )
    message.attachments = [attach(state, upload, form.attachments or ()) for upload in form.uploads]
    _refuse_unknown_uploads(form)
    if not may_be_empty:
        refuse_empty(message)
    message.pinged = _apply_mentions(state, channel, message, form.allowed_mentions or default_mentions)
    return message


def apply_edit(
    state: State,
    channel: Channel,
    message: Message,
    form: MessageForm,
    *,
    default_mentions: AllowedMentions | None = None,
) -> None:
    """Change a message as a form says. Mentions are rebuilt, but an edit notifies nobody."""
    edited = _edited(state, message, form)
    refuse_empty(edited)
    _apply_mentions(state, channel, edited, form.allowed_mentions or default_mentions)
    # Written back at the very end, so that a refused edit leaves the message as it was.
    for field in fields(Message):
        setattr(message, field.name, getattr(edited, field.name))


def refuse_empty(message: Message) -> None:
    """A message needs text, an embed or a file; with V2 it needs a component."""
    v2 = message.flags & MessageFlag.IS_COMPONENTS_V2
    if not (message.components if v2 else message.content or message.embeds or message.attachments):
        raise ApiError(*errors.EMPTY_MESSAGE)


def displayed_text(components: Iterable[dict[str, Any]]) -> str:
    """Everything that text displays show, line by line, however deep they sit."""
    texts: list[str] = []
    for component in components:
        if component.get("type") == ComponentType.TEXT_DISPLAY:
            texts.append(component["content"])
        texts.append(displayed_text(component.get("components", ())))
    return "\n".join(text for text in texts if text)


def _edited(state: State, message: Message, form: MessageForm) -> Message:
    flags = message.flags & ~MessageFlag.LOADING
    if form.flags is not None:
        # V2 can be turned on, never off.
        flags = (flags & ~MessageFlag.SUPPRESS_EMBEDS) | (form.flags & EDITABLE_FLAGS)
    edited = replace(
        message,
        flags=flags,
        content=message.content if form.content is None else form.content,
        embeds=message.embeds if form.embeds is None else form.embeds,
        components=message.components if form.components is None else form.components,
        attachments=_kept(message, form),
        edited_at=state.now(),
    )
    if flags & MessageFlag.IS_COMPONENTS_V2 and (edited.content or edited.embeds):
        field = "content" if edited.content else "embeds"
        text = f"The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
        raise errors.invalid_form((field,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)
    _refuse_unknown_uploads(form, kept=edited.attachments)
    edited.attachments = edited.attachments + [attach(state, upload, form.attachments or ()) for upload in form.uploads]
    if len(edited.attachments) > limits.ATTACHMENTS:
        text = f"Must be {limits.ATTACHMENTS} or fewer in length."
        raise errors.invalid_form(("attachments",), "BASE_TYPE_MAX_LENGTH", text)
    return edited


def _kept(message: Message, form: MessageForm) -> list[Attachment]:
    if form.attachments is None:
        return list(message.attachments)
    named = {note.id for note in form.attachments}
    return [attachment for attachment in message.attachments if attachment.id in named]


def _refuse_unknown_uploads(form: MessageForm, kept: Iterable[Attachment] = ()) -> None:
    known = {upload.index for upload in form.uploads} | {attachment.id for attachment in kept}
    for index, note in enumerate(form.attachments or ()):
        if note.id not in known:
            raise errors.invalid_form(
                ("attachments", index, "id"), "MESSAGE_ATTACHMENT_NOT_FOUND", f"Attachment not found: {note.id}"
            )


def attach(state: State, upload: Upload, notes: Iterable[AttachmentNote]) -> Attachment:
    """An upload as an attachment with an id of its own; a note may rename or describe it."""
    note = next((note for note in notes if note.id == upload.index), AttachmentNote(upload.index))
    name = note.filename or upload.filename
    given = upload.content_type if upload.content_type.isascii() and upload.content_type != _UNTOLD else ""
    kind = given or mimetypes.guess_type(name)[0] or _UNTOLD
    return Attachment(
        id=state.mint(),
        filename=_safe_name(name),
        content_type=kind,
        data=upload.data,
        description=note.description,
        title=note.title,
    )


def _safe_name(name: str) -> str:
    """A file's name as Discord keeps it: without path or anything that is not a plain letter, digit, dot or dash."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1].replace(" ", "_")
    kept = "".join(letter for letter in base if letter in _SAFE).lstrip(".")
    return kept or "unknown"


def _apply_mentions(state: State, channel: Channel, message: Message, allowed: AllowedMentions | None) -> list[int]:
    """Set the message's mentions and give back who would be notified: nobody for a silent message."""
    original = None
    if message.type is MessageType.REPLY and message.reference is not None and message.reference.message_id:
        original = state.records.messages.get(channel.id, {}).get(message.reference.message_id)
    found = find_mentions(
        state,
        message.author_id,
        channel,
        f"{message.content}\n{displayed_text(message.components)}",
        allowed or AllowedMentions(),
        None if original is None else original.author_id,
    )
    message.mentions, message.mention_roles, message.mention_everyone = found.users, found.roles, found.everyone
    return [] if message.flags & MessageFlag.SUPPRESS_NOTIFICATIONS else found.notified
