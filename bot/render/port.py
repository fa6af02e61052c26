"""What the scheduler needs of whatever carries pages to Discord."""

from __future__ import annotations

from typing import Protocol, assert_never

from bot.render.page import Page
from bot.render.slots import Delete, Edit, Send, Slots, Step


class Port(Protocol):
    """What carries pages to Discord.

    Its methods raise ShowError when trying again is useless, MessageGone when
    the message was deleted, MessageTooOld when it cannot be edited any more,
    FilesRefused when it may pass without its files, RetryLater when Discord names
    a time, and OSError (TimeoutError included) when nobody knows what happened.
    """

    async def send(self, channel_id: int, page: Page, *, nonce: str, reply_to: int | None, turn_id: int) -> int:
        """Post a page and return the message's id. A known `nonce` must give the message it made before."""
        ...

    async def edit(
        self, channel_id: int, message_id: int, page: Page, *, turn_id: int, with_token: bool = False
    ) -> None:
        """Let a message show a page: its content, and exactly its buttons and files; with the token at hand for it."""
        ...

    def has_token(self, message_id: int) -> bool:
        """Whether the message can be edited with an interaction's token, which does not count in the common limit."""
        ...

    def is_in_place(self, channel_id: int) -> bool:
        """Whether an answer is shown in place of an interaction: all of it goes by that interaction's token."""
        ...

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Remove a message."""
        ...

    async def typing(self, channel_id: int) -> None:
        """Signal that the bot is writing, for about ten seconds."""
        ...


async def carry_out(port: Port, slots: Slots, step: Step, *, with_token: bool) -> None:
    """Send one step and note that it was carried out. Raises what the port raises."""
    channel_id, turn_id = slots.channel_id, slots.turn_id
    match step:
        case Send(page=page, nonce=nonce, reply_to=reply_to):
            slots.sent(step, await port.send(channel_id, page, nonce=nonce, reply_to=reply_to, turn_id=turn_id))
        case Edit(index=_, message_id=message_id, page=page):
            await port.edit(channel_id, message_id, page, turn_id=turn_id, with_token=with_token)
            slots.edited(step)
        case Delete(index=_, message_id=message_id):
            await port.delete(channel_id, message_id)
            slots.deleted(step)
        case _:
            assert_never(step)
