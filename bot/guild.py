"""What a server's admins may decide: the fields' titles and descriptions are what admins read, the bounds what holds.

A pure, frozen value that is stored as JSON; unknown keys of another version are
ignored. What a field's number counts is told by the `Unit` in its annotation,
which channels, roles or models it lists by the `Lists`. This module knows
nothing of Discord or of the database.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.messages import ShowReasoning

MAX_OUTPUT_TOKENS = 32_000
BUILT_IN_TOOLS = ("web_fetch", "read_attachment", "read_thread")
"""The tools that a server has until its admins choose (product: on by default)."""


class Unit(Enum):
    """What the number in a setting counts. Money is kept as whole nanodollars, whatever people type and read."""

    QUESTIONS = "questions"
    TOKENS = "tokens"
    DOLLARS = "US dollars"
    ANSWERS = "running answers"
    CALLS = "tool calls"
    KILOBYTES = "kilobytes"
    FILES = "files"
    DAYS = "days"


class Lists(Enum):
    """What the ids or names in a setting stand for."""

    MODELS = "models"
    CHANNELS = "channels"
    FORUMS = "forums"
    ROLES = "roles"
    TOOLS = "tools"


class DataPolicy(StrEnum):
    """To which providers conversations may be sent (OpenRouter, "Provider Routing")."""

    ANY = "any"
    NO_TRAINING = "no_training"
    ZERO_RETENTION = "zero_retention"


Dollars = Annotated[int | None, Unit.DOLLARS]
_MOST_DOLLARS = 1_000_000 * 10**9


class GuildSettings(BaseModel):
    """The settings of one server, or of direct messages where there is none. A limit that is None is off."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str | None = Field(
        default=None,
        title="Model",
        max_length=200,
        description="The model that answers; empty means the operator's default.",
    )
    allowed_models: Annotated[tuple[str, ...], Lists.MODELS] = Field(
        default=(),
        title="Allowed models",
        max_length=50,
        description="The models that may answer here, by id; * stands for anything, as in moonshotai/*. "
        "Empty means all.",
    )
    effort: str | None = Field(
        default=None,
        title="Effort",
        max_length=20,
        description="How hard the model thinks; empty means its own default.",
    )
    max_effort: str | None = Field(
        default=None,
        title="Highest effort",
        max_length=20,
        description="The hardest the model may be asked to think; empty means no limit.",
    )
    show_reasoning: ShowReasoning = Field(
        default=ShowReasoning.HIDDEN,
        title="Reasoning",
        description="Whether new threads show the model's reasoning above its answers, behind a spoiler.",
    )
    persona: str | None = Field(
        default=None, title="Persona", max_length=4000, description="Instructions to the model in this server."
    )
    persona_extends: bool = Field(
        default=False,
        title="Persona extends",
        description="Whether the server's persona is added to the built-in instructions instead of replacing them.",
    )
    forum_channels: Annotated[tuple[int, ...], Lists.FORUMS] = Field(
        default=(),
        title="Forums",
        max_length=100,
        description="The forums in which I answer every new post.",
    )
    allowed_channels: Annotated[tuple[int, ...], Lists.CHANNELS] = Field(
        default=(),
        title="Channels",
        max_length=100,
        description="The channels (their threads included) in which I answer. Empty means all that I can see.",
    )
    allowed_roles: Annotated[tuple[int, ...], Lists.ROLES] = Field(
        default=(),
        title="Roles",
        max_length=100,
        description="The roles that may ask me; one of them is enough. Empty means everybody.",
    )
    tools: Annotated[tuple[str, ...], Lists.TOOLS] = Field(
        default=BUILT_IN_TOOLS,
        title="Tools",
        max_length=100,
        description="What I may use to answer, such as reading web pages.",
    )
    data_policy: DataPolicy = Field(
        default=DataPolicy.NO_TRAINING,
        title="Providers",
        description="To whom conversations may be sent: any provider, only those that do not train on them, "
        "or only those that keep nothing at all.",
    )
    retention_days: Annotated[int | None, Unit.DAYS] = Field(
        default=None,
        title="Retention",
        ge=1,
        le=3_650,
        description="After how many days without a message a conversation is forgotten.",
    )
    footer: bool = Field(
        default=True, title="Footer", description="Whether answers end with a line naming model, time, tokens and cost."
    )
    titles: bool = Field(
        default=True,
        title="Titles",
        description="Whether a thread is renamed once, after its first answer, to a title made from the conversation.",
    )
    notice_channel: int | None = Field(
        default=None,
        title="Notices",
        description="The channel in which I tell admins when the key or the model fails; empty means the owner by DM.",
    )
    dms_count: bool = Field(
        default=False,
        title="DMs count",
        description="Whether what a member asks me in direct messages counts towards their limits here.",
    )
    requests_per_user_hour: Annotated[int | None, Unit.QUESTIONS] = Field(
        default=60,
        title="Questions a member and hour",
        ge=0,
        le=1_000_000,
        description="How many questions one member may ask within an hour.",
    )
    requests_per_server_hour: Annotated[int | None, Unit.QUESTIONS] = Field(
        default=None,
        title="Questions an hour",
        ge=0,
        le=10_000_000,
        description="How many questions everybody together may ask within an hour.",
    )
    tokens_per_user_day: Annotated[int | None, Unit.TOKENS] = Field(
        default=None,
        title="Tokens a member and day",
        ge=0,
        le=1_000_000_000_000,
        description="How many tokens, prompts included, one member may use within 24 hours.",
    )
    usd_per_user_day: Dollars = Field(
        default=None,
        title="Dollars a member and day",
        ge=0,
        le=_MOST_DOLLARS,
        description="How many US dollars one member may spend within 24 hours.",
    )
    usd_per_server_day: Dollars = Field(
        default=None,
        title="Dollars a day",
        ge=0,
        le=_MOST_DOLLARS,
        description="How many US dollars everybody together may spend within 24 hours.",
    )
    usd_per_server_month: Dollars = Field(
        default=None,
        title="Dollars a month",
        ge=0,
        le=_MOST_DOLLARS,
        description="How many US dollars everybody together may spend within 30 days.",
    )
    concurrent_per_user: Annotated[int | None, Unit.ANSWERS] = Field(
        default=2,
        title="Answers at once for a member",
        ge=1,
        le=1_000,
        description="How many answers to one member may be running at the same time.",
    )
    concurrent_per_server: Annotated[int | None, Unit.ANSWERS] = Field(
        default=10,
        title="Answers at once",
        ge=1,
        le=10_000,
        description="How many answers may be running in this server at the same time.",
    )
    max_output_tokens: Annotated[int, Unit.TOKENS] = Field(
        default=MAX_OUTPUT_TOKENS,
        title="Longest answer",
        ge=256,
        le=262_144,
        description="The most tokens one answer may take, its reasoning included.",
    )
    max_tool_calls: Annotated[int, Unit.CALLS] = Field(
        default=50,
        title="Tool calls",
        ge=0,
        le=300,
        description="How many tool calls one question may take.",
    )
    max_attachment_kb: Annotated[int, Unit.KILOBYTES] = Field(
        default=1_024,
        title="Largest attachment",
        ge=1,
        le=10_240,
        description="The most kilobytes that one attached file may have; larger ones are not read.",
    )
    max_attachments: Annotated[int, Unit.FILES] = Field(
        default=5,
        title="Attachments",
        ge=1,
        le=10,
        description="How many files of one message are read; those beyond are left out.",
    )
    role_limits: dict[int, dict[str, int | None]] = Field(
        default_factory=dict,
        title="Roles' own limits",
        max_length=100,
        description="Limits that members of a role have instead of the server's. Whoever has several such roles "
        "has the most generous value.",
    )


LIMITS = (
    "requests_per_user_hour",
    "requests_per_server_hour",
    "tokens_per_user_day",
    "usd_per_user_day",
    "usd_per_server_day",
    "usd_per_server_month",
    "concurrent_per_user",
    "concurrent_per_server",
    "max_output_tokens",
    "max_tool_calls",
    "max_attachment_kb",
    "max_attachments",
)
"""The settings that are limits, as `/limits` names them."""

ROLE_LIMITS = tuple(name for name in LIMITS if "_server_" not in name and not name.endswith("_per_server"))
"""Those of them that a role may have its own value of: those that concern one member."""


def unit_of(name: str) -> Unit | None:
    """What the number in a setting counts, if it is one that counts."""
    return next((mark for mark in GuildSettings.model_fields[name].metadata if isinstance(mark, Unit)), None)


def lists_of(name: str) -> Lists | None:
    """What the ids or names in a setting stand for, if it is a list."""
    return next((mark for mark in GuildSettings.model_fields[name].metadata if isinstance(mark, Lists)), None)
