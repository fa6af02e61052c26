# Everything a person types. Needs Python 3.11+ and make only; the rest is installed into .venv from uv.lock.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
SYNC := $(BIN)/uv sync --locked --inexact --no-python-downloads --quiet

.PHONY: help install play run doctor sandbox test lint types bench
help:           ## show this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/.runtime  ## set up .venv from the lock file

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Cogitor needs Python 3.11 or newer; run: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (first time only) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.runtime: uv.lock pyproject.toml | $(BIN)/uv
	@$(SYNC) --no-dev --extra postgres
	@touch $@

.venv/.dev: uv.lock pyproject.toml | $(BIN)/uv
	@$(SYNC) --extra postgres
	@touch $@ .venv/.runtime

play: install   ## the playground: the real bot on an embedded Discord and model, no account needed
	@$(BIN)/python -m bot playground

run: install    ## the bot on Discord (needs DISCORD_TOKEN and OPENROUTER_API_KEY, see .env.example)
	@$(BIN)/python -m bot

doctor: install ## check token, intents, permissions, key, model and database
	@$(BIN)/python -m bot doctor

sandbox: install ## set up the sandbox of run_python: 280 MB of packages, compiled once to 290 MB in a minute
	@$(SYNC) --no-dev --extra postgres --extra sandbox
	@$(BIN)/python -m bot.sandbox

lint: .venv/.dev ## ruff: lint and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/.dev ## pyright, strict on bot/
	@$(BIN)/basedpyright

test: .venv/.dev lint types ## lint, types and all tests
	@$(BIN)/python -m pytest -n auto --dist worksteal

bench: .venv/.dev ## the benchmarks, each printing a ratio
	@$(BIN)/python -m benchmarks
