"""What the embedded Discord remembers: people, servers, channels, messages, commands.

Mutable records, saved as they are; the rules are elsewhere. Ids are integers
here and strings on the wire; times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

from pydantic import Base64Bytes


class ChannelType(IntEnum):
    """The kinds of channel that exist here (Discord, "Channel Types")."""

    TEXT = 0
    DM = 1
    VOICE = 2
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15


THREAD_TYPES = frozenset({ChannelType.ANNOUNCEMENT_THREAD, ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD})


class MessageType(IntEnum):
    """The kinds of message that exist here (Discord, "Message Types")."""

    DEFAULT = 0
    CHANNEL_NAME_CHANGE = 4
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER_MESSAGE = 21
    CONTEXT_MENU_COMMAND = 23


SYSTEM_TYPES = frozenset(
    {MessageType.CHANNEL_NAME_CHANGE, MessageType.THREAD_CREATED, MessageType.THREAD_STARTER_MESSAGE}
)


class MessageFlag(IntFlag):
    """Discord, "Message Flags"."""

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_COMPONENTS_V2 = 1 << 15


class ComponentType(IntEnum):
    """The components that messages take (Discord, "Component Reference")."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17


class ApplicationFlag(IntFlag):
    """Which privileged intents an application was granted (Discord, "Application Flags")."""

    GATEWAY_PRESENCE_LIMITED = 1 << 13
    GATEWAY_GUILD_MEMBERS_LIMITED = 1 << 15
    GATEWAY_MESSAGE_CONTENT = 1 << 18
    GATEWAY_MESSAGE_CONTENT_LIMITED = 1 << 19


@dataclass(slots=True)
class User:
    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    avatar_color: str = "#5865f2"
    """For the playground's page only; Discord has no such field."""


@dataclass(slots=True)
class Application:
    """The bot's application; its bot user is `users[bot_id]`."""

    id: int
    bot_id: int
    owner_id: int
    name: str
    flags: int = int(ApplicationFlag.GATEWAY_MESSAGE_CONTENT_LIMITED)
    verify_key: str = "0" * 64
    takes_user_installs: bool = True
    installed_by: list[int] = field(default_factory=list[int])
    """The people who have installed it for themselves, to use its commands wherever they are."""


@dataclass(slots=True)
class Role:
    id: int
    name: str
    permissions: int
    position: int = 1
    bot_id: int | None = None
    """Set on a bot's own managed role."""
    mentionable: bool = False
    hoist: bool = False
    color: int = 0


@dataclass(slots=True)
class Member:
    user_id: int
    joined_at: float
    roles: list[int] = field(default_factory=list[int])
    nick: str | None = None


@dataclass(slots=True)
class Guild:
    """A server. The role @everyone has the server's own id."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    locale: str = "en-US"
    system_channel_id: int | None = None


@dataclass(slots=True)
class ChannelOverwrite:
    """A channel's exception; `target_id` is a role's id, or a member's where `for_member`."""

    target_id: int
    for_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(slots=True)
class ForumTag:
    id: int
    name: str
    moderated: bool = False


@dataclass(slots=True)
class Thread:
    """What a channel has only when it is a thread."""

    owner_id: int
    created_at: float
    archive_changed_at: float
    auto_archive_minutes: int = 4320
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    message_count: int = 0
    total_message_sent: int = 0
    applied_tags: list[int] = field(default_factory=list[int])
    members: dict[int, float] = field(default_factory=dict[int, float])
    """When each member joined."""


@dataclass(slots=True)
class Channel:
    """A server's channel, a thread (`thread` is set) or a DM (`guild_id` is None)."""

    id: int
    type: ChannelType
    guild_id: int | None = None
    name: str = ""
    parent_id: int | None = None
    topic: str | None = None
    position: int = 0
    slowmode_seconds: int = 0
    flags: int = 0
    nsfw: bool = False
    overwrites: list[ChannelOverwrite] = field(default_factory=list[ChannelOverwrite])
    available_tags: list[ForumTag] = field(default_factory=list[ForumTag])
    recipients: list[int] = field(default_factory=list[int])
    """Both sides of a DM."""
    last_message_id: int | None = None
    thread: Thread | None = None

    @property
    def as_thread(self) -> Thread:
        """The thread's own part, of a channel that is known to be a thread."""
        if self.thread is None:
            raise TypeError("this channel is not a thread")
        return self.thread


@dataclass(slots=True)
class Attachment:
    id: int
    filename: str
    content_type: str
    data: Base64Bytes
    description: str | None = None
    title: str | None = None
    ephemeral: bool = False


@dataclass(slots=True)
class Reaction:
    """Who reacted with one emoji; `emoji_id` is None for a Unicode emoji."""

    name: str
    emoji_id: int | None = None
    users: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class Reference:
    """What a message replies to or starts from."""

    channel_id: int
    message_id: int | None = None
    guild_id: int | None = None


@dataclass(slots=True)
class Message:
    id: int
    channel_id: int
    author_id: int
    content: str = ""
    type: MessageType = MessageType.DEFAULT
    flags: int = 0
    edited_at: float | None = None
    embeds: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    components: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    reactions: list[Reaction] = field(default_factory=list[Reaction])
    reference: Reference | None = None
    mentions: list[int] = field(default_factory=list[int])
    """Users named in the text or replied to, as far as allowed_mentions lets them be mentioned."""
    mention_roles: list[int] = field(default_factory=list[int])
    mention_everyone: bool = False
    pinged: list[int] = field(default_factory=list[int])
    """Who got a notification because of a mention: what tests assert on."""
    nonce: str | int | None = None
    application_id: int | None = None
    interaction_metadata: dict[str, Any] | None = None
    only_user: int | None = None
    """The one person who sees an ephemeral message."""


@dataclass(slots=True)
class Command:
    """A registered application command; `body` holds what was registered, completed with defaults."""

    id: int
    application_id: int
    guild_id: int | None
    version: int
    body: dict[str, Any]


@dataclass(slots=True)
class Records:
    """Everything, in one value that can be written down and read back."""

    application: Application
    users: dict[int, User] = field(default_factory=dict[int, User])
    guilds: dict[int, Guild] = field(default_factory=dict[int, Guild])
    channels: dict[int, Channel] = field(default_factory=dict[int, Channel])
    messages: dict[int, dict[int, Message]] = field(default_factory=dict[int, dict[int, Message]])
    """By channel, then by id, oldest first."""
    ephemeral: dict[int, Message] = field(default_factory=dict[int, Message])
    """Interaction answers that only one person sees: in no channel's history."""
    commands: dict[int, Command] = field(default_factory=dict[int, Command])
    command_creates: list[tuple[int | None, float]] = field(default_factory=list[tuple[int | None, float]])
    """Server (None: global) and time of each command created, for the daily cap."""
    last_id: int = 0
