"""The panel of `/settings`: which screen is shown for which group and setting, made from the settings' definitions.

Pure: stored settings in, a screen out. Each control carries in its id what it
does and the fingerprint of the state that was shown, so that it works in another
process and changes nothing that its presser has not seen. This module knows
nothing of Discord's library, nor of how changes are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.choosing import is_permitted
from bot.deciding import ROLES_OWN, fingerprint
from bot.effort import EFFORTS, offered
from bot.finding import described
from bot.guild import LIMITS, ROLE_LIMITS, GuildSettings
from bot.messages import JsonObject
from bot.model import Standing
from bot.panel_items import (
    LONGEST_OPTION,
    LONGEST_TYPED,
    MOST_OPTIONS,
    Button,
    ChannelSelect,
    Form,
    Option,
    Places,
    RoleSelect,
    Row,
    Screen,
    Select,
    Style,
    clipped,
    fitted,
)
from bot.setting_values import amount, in_brief, title_of, typed, what_it_takes
from bot.setting_words import (
    Facts,
    Kind,
    channel,
    choices_of,
    concerns,
    humanised,
    kind_of,
    known_tools,
    role,
    value_words,
    vanished,
)

PANEL = "panel"
"""How the ids of all the panel's controls begin."""


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    title: str
    names: tuple[str, ...]


GROUPS = (
    Group("models", "Models and thinking", ("model", "allowed_models", "effort", "max_effort", "show_reasoning")),
    Group("answers", "Answers", ("persona", "persona_extends", "footer", "titles", "tools")),
    Group(
        "places",
        "Where and who",
        ("forum_channels", "allowed_channels", "allowed_roles", "notice_channel", "dms_count"),
    ),
    Group("limits", "Limits", LIMITS),
    Group("privacy", "Privacy", ("data_policy", "retention_days")),
    Group("roles", "Roles' own limits", (ROLES_OWN,)),
)
ROLES_GROUP = GROUPS[-1]

PERSONA_PROMPT = "You are a patient tutor for people who are new to Rust. Leave this empty for the usual."
_PERSONA_SHOWN = 700
_ROLES_SHOWN = 12
_DETAILED = 20
"""How many of a list are named where it alone is shown."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What the screens are made from: the settings as they are stored now, and what they are held against."""

    stored: JsonObject
    facts: Facts

    @property
    def settings(self) -> GuildSettings:
        return GuildSettings.model_validate(self.stored)

    def seen(self, name: str) -> str:
        return fingerprint(self.stored, name)

    def words(self, name: str) -> str:
        return value_words(name, self.settings, self.facts)


def ident(act: str, *parts: str) -> str:
    """A control's id."""
    return ":".join((PANEL, act, *parts))


def group_of(name: str) -> Group:
    return next(group for group in GROUPS if name in group.names)


def overview(panel: Panel, group: Group, note: str = "") -> Screen:
    """All settings of a group, and the choice of one."""
    if group is ROLES_GROUP:
        return _roles(panel, note)
    lines = [f"**{title_of(name)}** · {panel.words(name)}" for name in group.names]
    return Screen(_text(group, note, lines), (_groups(group), _settings(panel, group, None)))


def detail(panel: Panel, name: str, note: str = "") -> Screen:
    """One setting, with the controls that change it."""
    group = group_of(name)
    settings, facts, field = panel.settings, panel.facts, GuildSettings.model_fields[name]
    default = "" if name in panel.stored or kind_of(name) is Kind.MODEL else " (default)"
    lines = [
        f"**{title_of(name)}** · {value_words(name, settings, facts, _DETAILED)}{default}",
        (field.description or "").replace("*", r"\*"),
        *(f"⚠️ {concern}" for concern in concerns(name, settings, facts)),
    ]
    if kind_of(name) is Kind.NUMBER:
        lines.append(f"-# It takes {what_it_takes(name, facts.ceilings)}.")
    if kind_of(name) is Kind.TEXT and settings.persona:
        lines.append(f"```\n{clipped(settings.persona, _PERSONA_SHOWN).replace('```', chr(39) * 3)}\n```")
    rows = (_groups(group), _settings(panel, group, name), *_controls(panel, name), _buttons(panel, name))
    return Screen(_text(group, note, lines), rows)


def role_detail(panel: Panel, role_id: int, note: str = "") -> Screen:
    """One role's own limits, and the choice of one to change."""
    own, settings = panel.settings.role_limits.get(role_id, {}), panel.settings
    lines = [f"**{role(role_id, panel.facts)}**"]
    lines += [
        f"{title_of(name)} · **{amount(name, own[name])}** (others: {amount(name, getattr(settings, name))})"
        for name in ROLE_LIMITS
        if name in own
    ]
    if not own:
        lines.append("It has no limits of its own; its members have the server's.")
    limits = Select(
        ident("own", str(role_id)),
        "Change one of this role's limits",
        tuple(
            Option(title_of(name), name, amount(name, own[name]) if name in own else "as the server's")
            for name in ROLE_LIMITS
        ),
    )
    seen = fingerprint(panel.stored, ROLES_OWN, role_id)
    reset = Button(ident("ownreset", str(role_id), seen), "Remove its limits", Style.DANGER, disabled=not own)
    rows = (_groups(ROLES_GROUP), *_role_choices(panel, role_id), limits, (reset,))
    return Screen(_text(ROLES_GROUP, note, lines), rows)


