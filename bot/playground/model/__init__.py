"""The playground's model: a scripted stand-in that speaks OpenRouter's protocol on a local socket."""

from bot.playground.model.record import RecordedRequest
from bot.playground.model.script import Script, ScriptError, load_script
from bot.playground.model.server import ModelServer

__all__ = ["ModelServer", "RecordedRequest", "Script", "ScriptError", "load_script"]
