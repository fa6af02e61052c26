"""What was consumed, in words: for those who read, and for those to whom a picture is read out.

Pure text; the same figures as in the picture (`bot/render/usage_chart.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.footer import dollars, one_line
from bot.render.window_facts import percent, short_number
from bot.spending import NOBODY, Period, Report, Scope, Spent

LONGEST = 2_000
"""Characters of one message (Discord, "Create Message")."""
UNKNOWN = "not reported by the model's server"
_ROOMS = ((7, 6), (5, 4), (3, 3), (2, 2), (1, 1))
"""How many days and models are named: the most that one message has room for, beside the members."""


def requests(count: int) -> str:
    return f"{count:,} {'request' if count == 1 else 'requests'}"


def cost(spent: Spent) -> str:
    """What a sum of requests cost, as far as that is known."""
    if spent.usage.cost is None:
        return UNKNOWN
    known = dollars(spent.usage.cost)
    return f"{known}, without {requests(spent.unpriced)} whose cost was not reported" if spent.unpriced else known


def short_cost(spent: Spent) -> str:
    """The same in few words."""
    if spent.usage.cost is None:
        return "cost not reported"
    return f"{'at least ' if spent.unpriced else ''}{dollars(spent.usage.cost)}"


def brief(spent: Spent) -> str:
    """A sum of requests on less than a line."""
    return f"{requests(spent.requests)}, {short_number(spent.tokens)} tokens, {short_cost(spent)}"


def facts(report: Report) -> list[tuple[str, str]]:
    """The figures of the whole period with their names, in order."""
    total, usage = report.total, report.total.usage
    return [
        ("Requests to models", f"{total.requests:,}"),
        ("Prompt", f"{usage.prompt_tokens:,} tokens, {_part(usage.cached_tokens, usage.prompt_tokens)} from the cache"),
        (
            "Completion",
            f"{usage.completion_tokens:,} tokens, "
            f"{_part(usage.reasoning_tokens, usage.completion_tokens)} for reasoning",
        ),
        ("Cost", cost(total)),
    ]


def headline(period: Period, scope: Scope, *, in_server: bool) -> str:
    """Whose consumption it is, where and when."""
    if scope is Scope.SERVER:
        return f"What this server used in {period.words}"
    return f"What you used {'in this server' if in_server else 'everywhere'} in {period.words}"


def everywhere(total: Spent) -> str:
    """The line for what somebody used in all servers and in DMs."""
    return f"Everywhere, DMs and other servers included: {brief(total)}."


def table(report: Report, title: str, *, total: Spent | None) -> str:
    """The message: all figures in words. `total` is what somebody used everywhere, if that is more than this place."""
    text = ""
    for days, models in _ROOMS:
        text = "\n".join(_lines(report, title, total, days, models))
        if len(text) <= LONGEST:
            return text
    return f"{text[: LONGEST - 1]}…"


def nothing(period: Period, scope: Scope, *, total: Spent | None) -> str:
    """What is said where there is nothing to draw."""
    if scope is Scope.SERVER:
        return f"Nobody has used me in this server in {period.words}. Mention me in a channel, and I will answer."
    if total is None:
        return f"You have not used me in {period.words}. Write to me here, or mention me in a server."
    nowhere = f"You have not used me in this server in {period.words}."
    if not total.requests:
        return f"{nowhere} Mention me in a channel, and I will answer."
    return f"{nowhere}\n{everywhere(total)}"


def alt_text(report: Report, title: str) -> str:
    """The picture for those who cannot see it."""
    what = "hour" if report.period is Period.DAY else "day"
    said = "; ".join(f"{name}: {fact}" for name, fact in facts(report))
    slot, highest = max(report.by_slot, key=lambda found: (found[1].usage.cost or 0, found[1].tokens))
    return (
        f"{title}, with a column for each {what} and a bar of the tokens. {said}. "
        f"The {what} with the most: {when(report, slot)}, {brief(highest)}."
    )


def when(report: Report, slot: int) -> str:
    """A part of the period, in UTC."""
    begins = report.begins(slot)
    return f"{begins:%H:%M}" if report.period is Period.DAY else f"{begins:%b} {begins.day}"


def _lines(report: Report, title: str, total: Spent | None, days: int, models: int) -> list[str]:
    lines = [f"**{title}**"]
    lines += [f"- {name}: {fact}" for name, fact in facts(report)]
    if total is not None:
        lines.append(f"- {everywhere(total)}")
    lines += _by_time(report, days)
    lines += _by_model(report, models)
    if report.members:
        lines.append("**By member**")
        lines += [f"- {_member(user)}: {brief(spent)}" for user, spent in report.members]
        lines += _others([spent for _, spent in report.members], report.member_count, report.total, "member")
    return lines


def _by_time(report: Report, most: int) -> list[str]:
    what = "hour" if report.period is Period.DAY else "day"
    shown = report.by_slot[-most:]
    lines = [f"- {when(report, slot)}: {brief(spent)}" for slot, spent in reversed(shown)]
    earlier = sum((spent for _, spent in report.by_slot[:-most]), Spent())
    if earlier.requests:
        lines.append(f"- before: {brief(earlier)}")
    return [f"**By {what}** (UTC)", *lines]


def _by_model(report: Report, most: int) -> list[str]:
    shown = report.models[:most]
    lines = [f"- {_model(model)}: {brief(spent)}" for model, spent in shown]
    return ["**By model**", *lines, *_others([spent for _, spent in shown], report.model_count, report.total, "model")]


def _others(named: Sequence[Spent], count: int, total: Spent, what: str) -> list[str]:
    """The line for those that are not named."""
    left = total - sum(named, Spent())
    others = count - len(named)
    if others <= 0 or left.requests <= 0:
        return []
    return [f"- {others:,} other {what}{'' if others == 1 else 's'}: {brief(left)}"]


def _member(user_id: int) -> str:
    return f"<@{user_id}>" if user_id != NOBODY else "people who asked to be forgotten"


def _model(model: str) -> str:
    """A model's whole id, for two of the same short name are two models; whatever its server sent, it is only text."""
    return f"`{one_line(model.replace('`', ''), 40)}`" if model.strip(" `") else "a model without a name"


def _part(part: int, whole: int) -> str:
    return f"{part:,} of them ({percent(part / whole)})" if whole else "none"
