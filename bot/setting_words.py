"""What a server's settings are, in words for people: their kinds, their values, and what is wrong with them.

Pure. Whether channels, roles and models are still there is asked of `Facts`.
This module knows nothing of where settings are shown or how they are changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from bot.choosing import is_permitted
from bot.effort import offered
from bot.guild import GuildSettings, Lists, lists_of, unit_of
from bot.messages import JsonValue
from bot.model import Catalogue, Standing, short_name
from bot.setting_values import amount, effective

_MOST_NAMED = 5
_LONGEST_NAME = 60


class Kind(Enum):
    """How a setting is decided."""

    SWITCH = auto()
    CHOICE = auto()
    NUMBER = auto()
    TEXT = auto()
    MODEL = auto()
    MODELS = auto()
    EFFORT = auto()
    CHANNEL = auto()
    CHANNELS = auto()
    FORUMS = auto()
    ROLES = auto()
    TOOLS = auto()
    ROLES_OWN = auto()


_LISTS = {
    Lists.MODELS: Kind.MODELS,
    Lists.CHANNELS: Kind.CHANNELS,
    Lists.FORUMS: Kind.FORUMS,
    Lists.ROLES: Kind.ROLES,
    Lists.TOOLS: Kind.TOOLS,
}
_BY_NAME = {
    "model": Kind.MODEL,
    "effort": Kind.EFFORT,
    "max_effort": Kind.EFFORT,
    "persona": Kind.TEXT,
    "notice_channel": Kind.CHANNEL,
    "role_limits": Kind.ROLES_OWN,
}
"""Those whose type does not tell."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server's settings are held against."""

    catalogue: Catalogue
    default_model: str
    """The operator's."""
    fallbacks: tuple[str, ...]
    channel_name: Callable[[int], str | None]
    role_name: Callable[[int], str | None]
    """None for those that were deleted."""
    ceilings: Mapping[str, int]
    """The operator's, by limit."""
    tools: tuple[str, ...]
    """The names of all tools that there are or could be, built-in ones first."""
    mentions: bool = True
    """Whether channels and roles are written so that Discord draws them, which it does in messages only."""

    def has_channel(self, channel_id: int) -> bool:
        return self.channel_name(channel_id) is not None

    def has_role(self, role_id: int) -> bool:
        return self.role_name(role_id) is not None

    def is_listed(self, model: str) -> bool:
        """Whether a model, or any that a pattern stands for, can be had, as far as is known."""
        known = self.catalogue.all()
        if not known:
            return True
        if set(model) & set("*?"):
            return any(is_permitted(info.id, (model,)) for info in known)
        return self.catalogue.standing(model) is Standing.THERE


def kind_of(name: str) -> Kind:
    """How a setting is decided, read from its definition."""
    annotation = GuildSettings.model_fields[name].annotation
    lists = lists_of(name)
    if unit_of(name) is not None:
        return Kind.NUMBER
    if lists is not None:
        return _LISTS[lists]
    if annotation is bool:
        return Kind.SWITCH
    return Kind.CHOICE if choices_of(name) else _BY_NAME[name]


def choices_of(name: str) -> tuple[str, ...]:
    """The values of a setting that has one of a few."""
    default = GuildSettings.model_fields[name].default
    return tuple(member.value for member in type(default)) if isinstance(default, StrEnum) else ()


def humanised(value: str) -> str:
    """A name from the code, as people write it."""
    return value.replace("_", " ")


def code(text: str, longest: int = _LONGEST_NAME) -> str:
    """A name that is shown as it is, whatever is in it."""
    text = " ".join(text.replace("`", "'").split())
    return f"`{text if len(text) <= longest else text[: longest - 1] + '…'}`" if text else "nothing"


def channel(channel_id: int, facts: Facts) -> str:
    name = facts.channel_name(channel_id)
    if name is None:
        return f"deleted channel `{channel_id}`"
    return f"<#{channel_id}>" if facts.mentions else f"#{name}"


def role(role_id: int, facts: Facts) -> str:
    name = facts.role_name(role_id)
    if name is None:
        return f"deleted role `{role_id}`"
    return f"<@&{role_id}>" if facts.mentions else f"@{name.removeprefix('@')}"


