"""What the embedded Discord answers when it refuses, with Discord's own codes and texts.

Codes and texts follow Discord, "Opcodes and Status Codes". This module knows
nothing of HTTP servers; `ApiError.body` is what goes on the wire.
"""

from __future__ import annotations

from typing import NamedTuple

from bot.messages import JsonObject


class Refusal(NamedTuple):
    """One line of Discord's table of errors; raise it as `ApiError(*UNKNOWN_CHANNEL)`."""

    status: int
    code: int
    message: str


class ApiError(Exception):
    """Read by whoever called the API.

    `errors` is Discord's nested tree of faults in a form; `retry_after` gives
    seconds, for the refusals that are a matter of time.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        errors: JsonObject | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} (error code: {code}): {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.retry_after = retry_after

    def body(self) -> JsonObject:
        body: JsonObject = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        if self.retry_after is not None:
            body |= {"retry_after": self.retry_after, "global": False}
        return body


UNAUTHORIZED = Refusal(401, 0, "401: Unauthorized")
NOT_FOUND = Refusal(404, 0, "404: Not Found")
METHOD_NOT_ALLOWED = Refusal(405, 0, "405: Method Not Allowed")
UNKNOWN_APPLICATION = Refusal(404, 10002, "Unknown Application")
UNKNOWN_CHANNEL = Refusal(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = Refusal(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = Refusal(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = Refusal(404, 10008, "Unknown Message")
UNKNOWN_ROLE = Refusal(404, 10011, "Unknown Role")
UNKNOWN_USER = Refusal(404, 10013, "Unknown User")
UNKNOWN_EMOJI = Refusal(400, 10014, "Unknown Emoji")
UNKNOWN_COMMAND = Refusal(404, 10063, "Unknown application command")
TOO_MANY_REACTIONS = Refusal(400, 30010, "Maximum number of reactions reached (20)")
TOO_MANY_COMMANDS = Refusal(400, 30032, "Maximum number of application commands reached (100)")
TOO_MANY_COMMAND_CREATES = Refusal(400, 30034, "Max number of daily application command creates has been reached (200)")
TOO_MANY_OLD_EDITS = Refusal(
    429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later."
)
ENTITY_TOO_LARGE = Refusal(413, 40005, "Request entity too large")
MISSING_ACCESS = Refusal(403, 50001, "Missing Access")
NOT_IN_A_DM = Refusal(403, 50003, "Cannot execute action on a DM channel")
NOT_YOUR_MESSAGE = Refusal(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = Refusal(400, 50006, "Cannot send an empty message")
CANNOT_DM = Refusal(403, 50007, "Cannot send messages to this user")
NOT_A_TEXT_CHANNEL = Refusal(400, 50008, "Cannot send messages in a non-text channel")
MISSING_PERMISSIONS = Refusal(403, 50013, "Missing Permissions")
BULK_DELETE_COUNT = Refusal(
    400,
    50016,
    "Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages to delete",
)
SYSTEM_MESSAGE = Refusal(403, 50021, "Cannot execute action on a system message")
WRONG_CHANNEL_TYPE = Refusal(400, 50024, "Cannot execute action on this channel type")
INVALID_RECIPIENTS = Refusal(400, 50033, "Invalid Recipient(s)")
BULK_DELETE_TOO_OLD = Refusal(400, 50034, "You can only bulk delete messages that are under 14 days old.")
INVALID_FORM = Refusal(400, 50035, "Invalid Form Body")
THREAD_ARCHIVED = Refusal(400, 50083, "Thread is archived")
INVALID_JSON = Refusal(400, 50109, "The request body contains invalid JSON.")
REPLY_NEEDS_HISTORY = Refusal(403, 160002, "You cannot reply without permission to read message history")
THREAD_EXISTS = Refusal(400, 160004, "A thread has already been created for this message")
THREAD_LOCKED = Refusal(400, 160005, "This thread is locked")
TOO_MANY_THREADS = Refusal(400, 160006, "Maximum number of active threads reached")


def invalid_form(path: tuple[str | int, ...], code: str, message: str) -> ApiError:
    """A form with one fault at `path`, such as ("embeds", 0, "title")."""
    return ApiError(*INVALID_FORM, errors=fault_at(path, code, message))


def fault_at(path: tuple[str | int, ...], code: str, message: str) -> JsonObject:
    """One fault as Discord nests it: keys and list indices down to `_errors`."""
    tree: JsonObject = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(path):
        tree = {str(key): tree}
    return tree
