"""Who is told what when a model cannot be asked for a reason that only a server's admins or the operator can mend.

Pure. The member reads one plain sentence and is sent to nobody who cannot help;
those who can read what happened and what to do. No text here quotes anybody's
messages or keys. This module knows nothing of how people are reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto

from bot.errors import ForUser, ModelError, ModelFault
from bot.model import ModelInfo, Standing

DAY = 86_400.0
ANNOUNCED_DAYS = 30
"""How long before its end a model's retirement is announced."""

TOLD_ADMINS = " I have told the server's admins."
TOLD_OPERATORS = " I have told my operator."
NO_OPERATORS = " Only my operator can mend that."


class KeyUnusable(ForUser):
    """Read by the member: the server's own key is there, but cannot be read any more. The operator's must not pay.

    `has_secret`: there is a secret to decrypt keys with, though not the one that this key needs.
    """

    def __init__(self, guild_id: int, key_id: str, *, has_secret: bool) -> None:
        super().__init__("This server's key cannot be used right now." + TOLD_ADMINS)
        self.guild_id = guild_id
        self.key_id = key_id
        self.has_secret = has_secret


class Chooser(Enum):
    """Who has chosen the model that is wanted."""

    PERSON = auto()  # for a thread, or for one answer
    SERVER = auto()
    OPERATOR = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as far as admins or the operator can mend it. `key_id` is that of the server's own key."""

    guild_id: int | None
    model: str
    chooser: Chooser
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell, not more often than `every` so many seconds; None is only once."""

    kind: str
    """Tells notices apart; safe to store."""
    text: str
    every: float | None = DAY


@dataclass(frozen=True, slots=True)
class Tidings:
    """What is told to whom."""

    sentence: str = ""
    """For the member."""
    for_admins: Notice | None = None
    for_operators: Notice | None = None


_SERVERS_KEY = {
    ModelFault.BAD_KEY: (
        "This server's key does not work right now.",
        "The model's server does not accept this server's own key any more: it was revoked or disabled, or has "
        "expired. Until that is mended nobody here gets an answer. Please set a new key with `/key set`, or take it "
        "back with `/key remove`, so that my operator pays again.",
    ),
    ModelFault.NO_CREDIT: (
        "This server's key has no credit left.",
        "This server's own key has nothing left to spend, so nobody here gets an answer. Please add credit or raise "
        "the key's limit where you got it (at OpenRouter: Settings → Credits, or Keys), set another key with "
        "`/key set`, or take it back with `/key remove`. `/key status` shows what is left.",
    ),
    ModelFault.FORBIDDEN: (
        "This server's key may not be used for this request.",
        "The model's server does not allow a request that this server's own key was to pay for. Please look at the "
        "key's permissions and guardrails where you got it (at OpenRouter: Settings → Keys, and Privacy), or choose "
        "another model in `/settings`.",
    ),
}
"""By fault: what the member reads, and what the admins read."""

_OPERATORS_KEY = {
    ModelFault.BAD_KEY: "The model's server does not accept OPENROUTER_API_KEY any more: it was revoked or disabled, "
    "or has expired. Please set a new key and start me again; `python -m bot doctor` checks it.",
    ModelFault.NO_CREDIT: "The account behind OPENROUTER_API_KEY has no credit left, or the key has reached its limit. "
    "Please add credit or raise the limit; I need no restart for that.",
    ModelFault.FORBIDDEN: "The model's server does not allow a request that OPENROUTER_API_KEY was to pay for. "
    "Please look at the account's privacy settings, guardrails and region.",
}
"""By fault: what the operator reads."""


def after_failure(asked: Asked, error: ModelError, *, has_operators: bool) -> Tidings:
    """What is told when a model request has failed for good."""
    told_operators = TOLD_OPERATORS if has_operators else NO_OPERATORS
    fault = error.fault
    if fault is ModelFault.NO_MODEL:
        return _without_model(asked, error.sentence, told_operators)
    if asked.key_id is not None and fault in _SERVERS_KEY:
        sentence, text = _SERVERS_KEY[fault]
        return Tidings(sentence + TOLD_ADMINS, for_admins=Notice(f"key {asked.key_id} {fault}", text))
    if asked.key_id is None and fault in _OPERATORS_KEY:
        return Tidings(error.sentence + told_operators, for_operators=Notice(f"key {fault}", _OPERATORS_KEY[fault]))
    return Tidings(error.sentence)


def after_answer(asked: Asked, standing: Standing, info: ModelInfo | None, today: date) -> Tidings:
    """What is told of the wanted model, however the answer went: that it is gone, or soon will be."""
    if standing is Standing.GONE:
        return _gone(asked)
    if info is None or info.retires_on is None:
        return Tidings()
    if info.retires_on > (today + timedelta(days=ANNOUNCED_DAYS)).isoformat():
        return Tidings()
    return _retiring(asked, info.retires_on)


def after_unusable(error: KeyUnusable) -> Tidings:
    """What is told of a server's own key that cannot be decrypted."""
    text = (
        "This server's own key cannot be read any more, because my operator has changed or removed the secret that "
        "it is kept with. Nobody here gets an answer until you set it again with `/key set`, or take it back with "
        "`/key remove`, so that my operator pays."
    )
    remedy = (
        "SECRET_KEY does not decrypt the keys of some servers. If you have changed it, put the old one behind the "
        "new one, with a comma between them, and start me again; otherwise their admins have to set them anew."
        if error.has_secret
        else "SECRET_KEY is not set any more, but servers have stored keys that need it. Please set it again and start "
        "me again; otherwise those servers get no answers."
    )
    return Tidings(
        for_admins=Notice(f"key {error.key_id} unreadable", text), for_operators=Notice("unreadable keys", remedy)
    )


