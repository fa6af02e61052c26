"""Settings: every unusable value stops the start with one line that names it and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import Settings, load_settings

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting comes from the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_any_environment_the_defaults_hold() -> None:
    settings = load_settings()

    assert settings.model == "moonshotai/kimi-k2-thinking"
    assert settings.database_url == "sqlite:///data/cogitor.db"
    assert settings.discord_api_url == "https://discord.com/api/v10"
    assert settings.openrouter_base_url == "https://openrouter.ai/api/v1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OWNER_IDS", "12,ada"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DISCORD_API_URL", "not a url"),
        ("DISCORD_API_URL", "ftp://discord.com"),
        ("DISCORD_GATEWAY_URL", "https://gateway"),
        ("OPENROUTER_BASE_URL", "localhost:9999"),
        ("HEALTH_PORT", "99999"),
        ("MODEL", ""),
        ("DATA_POLICY", "some"),
        ("RETENTION_DAYS", "never"),
        ("PRIVACY_URL", "my page"),
    ],
)
def test_a_malformed_value_is_named_with_its_remedy_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError) as caught:
        load_settings()

    message = str(caught.value)
    assert message.startswith(f"{name} is malformed: ")
    assert message.endswith(".")
    assert "\n" not in message
    assert not value or value not in message


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNER_IDS", "1, 22 ,")
    monkeypatch.setenv("FALLBACK_MODELS", "a/b,c/d")

    settings = load_settings()

    assert settings.owner_ids == (1, 22)
    assert settings.fallback_models == ("a/b", "c/d")


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("MODEL=from/file\nLOG_LEVEL=debug\nUNRELATED=1\n")
    monkeypatch.setenv("MODEL", "from/environment")

    settings = load_settings()

    assert (settings.model, settings.log_level) == ("from/environment", "DEBUG")


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "DISCORD_TOKEN is missing"),
        ({"discord_token": "hunter2"}, "DISCORD_TOKEN does not look like a bot token"),
        ({"discord_token": TOKEN}, "OPENROUTER_API_KEY is missing"),
    ],
)
def test_the_bot_on_discord_needs_token_and_key(values: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(**values).check_for_discord()

    assert str(caught.value).startswith(complaint)
    assert not any(value in str(caught.value) for value in values.values())


def test_another_model_server_needs_no_key() -> None:
    load_settings(discord_token=TOKEN, openrouter_base_url="http://localhost:8080/v1").check_for_discord()


@pytest.mark.parametrize(
    ("text", "secrets"),
    [("", ()), (" , ", ()), ("one", ("one",)), (" new , old,", ("new", "old"))],
)
def test_a_secret_key_may_be_followed_by_those_before_it(text: str, secrets: tuple[str, ...]) -> None:
    settings = load_settings(_env_file=None, secret_key=text)
    assert settings.secret_keys == secrets
    assert "old" not in repr(settings)


def test_secrets_do_not_show_in_the_settings_text() -> None:
    assert TOKEN not in repr(load_settings(discord_token=TOKEN, openrouter_api_key="sk-or-v1-secret"))