def form(panel: Panel, name: str) -> Form:
    """The form in which a setting is typed."""
    settings = panel.settings
    id_, title = ident("form", name, panel.seen(name)), title_of(name)
    match kind_of(name):
        case Kind.NUMBER:
            label = in_brief(name, panel.facts.ceilings)
            return Form(id_, title, label, typed(name, getattr(settings, name)), longest=LONGEST_OPTION)
        case Kind.MODELS:
            text = "\n".join(settings.allowed_models)
            return Form(id_, title, "One a line, such as moonshotai/*", text, "Empty means all.", is_long=True)
        case Kind.MODEL:
            prompt = f"Such as {panel.facts.default_model}"
            return Form(id_, title, "Its id or name", settings.model or "", prompt, longest=LONGEST_OPTION)
        case _:
            label = f"Instructions (up to {LONGEST_TYPED:,} characters)"
            return Form(id_, title, label, settings.persona or "", PERSONA_PROMPT, is_long=True)


def role_form(panel: Panel, role_id: int, name: str) -> Form:
    """The form in which a role's own value is typed."""
    own = panel.settings.role_limits.get(role_id, {})
    value = own[name] if name in own else getattr(panel.settings, name)
    label = in_brief(name, panel.facts.ceilings)
    id_ = ident("ownform", str(role_id), name, fingerprint(panel.stored, ROLES_OWN, role_id))
    return Form(id_, title_of(name), label, typed(name, value), longest=LONGEST_OPTION)


def _text(group: Group, note: str, lines: list[str]) -> str:
    return fitted([f"### Settings · {group.title}", *([note] if note else []), *filter(None, lines)])


def _groups(chosen: Group) -> Row:
    options = tuple(Option(group.title, group.key, chosen=group is chosen) for group in GROUPS)
    return Select(ident("group"), "Which settings?", options)


def _settings(panel: Panel, group: Group, chosen: str | None) -> Row:
    plain = replace(panel, facts=replace(panel.facts, mentions=False))
    options = tuple(
        Option(title_of(name), name, clipped(plain.words(name).replace("`", ""), LONGEST_OPTION), name == chosen)
        for name in group.names
    )
    return Select(ident("pick", group.key), "Which one do you want to change?", options)


def _controls(panel: Panel, name: str) -> tuple[Row, ...]:
    """The selects by which one setting is changed."""
    settings = panel.settings
    id_ = ident("set", name, panel.seen(name))
    match kind_of(name):
        case Kind.CHOICE:
            options = _options(choices_of(name), getattr(settings, name))
            return (Select(id_, "Choose one", options),)
        case Kind.EFFORT:
            options = _options(_efforts(panel, name), getattr(settings, name))
            return (Select(id_, "Choose one", options),) if options else ()
        case Kind.MODEL:
            options = _models(panel)
            return (Select(id_, "Choose a model", options),) if options else ()
        case Kind.TOOLS:
            names = known_tools(settings, panel.facts)[:MOST_OPTIONS]
            options = tuple(Option(item, item, chosen=item in settings.tools) for item in names)
            return (Select(id_, "Choose tools", options, least=0, most=len(options)),)
        case Kind.CHANNEL:
            chosen = (settings.notice_channel,) if settings.notice_channel else ()
            there = tuple(filter(panel.facts.has_channel, chosen))
            return (ChannelSelect(id_, "Choose a channel", Places.TEXT, there, most=1),)
        case Kind.CHANNELS:
            return _listing(panel, name, panel.facts.has_channel, _channels(Places.ALL))
        case Kind.FORUMS:
            return _listing(panel, name, panel.facts.has_channel, _channels(Places.FORUMS))
        case Kind.ROLES:
            return _listing(panel, name, panel.facts.has_role, _some_roles)
        case Kind.MODELS:
            return _taking_out(panel, name, tuple(range(len(settings.allowed_models))))
        case _:
            return ()


def _channels(places: Places) -> Callable[[str, str, tuple[int, ...]], Row]:
    return lambda id_, prompt, chosen: ChannelSelect(id_, prompt, places, chosen)


def _some_roles(id_: str, prompt: str, chosen: tuple[int, ...]) -> Row:
    return RoleSelect(id_, prompt, chosen)


def _listing(
    panel: Panel, name: str, is_there: Callable[[int], bool], select: Callable[[str, str, tuple[int, ...]], Row]
) -> tuple[Row, ...]:
    """A list as Discord's own select, while it fits; beyond that, one select to add and another to take out.

    What was deleted cannot be shown in Discord's select, so it is taken out by one of our own.
    """
    items: tuple[int, ...] = getattr(panel.settings, name)
    there = tuple(item for item in items if is_there(item))
    what = "roles" if kind_of(name) is Kind.ROLES else "channels"
    if len(there) >= MOST_OPTIONS:
        add = select(ident("add", name, panel.seen(name)), f"Add {what}", ())
        return add, *_taking_out(panel, name, tuple(range(len(items))))
    gone = tuple(index for index, item in enumerate(items) if not is_there(item))
    return select(ident("set", name, panel.seen(name)), f"Choose {what}", there), *_taking_out(panel, name, gone)


