"""The operator's settings, read once from the environment and `.env`.

One frozen value; nothing reads the environment elsewhere. This module knows
nothing of what the settings are used for.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import ConfigError
from bot.guild import LIMITS, DataPolicy

DISCORD_API_URL = "https://discord.com/api/v10"
OPENROUTER_BASE_URL = "https://openrouter.ai/api/v1"
DEFAULT_MODEL = "moonshotai/kimi-k2-thinking"

_TOKEN = re.compile(r"[\w-]{20,}\.[\w-]{5,}\.[\w-]{25,}")


_A_NUMBER = "use a whole number that no server may go beyond, or leave it empty"
_AN_AMOUNT = "use an amount of US dollars, such as 2.50, that no server may go beyond, or leave it empty"


class Settings(BaseSettings):
    """Everything an operator can set; each description is the remedy shown when the value is unusable."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    discord_token: SecretStr = Field(
        SecretStr(""),
        description="set it to the bot token from Discord's developer portal (Bot → Reset Token)",
    )
    openrouter_api_key: SecretStr = Field(
        SecretStr(""), description="set it to a key from OpenRouter's settings page (Keys → Create key)"
    )
    database_url: str = Field(
        "sqlite:///data/cogitor.db",
        description="use sqlite:///path/to/file.db or postgresql://user:password@host/database",
    )
    model: str = Field(DEFAULT_MODEL, min_length=1, description="use a model's id, such as moonshotai/kimi-k2-thinking")
    fallback_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="use a comma-separated list of model ids, or leave it empty"
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="use a long random text; it encrypts servers' own keys. Several, the newest first, with commas",
    )
    owner_ids: Annotated[tuple[int, ...], NoDecode] = Field(
        (), description="use a comma-separated list of Discord user ids (numbers)"
    )
    data_policy: DataPolicy = Field(
        DataPolicy.NO_TRAINING, description="use any, no_training or zero_retention; it holds in direct messages"
    )
    retention_days: int | None = Field(
        None, ge=1, le=3_650, description="use a number of days from 1 to 3650, or leave it out to keep conversations"
    )
    privacy_url: str = Field("", description="use the http(s) URL of your privacy policy, or leave it out")
    titles: bool = Field(True, description="use true or false")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="use DEBUG, INFO, WARNING or ERROR"
    )
    discord_api_url: str = Field(
        DISCORD_API_URL,
        description="use an http(s) URL that ends in /api/v10, or leave it out for Discord itself",
    )
    discord_gateway_url: str = Field("", description="use a ws(s) URL, or leave it out to use what the API says")
    openrouter_base_url: str = Field(
        OPENROUTER_BASE_URL,
        description="use the http(s) URL of an OpenAI-style API, such as http://localhost:8080/v1",
    )
    mcp_config: str = Field(
        "", description="use the path of an mcp.json that lists MCP servers, or leave it out for none"
    )
    health_port: int = Field(0, ge=0, le=65535, description="use a port number for the health endpoint, or 0 for none")

    ceiling_requests_per_user_hour: int | None = Field(None, ge=0, description=_A_NUMBER)
    ceiling_requests_per_server_hour: int | None = Field(None, ge=0, description=_A_NUMBER)
    ceiling_tokens_per_user_day: int | None = Field(None, ge=0, description=_A_NUMBER)
    ceiling_usd_per_user_day: Decimal | None = Field(None, ge=0, description=_AN_AMOUNT)
    ceiling_usd_per_server_day: Decimal | None = Field(None, ge=0, description=_AN_AMOUNT)
    ceiling_usd_per_server_month: Decimal | None = Field(None, ge=0, description=_AN_AMOUNT)
    ceiling_concurrent_per_user: int | None = Field(None, ge=1, description=_A_NUMBER)
    ceiling_concurrent_per_server: int | None = Field(None, ge=1, description=_A_NUMBER)
    ceiling_max_output_tokens: int | None = Field(None, ge=256, description=_A_NUMBER)
    ceiling_max_tool_calls: int | None = Field(None, ge=0, le=300, description=_A_NUMBER)
    ceiling_max_attachment_kb: int | None = Field(None, ge=1, description=_A_NUMBER)
    ceiling_max_attachments: int | None = Field(None, ge=1, description=_A_NUMBER)

    @field_validator("*", mode="before")
    @classmethod
    def _blank_ceiling(cls, value: Any, info: ValidationInfo) -> Any:
        """A ceiling that is left empty is none."""
        is_ceiling = (info.field_name or "").startswith("ceiling_")
        return None if is_ceiling and isinstance(value, str) and not value.strip() else value

    @field_validator("fallback_models", "owner_ids", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("retention_days", mode="before")
    @classmethod
    def _none_if_blank(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("privacy_url")
    @classmethod
    def _page_url(cls, value: str) -> str:
        return _checked_url(value, ("http", "https")) if value else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("discord_api_url", "openrouter_base_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        return _checked_url(value, ("http", "https"))

    @field_validator("discord_gateway_url")
    @classmethod
    def _socket_url(cls, value: str) -> str:
        return _checked_url(value, ("ws", "wss")) if value else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not re.match(r"(sqlite|postgresql)(\+\w+)?://", value):
            raise ValueError("not a database URL")
        return value

    @model_validator(mode="after")
    def _blank_model(self) -> Self:
        if not self.model.strip():
            raise ValueError("MODEL is blank")
        return self

    @property
    def ceilings(self) -> dict[str, int]:
        """The operator's ceilings that are set, by limit; dollars in nanodollars."""
        found = ((name, getattr(self, f"ceiling_{name}")) for name in LIMITS)
        return {
            name: int(value * 10**9) if isinstance(value, Decimal) else value
            for name, value in found
            if value is not None
        }

    @property
    def is_openrouter(self) -> bool:
        """Whether the model endpoint is OpenRouter itself, which always needs a key."""
        return is_host(self.openrouter_base_url, "openrouter.ai")

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """What SECRET_KEY lists: the first encrypts, all of them decrypt; none where it is not set."""
        return tuple(filter(None, map(str.strip, self.secret_key.get_secret_value().split(","))))

    def check_for_discord(self) -> None:
        """Raise ConfigError where something is missing that the bot on Discord cannot do without."""
        token = self.discord_token.get_secret_value()
        if not token:
            raise _missing("discord_token")
        if is_host(self.discord_api_url, "discord.com") and not _TOKEN.fullmatch(token):
            raise ConfigError(f"DISCORD_TOKEN does not look like a bot token: {_remedy('discord_token')}.")
        if self.is_openrouter and not self.openrouter_api_key.get_secret_value():
            raise _missing("openrouter_api_key")


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; `overrides` win over the environment. Raises ConfigError with one line per fault."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        names = sorted({str(fault["loc"][0]) if fault["loc"] else "model" for fault in error.errors()})
        raise ConfigError("\n".join(f"{name.upper()} is malformed: {_remedy(name)}." for name in names)) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(".env cannot be read: save it as UTF-8 text that this user may read.") from None


def is_host(url: str, domain: str) -> bool:
    """Whether a URL leads to a domain or one of its subdomains."""
    host = urlsplit(url).hostname or ""
    return host == domain or host.endswith("." + domain)


def _checked_url(value: str, schemes: tuple[str, ...]) -> str:
    url = urlsplit(value)
    if url.scheme not in schemes or not url.hostname:
        raise ValueError("not a URL")
    return value.rstrip("/")


def _remedy(name: str) -> str:
    return Settings.model_fields[name].description or "see .env.example"


def _missing(name: str) -> ConfigError:
    return ConfigError(f"{name.upper()} is missing: {_remedy(name)}.")
