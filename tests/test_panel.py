"""The panel of /settings as data: each setting has its place and controls, each screen fits into a message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit_words import entry
from bot.deciding import ROLES_OWN, Decision, Off, StaleError, decide, decide_for_role, fingerprint
from bot.errors import ForUser
from bot.guild import LIMITS, ROLE_LIMITS, GuildSettings
from bot.messages import JsonObject, JsonValue
from bot.model import ModelInfo, Standing
from bot.panel import GROUPS, Panel, detail, form, group_of, overview, role_detail, role_form
from bot.panel_items import Button, ChannelSelect, RoleSelect, Row, Screen, Select
from bot.pressing import added, chosen, taken_out, written
from bot.setting_values import in_brief, range_of
from bot.setting_words import Facts, Kind, choices_of, kind_of
from cogs.panel_view import modal_of, view_of

KIMI, CLAUDE, FREE = "moonshotai/kimi-k2-thinking", "anthropic/claude-haiku-4.5", "google/gemma-3:free"
GUILD = GuildSettings()


class Models:
    """A catalogue with three models, one of which reasons in two ways."""

    speaks_openrouter = True

    def __init__(self, *ids: str) -> None:
        self._models = tuple(
            ModelInfo(name, name, 200_000, 8_000, reasons=name == KIMI, efforts=("low", "high") if name == KIMI else ())
            for name in ids
        )

    def get(self, model: str) -> ModelInfo | None:
        return next((info for info in self._models if info.id == model), None)

    def all(self) -> tuple[ModelInfo, ...]:
        return self._models

    def nearest(self, model: str, n: int = 3, *, permitted: tuple[str, ...] = ()) -> tuple[str, ...]:
        return tuple(info.id for info in self._models if info.id[:4] == model[:4])[:n]

    def standing(self, model: str) -> Standing:
        return Standing.THERE if self.get(model) else Standing.MISSING

    def successors(self, model: str) -> tuple[str, ...]:
        return ()


FACTS = Facts(
    Models(KIMI, CLAUDE, FREE),
    KIMI,
    (),
    channel_name=lambda it: f"channel-{it}" if it % 2 else None,
    role_name=lambda it: f"role-{it}" if it % 2 else None,
    ceilings={"usd_per_user_day": 10**9},
    tools=("web_fetch", "read_attachment", "read_thread", "run_python"),
)


def panel(**stored: JsonValue) -> Panel:
    return Panel(stored, FACTS)


def after(stored: JsonObject, decision: Decision) -> JsonObject:
    """The settings once a decision is stored, as the store does it."""
    new: dict[str, Any] = {**stored, **decision(stored)}
    return {key: None if value is Off.OFF else value for key, value in new.items() if value is not None}


def items(screen: Screen) -> Iterator[Any]:
    for row in screen.rows:
        yield from row if isinstance(row, tuple) else (row,)


def select(screen: Screen, start: str) -> Any:
    return next(item for item in items(screen) if item.id.startswith(f"panel:{start}:"))


ids = st.integers(1, 2**63 - 1)
names = st.sampled_from((KIMI, "gone/model", "google/*")) | st.text(min_size=1, max_size=150)


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Anything that may be stored for a setting."""
    match kind_of(name):
        case Kind.SWITCH:
            return st.booleans()
        case Kind.CHOICE:
            return st.sampled_from(choices_of(name))
        case Kind.NUMBER:
            return st.integers(*range_of(name))
        case Kind.TEXT:
            return st.text(max_size=4_000)
        case Kind.MODEL:
            return names
        case Kind.MODELS:
            return st.lists(names, max_size=50)
        case Kind.EFFORT:
            return st.sampled_from(("low", "max", "unheard-of"))
        case Kind.CHANNEL:
            return ids
        case Kind.CHANNELS | Kind.FORUMS | Kind.ROLES:
            return st.lists(ids, max_size=60, unique=True)
        case Kind.TOOLS:
            return st.lists(st.text(min_size=1, max_size=40), max_size=60, unique=True)
        case Kind.ROLES_OWN:
            value = st.integers(0, 10**12) | st.none()
            own = st.dictionaries(st.sampled_from(ROLE_LIMITS), value, min_size=1)
            return st.dictionaries(ids.map(str), own, max_size=60)


stored_settings = st.fixed_dictionaries({}, optional={name: values_of(name) for name in GuildSettings.model_fields})


def test_every_setting_is_in_exactly_one_group_and_has_controls() -> None:
    listed = [name for group in GROUPS for name in group.names]
    assert sorted(listed) == sorted(GuildSettings.model_fields)
    for name in listed:
        screen = overview(panel(), group_of(name)) if name == ROLES_OWN else detail(panel(), name)
        acts = {item.id.split(":")[1] for item in items(screen)} - {"group", "pick"}
        assert "reset" in acts
        assert len(acts) > 1


