"""The container's files as text: what is copied exists and suffices, nothing runs as root or holds a secret."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.sandbox.ready import COMPILED

ROOT = Path(__file__).parents[1]


def instructions(name: str) -> list[str]:
    """The Dockerfile's instructions of one kind, in order, without the keyword."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in text.splitlines() if line.startswith(name + " ")]


def copied() -> list[str]:
    """What is copied from the repository, of both stages."""
    copies = [line.split() for line in instructions("COPY") if not line.startswith("--from")]
    return [source for *sources, _ in copies for source in sources]


def stages() -> dict[str, str]:
    """The Dockerfile's stages by name, in order, without their first lines' keyword."""
    texts = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    return {text.split("\n")[0].split()[-1]: text for text in texts}


def carried() -> list[str]:
    """What of the repository every image carries."""
    return re.findall(r"^COPY (\w+) \w+$", stages()["base"], re.MULTILINE)


def test_the_ordinary_image_is_the_default_and_leaves_the_sandbox_out() -> None:
    name, text = list(stages().items())[-1]
    target = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["bot"]["build"]["target"]

    assert name == "bot"
    assert text.startswith("base AS bot")
    assert "sandbox" not in text + stages()["base"] + stages()["packages"]
    assert target == "${COGITOR_IMAGE:-bot}"


def test_the_image_with_the_sandbox_has_it_compiled_and_its_users_own() -> None:
    """The bot refuses compiled code that is not its user's own; who builds it is somebody else."""
    with_it = stages()["bot-with-sandbox"]

    assert with_it.startswith("base AS bot-with-sandbox")
    assert "--extra sandbox" in stages()["sandbox"]
    assert "python -m bot.sandbox" in stages()["sandbox"]
    assert "COPY --from=sandbox --chown=cogitor /cogitor/.sandbox .sandbox" in with_it
    assert COMPILED.relative_to(ROOT) == Path(".sandbox")


def test_the_sandbox_needs_no_privileges_in_the_container() -> None:
    bot = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["bot"]

    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert bot["read_only"]
    assert "privileged" not in bot


def test_everything_that_is_copied_exists_and_gets_past_the_ignore_file() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    let_through = [line.removeprefix("!") for line in ignored if line.startswith("!")]

    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in let_through), source


def test_nothing_secret_gets_into_the_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert not any(Path(source).name.startswith(".") or source == "." for source in copied())
    assert not re.search(r"(TOKEN|KEY|PASSWORD|SECRET)\s*=", dockerfile)
    assert instructions("ARG") == []


def test_it_runs_as_an_ordinary_user_who_owns_only_the_data() -> None:
    assert instructions("USER") == ["cogitor"]
    assert instructions("VOLUME") == ["/cogitor/data"]
    assert "chown cogitor /cogitor/data" in (ROOT / "Dockerfile").read_text()


def test_its_health_is_asked_where_the_endpoint_listens() -> None:
    environment = " ".join(instructions("ENV"))
    port = re.search(r"HEALTH_PORT=(\d+)", environment)
    (check,) = instructions("HEALTHCHECK")

    assert port is not None
    assert f"http://127.0.0.1:{port[1]}/health" in check
    command = re.search(r'CMD \["python", "-c", "(.*)"\]', check)
    assert command is not None
    compile(command[1], "HEALTHCHECK", "exec")


def test_the_python_and_the_packages_are_pinned() -> None:
    pinned = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())

    assert pinned is not None
    assert f"uv=={pinned[1]}" in (ROOT / "Dockerfile").read_text()
    images = [line.split()[0] for line in instructions("FROM")]
    assert all(image in stages() or re.match(r"python:3\.\d+", image) for image in images)
    assert images[:3:2] == ["python:3.13-slim"] * 2
    assert any("--locked" in step for step in instructions("RUN"))


def test_compose_keeps_the_data_and_lets_the_bot_end_in_order() -> None:
    bot = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["bot"]

    assert "data:/cogitor/data" in bot["volumes"]
    assert int(bot["stop_grace_period"].removesuffix("s")) >= 12  # answers are saved and shown within about ten seconds
    assert bot["env_file"] == ".env"


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), ([], 1)])
def test_what_the_image_carries_is_enough_to_start(tmp_path: Path, arguments: list[str], code: int) -> None:
    for folder in carried():
        (tmp_path / folder).symlink_to(ROOT / folder)

    ended = subprocess.run(
        [sys.executable, "-B", "-m", "bot", *arguments],
        cwd=tmp_path,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_what_the_code_reads_at_run_time_is_carried() -> None:
    """The migrations, the page and the stand-in's script lie inside the folders that are copied."""
    assert {"bot", "cogs", "migrations"} <= set(carried())
    for needed in ("migrations/env.py", "bot/playground/web/index.html", "bot/playground/model/script.yaml"):
        assert (ROOT / needed).exists(), needed
