"""What the model is asked for one turn: which model, with which of the conversation's turns, and what is left out.

Decides and remembers what leaves the model's window. This module knows nothing of
what becomes of the answer, nor of Discord or of SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.choosing import choose
from bot.context import Fit, fit, lighten
from bot.data_policy import nobody_keeps_to
from bot.errors import ModelError, ModelFault
from bot.guild import GuildSettings
from bot.messages import Conversation, Turn, TurnStatus
from bot.model import Catalogue, Key, ModelRequest
from bot.persona import system_prompt
from bot.sight import TEXT_ONLY, abilities, left_out, says_nothing
from bot.store import Store
from bot.window import room_for

TRIMMED = "This thread is longer than the model can read, so its oldest messages were left out."
LIGHTENED = "To make room, this thread's older images, PDFs and tool results are not shown to the model any more."
NOT_TAKEN = "The model's server did not take an image or a PDF of this thread, so I left them all out."


class Prompt:
    """The questions of one turn to the model; more than one where the first did not fit, or was not taken.

    `chosen` is the model that somebody wants, `defaults` those that follow where nobody does.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        conversation: Conversation,
        guild: GuildSettings,
        *,
        chosen: str | None,
        default: str,
        fallbacks: tuple[str, ...],
    ) -> None:
        self._store = store
        self._conversation = self._found = conversation
        self._guild = guild
        self._choice = choose(
            chosen,
            defaults=tuple(filter(None, (guild.model, default))),
            fallbacks=fallbacks,
            permitted=guild.allowed_models,
            catalogue=catalogue,
        )
        self._without_files = False
        self.key: Key | None = None
        """The server's own key, which pays; None where that is the operator's."""
        self.model = self._choice.model
        self.info = catalogue.get(self.model)
        """What is known of the model."""
        self._able = abilities(self.info, parses_pdfs=catalogue.speaks_openrouter)

    @property
    def refusal(self) -> str | None:
        """Why no model may be asked, as a sentence."""
        return self._choice.refusal

    @property
    def remark(self) -> str | None:
        """What to say of the choice of the model, such as that another had to be taken."""
        return self._choice.notice

    def why_refused(self, error: ModelError) -> str | None:
        """What to tell people where a fault lies in the data policy that is in force; None for any other fault."""
        if error.fault is not ModelFault.POLICY:
            return None
        return nobody_keeps_to(self._guild.data_policy, in_server=self._conversation.guild_id is not None)

    def says_nothing(self, turn: Turn) -> bool:
        """Whether a turn asks by nothing but files that the model is not shown."""
        return says_nothing(turn, self._able)

    def unseen(self, turn: Turn) -> tuple[str, ...]:
        """What to say of files that the model is not shown."""
        return (NOT_TAKEN,) if self._without_files else left_out(turn, self.model, self.info, self._able)

    def what_left(self) -> str | None:
        """What to say of what has left the window, the first time that it happens in a conversation."""
        now, before = self._conversation, self._found
        if now.first_turn_id and not before.first_turn_id:
            return TRIMMED
        if now.first_whole_turn_id and not (before.first_whole_turn_id or self._without_files):
            return LIGHTENED
        return None

    async def earlier(self, turn: Turn) -> tuple[Turn | None, list[Turn]]:
        """The turn as it is now, for what it asks may have changed, and those before it; None if it is gone."""
        since = min(self._conversation.first_turn_id, turn.id)  # one that has left the window may be asked again
        turns = await self._store.turns(self._conversation.id, since=since)
        this = next((found for found in turns if found.id == turn.id), None)
        return this, [found for found in turns if found.id < turn.id and found.status is not TurnStatus.REFUSED]

    async def request(self, turn: Turn, earlier: Sequence[Turn], limit: int | None) -> tuple[Fit, ModelRequest]:
        """Choose what to send, within the room that the model's window leaves, and within `limit` tokens."""
        conversation, guild = self._conversation, self._guild
        asked = lighten(turn, self._able) if self._without_files else turn
        system = system_prompt(own=conversation.persona, guild=guild, shared=conversation.guild_id is not None)
        room = room_for(system, self.info, max_output=guild.max_output_tokens)
        budget = room.for_turns if limit is None else min(room.for_turns, limit)
        fitted = fit(
            (*earlier, replace(asked, steps=())),
            budget=budget,
            first_whole=conversation.first_whole_turn_id,
            able=self._able,
        )
        if fitted.dropped or fitted.lightened:
            first = fitted.first_turn_id if fitted.dropped else conversation.first_turn_id
            await self._leave_behind(first_turn_id=first, first_whole_turn_id=fitted.first_whole_turn_id)
        turns = await self._store.with_files(fitted.turns, self._able)
        return fitted, ModelRequest(
            model=self.model,
            fallbacks=self._choice.fallbacks,
            replacements=self._choice.replacements,
            permitted=guild.allowed_models,
            system=system,
            turns=tuple(turns),
            session_id=f"cogitor-{conversation.id}",
            effort=conversation.effort or guild.effort,
            max_effort=guild.max_effort,
            max_output_tokens=room.answer,
            key=self.key,
            data_policy=guild.data_policy,
            name_speakers=conversation.guild_id is not None,
            turns_tokens=fitted.tokens,
            room=budget,
        )

    async def leave_out_files(self, turn: Turn) -> bool:
        """From now on show the model no files of the conversation; False if that was so, or leaves nothing to ask."""
        if self._without_files or says_nothing(turn, TEXT_ONLY):
            return False
        self._without_files = True
        await self._leave_behind(first_whole_turn_id=turn.id + 1)
        return True

    async def _leave_behind(self, **points: int) -> None:
        """Remember from which turn on the conversation is sent, and from which one on as a whole."""
        conversation = self._conversation = replace(self._conversation, **points)
        await self._store.leave_behind(
            conversation.id, before_turn=conversation.first_turn_id, files_before=conversation.first_whole_turn_id
        )
