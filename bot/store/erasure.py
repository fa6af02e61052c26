"""The part of the store that forgets a member: what they said, what was answered to it, and that it was they.

Deleting goes by small transactions, so that nobody waits for a long history; who
is being forgotten is noted before the first of them. What they spent stays in the
ledger, in the end without their name. Knows nothing of Discord or of models.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, case, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Part, Said, Text, Turn, TurnStatus
from bot.store import tables as t
from bot.store.codec import encode_part
from bot.store.history import Leftover, forget_turns, hold_turns
from bot.store.reading import read_said, read_turn, read_turns
from bot.store.transactions import Transactions, unbroken
from bot.store.writing import add_quoted, drop_files, hold_turn, put

NOBODY = 0
"""Stands in place of a member who was forgotten."""

NO_WORDS = "(What was quoted here is deleted.)"

_TURNS_AT_ONCE = 20
_MESSAGES_AT_ONCE = 200
_ROWS_AT_ONCE = 500

_UNFINISHED = [status for status in TurnStatus if status.unfinished]


@dataclass(frozen=True, slots=True)
class Job:
    """A member who is being forgotten: all that they said up to `asked_at` (Unix seconds)."""

    user_id: int
    asked_at: float


@dataclass(frozen=True, slots=True)
class Erased:
    """What one transaction has taken out of a conversation."""

    messages: int
    gone: tuple[Leftover, ...] = ()
    """Turns of which nothing is left."""
    answers: tuple[Leftover, ...] = ()
    """Answers, and quotes of what was said, that are still on Discord although no turn knows of them."""
    grown: tuple[Turn, ...] = ()
    """Unfinished turns that still ask something, as they are now."""
    void: tuple[Turn, ...] = ()
    """Finished turns that lost their answers, so that what only went on with these is void as well."""


class Erasure(Transactions):
    """The methods of `Store` that forget a member."""

    @unbroken
    async def note_quote(self, said_id: int, channel_id: int, message_id: int) -> None:
        """Note that a message of ours shows what a member said; nothing happens when what they said is gone."""
        row = {"id": message_id, "channel_id": channel_id, "said_id": said_id}
        async with self._write() as db:
            if await db.scalar(select(t.said.c.id).where(t.said.c.id == said_id).with_for_update(read=True)):
                await put(db, t.quotes, [row], keys=("id",))

    @unbroken
    async def note_quoted(self, turn_id: int, user_ids: Collection[int]) -> bool:
        """Note whose messages stand in what a turn's tools gave, before it is shown to a model or kept.

        False where one of them has asked to be forgotten after the turn was asked: it must not be kept. A turn that is
        gone keeps nothing.
        """
        asked = select(t.said.c.id, t.said.c.author_id, t.said.c.at).where(t.said.c.turn_id == turn_id)
        async with self._write() as db:
            if not await hold_turn(db, turn_id):
                return True
            question = (await db.execute(asked)).all()
            began = min((said.at for said in question), default=0.0)
            gone = (t.forgetting.c.user_id.in_(user_ids)) & (t.forgetting.c.asked_at >= began)
            if await db.scalar(select(t.forgetting.c.user_id).where(gone).limit(1)) is not None:
                return False
            for said in question:  # each of them, for any but the last may be deleted and leave the answer
                await add_quoted(db, said.id, {*user_ids} - {said.author_id})
            return True

    @unbroken
    async def begin_forgetting(self, user_id: int, asked_at: float) -> None:
        """Note that a member shall be forgotten, before anything is deleted."""
        async with self._write() as db:
            await put(db, t.forgetting, [{"user_id": user_id, "asked_at": asked_at}], keys=("user_id",))

    @unbroken
    async def being_forgotten(self) -> list[Job]:
        """The members of whom something may be left."""
        async with self._read() as db:
            rows = await db.execute(select(t.forgetting).order_by(t.forgetting.c.asked_at))
            return [Job(row.user_id, row.asked_at) for row in rows]

    @unbroken
    async def end_forgetting(self, job: Job) -> None:
        """Note that nothing is left of a member, unless they have asked again meanwhile."""
        this = (t.forgetting.c.user_id == job.user_id) & (t.forgetting.c.asked_at <= job.asked_at)
        async with self._write() as db:
            await db.execute(delete(t.forgetting).where(this))

    @unbroken
    async def conversations_with(self, job: Job) -> list[int]:
        """Where the member has said something, first where they still wait for an answer."""
        waits = func.max(case((t.turns.c.status.in_(_UNFINISHED), 1), else_=0))
        where = (
            select(t.turns.c.conversation_id)
            .join(t.said, t.said.c.turn_id == t.turns.c.id)
            .where(*_theirs(job))
            .group_by(t.turns.c.conversation_id)
            .order_by(waits.desc(), t.turns.c.conversation_id)
        )
        async with self._read() as db:
            return list(await db.scalars(where))

    @unbroken
    async def said_by(self, job: Job, conversation_id: int, *, skip: int = 0) -> list[tuple[int, Said]]:
        """What the member has said in a conversation, with its turn, oldest first; some of it at a time."""
        wanted = (
            select(t.said)
            .join(t.turns, t.turns.c.id == t.said.c.turn_id)
            .where(t.turns.c.conversation_id == conversation_id, *_theirs(job))
            .order_by(t.said.c.turn_id, t.said.c.at, t.said.c.id)
        )
        async with self._read() as db:
            rows = await db.execute(wanted.offset(skip).limit(_MESSAGES_AT_ONCE))
            return [(row.turn_id, read_said(row)) for row in rows]

    @unbroken
    async def answers_to_others(self, job: Job, conversation_id: int, *, after: int) -> list[Turn]:
        """A conversation's finished turns with ids above `after` in which the member has no part; some at a time."""
        theirs = exists().where(t.said.c.turn_id == t.turns.c.id, t.said.c.author_id == job.user_id)
        answered = exists().where(t.steps.c.turn_id == t.turns.c.id)
        wanted = (
            select(t.turns.c.id)
            .where(t.turns.c.conversation_id == conversation_id, t.turns.c.id > after)
            .where(t.turns.c.status.not_in(_UNFINISHED), ~theirs, answered)
            .order_by(t.turns.c.id)
            .limit(_TURNS_AT_ONCE)
        )
        async with self._read() as db:
            return await read_turns(db, t.turns.c.id.in_(list(await db.scalars(wanted))))

    @unbroken
    async def withdraw_answers(self, turn_ids: Sequence[int]) -> tuple[Leftover, ...]:
        """Take finished turns' answers away and leave their questions; returns what still shows them."""
        async with self._write() as db:
            await hold_turns(db, turn_ids)
            finished = t.turns.c.id.in_(turn_ids) & t.turns.c.status.not_in(_UNFINISHED)
            return await _withdraw(db, list(await db.scalars(select(t.turns.c.id).where(finished))))

    @unbroken
    async def erase_said(self, job: Job, conversation_id: int) -> Erased:
        """Delete some of what the member has said in a conversation, with its answers; no messages means: all is gone.

        A turn that others take part in stays with their words, and without its answer.
        """
        said = t.said.c
        ours = (t.turns.c.conversation_id == conversation_id, *_theirs(job))
        some = select(said.turn_id).join(t.turns, t.turns.c.id == said.turn_id).where(*ours).distinct()
        async with self._write() as db:
            turn_ids = list(await db.scalars(some.order_by(said.turn_id).limit(_TURNS_AT_ONCE)))
            if not turn_ids:
                return Erased(0)
            await hold_turns(db, turn_ids)
            known = t.conversations.c.id == conversation_id
            await db.execute(update(t.conversations).where(known).values(title=""))  # it was made from a question
            theirs = said.turn_id.in_(turn_ids) & (said.author_id == job.user_id) & (said.at <= job.asked_at)
            quotes = await _leave_quotes(db, theirs)
            messages = (await db.execute(delete(t.said).where(theirs))).rowcount
            unasked = ~exists().where(said.turn_id == t.turns.c.id)
            gone = await forget_turns(db, t.turns.c.id.in_(turn_ids) & unasked)
            left = await read_turns(db, t.turns.c.id.in_(turn_ids))
            answers = await _withdraw(db, [turn.id for turn in left if not turn.status.unfinished])
            grown = tuple(turn for turn in left if turn.status.unfinished)
            return Erased(messages, gone, (*quotes, *answers), grown)

    @unbroken
    async def erase_quoted(self, job: Job, own_words: Callable[[Sequence[Part]], tuple[Part, ...]]) -> Erased | None:
        """Take the member's messages out of one that quotes them, and away its answer; None where none is left.

        The answer may quote them as well, or alone.

        `own_words` gives of a message's parts those that are its author's own.
        """
        said = t.said.c
        one = (
            select(t.said)
            .join(t.quoted, t.quoted.c.said_id == said.id)
            .where(t.quoted.c.user_id == job.user_id, said.at <= job.asked_at)
            .order_by(said.id)
            .limit(1)
        )
        async with self._write() as db:
            if (row := (await db.execute(one)).first()) is None:
                return None
            await hold_turns(db, [row.turn_id])
            parts = own_words(read_said(row).parts) or (Text(NO_WORDS),)
            encoded = [encode_part(part) for part in parts]
            await db.execute(update(t.said).where(said.id == row.id).values(parts=encoded))
            await drop_files(db, row.id, parts)
            await db.execute(delete(t.quoted).where(t.quoted.c.said_id == row.id))
            turn = await read_turn(db, row.turn_id)
            if turn is None:
                return Erased(0)
            if turn.status.unfinished:
                await db.execute(delete(t.steps).where(t.steps.c.turn_id == turn.id))
                return Erased(0, grown=(replace(turn, steps=()),))
            return Erased(0, answers=await _withdraw(db, [turn.id]), void=(turn,))

    @unbroken
    async def erase_traces(self, job: Job) -> None:
        """Take the member's name off what stays: conversations that they began, personas, changes of settings.

        A conversation that they began and in which nothing is left goes. One in
        which they have spoken again since stays theirs.
        """
        c = t.conversations.c
        spoke_again = exists().where(
            t.turns.c.conversation_id == c.id,
            t.said.c.turn_id == t.turns.c.id,
            t.said.c.author_id == job.user_id,
            t.said.c.at > job.asked_at,
        )
        began = (c.owner_id == job.user_id) & (c.created_at <= job.asked_at) & ~spoke_again
        wrote = or_(c.persona_by == job.user_id, began & c.persona_by.is_(None))
        audit = (t.audit.c.user_id == job.user_id) & (t.audit.c.at <= job.asked_at)
        set_key = (t.server_keys.c.user_id == job.user_id) & (t.server_keys.c.at <= job.asked_at)
        async with self._write() as db:
            nothing_left = ~exists().where(t.turns.c.conversation_id == c.id)
            await db.execute(delete(t.conversations).where(began, nothing_left))
            await db.execute(update(t.conversations).where(wrote).values(persona=None, persona_by=None))
            await db.execute(update(t.conversations).where(began).values(owner_id=NOBODY, title=""))
            await db.execute(update(t.audit).where(audit).values(user_id=NOBODY))
            await db.execute(update(t.server_keys).where(set_key).values(user_id=NOBODY))

    @unbroken
    async def erase_from_ledger(self, job: Job, *, before: float) -> int:
        """Take the member's name off some of what they spent until `before`; returns off how much.

        Of direct messages also the channel, which is as good as a name.
        """
        usage = t.usage.c
        turn_is_gone = ~exists().where(t.turns.c.id == usage.turn_id)  # spent after they asked, on what was cut then
        some = (
            select(usage.id)
            .where(usage.user_id == job.user_id, usage.at <= before, or_(usage.at <= job.asked_at, turn_is_gone))
            .limit(_ROWS_AT_ONCE)
        )
        channel = case((usage.guild_id.is_(None), NOBODY), else_=usage.conversation_id)
        nameless = update(t.usage).where(usage.id.in_(some)).values(user_id=NOBODY, conversation_id=channel)
        start = t.tallies.c.start
        sums = (t.tallies.c.user_id == job.user_id) & (start <= before) & (start <= job.asked_at)
        async with self._write() as db:
            await db.execute(delete(t.tallies).where(sums))
            return (await db.execute(nameless)).rowcount


