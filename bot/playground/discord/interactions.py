"""Every interaction that is alive: started by people, answered by the bot within three seconds.

It knows the rules of both sides, nothing of HTTP. Time is a monotonic clock;
`sweep` must be called now and then to fail what was not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.messages import JsonObject, JsonValue
from bot.playground.discord import errors
from bot.playground.discord.errors import ApiError
from bot.playground.discord.faults import Faults
from bot.playground.discord.form_message import Upload
from bot.playground.discord.installs import GUILD_INSTALL, USER_INSTALL, context_of, owners
from bot.playground.discord.interactions_answers import Answers
from bot.playground.discord.interactions_commands import check_options, full_name, usable_command
from bot.playground.discord.interactions_components import check_click, check_submission
from bot.playground.discord.interactions_model import (
    Interaction,
    InteractionType,
    interaction_event,
)
from bot.playground.discord.interactions_resolved import Resolved
from bot.playground.discord.interactions_uploads import Uploads
from bot.playground.discord.records import Channel, Message
from bot.playground.discord.world import World

UNKNOWN_INTERACTION = errors.Refusal(404, 10062, "Unknown interaction")
INVALID_WEBHOOK_TOKEN = errors.Refusal(401, 50027, "Invalid Webhook Token")
UNKNOWN_WEBHOOK = errors.Refusal(404, 10015, "Unknown Webhook")


class Interactions:
    """The interactions of the last quarter of an hour, by id. The bot has `answer_seconds` for its first answer."""

    def __init__(self, world: World, clock: Callable[[], float], answer_seconds: float) -> None:
        self.uploads = Uploads(world)
        self._world = world
        self._clock = clock
        self._answer_seconds = answer_seconds
        self._alive: dict[int, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}
        self._answers = Answers(world)

    def start(self, user_id: int, body: JsonObject, files: Sequence[Upload] = ()) -> None:
        """Take what a person's client sends, check it, and tell the bot. Raises ApiError.

        The outcome reaches the person later as an event that carries the body's nonce.
        """
        faults = Faults()
        faults.choice(("type",), body.get("type"), [int(kind) for kind in InteractionType])
        channel_id = faults.snowflake(("channel_id",), body.get("channel_id"))
        data = faults.mapping(("data",), body.get("data"))
        faults.check()
        channel = self._world.channel_for(user_id, channel_id)
        resolved = Resolved(
            self._world, user_id, channel.id, channel.guild_id, self.uploads.take(data.get("attachments"), files)
        )
        nonce = body.get("nonce")
        interaction = Interaction(
            id=self._world.mint(),
            type=InteractionType(int(str(body["type"]))),
            user_id=user_id,
            channel_id=channel.id,
            guild_id=channel.guild_id,
            data={},
            created_at=self._clock(),
            nonce=nonce if isinstance(nonce, str | int) else None,
        )
        self._fill(interaction, channel, body, data, resolved)
        self._alive[interaction.id] = self._by_token[interaction.token] = interaction
        self._world.publish(
            "INTERACTION_CREATE", interaction_event(self._world, interaction), channel, self._world.bot_id
        )

    def answer(self, interaction_id: int, token: str, body: JsonObject, files: Sequence[Upload] = ()) -> Interaction:
        """Take the bot's first response. Raises ApiError; a response that is refused may be tried again."""
        interaction = self._alive.get(interaction_id)
        if (
            interaction is None
            or interaction.token != token
            or interaction.is_late(self._clock(), self._answer_seconds)
        ):
            raise ApiError(*UNKNOWN_INTERACTION)
        self._answers.respond(interaction, body, files)
        return interaction

    def by_token(self, application_id: int, token: str) -> Interaction:
        """The answered interaction that a webhook URL means. Raises ApiError when its token is no good."""
        if application_id != self._world.application.id:
            raise ApiError(*UNKNOWN_WEBHOOK)
        interaction = self._by_token.get(token)
        if interaction is None or interaction.is_dead(self._clock()):
            raise ApiError(*INVALID_WEBHOOK_TOKEN)
        if interaction.answer is None:
            raise ApiError(*UNKNOWN_WEBHOOK)
        return interaction

    def follow_up(self, interaction: Interaction, body: JsonObject, files: Sequence[Upload] = ()) -> Message:
        """Send another message; the first one after a deferral becomes the deferred response."""
        return self._answers.follow_up(interaction, body, files)

    def message(self, interaction: Interaction, message_id: str) -> Message:
        """A message sent with the interaction's token; `message_id` may be "@original"."""
        return self._answers.message(interaction, message_id)

    def edit(
        self, interaction: Interaction, message_id: str, body: JsonObject, files: Sequence[Upload] = ()
    ) -> Message:
        return self._answers.edit(interaction, message_id, body, files)

    def delete(self, interaction: Interaction, message_id: str) -> None:
        self._answers.delete(interaction, message_id)

    def sweep(self) -> None:
        """Tell people of interactions that the bot did not answer in time, and forget the dead."""
        now = self._clock()
        for interaction in tuple(self._alive.values()):
            if interaction.is_late(now, self._answer_seconds) and not interaction.failed:
                interaction.failed = True
                self._answers.tell(interaction, "INTERACTION_FAILURE", {"reason": "The application did not respond."})
            if interaction.is_dead(now):
                del self._alive[interaction.id], self._by_token[interaction.token]

    def _authorize(self, interaction: Interaction, channel: Channel, installs: JsonValue) -> None:
        """Refuse a place that the bot has no part in and that nobody brings it to."""
        context = context_of(self._world, channel)
        interaction.authorized_by = owners(self._world, interaction.user_id, channel.guild_id, context, installs)
        if not interaction.authorized_by:
            raise ApiError(*errors.MISSING_ACCESS)

    def _fill(
        self, interaction: Interaction, channel: Channel, body: JsonObject, data: JsonObject, resolved: Resolved
    ) -> None:
        match interaction.type:
            case InteractionType.COMMAND | InteractionType.AUTOCOMPLETE:
                self._fill_command(interaction, channel, data, resolved)
            case InteractionType.COMPONENT:
                interaction.source = self._source(interaction, body.get("message_id"))
                interaction.authorized_by = self._authorized(interaction.source, channel)
                interaction.data = check_click([*interaction.source.components], data, resolved)
            case InteractionType.MODAL_SUBMIT:
                self._fill_submission(interaction, data, resolved)

    def _fill_command(self, interaction: Interaction, channel: Channel, data: JsonObject, resolved: Resolved) -> None:
        self._authorize(interaction, channel, [GUILD_INSTALL, USER_INSTALL])
        command = usable_command(self._world, data.get("id"), interaction.user_id, channel)
        self._authorize(interaction, channel, command.body.get("integration_types"))
        if channel.thread is not None and channel.thread.archived:
            raise ApiError(*errors.THREAD_ARCHIVED)
        kind = int(str(command.body.get("type") or 1))
        interaction.data = {"id": str(command.id), "name": str(command.body["name"]), "type": kind}
        if command.guild_id is not None:
            interaction.data["guild_id"] = str(command.guild_id)
        if kind == 1:
            partial = interaction.type is InteractionType.AUTOCOMPLETE
            options = check_options(command.body.get("options"), data.get("options"), resolved, partial=partial)
            interaction.data["options"] = [*options]
            interaction.command_name = full_name(str(command.body["name"]), options)
        else:
            interaction.data["target_id"] = self._target(kind, channel, interaction.user_id, data, resolved)
            interaction.command_name = str(command.body["name"])
        if found := resolved.as_json():
            interaction.data["resolved"] = found

    def _target(self, kind: int, channel: Channel, user_id: int, data: JsonObject, resolved: Resolved) -> str:
        """What a context menu was opened on."""
        target = str(data.get("target_id"))
        if kind == 2:
            resolved.user(target)
        else:
            resolved.message(self._world.get_message(user_id, channel.id, _snowflake(target, "target_id")))
        return target

    def _source(self, interaction: Interaction, message_id: JsonValue) -> Message:
        """The bot's message that a person clicked on; an ephemeral one only for its reader."""
        wanted = _snowflake(message_id, "message_id")
        message = self._world.records.ephemeral.get(wanted)
        if message is None:
            message = self._world.get_message(interaction.user_id, interaction.channel_id, wanted)
        mine = message.only_user in (None, interaction.user_id) and message.channel_id == interaction.channel_id
        if not mine or message.author_id != self._world.bot_id:
            raise ApiError(*errors.UNKNOWN_MESSAGE)
        return message

    def _authorized(self, source: Message, channel: Channel) -> JsonObject:
        """A click rests on what the message's own interaction rested on, whoever clicks."""
        if source.interaction_metadata is None:
            return {str(GUILD_INSTALL): str(channel.guild_id or 0)}
        known: JsonObject = source.interaction_metadata["authorizing_integration_owners"]
        return known

    def _fill_submission(self, interaction: Interaction, data: JsonObject, resolved: Resolved) -> None:
        origin = self._alive.get(_snowflake(data.get("id"), "id"))
        if origin is None or origin.modal is None or origin.user_id != interaction.user_id:
            raise ApiError(*UNKNOWN_INTERACTION)
        if origin.modal["custom_id"] != data.get("custom_id") or origin.channel_id != interaction.channel_id:
            raise ApiError(*UNKNOWN_INTERACTION)
        interaction.origin, interaction.source = origin, origin.source
        interaction.authorized_by = origin.authorized_by
        interaction.data = check_submission(origin.modal, data, resolved)


def _snowflake(value: JsonValue, field: str) -> int:
    faults = Faults()
    snowflake = faults.snowflake((field,), value)
    faults.check()
    return snowflake
