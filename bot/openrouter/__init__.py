"""The model client for OpenRouter and for every server that speaks like it or like OpenAI."""

from bot.openrouter.account import Account, key_status
from bot.openrouter.catalogue import Catalogue
from bot.openrouter.client import OpenRouter
from bot.openrouter.http import open_http
from bot.openrouter.sse import Timeouts

__all__ = ["Account", "Catalogue", "OpenRouter", "Timeouts", "key_status", "open_http"]