def _without_model(asked: Asked, sentence: str, told_operators: str) -> Tidings:
    kind = f"no answer from {asked.model}"
    match asked.chooser:
        case Chooser.PERSON:
            return Tidings(sentence)
        case Chooser.SERVER:
            text = (
                f"I could not answer with {_named(asked.model)}, the model that is set for this server: it, or every "
                "model that could stand in for it, is gone, or nobody serves it under this server's settings. Please "
                "choose another one in `/settings`."
            )
            return Tidings(sentence + TOLD_ADMINS, for_admins=Notice(kind, text))
        case Chooser.OPERATOR:
            text = (
                f"I could not answer with {_named(asked.model)}: it, or every model that could stand in for it, is "
                "gone, or nobody serves it. Please choose another MODEL or more FALLBACK_MODELS; "
                "`python -m bot doctor` shows what there is."
            )
            return Tidings(sentence + told_operators, for_operators=Notice(kind, text))


def _gone(asked: Asked) -> Tidings:
    kind = f"{asked.model} is gone"
    match asked.chooser:
        case Chooser.PERSON:
            return Tidings()
        case Chooser.SERVER:
            text = (
                f"The model that is set for this server, {_named(asked.model)}, is not offered any more. I answer with "
                "another one where I can. Please choose a new one in `/settings`."
            )
            return Tidings(for_admins=Notice(kind, text))
        case Chooser.OPERATOR:
            text = (
                f"The model {_named(asked.model)} is not offered any more. I answer with another one where I can. "
                "Please choose its successor as MODEL."
            )
            return Tidings(for_operators=Notice(kind, text))


def _retiring(asked: Asked, day: str) -> Tidings:
    kind, named = f"{asked.model} retires on {day}", _named(asked.model)
    match asked.chooser:
        case Chooser.PERSON:
            return Tidings()
        case Chooser.SERVER:
            text = (
                f"The model that is set for this server, {named}, retires on {day}. Please choose its successor in "
                "`/settings` by then."
            )
            return Tidings(for_admins=Notice(kind, text, every=None))
        case Chooser.OPERATOR:
            text = (
                f"The model that I usually answer with, {named}, retires on {day}. You need do nothing: my operator "
                "chooses its successor. If you would rather choose yourselves, set this server's model in `/settings`."
            )
            remedy = f"The model {named} retires on {day}. Please choose its successor as MODEL by then."
            return Tidings(for_admins=Notice(kind, text, every=None), for_operators=Notice(kind, remedy, every=None))


def _named(model: str) -> str:
    return f"`{model.replace('`', '')[:100]}`"
