"""What the bot may say to an interaction: the first response, followups, and changes of both.

Messages are the world's; here is decided which message a token may make or
touch. It knows nothing of HTTP.
Source: Discord's documentation, "Receiving and Responding to Interactions".
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.faults import Faults
from bot.playground.discord.form_message import Upload
from bot.playground.discord.installs import answers_privately, is_only_theirs
from bot.playground.discord.interactions_components import check_modal
from bot.playground.discord.interactions_model import (
    CallbackType,
    Interaction,
    InteractionType,
    interaction_metadata,
)
from bot.playground.discord.limits import COMMAND_CHOICE, COMMAND_CHOICES
from bot.playground.discord.records import Message, MessageFlag, MessageType
from bot.playground.discord.world import World
from bot.playground.discord.world_responses import Origin

ALREADY_ACKNOWLEDGED = errors.Refusal(400, 40060, "Interaction has already been acknowledged.")
TOO_MANY_FOLLOWUPS = errors.Refusal(400, 40094, "This interaction has hit the maximum number of follow up messages")
FOLLOWUPS = 5


class Answers:
    """Carries out what the bot answers, and tells the person."""

    def __init__(self, world: World) -> None:
        self._world = world

    def tell(self, interaction: Interaction, name: str, more: JsonObject | None = None) -> None:
        """Send the person who interacted an event about it."""
        event: JsonObject = {"id": str(interaction.id), "nonce": interaction.nonce} | (more or {})
        self._world.publish(name, event, self._world.channel(interaction.channel_id), interaction.user_id)

    def respond(self, interaction: Interaction, body: JsonObject, files: Sequence[Upload]) -> None:
        """The first response, of a type that the interaction takes."""
        if interaction.answer is not None:
            raise ApiError(*ALREADY_ACKNOWLEDGED)
        faults = Faults()
        faults.choice(("type",), body.get("type"), [int(kind) for kind in interaction.answers])
        data = faults.mapping(("data",), body.get("data") or {})
        faults.check()
        kind = CallbackType(int(str(body["type"])))
        match kind:
            case CallbackType.MESSAGE | CallbackType.DEFERRED_MESSAGE:
                interaction.original = self._first_message(interaction, data, files, kind)
            case CallbackType.DEFERRED_UPDATE:
                interaction.original = interaction.source
            case CallbackType.UPDATE:
                interaction.original = self._update_source(interaction, data, files)
            case CallbackType.AUTOCOMPLETE:
                choices = _check_choices(data)
                self.tell(interaction, "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE", {"choices": choices})
            case CallbackType.MODAL:
                interaction.modal = check_modal(data)
                self.tell(interaction, "INTERACTION_MODAL_CREATE", interaction.modal)
        interaction.answer = kind
        if kind is not CallbackType.AUTOCOMPLETE:
            self.tell(interaction, "INTERACTION_SUCCESS")

    def follow_up(self, interaction: Interaction, body: JsonObject, files: Sequence[Upload]) -> Message:
        """Another message, or the awaited response where the first one was deferred."""
        original = interaction.original
        if original is not None and not self._exists(original):
            original = None
        if original is not None and interaction.answer is CallbackType.DEFERRED_MESSAGE and _is_loading(original):
            return self._world.edit_response(interaction.channel_id, original.id, body, files)
        self._count_followup(interaction)
        metadata = interaction_metadata(self._world, interaction)
        if original is not None:
            metadata["original_response_message_id"] = str(original.id)
        origin = Origin(
            metadata,
            MessageType.REPLY if original is not None else _type_of(interaction),
            None if original is None else original.id,
            self._only_user(interaction, body),
        )
        message = self._world.create_response(interaction.channel_id, body, files, origin=origin)
        interaction.followups[message.id] = message
        return message

    def message(self, interaction: Interaction, message_id: str) -> Message:
        """A message of this token that still exists."""
        message = interaction.original if message_id == "@original" else self._by_id(interaction, message_id)
        if message is None or not self._exists(message):
            raise ApiError(*errors.UNKNOWN_MESSAGE)
        return message

    def edit(self, interaction: Interaction, message_id: str, body: JsonObject, files: Sequence[Upload]) -> Message:
        message = self.message(interaction, message_id)
        if message is interaction.source:
            return self._world.update_component_message(message.channel_id, message.id, body, files)
        return self._world.edit_response(message.channel_id, message.id, body, files)

    def delete(self, interaction: Interaction, message_id: str) -> None:
        message = self.message(interaction, message_id)
        if message is interaction.source and message.only_user is None:
            self._world.delete_message(self._world.bot_id, message.channel_id, message.id)
        else:
            self._world.delete_response(message.channel_id, message.id)

    def _first_message(
        self, interaction: Interaction, data: JsonObject, files: Sequence[Upload], kind: CallbackType
    ) -> Message:
        source = interaction.source
        origin = Origin(
            interaction_metadata(self._world, interaction),
            _type_of(interaction),
            None if source is None else source.id,
            self._only_user(interaction, data),
        )
        if kind is CallbackType.DEFERRED_MESSAGE:
            return self._world.create_response(interaction.channel_id, {}, origin=origin, loading=True)
        return self._world.create_response(interaction.channel_id, data, files, origin=origin)

    def _update_source(self, interaction: Interaction, data: JsonObject, files: Sequence[Upload]) -> Message:
        source = interaction.source
        if source is None or not self._exists(source):
            raise ApiError(*errors.UNKNOWN_MESSAGE)
        return self._world.update_component_message(source.channel_id, source.id, data, files)

    def _by_id(self, interaction: Interaction, message_id: str) -> Message | None:
        if interaction.original is not None and str(interaction.original.id) == message_id:
            return interaction.original
        return interaction.followups.get(int(message_id)) if message_id.isdecimal() else None

    def _count_followup(self, interaction: Interaction) -> None:
        """An application that is no member of a server may send five followups, which come and go."""
        if interaction.guild_id is not None and is_only_theirs(interaction.authorized_by):
            if interaction.followups_sent >= FOLLOWUPS:
                raise ApiError(*TOO_MANY_FOLLOWUPS)
            interaction.followups_sent += 1

    def _only_user(self, interaction: Interaction, body: JsonObject) -> int | None:
        flags = body.get("flags")
        asked = isinstance(flags, int) and bool(flags & MessageFlag.EPHEMERAL)
        channel = self._world.channel(interaction.channel_id)
        forced = answers_privately(self._world, interaction.authorized_by, interaction.user_id, channel)
        return interaction.user_id if asked or forced else None

    def _exists(self, message: Message) -> bool:
        records = self._world.records
        return message.id in records.ephemeral or message.id in records.messages.get(message.channel_id, {})


def _type_of(interaction: Interaction) -> MessageType:
    """What kind of message a first response is."""
    if interaction.source is not None:
        return MessageType.REPLY
    menu = interaction.type is InteractionType.COMMAND and interaction.data.get("type") != 1
    return MessageType.CONTEXT_MENU_COMMAND if menu else MessageType.CHAT_INPUT_COMMAND


def _is_loading(message: Message) -> bool:
    return bool(message.flags & MessageFlag.LOADING)


def _check_choices(data: JsonObject) -> JsonValue:
    faults = Faults()
    path = ("data", "choices")
    choices = faults.objects(path, data.get("choices"), COMMAND_CHOICES)
    for index, choice in enumerate(choices):
        faults.text((*path, index, "name"), choice.get("name"), COMMAND_CHOICE, 1)
        value = choice.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float):
            faults.text((*path, index, "value"), value, COMMAND_CHOICE, 1)
    faults.check()
    return [*choices]
