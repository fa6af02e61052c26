"""The bot's HTTP side of interactions: the callback, and the webhook that each token opens.

Nothing here asks for the bot's token: an interaction's own token is the key.
It reads requests and writes answers; the rules are those of `interactions`.
Source: Discord's documentation, "Receiving and Responding to Interactions".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from bot.messages import JsonObject
from bot.playground.discord.errors import NOT_FOUND, ApiError
from bot.playground.discord.interactions import Interactions
from bot.playground.discord.interactions_model import CallbackType, Interaction
from bot.playground.discord.people_http import json_response, read_body
from bot.playground.discord.records import Message, MessageFlag
from bot.playground.discord.state import State
from bot.playground.discord.views_message import message_view
from bot.playground.discord.webhooks_limit import WebhookLimit

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def webhook_routes(state: State, interactions: Interactions, clock: Callable[[], float]) -> list[web.RouteDef]:
    """The routes of interaction callbacks and followups, relative to /api/v10. Refusals are raised as ApiError."""
    webhooks = Webhooks(state, interactions, WebhookLimit(clock, state.now))
    base = "/webhooks/{webhook_id}/{webhook_token}"
    routes = [
        web.post("/interactions/{interaction_id}/{interaction_token}/callback", webhooks.callback),
        web.post(base, webhooks.limited(webhooks.create)),
    ]
    for message in ("/messages/@original", "/messages/{message_id}"):
        routes += [
            web.get(base + message, webhooks.limited(webhooks.get)),
            web.patch(base + message, webhooks.limited(webhooks.edit)),
            web.delete(base + message, webhooks.limited(webhooks.delete)),
        ]
    return routes


class Webhooks:
    """The handlers of the routes."""

    def __init__(self, state: State, interactions: Interactions, limit: WebhookLimit) -> None:
        self._state = state
        self._interactions = interactions
        self._limit = limit

    def limited(self, handler: Handler) -> Handler:
        """The handler behind the token's rate limit."""

        async def answer(request: web.Request) -> web.StreamResponse:
            verdict = self._limit.take(request.match_info["webhook_token"])
            if verdict.retry_after is not None:
                return json_response(verdict.refusal(), 429, verdict.headers)
            try:
                response = await handler(request)
            except ApiError as error:
                return json_response(error.body(), error.status, verdict.headers)
            response.headers.update(verdict.headers)
            return response

        return answer

    async def callback(self, request: web.Request) -> web.StreamResponse:
        body, files = await read_body(request)
        interaction_id = _number(request.match_info["interaction_id"])
        interaction = self._interactions.answer(interaction_id, request.match_info["interaction_token"], body, files)
        if request.query.get("with_response") in ("1", "true", "True"):
            return json_response(self._callback_view(interaction))
        return web.Response(status=204)

    async def create(self, request: web.Request) -> web.StreamResponse:
        interaction = self._interaction(request)
        body, files = await read_body(request)
        return self._show(self._interactions.follow_up(interaction, body, files))

    async def get(self, request: web.Request) -> web.StreamResponse:
        return self._show(self._interactions.message(self._interaction(request), _message_id(request)))

    async def edit(self, request: web.Request) -> web.StreamResponse:
        interaction = self._interaction(request)
        body, files = await read_body(request)
        return self._show(self._interactions.edit(interaction, _message_id(request), body, files))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        self._interactions.delete(self._interaction(request), _message_id(request))
        return web.Response(status=204)

    def _interaction(self, request: web.Request) -> Interaction:
        return self._interactions.by_token(
            _number(request.match_info["webhook_id"]), request.match_info["webhook_token"]
        )

    def _show(self, message: Message) -> web.Response:
        return json_response(message_view(self._state, message, self._state.bot_id))

    def _callback_view(self, interaction: Interaction) -> JsonObject:
        """The interaction callback response; only these two types show the message itself."""
        about: JsonObject = {"id": str(interaction.id), "type": int(interaction.type)}
        answer, message = interaction.answer, interaction.original
        if message is not None:
            about["response_message_id"] = str(message.id)
            about["response_message_loading"] = bool(message.flags & MessageFlag.LOADING)
            about["response_message_ephemeral"] = message.only_user is not None
        view: JsonObject = {"interaction": about}
        if message is not None and (answer is CallbackType.MESSAGE or answer is CallbackType.UPDATE):
            shown = message_view(self._state, message, self._state.bot_id)
            view["resource"] = {"type": int(answer), "message": shown}
        return view


def _message_id(request: web.Request) -> str:
    return request.match_info.get("message_id", "@original")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        raise ApiError(*NOT_FOUND)
    return int(text)