def named(names: Iterable[str], most: int = _MOST_NAMED) -> str:
    """A list of names, of which some may only be counted."""
    every = list(names)
    more = [f"{len(every) - most:,} more"] if len(every) > most else []
    return ", ".join(every[:most] + more)


def value_words(name: str, settings: GuildSettings, facts: Facts, most: int = _MOST_NAMED) -> str:
    """What a setting is now, in a few words; of a list, at most `most` are named."""
    value = getattr(settings, name)
    match kind_of(name):
        case Kind.SWITCH:
            return "on" if value else "off"
        case Kind.CHOICE:
            return humanised(value)
        case Kind.NUMBER:
            return _number(name, value, facts)
        case Kind.TEXT:
            return f"{len(value):,} characters" if value else "the built-in one"
        case Kind.MODEL:
            return _model(settings, facts)
        case Kind.MODELS:
            return named((_listed(model, facts) for model in value), most) or "all"
        case Kind.EFFORT:
            unset = "the model's own" if name == "effort" else "no limit"
            return humanised(value) if value else unset
        case Kind.CHANNEL:
            return channel(value, facts) if value else "the owner, by DM"
        case Kind.CHANNELS:
            return named((channel(item, facts) for item in value), most) or "all that I can see"
        case Kind.FORUMS:
            return named((channel(item, facts) for item in value), most) or "none"
        case Kind.ROLES:
            return named((role(item, facts) for item in value), most) or "everybody"
        case Kind.TOOLS:
            return named(map(code, value), most) or "none"
        case Kind.ROLES_OWN:
            return named((role(item, facts) for item in value), most) or "none"


def concerns(name: str, settings: GuildSettings, facts: Facts) -> tuple[str, ...]:
    """What an admin should know of a setting, as sentences."""
    match kind_of(name):
        case Kind.MODEL:
            return _model_concerns(settings, facts)
        case Kind.EFFORT if name == "effort" and settings.effort:
            return _effort_concerns(settings, facts)
        case _:
            return ()


def vanished(name: str, settings: GuildSettings, facts: Facts) -> tuple[JsonValue, ...]:
    """Those in a list that are not there any more."""
    value = getattr(settings, name)
    match kind_of(name):
        case Kind.MODELS:
            return tuple(item for item in value if not facts.is_listed(item))
        case Kind.CHANNELS | Kind.FORUMS:
            return tuple(item for item in value if not facts.has_channel(item))
        case Kind.ROLES | Kind.ROLES_OWN:
            return tuple(item for item in value if not facts.has_role(item))
        case _:
            return ()


def known_tools(settings: GuildSettings, facts: Facts) -> tuple[str, ...]:
    """The tools that may be chosen: those that there are, and those that are on although they are not there now."""
    return tuple(dict.fromkeys((*facts.tools, *settings.tools)))


def _number(name: str, value: int | None, facts: Facts) -> str:
    shown, holds = amount(name, value), effective(name, value, facts.ceilings)
    return shown if holds == value else f"{shown}; the operator's ceiling of {amount(name, holds)} holds"


def _listed(model: str, facts: Facts) -> str:
    return code(model) + ("" if facts.is_listed(model) else " (not listed any more)")


def _model(settings: GuildSettings, facts: Facts) -> str:
    return _listed(settings.model, facts) if settings.model else f"{code(facts.default_model)}, the operator's default"


def _model_concerns(settings: GuildSettings, facts: Facts) -> tuple[str, ...]:
    model = settings.model or facts.default_model
    found: list[str] = []
    if not facts.is_listed(model):
        found.append("This model is not listed any more, so another one may answer. Please choose another one.")
    if not is_permitted(model, settings.allowed_models):
        found.append("It is not among the allowed models, so another one answers.")
    return tuple(found)


def _effort_concerns(settings: GuildSettings, facts: Facts) -> tuple[str, ...]:
    model = settings.model or facts.default_model
    info = facts.catalogue.get(model)
    if info is None or settings.effort in offered(info, settings.max_effort):
        return ()
    within = f" within **{humanised(settings.max_effort)}**" if settings.max_effort else ""
    return (f"{short_name(model)} does not offer this{within}, so it thinks as hard as it does by itself.",)
