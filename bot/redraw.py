"""Shows turns that nobody is answering: as they are stored, as failed, or not at all any more.

The live renderer does the work, as for a running answer. This module knows
nothing of queues, of Discord or of SQL.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.answer import UNEXPECTED, Backstage
from bot.errors import ChannelGone, ShowError, ShutDown, describe
from bot.events import Ended
from bot.guild import GuildSettings
from bot.messages import ShowReasoning, Turn, TurnStatus, Usage
from bot.render.reply import Reply
from bot.store.history import Leftover

log = logging.getLogger(__name__)


class Redraw:
    """Brings the messages of turns up to date. `settings_of` gives a server's settings."""

    def __init__(self, backstage: Backstage, settings_of: Callable[[int | None], Awaitable[GuildSettings]]) -> None:
        self._backstage = backstage
        self._store = backstage.store
        self._settings_of = settings_of

    async def show(self, turn_id: int) -> None:
        """Show a stored turn as it is now, in its old messages."""
        turn = await self._store.turn(turn_id)
        conversation = await self._store.conversation(turn.conversation_id) if turn is not None else None
        if turn is None or conversation is None:
            return
        reply = Reply.of(
            turn,
            footer=(await self._settings_of(conversation.guild_id)).footer,
            needs_reply_button=self._backstage.defaults.needs_reply_button and conversation.guild_id is not None,
            shows_reasoning=conversation.show_reasoning is ShowReasoning.SPOILER,
        )
        if await self._bring(turn.conversation_id, turn.id, reply, turn.pages):
            await self._store.note_shown(turn.id)

    async def apologise(self, turn: Turn) -> None:
        """Show that a turn failed before its answer could even begin."""
        reply = Reply(started_at=self._backstage.clock(), model=self._backstage.defaults.model)
        reply.apply(Ended(TurnStatus.FAILED, "", Usage(), 0.0, 0.0, error=UNEXPECTED))
        await self._bring(turn.conversation_id, turn.id, reply, turn.pages)

    async def take_down(self, left: Leftover) -> None:
        """Delete the messages that showed a turn which is gone."""
        if left.pages:
            reply = Reply(started_at=0.0, model="")
            reply.withdraw()
            if await self._bring(left.channel_id, left.turn_id, reply, left.pages):
                await self._store.clear_leftovers(left.turn_id)

    async def _bring(self, channel_id: int, turn_id: int, reply: Reply, pages: Sequence[int]) -> bool:
        """Let messages show a reply; False if that is still to be done by the next process."""

        async def sent(shown: tuple[int, ...]) -> None:
            await self._store.save_pages(turn_id, shown)

        shown = self._backstage.live.open(channel_id, turn_id, reply, reply_to=None, pages=pages, on_sent=sent)
        try:
            await shown.finished()
        except ShutDown:
            return False
        except ShowError as error:
            log.info("turn %d: its end could not be shown: %s", turn_id, describe(error))
            if isinstance(error, ChannelGone):
                await self._store.forget_channel(channel_id)
        return True
