"""When the schedule looks at which answer: as planned last, and never for a plan that holds no more."""

from __future__ import annotations

from bot.render.agenda import NEVER, Agenda
from bot.render.reply import Reply
from bot.render.showing import LiveReply
from bot.render.slots import Slots


async def _told(_ids: tuple[int, ...]) -> None:
    pass


def planned_in(agenda: Agenda) -> LiveReply:
    reply = Reply(started_at=0.0, model="author/model")
    slots = Slots(1, 1, None, ())
    return LiveReply(reply, slots, _told, lambda: None, lambda _error: None, agenda.plan, now=0.0, typing_at=NEVER)


async def test_a_plan_that_was_overtaken_wakes_nobody() -> None:
    agenda = Agenda()
    overtaken, other = planned_in(agenda), planned_in(agenda)
    overtaken.hold(5.0)
    agenda.plan(overtaken)
    other.hold(9.0)
    agenda.plan(other)
    overtaken.hold(2.0)
    agenda.plan(overtaken)
    assert agenda.next_at == 2.0
    assert list(agenda.take_planned(2.0)) == [overtaken]
    assert agenda.next_at == 9.0
    assert list(agenda.take_planned(9.0)) == [other]
    assert agenda.next_at == NEVER
