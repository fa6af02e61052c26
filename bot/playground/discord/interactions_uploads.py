"""Files that people send along with a command or a form, kept for a while so that the bot can fetch them.

They belong to no message. It knows nothing of interactions.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors, limits
from bot.playground.discord.compose import attach
from bot.playground.discord.errors import ApiError
from bot.playground.discord.form_message import AttachmentNote, Upload
from bot.playground.discord.interactions_resolved import objects
from bot.playground.discord.records import Attachment
from bot.playground.discord.state import State

_KEPT_BYTES = 100 * 1024 * 1024


class Uploads:
    """The newest files, as many as fit into a fixed number of bytes; the oldest go first."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._kept: dict[int, Attachment] = {}

    def find(self, attachment_id: int) -> Attachment | None:
        return self._kept.get(attachment_id)

    def take(self, notes: JsonValue, files: Sequence[Upload]) -> dict[str, Attachment]:
        """Keep `files`, and give them back by the value that options and forms use for them: their index."""
        if len(files) > limits.ATTACHMENTS or any(len(file.data) > limits.ATTACHMENT_BYTES for file in files):
            raise ApiError(*errors.ENTITY_TOO_LARGE)
        names = {str(note.get("id")): note for note in objects(notes)}
        taken: dict[str, Attachment] = {}
        for file in files:
            attachment = attach(self._state, file, [_note(file, names.get(str(file.index), {}))])
            attachment.ephemeral = True
            taken[str(file.index)] = self._kept[attachment.id] = attachment
        self._forget_oldest()
        return taken

    def _forget_oldest(self) -> None:
        held = sum(len(attachment.data) for attachment in self._kept.values())
        while held > _KEPT_BYTES:
            held -= len(self._kept.pop(next(iter(self._kept))).data)


def _note(file: Upload, note: JsonObject) -> AttachmentNote:
    name = note.get("filename")
    return AttachmentNote(file.index, name if isinstance(name, str) else None)