def _theirs(job: Job) -> tuple[ColumnElement[bool], ...]:
    return t.said.c.author_id == job.user_id, t.said.c.at <= job.asked_at


async def _leave_quotes(db: AsyncConnection, said: ColumnElement[bool]) -> tuple[Leftover, ...]:
    """Note the messages of ours that show what was said, for they have to be deleted on Discord."""
    quotes = select(t.quotes).join(t.said, t.said.c.id == t.quotes.c.said_id).where(said)
    return await _leave(db, [(row.channel_id, row.id) for row in await db.execute(quotes)])


async def _withdraw(db: AsyncConnection, turn_ids: Sequence[int]) -> tuple[Leftover, ...]:
    """Take answers away from held turns, as if they had been interrupted before their first word."""
    if not turn_ids:
        return ()
    shown = select(t.pages.c.id, t.turns.c.conversation_id).join(t.turns, t.turns.c.id == t.pages.c.turn_id)
    pages = (await db.execute(shown.where(t.turns.c.id.in_(turn_ids)).order_by(t.pages.c.id))).all()
    for table in (t.steps, t.pages, t.unshown):
        await db.execute(delete(table).where(table.c.turn_id.in_(turn_ids)))
    void = update(t.turns).where(t.turns.c.id.in_(turn_ids))
    await db.execute(void.values(status=TurnStatus.INTERRUPTED, error=None, notices=()))
    return await _leave(db, [(page.conversation_id, page.id) for page in pages])


async def _leave(db: AsyncConnection, messages: Sequence[tuple[int, int]]) -> tuple[Leftover, ...]:
    """Note messages that have to be deleted on Discord, each under a number that no turn has.

    Their turn stays, and must not go with its last message.
    """
    rows = [{"id": message, "channel_id": channel, "turn_id": -message} for channel, message in messages]
    await put(db, t.leftovers, rows, keys=("id",))
    return tuple(Leftover(-message, channel, (message,)) for channel, message in messages)