@given(stored_settings, st.integers(0, 2**63))
def test_every_screen_and_form_is_one_that_discord_takes(stored: JsonObject, role_id: int) -> None:
    shown = Panel(stored, FACTS)
    screens = [overview(shown, group) for group in GROUPS]
    screens += [detail(shown, name, "note") for name in GuildSettings.model_fields]
    screens += [role_detail(shown, role) for role in (role_id, *shown.settings.role_limits)]
    for screen in screens:
        assert 0 < len(screen.text) <= 2_000
        assert len(screen.rows) <= 5
        for row in screen.rows:
            check_row(row)
        view_of(screen).to_components()
    for name in GuildSettings.model_fields:
        modal = modal_of(form(shown, name)).to_dict()
        assert len(modal["title"]) <= 45
        assert len(modal["custom_id"]) <= 100
    modal_of(role_form(shown, role_id, "requests_per_user_hour")).to_dict()


def check_row(row: Row) -> None:
    match row:
        case Select():
            assert 1 <= len(row.options) <= 25
            assert row.least <= row.most <= len(row.options)
            assert len({option.value for option in row.options}) == len(row.options)
            assert all(1 <= len(text) <= 100 for option in row.options for text in (option.label, option.value))
            assert all(len(option.description) <= 100 for option in row.options)
            assert sum(option.chosen for option in row.options) <= row.most
        case ChannelSelect() | RoleSelect():
            assert len(row.chosen) <= row.most
        case buttons:
            assert 1 <= len(buttons) <= 5
            assert all(len(button.id) <= 100 for button in buttons)


@given(stored_settings, stored_settings, ids)
def test_every_audit_page_fits_into_a_message(before: JsonObject, now: JsonObject, user: int) -> None:
    everything = GuildSettings.model_fields
    lines = [entry(user, name, before.get(name), now.get(name), 1.7e9, FACTS) for name in everything]
    assert max(map(len, lines)) <= 320
    assert all(line.count("\n") == 1 for line in lines)


def test_what_a_number_may_be_stands_whole_above_its_field() -> None:
    for name in (name for name in GuildSettings.model_fields if kind_of(name) is Kind.NUMBER):
        assert len(in_brief(name, {})) <= 45
    assert in_brief("usd_per_server_day", {}) == "$0.00 to $1,000,000.00, or off"


def test_a_group_shows_the_state_of_each_of_its_settings() -> None:
    text = overview(panel(requests_per_user_hour=None, usd_per_user_day=5 * 10**9), group_of(LIMITS[0])).text
    assert text.startswith("### Settings · Limits\n**Questions a member and hour** · off\n")
    assert "**Dollars a member and day** · $5.00; the operator's ceiling of $1.00 holds" in text
    assert "**Answers at once** · 10 running answers" in text


def test_a_setting_is_shown_with_what_it_takes_and_whether_it_is_the_default() -> None:
    text = detail(panel(), "retention_days").text
    assert "**Retention** · off (default)" in text
    assert "After how many days without a message" in text
    assert "-# It takes a whole number of days from 1 to 3,650, or `off`." in text
    assert "(default)" not in detail(panel(retention_days=3), "retention_days").text


def test_what_was_deleted_is_named_and_can_be_taken_out() -> None:
    shown = panel(allowed_channels=[1, 2, 3])
    screen = detail(shown, "allowed_channels")
    assert "<#1>, deleted channel `2`, <#3>" in screen.text
    assert select(screen, "set").chosen == (1, 3)
    drop = select(screen, "drop")
    assert [option.label for option in drop.options] == ["deleted channel 2"]
    assert taken_out(shown, "allowed_channels", [drop.options[0].value], seen=shown.seen("allowed_channels")) == [1, 3]
    assert chosen(shown, "allowed_channels", ["1"]) == [1, 2]


def test_deleted_roles_with_limits_of_their_own_can_be_chosen_and_reset() -> None:
    shown = panel(role_limits={"2": {"max_tool_calls": 5}, "3": {"max_tool_calls": None}})
    screen = overview(shown, GROUPS[-1])
    gone = next(item for item in items(screen) if item.id == "panel:gonerole")
    assert [option.value for option in gone.options] == ["2"]
    assert "**deleted role `2`**" in role_detail(shown, 2).text