def _taking_out(panel: Panel, name: str, places: tuple[int, ...]) -> tuple[Row, ...]:
    """A select to take items out of a list, by their places in it; those that are not there any more come first."""
    items, gone = getattr(panel.settings, name), vanished(name, panel.settings, panel.facts)
    first = sorted(places, key=lambda place: items[place] not in gone)[:MOST_OPTIONS]
    options = tuple(
        Option(_item(panel, name, items[place]), str(place), "not there any more" if items[place] in gone else "")
        for place in first
    )
    return (Select(ident("drop", name, panel.seen(name)), "Take out", options, most=len(options)),) if options else ()


def _item(panel: Panel, name: str, item: str | int) -> str:
    """One item of a list, as the label of an option."""
    facts = replace(panel.facts, mentions=False)
    if isinstance(item, str):
        return clipped(item, LONGEST_OPTION)
    words = role(item, facts) if kind_of(name) is Kind.ROLES else channel(item, facts)
    return clipped(words.replace("`", ""), LONGEST_OPTION)


def _options(values: tuple[str, ...], current: str | None) -> tuple[Option, ...]:
    return tuple(Option(humanised(value), value, chosen=value == current) for value in values)


def _efforts(panel: Panel, name: str) -> tuple[str, ...]:
    """The efforts that can be chosen: for the highest one all, else those that the server's model offers."""
    if name == "max_effort":
        return EFFORTS
    settings = panel.settings
    info = panel.facts.catalogue.get(settings.model or panel.facts.default_model)
    return EFFORTS if info is None else offered(info, settings.max_effort)


def _models(panel: Panel) -> tuple[Option, ...]:
    """Models to choose from, the usual ones first; any other can be typed."""
    settings, facts = panel.settings, panel.facts
    usual = (settings.model, facts.default_model, *facts.fallbacks, *settings.allowed_models)
    infos = (facts.catalogue.get(model) for model in filter(None, usual))
    may_be = (
        info
        for info in dict.fromkeys((*filter(None, infos), *facts.catalogue.all()))
        if len(info.id) <= LONGEST_OPTION
        and is_permitted(info.id, settings.allowed_models)
        and facts.catalogue.standing(info.id) is not Standing.GONE
    )
    first = [info for info, _ in zip(may_be, range(MOST_OPTIONS), strict=False)]
    return tuple(Option(info.id, info.id, described(info), chosen=info.id == settings.model) for info in first)


def _buttons(panel: Panel, name: str) -> Row:
    """The buttons of one setting, the last of which takes the stored value out."""
    seen, kind = panel.seen(name), kind_of(name)
    reset = Button(ident("reset", name, seen), "Reset", disabled=name not in panel.stored)
    if kind is Kind.SWITCH:
        is_on: bool = getattr(panel.settings, name)
        return (
            Button(ident("put", name, seen, "on"), "Turn on", Style.MAIN, disabled=is_on),
            Button(ident("put", name, seen, "off"), "Turn off", Style.DANGER, disabled=not is_on),
            reset,
        )
    if kind in (Kind.NUMBER, Kind.TEXT, Kind.MODEL, Kind.MODELS):
        label = "Another model…" if kind is Kind.MODEL else "Change…"
        return Button(ident("open", name), label, Style.MAIN), reset
    return (reset,)


def _roles(panel: Panel, note: str) -> Screen:
    """The roles that have limits of their own, and the choice of one."""
    field, owning = GuildSettings.model_fields[ROLES_OWN], panel.settings.role_limits
    lines = [field.description or ""]
    lines += [
        f"{role(role_id, panel.facts)} · {len(own)} {'limit' if len(own) == 1 else 'limits'}"
        for role_id, own in list(owning.items())[:_ROLES_SHOWN]
    ]
    if len(owning) > _ROLES_SHOWN:
        lines.append(f"and {len(owning) - _ROLES_SHOWN:,} more")
    reset = Button(ident("reset", ROLES_OWN, panel.seen(ROLES_OWN)), "Remove all", Style.DANGER, disabled=not owning)
    return Screen(_text(ROLES_GROUP, note, lines), (_groups(ROLES_GROUP), *_role_choices(panel, None), (reset,)))


def _role_choices(panel: Panel, chosen: int | None) -> tuple[Row, ...]:
    """The choice of a role: any, by Discord's own select, and of deleted ones by ours."""
    gone = vanished(ROLES_OWN, panel.settings, panel.facts)[:MOST_OPTIONS]
    there = (chosen,) if chosen is not None and panel.facts.has_role(chosen) else ()
    choice: Row = RoleSelect(ident("role"), "Which role?", there, least=1, most=1)
    options = tuple(Option(f"deleted role {role_id}", str(role_id), chosen=role_id == chosen) for role_id in gone)
    return (choice, Select(ident("gonerole"), "Deleted roles", options)) if options else (choice,)
