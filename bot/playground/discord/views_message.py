"""How messages, their attachments and reactions look on the wire."""

from __future__ import annotations

from bot.messages import JsonObject
from bot.playground.discord.links import signed_link
from bot.playground.discord.media import resolved_media
from bot.playground.discord.records import Attachment, Member, Message, MessageFlag, MessageType, Reaction, Reference
from bot.playground.discord.snowflake import created_at, iso
from bot.playground.discord.state import State
from bot.playground.discord.views import channel_view, member_view, partial_member_view, snowflake, user_view


def message_view(state: State, message: Message, viewer: int | None = None) -> JsonObject:
    """A message with whatever it replies to. `viewer` decides each reaction's `me`."""
    view = _bare_message_view(state, message, viewer)
    if message.type in (MessageType.REPLY, MessageType.THREAD_STARTER_MESSAGE) and message.reference is not None:
        original = _referenced(state, message, message.reference)
        view["referenced_message"] = None if original is None else _bare_message_view(state, original, viewer)
    return view


def message_event(state: State, message: Message) -> JsonObject:
    """A message as MESSAGE_CREATE and MESSAGE_UPDATE carry it: with the server and the author's member."""
    view = message_view(state, message)
    guild_id = state.channel(message.channel_id).guild_id
    view["channel_type"] = int(state.channel(message.channel_id).type)
    if guild_id is None:
        return view
    members = state.guild(guild_id).members
    view["guild_id"] = str(guild_id)
    if (author := members.get(message.author_id)) is not None:
        view["member"] = partial_member_view(author)
    view["mentions"] = [_mentioned_view(state, user, members.get(user)) for user in message.mentions]
    return view


def reaction_event(state: State, message: Message, reaction: Reaction, user_id: int) -> JsonObject:
    """What MESSAGE_REACTION_ADD and MESSAGE_REACTION_REMOVE carry."""
    view: JsonObject = {
        "user_id": str(user_id),
        "channel_id": str(message.channel_id),
        "message_id": str(message.id),
        "message_author_id": str(message.author_id),
        "emoji": {"id": snowflake(reaction.emoji_id), "name": reaction.name},
        "burst": False,
        "type": 0,
    }
    guild_id = state.channel(message.channel_id).guild_id
    if guild_id is not None:
        view["guild_id"] = str(guild_id)
        member = state.guild(guild_id).members.get(user_id)
        if member is not None:
            view["member"] = member_view(state.user(user_id), member)
    return view


def attachment_view(state: State, channel_id: int, attachment: Attachment) -> JsonObject:
    url = signed_link(state, channel_id, attachment)
    view: JsonObject = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": len(attachment.data),
        "url": url,
        "proxy_url": url,
        "content_type": attachment.content_type,
    }
    if attachment.description is not None:
        view["description"] = attachment.description
    if attachment.title is not None:
        view["title"] = attachment.title
    if attachment.ephemeral:
        view["ephemeral"] = True
    return view


def _mentioned_view(state: State, user_id: int, member: Member | None) -> JsonObject:
    view = user_view(state.user(user_id))
    if member is not None:
        view["member"] = partial_member_view(member)
    return view


def _referenced(state: State, message: Message, reference: Reference) -> Message | None:
    """The message that another one replies to; one that is shown to a single person only to that person."""
    message_id = reference.message_id or 0
    ephemeral = state.records.ephemeral.get(message_id)
    if ephemeral is not None:
        return ephemeral if ephemeral.only_user == message.only_user else None
    return state.records.messages.get(reference.channel_id, {}).get(message_id)


def _bare_message_view(state: State, message: Message, viewer: int | None) -> JsonObject:
    attachments = [attachment_view(state, message.channel_id, item) for item in message.attachments]
    media = {f"attachment://{attachment['filename']}": attachment for attachment in attachments}
    view: JsonObject = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "author": user_view(state.user(message.author_id)),
        "type": int(message.type),
        "content": message.content,
        "timestamp": iso(created_at(message.id)),
        "edited_timestamp": None if message.edited_at is None else iso(message.edited_at),
        "flags": message.flags,
        "tts": False,
        "pinned": False,
        "mention_everyone": message.mention_everyone,
        "mentions": [user_view(state.user(user)) for user in message.mentions],
        "mention_roles": [str(role) for role in message.mention_roles],
        "attachments": [*attachments],
        "embeds": [*message.embeds],
        "components": [resolved_media(component, media) for component in message.components],
    }
    return view | _occasional_fields(state, message, viewer)


def _occasional_fields(state: State, message: Message, viewer: int | None) -> JsonObject:
    fields: JsonObject = {}
    if message.reactions:
        fields["reactions"] = [_reaction_view(reaction, viewer) for reaction in message.reactions]
    if message.nonce is not None:
        fields["nonce"] = message.nonce
    if message.reference is not None:
        fields["message_reference"] = _reference_view(message.reference)
    if message.flags & MessageFlag.HAS_THREAD and message.id in state.records.channels:
        fields["thread"] = channel_view(state, state.channel(message.id), viewer)
    if message.application_id is not None:
        fields["application_id"] = str(message.application_id)
    if message.interaction_metadata is not None:
        fields["webhook_id"] = str(message.application_id)
        fields["interaction_metadata"] = dict(message.interaction_metadata)
    return fields


def _reference_view(reference: Reference) -> JsonObject:
    view: JsonObject = {"type": 0, "channel_id": str(reference.channel_id)}
    if reference.message_id is not None:
        view["message_id"] = str(reference.message_id)
    if reference.guild_id is not None:
        view["guild_id"] = str(reference.guild_id)
    return view


def _reaction_view(reaction: Reaction, viewer: int | None) -> JsonObject:
    count = len(reaction.users)
    return {
        "emoji": {"id": snowflake(reaction.emoji_id), "name": reaction.name},
        "count": count,
        "count_details": {"burst": 0, "normal": count},
        "burst_colors": [],
        "me_burst": False,
        "me": viewer in reaction.users,
    }
