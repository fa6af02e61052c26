"""A conversation as JSON that can be read back to equal values, the reasoning as the models sent it included.

Discord's ids are strings, for many readers of JSON round such large numbers.
Parts and steps are written as the store writes them (`bot/store/codec.py`). Pure.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bot.export.transcript import Transcript
from bot.messages import Conversation, JsonObject, Listen, Said, ShowReasoning, Turn, TurnStatus
from bot.store.codec import decode_part, decode_step, encode_part, encode_step

FORMAT = "cogitor-conversation"
VERSION = 1

UNREADABLE = "This is not a conversation that was exported by Cogitor, or it is damaged."


def to_json(transcript: Transcript) -> bytes:
    """The whole conversation as UTF-8."""
    body = {
        "format": FORMAT,
        "version": VERSION,
        "title": transcript.title,
        "exported_at": transcript.at,
        "conversation": _conversation(transcript.conversation),
        "turns": [write_turn(turn) for turn in transcript.turns],
    }
    try:
        return json.dumps(body, indent=1, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character, which only an escape can hold
        return json.dumps(body, indent=1).encode()


def from_json(data: bytes) -> Transcript:
    """Read back what `to_json` wrote. Raises ValueError, with a sentence for people, for anything else."""
    try:
        body = json.loads(data)
        known = body["format"] == FORMAT
        version = int(body["version"]) if known else VERSION
        if known and version <= VERSION:
            return _read(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(UNREADABLE) from None
    if not known:
        raise ValueError(UNREADABLE)
    raise ValueError(f"This conversation was exported by a newer Cogitor (version {version}, I read {VERSION}).")


def _read(body: dict[str, Any]) -> Transcript:
    conversation = _read_conversation(body["conversation"])
    turns = tuple(read_turn(turn, conversation.id) for turn in body["turns"])
    return Transcript(str(body["title"]), conversation, turns, float(body["exported_at"]))


def _conversation(conversation: Conversation) -> JsonObject:
    guild = conversation.guild_id
    return {
        **asdict(conversation),
        "id": str(conversation.id),
        "guild_id": None if guild is None else str(guild),
        "owner_id": str(conversation.owner_id),
    }


def _read_conversation(body: dict[str, Any]) -> Conversation:
    guild = body["guild_id"]
    read: dict[str, Any] = {
        "id": int(body["id"]),
        "guild_id": None if guild is None else int(guild),
        "owner_id": int(body["owner_id"]),
        "listen": Listen(body["listen"]),
        "show_reasoning": ShowReasoning(body["show_reasoning"]),
    }
    return Conversation(**(body | read))


def write_turn(turn: Turn) -> JsonObject:
    return {
        "id": turn.id,
        "status": turn.status.value,
        "question": [_said(said) for said in turn.question],
        "steps": [encode_step(step) for step in turn.steps],
        "pages": [str(page) for page in turn.pages],
        "error": turn.error,
        "notices": list(turn.notices),
    }


def read_turn(body: dict[str, Any], conversation_id: int) -> Turn:
    return Turn(
        id=int(body["id"]),
        conversation_id=conversation_id,
        question=tuple(_read_said(said) for said in body["question"]),
        status=TurnStatus(body["status"]),
        steps=tuple(decode_step(step) for step in body["steps"]),
        pages=tuple(int(page) for page in body["pages"]),
        error=body["error"],
        notices=tuple(body["notices"]),
    )


def _said(said: Said) -> JsonObject:
    return {
        "id": str(said.id),
        "author_id": str(said.author_id),
        "author_name": said.author_name,
        "at": said.at,
        "parts": [encode_part(part) for part in said.parts],
    }


def _read_said(body: dict[str, Any]) -> Said:
    parts = tuple(decode_part(part) for part in body["parts"])
    return Said(int(body["id"]), int(body["author_id"]), body["author_name"], parts, body["at"])
