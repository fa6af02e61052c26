"""Reads the bodies of "Start Thread", "Modify Channel" and "Create DM"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.messages import JsonObject
from bot.playground.discord import limits
from bot.playground.discord.faults import Faults, Path
from bot.playground.discord.records import ChannelOverwrite, ChannelType

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ThreadForm:
    """A thread as somebody wants it to begin."""

    name: str
    type: ChannelType
    auto_archive_minutes: int
    slowmode_seconds: int
    invitable: bool
    applied_tags: tuple[int, ...]
    message: JsonObject | None
    """The first message of a forum's post."""


@dataclass(frozen=True, slots=True)
class ChannelForm:
    """The changes to a channel; None means: leave it."""

    name: str | None
    topic: str | None
    position: int | None
    nsfw: bool | None
    slowmode_seconds: int | None
    overwrites: list[ChannelOverwrite] | None
    archived: bool | None
    locked: bool | None
    invitable: bool | None
    auto_archive_minutes: int | None
    applied_tags: tuple[int, ...] | None


def read_thread(body: JsonObject, *, forum: bool = False) -> ThreadForm:
    """A thread started without a message is private unless the body says otherwise, as on Discord."""
    faults = Faults()
    name = faults.text(("name",), body.get("name"), limits.THREAD_NAME, 1)
    kind = ChannelType.PUBLIC_THREAD if forum else ChannelType.PRIVATE_THREAD
    if body.get("type") is not None and faults.choice(("type",), body["type"], (10, 11, 12)):
        kind = ChannelType(body["type"])
    message = body.get("message")
    if forum and message is None:
        faults.require(("message",))
    form = ThreadForm(
        name=name.strip(),
        type=kind,
        auto_archive_minutes=_auto_archive(faults, body) or 4320,
        slowmode_seconds=_slowmode(faults, body) or 0,
        invitable=body.get("invitable") is not False,
        applied_tags=_tags(faults, body) or (),
        message=None if message is None else faults.mapping(("message",), message),
    )
    faults.check()
    return form


def read_channel_edit(body: JsonObject) -> ChannelForm:
    """The changes that a body asks for."""
    faults = Faults()
    form = ChannelForm(
        name=_given(body, "name", lambda: faults.text(("name",), body["name"], limits.THREAD_NAME, 1).strip()),
        topic=_given(body, "topic", lambda: faults.text(("topic",), body["topic"], limits.CHANNEL_TOPIC)),
        position=_given(body, "position", lambda: faults.number(("position",), body["position"], 2**31 - 1)),
        nsfw=_given_flag(faults, body, "nsfw"),
        slowmode_seconds=_slowmode(faults, body),
        overwrites=_overwrites(faults, body),
        archived=_given_flag(faults, body, "archived"),
        locked=_given_flag(faults, body, "locked"),
        invitable=_given_flag(faults, body, "invitable"),
        auto_archive_minutes=_auto_archive(faults, body),
        applied_tags=_tags(faults, body),
    )
    faults.check()
    return form


def read_recipient(body: JsonObject) -> int:
    """Whom "Create DM" is to reach."""
    faults = Faults()
    recipient = faults.snowflake(("recipient_id",), body.get("recipient_id"))
    faults.check()
    return recipient


def _given(body: JsonObject, key: str, read: Callable[[], Value]) -> Value | None:
    return read() if body.get(key) is not None else None


def _given_flag(faults: Faults, body: JsonObject, key: str) -> bool | None:
    return _given(body, key, lambda: faults.flag((key,), body[key]))


def _auto_archive(faults: Faults, body: JsonObject) -> int | None:
    value = body.get("auto_archive_duration")
    if value is None or not faults.choice(("auto_archive_duration",), value, limits.AUTO_ARCHIVE_MINUTES):
        return None
    return value if isinstance(value, int) else None


def _slowmode(faults: Faults, body: JsonObject) -> int | None:
    path: Path = ("rate_limit_per_user",)
    return _given(body, path[0], lambda: faults.number(path, body[path[0]], limits.SLOWMODE_SECONDS))


def _tags(faults: Faults, body: JsonObject) -> tuple[int, ...] | None:
    if body.get("applied_tags") is None:
        return None
    tags = faults.items(("applied_tags",), body["applied_tags"], limits.APPLIED_TAGS)
    return tuple(faults.snowflake(("applied_tags", index), tag) for index, tag in enumerate(tags))


def _overwrites(faults: Faults, body: JsonObject) -> list[ChannelOverwrite] | None:
    if body.get("permission_overwrites") is None:
        return None
    path = ("permission_overwrites",)
    return [
        ChannelOverwrite(
            faults.snowflake((*path, index, "id"), item.get("id")),
            item.get("type") == 1,
            faults.snowflake((*path, index, "allow"), item.get("allow") or 0),
            faults.snowflake((*path, index, "deny"), item.get("deny") or 0),
        )
        for index, item in enumerate(faults.objects(path, body["permission_overwrites"], 500))
    ]
