"""Which model answers: the one that was chosen, or, where that is gone or not allowed, the one in its place.

Pure. What is chosen holds for one answer; nothing is changed by it, so that a
model comes back when it is served or allowed again. This module knows nothing of
who chose, nor of how models are asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.errors import ForUser
from bot.model import Catalogue, ModelInfo, Standing, short_name

_NONE_ALLOWED = (
    "This server does not allow {model}, nor any other model that I would take by myself. "
    "Please choose one with `/model`, or ask an admin to set the server's model in `/settings`."
)

UNCHECKED = "I could not check this name, because the list of models is not to be had at the moment."
_ALLOWED = "It allows {}."
_MOST_LISTED = 10
_NAME = re.compile(r"[~@]?[\w.+-]+(/[\w.+-]+)*(:[\w.+-]+)?", re.ASCII)
_VARIANTS = frozenset({"nitro", "floor", "exacto", "extended", "thinking"})
"""Suffixes that choose among a model's providers (OpenRouter, "Model variants"). `:free` is a model of its own,
and `:online` would search the web, which is for admins to allow."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be asked for one answer."""

    model: str
    fallbacks: tuple[str, ...] = ()
    """Asked when the model fails."""
    replacements: tuple[str, ...] = ()
    """Asked after those when the model turns out to be gone."""
    notice: str | None = None
    """Why this is not the model that was chosen."""
    refusal: str | None = None
    """Why nothing may be asked at all."""


def is_permitted(model: str, patterns: Sequence[str]) -> bool:
    """Whether a server allows a model: it fits a pattern, in which `*` stands for anything, or there is none.

    >>> is_permitted("moonshotai/kimi-k2:free", ("moonshotai/*",))
    True
    """
    name = model.casefold().removeprefix("~")
    return not patterns or any(fnmatchcase(name, pattern.strip().casefold()) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Picked:
    """A model that somebody picked by name."""

    model: str
    """Its id, with the variant that was asked for, if any."""
    info: ModelInfo | None
    """None where there is no list to find it on."""

    @property
    def remark(self) -> str | None:
        """What its picker should know."""
        return None if self.info else UNCHECKED


def pick(name: str, *, permitted: tuple[str, ...], catalogue: Catalogue) -> Picked:
    """The model that a person means by what they typed.

    Raises ForUser, with the nearest names, for one that is not known, not allowed or
    gone. While there is no list at all, any name that looks like one is taken.
    """
    name = name.strip()
    found = next(filter(None, map(catalogue.get, (name, name.casefold()))), None)
    model = _spelt(name, found)
    if model is None or (found is None and catalogue.all()):
        raise ForUser(f"I do not know this model. {_did_you_mean(name, permitted, catalogue)}".strip())
    if not is_permitted(model, permitted):
        others = _did_you_mean(name, permitted, catalogue)
        raise ForUser(f"This server does not allow this model. {others or _ALLOWED.format(_listed(permitted))}".strip())
    if catalogue.standing(model) is Standing.GONE:
        others = _did_you_mean(name, permitted, catalogue)
        raise ForUser(f"{short_name(model)} is not offered any more. {others or 'Please choose another model.'}")
    return Picked(model, found)


def _spelt(name: str, info: ModelInfo | None) -> str | None:
    """A model's id in the spelling of the list; None for what cannot be one."""
    if info is None:
        return name if _NAME.fullmatch(name) else None
    variant = name.casefold().partition(":")[2]
    if not variant or info.id.casefold().endswith(f":{variant}"):
        return info.id
    return f"{info.id}:{variant}" if variant in _VARIANTS else None


def _did_you_mean(name: str, permitted: tuple[str, ...], catalogue: Catalogue) -> str:
    names = catalogue.nearest(name, permitted=permitted)
    return f"Did you mean {_listed(names)}?" if names else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name.replace('`', '')}`" for name in names[:_MOST_LISTED])


def choose(
    chosen: str | None,
    *,
    defaults: Sequence[str],
    fallbacks: Sequence[str],
    permitted: Sequence[str],
    catalogue: Catalogue,
) -> Choice:
    """Decide what to ask. `chosen` is what people chose, if anything; of `defaults` the first holds where they did not.

    A model that is gone is replaced by the first that is there of those its
    server named for it, the fallbacks and the defaults. A model that is merely
    missing from the list is asked all the same, and alone: its server's refusal
    may name its successors, whereas with fallbacks beside it a server would just
    take one of those.
    """
    wanted = chosen or defaults[0]

    def usable(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            name
            for name in dict.fromkeys(names)
            if name != wanted and is_permitted(name, permitted) and catalogue.standing(name) is not Standing.GONE
        )

    if not is_permitted(wanted, permitted):
        literal = (pattern.strip() for pattern in permitted if not set(pattern) & set("*?["))
        return _in_place_of(wanted, usable((*defaults, *fallbacks, *literal)), usable(fallbacks), is_gone=False)
    match catalogue.standing(wanted):
        case Standing.THERE:
            return Choice(wanted, usable(fallbacks), usable(defaults))
        case Standing.MISSING:
            return Choice(wanted, (), usable((*fallbacks, *defaults)))
        case Standing.GONE:
            names = usable((*catalogue.successors(wanted), *fallbacks, *defaults))
            return _in_place_of(wanted, names, usable(fallbacks), is_gone=True)


def answers_for(asked: str, others: Iterable[str], answered: str, catalogue: Catalogue) -> bool:
    """Whether it was one of `others` that answered instead of the model that was asked."""
    names = _names(answered, catalogue)
    return not names & _names(asked, catalogue) and any(names & _names(other, catalogue) for other in others)


def _in_place_of(wanted: str, names: Sequence[str], fallbacks: Sequence[str], *, is_gone: bool) -> Choice:
    if not names:
        # Its server knows best whether it is really gone; what is not allowed is not asked.
        return Choice(wanted) if is_gone else Choice(wanted, refusal=_NONE_ALLOWED.format(model=short_name(wanted)))
    first, *others = names
    why = (
        f"{short_name(wanted)} is not offered any more"
        if is_gone
        else f"This server does not allow {short_name(wanted)}"
    )
    notice = f"{why}, so {short_name(first)} answers. `/model` sets another one."
    return Choice(first, tuple(name for name in fallbacks if name != first), tuple(others), notice)


def _names(model: str, catalogue: Catalogue) -> set[str]:
    """What a model may be called: endpoints name it by a dated id that can differ from the one it was asked by."""
    info = catalogue.get(model)
    return {short_name(model), short_name(info.id)} if info else {short_name(model)}