def test_a_model_that_vanished_is_said_to_be_gone() -> None:
    shown = panel(model="gone/model", allowed_models=["google/*", "gone/*"])
    text = detail(shown, "model").text
    assert "`gone/model` (not listed any more)" in text
    assert "not listed any more, so another one may answer" in text
    assert "not among the allowed models" not in text
    drop = select(detail(shown, "allowed_models"), "drop")
    assert [(option.label, option.description) for option in drop.options] == [
        ("gone/*", "not there any more"),
        ("google/*", ""),
    ]


def test_a_model_outside_of_the_allowed_ones_is_not_offered_and_told_of() -> None:
    screen = detail(panel(allowed_models=["google/*"]), "model")
    assert [option.value for option in select(screen, "set").options] == [FREE]
    assert "not among the allowed models" in screen.text


def test_efforts_are_those_that_the_model_offers_within_the_highest() -> None:
    assert [option.value for option in select(detail(panel(), "effort"), "set").options] == ["low", "high"]
    bounded = detail(panel(max_effort="medium", effort="high"), "effort")
    assert [option.value for option in select(bounded, "set").options] == ["low"]
    assert "does not offer this within **medium**" in bounded.text
    plain = detail(panel(model=CLAUDE), "effort")
    assert not any(isinstance(row, Select) and ":set:" in row.id for row in plain.rows)


def test_a_long_list_is_added_to_by_one_select_and_taken_out_of_by_another() -> None:
    roles = [2 * n + 1 for n in range(30)]
    shown = panel(allowed_roles=[*roles])
    screen, seen = detail(shown, "allowed_roles"), shown.seen("allowed_roles")
    assert select(screen, "add").chosen == ()
    assert len(select(screen, "drop").options) == 25
    assert added(shown, "allowed_roles", ["99", "1"], seen=seen) == [*roles, 99]
    with pytest.raises(StaleError):
        added(shown, "allowed_roles", ["99"], seen="other")
    with pytest.raises(StaleError):
        taken_out(shown, "allowed_roles", ["0"], seen="other")


def test_allowed_models_are_checked_line_by_line_and_those_that_vanished_may_stay() -> None:
    shown = panel(allowed_models=["gone/model"])
    assert written(shown, "allowed_models", f"gone/model\n google/* , {KIMI}\n{KIMI}\n\n") == [
        "gone/model",
        "google/*",
        KIMI,
    ]
    assert written(shown, "allowed_models", " \n ") is None
    with pytest.raises(ForUser, match=r"`moonshot/kimi`: I do not know this model\. Did you mean `moonshotai/kimi"):
        written(shown, "allowed_models", "moonshot/kimi")
    with pytest.raises(ForUser, match=r"No model that I know fits `nobody/\*`"):
        written(shown, "allowed_models", "nobody/*")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("data_policy", ["everything"]),
        ("effort", []),
        ("tools", ["rm -rf"]),
        ("notice_channel", ["-1"]),
        ("allowed_roles", ["1; drop"]),
        ("footer", ["on"]),
    ],
)
def test_values_that_the_panel_never_offered_are_refused(name: str, values: list[str]) -> None:
    with pytest.raises(ForUser, match="another version"):
        chosen(panel(), name, values)


def test_tools_that_are_off_can_be_turned_on_and_those_that_are_gone_can_be_turned_off() -> None:
    shown = panel(tools=["web_fetch", "mcp_gone"])
    offered = {option.value: option.chosen for option in select(detail(shown, "tools"), "set:tools").options}
    assert offered == {
        "web_fetch": True,
        "read_attachment": False,
        "read_thread": False,
        "run_python": False,
        "mcp_gone": True,
    }
    assert chosen(shown, "tools", ["run_python"]) == ["run_python"]


def test_tools_beyond_what_one_select_shows_stay_as_they_are() -> None:
    tools = [f"mcp_{n}" for n in range(40)]
    shown = panel(tools=[*tools])
    assert chosen(shown, "tools", ["web_fetch"]) == ["web_fetch", *tools[21:]]


def test_two_who_decide_on_what_they_saw_lose_nothing_of_each_other() -> None:
    seen = fingerprint({}, "allowed_channels")
    stored = after({}, decide("allowed_channels", [1], seen=seen))
    with pytest.raises(StaleError):
        decide("allowed_channels", [3], seen=seen)(stored)
    assert after(stored, decide("allowed_channels", [1], seen=seen)) == stored
    other = after(stored, decide("footer", False, seen=fingerprint({}, "footer")))
    assert other == {"allowed_channels": [1], "footer": False}


