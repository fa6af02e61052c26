"""What the bot gets to see: the payloads of the gateway's own events, and everyone else's, filtered.

It knows who may see what, not how events are numbered or sent.
Source: Discord's documentation, "Gateway Events".
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.messages import JsonObject, JsonValue
from bot.playground.discord.dispatch import Dispatch
from bot.playground.discord.errors import ApiError
from bot.playground.discord.gateway_content import without_content
from bot.playground.discord.gateway_frames import CloseCode, HangUp
from bot.playground.discord.gateway_intents import Intent, wanted
from bot.playground.discord.gateway_session import Session
from bot.playground.discord.records import Guild, Member, MessageFlag
from bot.playground.discord.state import State
from bot.playground.discord.views import guild_create_view, me_view, member_view

_MEMBERS_A_CHUNK = 1000
_MEMBERS_A_SEARCH = 100
_NONCE_BYTES = 32


def guilds_of(state: State, session: Session) -> list[Guild]:
    """The servers that the bot is in, as far as they belong to the session's shard."""
    return [
        guild for guild in state.records.guilds.values() if state.bot_id in guild.members and session.covers(guild.id)
    ]


def ready(state: State, session: Session, url: str) -> JsonObject:
    """READY: servers come as unavailable; a GUILD_CREATE for each follows."""
    application = state.application
    event: JsonObject = {
        "v": 10,
        "user": me_view(state.user(state.bot_id)),
        "user_settings": {},
        "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds_of(state, session)],
        "private_channels": [],
        "relationships": [],
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": url,
        "application": {"id": str(application.id), "flags": application.flags},
        "_trace": ["playground"],
    }
    if session.identity.sharded:
        event["shard"] = [*session.identity.shard]
    return event


def guild_create(state: State, guild: Guild, intents: int) -> JsonObject:
    """GUILD_CREATE; without the presence intent the only member in it is the bot."""
    event = guild_create_view(state, guild, state.bot_id)
    if not intents & Intent.GUILD_PRESENCES:
        event["members"] = [_member(state, guild.members[state.bot_id])]
    return event


def members_chunks(state: State, data: JsonValue, intents: int) -> Iterator[JsonObject]:
    """The answers to REQUEST_GUILD_MEMBERS, at most 1000 members each.

    Raises HangUp for a malformed request; a server that the bot is not in is left unanswered.
    """
    request: JsonObject = data if isinstance(data, dict) else {}
    guild = _requested_guild(state, request)
    if guild is None:
        return
    found, missing = _requested_members(state, guild, request, intents)
    count = max(1, -(-len(found) // _MEMBERS_A_CHUNK))
    for index in range(count):
        chunk: JsonObject = {
            "guild_id": str(guild.id),
            "members": [
                _member(state, member) for member in found[index * _MEMBERS_A_CHUNK : (index + 1) * _MEMBERS_A_CHUNK]
            ],
            "chunk_index": index,
            "chunk_count": count,
        }
        if missing:
            chunk["not_found"] = [*missing]
        if request.get("presences") and intents & Intent.GUILD_PRESENCES:
            chunk["presences"] = []
        nonce = request.get("nonce")
        if isinstance(nonce, str) and len(nonce.encode()) <= _NONCE_BYTES:
            chunk["nonce"] = nonce
        yield chunk


def _member(state: State, member: Member) -> JsonObject:
    return member_view(state.user(member.user_id), member)


def _requested_guild(state: State, request: JsonObject) -> Guild | None:
    guild_id = request.get("guild_id")
    if not isinstance(guild_id, int | str) or not str(guild_id).isdecimal():
        raise HangUp(CloseCode.DECODE_ERROR)
    try:
        return state.guild_for(state.bot_id, int(guild_id))
    except ApiError:
        return None


def _requested_members(state: State, guild: Guild, request: JsonObject, intents: int) -> tuple[list[Member], list[str]]:
    if request.get("user_ids") is not None:
        asked = request["user_ids"]
        ids = [str(user_id) for user_id in (asked if isinstance(asked, list) else [asked])][:_MEMBERS_A_SEARCH]
        by_id = {str(member.user_id): member for member in guild.members.values()}
        return [by_id[user_id] for user_id in ids if user_id in by_id], [i for i in ids if i not in by_id]
    query, limit = request.get("query"), request.get("limit")
    if not isinstance(query, str) or not isinstance(limit, int):
        raise HangUp(CloseCode.DECODE_ERROR)
    if not query and limit == 0:
        if not intents & Intent.GUILD_MEMBERS:
            raise HangUp(CloseCode.DISALLOWED_INTENTS)
        return list(guild.members.values()), []
    wanted_prefix = query.casefold()
    matches = [m for m in guild.members.values() if _name_starts(state, m, wanted_prefix)]
    return matches[: min(limit or _MEMBERS_A_SEARCH, _MEMBERS_A_SEARCH)], []


def _name_starts(state: State, member: Member, prefix: str) -> bool:
    name = state.user(member.user_id).username
    return name.casefold().startswith(prefix) or (member.nick or "").casefold().startswith(prefix)


def bot_sees(state: State, event: Dispatch, intents: int) -> JsonObject | None:
    """An event as a session of the bot gets it, or None where it gets nothing."""
    if _is_ephemeral(event):
        return _own_ephemeral(state, event, intents)
    in_guild = event.guild_id is not None
    if event.only_user not in (None, state.bot_id) or not wanted(event.name, intents, in_guild=in_guild):
        return None
    if event.name == "CHANNEL_CREATE" and not in_guild:
        return None  # Discord stopped telling bots of new direct messages
    if event.name != "INTERACTION_CREATE" and not _is_in_sight(state, event):
        return None
    if event.name == "THREAD_MEMBERS_UPDATE" and not intents & Intent.GUILD_MEMBERS:
        return _own_membership(event.data, str(state.bot_id))
    if event.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and not intents & Intent.MESSAGE_CONTENT:
        return without_content(event.data, state.bot_id, in_guild=in_guild)
    return event.data


def _own_membership(data: JsonObject, bot_id: str) -> JsonObject | None:
    """What is left of THREAD_MEMBERS_UPDATE without the members intent: the bot's own coming and going."""
    added, removed = data.get("added_members"), data.get("removed_member_ids")
    mine = [m for m in added if isinstance(m, dict) and m.get("user_id") == bot_id] if isinstance(added, list) else []
    gone = isinstance(removed, list) and bot_id in removed
    if not mine and not gone:
        return None
    kept = {key: value for key, value in data.items() if key not in ("added_members", "removed_member_ids")}
    if mine:
        kept["added_members"] = [*mine]
    if gone:
        kept["removed_member_ids"] = [bot_id]
    return kept


def _is_in_sight(state: State, event: Dispatch) -> bool:
    if event.channel_id is not None:
        return state.can_view(state.bot_id, event.channel_id)
    return event.guild_id is None or state.bot_id in state.guild(event.guild_id).members


def _is_ephemeral(event: Dispatch) -> bool:
    flags = event.data.get("flags")
    return event.name.startswith("MESSAGE_") and isinstance(flags, int) and bool(flags & MessageFlag.EPHEMERAL)


def _own_ephemeral(state: State, event: Dispatch, intents: int) -> JsonObject | None:
    """An ephemeral message goes to its one reader and to the bot that sent it, as if in a direct message."""
    if not intents & Intent.DIRECT_MESSAGES:
        return None
    return {key: value for key, value in event.data.items() if key not in ("guild_id", "member")}
