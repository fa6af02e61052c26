"""What is left of a message for a bot without the message-content intent, over the gateway and over HTTP.

Pure: payloads in, payloads out. It knows nothing of who asks for them.
Source: Discord's documentation, "Message Content Intent".
"""

from __future__ import annotations

from bot.messages import JsonObject, JsonValue

_CONTENT_FIELDS: JsonObject = {"content": "", "embeds": [], "attachments": [], "components": []}


def without_content(message: JsonObject, bot_id: int, *, in_guild: bool) -> JsonObject:
    """A message with the words of others taken out; the given one is not changed.

    Left whole: the bot's own messages, direct messages, messages that mention the
    bot, and replies that ping it, unless they answer an interaction's response.
    What a message replies to is judged by itself.
    """
    if not in_guild:
        return message
    shown = dict(message)
    if isinstance(original := message.get("referenced_message"), dict):
        shown["referenced_message"] = without_content(original, bot_id, in_guild=True)
    if _is_for(message, str(bot_id)):
        return shown
    shown.pop("poll", None)
    return shown | {field: blank for field, blank in _CONTENT_FIELDS.items() if field in shown}


def _is_for(message: JsonObject, bot_id: str) -> bool:
    if _is_user(message.get("author"), bot_id):
        return True
    mentions, content, original = (message.get(key) for key in ("mentions", "content", "referenced_message"))
    if not isinstance(mentions, list) or not any(_is_user(user, bot_id) for user in mentions):
        return False
    if isinstance(content, str) and (f"<@{bot_id}>" in content or f"<@!{bot_id}>" in content):
        return True
    return not (isinstance(original, dict) and "interaction_metadata" in original)


def _is_user(user: JsonValue, user_id: str) -> bool:
    return isinstance(user, dict) and user.get("id") == user_id