def test_roles_own_limits_are_decided_role_by_role() -> None:
    seen = [fingerprint({}, ROLES_OWN, role) for role in (1, 2)]
    stored = after({}, decide_for_role(1, "max_tool_calls", 5, seen=seen[0]))
    stored = after(stored, decide_for_role(2, "max_tool_calls", Off.OFF, seen=seen[1]))
    assert stored == {ROLES_OWN: {"1": {"max_tool_calls": 5}, "2": {"max_tool_calls": None}}}
    with pytest.raises(StaleError):
        decide_for_role(1, "max_tool_calls", 6, seen=seen[0])(stored)
    stored = after(stored, decide_for_role(1, None, None))
    assert after(stored, decide_for_role(2, "max_tool_calls", None)) == {}


def test_off_is_not_the_default_and_the_default_is_not_stored() -> None:
    off = after({}, decide("requests_per_user_hour", Off.OFF))
    assert off == {"requests_per_user_hour": None}
    assert GuildSettings.model_validate(off).requests_per_user_hour is None
    assert after(off, decide("requests_per_user_hour", None)) == {}
    assert decide("usd_per_user_day", Off.OFF)({}) == {}


def test_what_the_settings_do_not_take_is_not_stored() -> None:
    with pytest.raises(ForUser, match=r"\*\*Allowed models\*\* does not take this\. It takes at most 50\."):
        decide("allowed_models", [f"a/{n}" for n in range(51)])({})
    full: JsonObject = {ROLES_OWN: {str(n): {"max_tool_calls": 1} for n in range(100)}}
    with pytest.raises(ForUser, match="at most 100"):
        decide_for_role(1_000, "max_tool_calls", 1)(full)


@pytest.mark.parametrize(
    ("what", "before", "now", "told"),
    [
        ("requests_per_user_hour", 60, "off", "60 questions → off"),
        ("requests_per_user_hour", "off", None, "off → default"),
        ("usd_per_server_day", None, 2_500_000_000, "default → $2.50"),
        ("footer", None, False, "default → off"),
        ("data_policy", None, "zero_retention", "default → zero retention"),
        ("notice_channel", 1, 2, "<#1> → deleted channel `2`"),
        ("allowed_channels", [1, 3], [3, 5], "+ <#5>, − <#1>"),
        ("allowed_roles", None, [1], "+ <@&1>"),
        ("allowed_models", ["a/*"], None, "− `a/*`"),
        ("tools", None, ["web_fetch"], "− `read_attachment`, − `read_thread`"),
        ("tools", ["b", "a"], ["a", "b"], "another order"),
        ("persona", None, "Be `kind`.\n" * 9, "default → `Be 'kind'. Be 'kind'. Be 'kind'. Be 'ki…`"),
        ("role_limits", None, {"1": {"max_tool_calls": 5}}, "<@&1> Tool calls: the server's → 5 tool calls"),
        (
            "role_limits",
            {"1": {"requests_per_user_hour": 5}},
            {"1": {"requests_per_user_hour": None}},
            "<@&1> Questions a member and hour: 5 questions → off",
        ),
        ("key", None, "…1234", "nothing → `…1234`"),
        ("mcp_server", {"url": "x"}, None, '`{"url": "x"}` → nothing'),
    ],
)
def test_an_audit_entry_says_what_changed_in_words(what: str, before: JsonValue, now: JsonValue, told: str) -> None:
    first, second = entry(7, what, before, now, 1_700_000_000.9, FACTS).split("\n")
    assert first.startswith("<t:1700000000:R> <@7> **")
    assert second == f"> {told}"


def test_buttons_say_what_can_be_done_now() -> None:
    buttons: list[Button] = [item for item in items(detail(panel(footer=True), "footer")) if isinstance(item, Button)]
    assert [(button.label, button.disabled) for button in buttons] == [
        ("Turn on", True),
        ("Turn off", False),
        ("Reset", False),
    ]


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    own: JsonObject = {"1": {"max_tool_calls": 5, "max_attachments": 2}}
    turned = json.loads(json.dumps({"1": {"max_attachments": 2, "max_tool_calls": 5}}))
    assert fingerprint({ROLES_OWN: own}, ROLES_OWN) == fingerprint({ROLES_OWN: turned}, ROLES_OWN)
    assert fingerprint({"model": None}, "model") != fingerprint({}, "model")


def test_names_of_channels_and_roles_stand_in_options_where_mentions_are_not_drawn() -> None:
    pick = next(item for item in items(overview(panel(allowed_roles=[1, 2]), GROUPS[2])) if ":pick:" in item.id)
    assert [option.description for option in pick.options if option.value == "allowed_roles"] == [
        "@role-1, deleted role 2"
    ]
    unknown = replace(FACTS, role_name=str)
    assert "deleted" not in detail(Panel({"allowed_roles": [2]}, unknown), "allowed_roles").text
