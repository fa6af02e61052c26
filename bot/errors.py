"""The errors Cogitor raises itself; each class says who reads it.

Texts are full sentences: what happened, what to do. They never contain secrets
or what people wrote. This module knows nothing of where errors are shown.
"""

from __future__ import annotations

import traceback
from enum import StrEnum
from pathlib import Path


class ForUser(Exception):
    """Read by a member, privately: the text is shown as it is."""


class LimitExceeded(ForUser):
    """Read by a member: which limit is reached, how much of it is used, and when there is room again.

    Nothing was asked of a model, and nothing was paid.
    """


class ConfigError(Exception):
    """Read by the operator, as one line on standard error before the process ends.

    Names the variable (or file) at fault and the remedy.
    """


class ShowError(Exception):
    """Read by the code that shows an answer: Discord will not show it, and trying again is useless.

    The text is one sentence for people, such as which permission is missing.
    """


class MessageGone(ShowError):
    """The Discord message to edit was deleted."""


class MessageTooOld(ShowError):
    """Discord will not edit the message any more, or hardly ever, for it is older than an hour."""


class ChannelGone(ShowError):
    """The channel or thread was deleted, so that nobody waits for anything there."""


class ShutDown(ShowError):
    """The process ends before all is shown; the next one shows the rest."""


class FilesRefused(ShowError):
    """Discord will not take the files of a message; the message without them may pass."""


class RetryLater(Exception):
    """Read by the code that shows an answer: Discord will take the same request in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"try again in {seconds:.1f} s")
        self.seconds = seconds


class ModelFault(StrEnum):
    """What went wrong with a model request, as far as it decides what to do next."""

    UNREACHABLE = "unreachable"  # no connection, or a name that does not resolve
    TIMEOUT = "timeout"  # connected, then silence
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"  # the provider is at capacity or down
    CUT_OFF = "cut_off"  # the stream ended without a proper end, or with an error
    EMPTY = "empty"  # a proper end, and nothing in it
    GARBLED = "garbled"  # not the protocol we speak
    BAD_KEY = "bad_key"
    NO_CREDIT = "no_credit"
    FORBIDDEN = "forbidden"  # permission, guardrail, region
    MODERATED = "moderated"  # the content was refused
    NO_MODEL = "no_model"  # unknown, retired, or no endpoint serves it under the settings in force
    POLICY = "policy"  # somebody serves the model, but nobody who keeps to the data policy
    CONTEXT_FULL = "context_full"
    FILE_REFUSED = "file_refused"  # an image or a PDF of the conversation is not taken
    TOOLS_REFUSED = "tools_refused"  # the server takes no tools with this model
    REFUSED = "refused"  # any other 4xx: our request is at fault


_SENTENCES: dict[ModelFault, str] = {
    ModelFault.UNREACHABLE: "I could not reach the model's server. Please try again in a moment.",
    ModelFault.TIMEOUT: "The model did not answer in time. Please try again.",
    ModelFault.RATE_LIMITED: "The model is receiving too many requests right now. Please try again in a minute.",
    ModelFault.OVERLOADED: "The model's provider is overloaded or down. Please try again, or choose another model.",
    ModelFault.CUT_OFF: "The connection to the model broke off in the middle of the answer. Please try again.",
    ModelFault.EMPTY: "The model finished without saying anything. Please try again, or rephrase the question.",
    ModelFault.GARBLED: "The model's server sent something that is not an answer. Please try again.",
    ModelFault.BAD_KEY: "The key for the model's server is missing or invalid.",
    ModelFault.NO_CREDIT: "The account that pays for the model has no credit left.",
    ModelFault.FORBIDDEN: "The model's server does not allow this request.",
    ModelFault.MODERATED: "The model's provider declined this message because of its content. Please rephrase it.",
    ModelFault.NO_MODEL: "This model is gone, or nobody serves it right now. Please choose another model.",
    ModelFault.POLICY: "Nobody who keeps to the data policy in force serves this model. Please choose another model.",
    ModelFault.CONTEXT_FULL: "This conversation is too long for the model. Please start a new thread.",
    ModelFault.FILE_REFUSED: "The model's server does not take this image or PDF. Please send it in another form.",
    ModelFault.TOOLS_REFUSED: "The model's server takes no tools with this model. Please choose another model.",
    ModelFault.REFUSED: "The model's server refused the request. Please try again, or choose another model.",
}


class ModelError(Exception):
    """Read by the engine, which decides what to do; `sentence` is read by the member.

    `retryable` says whether the same request may succeed later; `retry_after` is
    the provider's own wish in seconds. `fallback_models` are the provider's
    suggestions. The text names status and type only, never what the provider
    quoted of the conversation, so it may be logged.
    """

    def __init__(
        self,
        fault: ModelFault,
        *,
        status: int | None = None,
        error_type: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        fallback_models: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{fault.value} (status {status}, type {error_type})")
        self.fault = fault
        self.status = status
        self.error_type = error_type
        self.retryable = retryable
        self.retry_after = retry_after
        self.fallback_models = fallback_models

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.fault]


def describe(error: BaseException) -> str:
    """An error's type and place for the log: never its text, which may quote what people wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
