"""What a server's admins may decide. The fields' titles and descriptions are what admins read.

A pure, frozen value that is stored as JSON; unknown keys of another version are
ignored. This module knows nothing of Discord or of the database.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bot.messages import ShowReasoning

MAX_OUTPUT_TOKENS = 32_000


class GuildSettings(BaseModel):
    """The settings of one server, or of direct messages where there is none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str | None = Field(
        default=None,
        title="Model",
        max_length=200,
        description="The model that answers; empty means the operator's default.",
    )
    allowed_models: tuple[str, ...] = Field(
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
        default=None, title="Persona", max_length=4000, description="Replaces the built-in instructions to the model."
    )
    forum_channels: tuple[int, ...] = Field(
        default=(),
        title="Forums",
        max_length=100,
        description="The forums in which I answer every new post.",
    )
    footer: bool = Field(
        default=True, title="Footer", description="Whether answers end with a line naming model, time, tokens and cost."
    )
    titles: bool = Field(
        default=True,
        title="Titles",
        description="Whether a thread is renamed once, after its first answer, to a title made from the conversation.",
    )
    max_output_tokens: int = Field(
        default=MAX_OUTPUT_TOKENS,
        title="Longest answer",
        ge=256,
        le=262_144,
        description="The most tokens one answer may take, its reasoning included.",
    )
    max_attachment_kb: int = Field(
        default=1_024,
        title="Largest attachment",
        ge=1,
        le=10_240,
        description="The most kilobytes that one attached file may have; larger ones are not read.",
    )
    max_attachments: int = Field(
        default=5,
        title="Attachments",
        ge=1,
        le=10,
        description="How many files of one message are read; those beyond are left out.",
    )
