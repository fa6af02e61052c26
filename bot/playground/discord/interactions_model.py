"""What an interaction is: its kinds, its life from the click to the last followup, and its payload.

It knows nothing of how people start interactions or how the bot answers them.
Source: Discord's documentation, "Receiving and Responding to Interactions".
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import IntEnum

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.installs import context_of, permissions_of_everyone
from bot.playground.discord.limits import ATTACHMENT_BYTES
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, Message
from bot.playground.discord.state import State
from bot.playground.discord.views import channel_view, member_view, user_view
from bot.playground.discord.views_message import message_view

ANSWER_SECONDS = 3.0
"""How long the bot has for its first response."""
TOKEN_SECONDS = 900.0
"""How long an interaction's token is good for."""

_APP_PERMISSIONS_IN_DM = (
    Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.MENTION_EVERYONE | Permission.USE_EXTERNAL_EMOJIS
)


class InteractionType(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class CallbackType(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


@dataclass(slots=True, eq=False)
class Interaction:
    """One click, command or form, and what became of it. `created_at` is monotonic seconds."""

    id: int
    type: InteractionType
    user_id: int
    channel_id: int
    guild_id: int | None
    data: JsonObject
    created_at: float
    authorized_by: JsonObject = field(default_factory=dict[str, JsonValue])
    """Who installed the application: Discord's `authorizing_integration_owners`."""
    nonce: str | int | None = None
    command_name: str = ""
    """A command's name with its group and subcommand."""
    source: Message | None = None
    """The message whose component was used, also where a modal came in between."""
    origin: Interaction | None = None
    """The interaction that opened the modal."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(96))
    answer: CallbackType | None = None
    original: Message | None = None
    """The message that @original means."""
    followups: dict[int, Message] = field(default_factory=dict[int, Message])
    followups_sent: int = 0
    """Also those that were deleted since."""
    modal: JsonObject | None = None
    """The modal shown in answer, until it is submitted."""
    failed: bool = False

    @property
    def answers(self) -> tuple[CallbackType, ...]:
        """The callback types that Discord accepts."""
        first = (CallbackType.MESSAGE, CallbackType.DEFERRED_MESSAGE)
        update = (CallbackType.DEFERRED_UPDATE, CallbackType.UPDATE)
        match self.type:
            case InteractionType.COMMAND:
                return (*first, CallbackType.MODAL)
            case InteractionType.COMPONENT:
                return (*first, *update, CallbackType.MODAL)
            case InteractionType.AUTOCOMPLETE:
                return (CallbackType.AUTOCOMPLETE,)
            case InteractionType.MODAL_SUBMIT:
                return (*first, *update) if self.source is not None else first

    def is_late(self, now: float, answer_seconds: float) -> bool:
        return self.answer is None and now - self.created_at > answer_seconds

    def is_dead(self, now: float) -> bool:
        return now - self.created_at > TOKEN_SECONDS


def interaction_event(state: State, interaction: Interaction) -> JsonObject:
    """INTERACTION_CREATE as the bot gets it."""
    channel = state.channel(interaction.channel_id)
    event: JsonObject = {
        "id": str(interaction.id),
        "application_id": str(state.application.id),
        "type": int(interaction.type),
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": _partial_channel(state, channel, interaction.user_id),
        "app_permissions": str(_app_permissions(state, channel)),
        "locale": "en-US",
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": interaction.authorized_by,
        "context": int(context_of(state, channel)),
        "attachment_size_limit": ATTACHMENT_BYTES,
    }
    if interaction.source is not None:
        event["message"] = message_view(state, interaction.source, state.bot_id)
    return event | _who(state, interaction)


def interaction_metadata(state: State, interaction: Interaction) -> JsonObject:
    """What a message says of the interaction it answers."""
    data = interaction.data
    metadata: JsonObject = {
        "id": str(interaction.id),
        "type": int(interaction.type),
        "user": user_view(state.user(interaction.user_id)),
        "authorizing_integration_owners": interaction.authorized_by,
    }
    if interaction.type is InteractionType.COMMAND:
        metadata |= {"name": interaction.command_name, "command_type": data["type"]}
    match interaction.type:
        case InteractionType.COMMAND if data.get("type") == 2:
            metadata["target_user"] = user_view(state.user(int(str(data["target_id"]))))
        case InteractionType.COMMAND if data.get("type") == 3:
            metadata["target_message_id"] = data["target_id"]
        case InteractionType.COMPONENT if interaction.source is not None:
            metadata["interacted_message_id"] = str(interaction.source.id)
        case InteractionType.MODAL_SUBMIT if interaction.origin is not None:
            metadata["triggering_interaction_metadata"] = interaction_metadata(state, interaction.origin)
        case _:
            pass
    return metadata


def _partial_channel(state: State, channel: Channel, user_id: int) -> JsonObject:
    view = channel_view(state, channel, state.bot_id)
    return view | {"permissions": str(state.permissions_in(user_id, channel.id))}


def _app_permissions(state: State, channel: Channel) -> int:
    if channel.guild_id is None:
        return int(_APP_PERMISSIONS_IN_DM)
    if state.bot_id not in state.guild(channel.guild_id).members:
        return permissions_of_everyone(state, channel)
    return state.permissions_in(state.bot_id, channel.id)


def _who(state: State, interaction: Interaction) -> JsonObject:
    user = state.user(interaction.user_id)
    if interaction.guild_id is None:
        return {"user": user_view(user)}
    guild = state.guild(interaction.guild_id)
    permissions = str(state.permissions_in(user.id, interaction.channel_id))
    return {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": member_view(user, guild.members[user.id]) | {"permissions": permissions},
    }
