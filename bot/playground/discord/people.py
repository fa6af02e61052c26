"""The people's HTTP API, for the playground's page: what a person does, done as that person.

Each call names its person in `X-Play-User` and has that person's permissions.
It reads requests and calls the world's verbs; the rules are the world's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

from bot.messages import JsonObject
from bot.playground.discord import errors, limits
from bot.playground.discord.errors import ApiError, Refusal
from bot.playground.discord.faults import Faults
from bot.playground.discord.gateway import Gateway
from bot.playground.discord.interactions import Interactions
from bot.playground.discord.links import is_valid
from bot.playground.discord.people_files import PageFiles, attachment_response
from bot.playground.discord.people_http import json_response, read_body
from bot.playground.discord.people_socket import PeopleSockets
from bot.playground.discord.people_views import commands_view, start_view, visible_channels
from bot.playground.discord.records import Channel, ChannelType, Message
from bot.playground.discord.views import channel_view
from bot.playground.discord.views_message import message_view
from bot.playground.discord.world import World

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
PersonHandler: TypeAlias = Callable[[web.Request, int], Awaitable[web.StreamResponse]]

NOBODY = Refusal(401, 0, "Say who is speaking: the header X-Play-User takes the id of a person of this playground.")
_PAGE_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PlayStart:
    """What the page is told of the playground itself: the model that answers, and a notice to show."""

    model_label: str = "stand-in model"
    stand_in: bool = True
    notice: str | None = None


class PeopleApi:
    """The handlers of `/play/`."""

    def __init__(
        self,
        world: World,
        interactions: Interactions,
        sockets: PeopleSockets,
        gateway: Gateway,
        start: PlayStart,
        web_root: Path | None,
    ) -> None:
        self._world = world
        self._interactions = interactions
        self._sockets = sockets
        self._gateway = gateway
        self._start = start
        self._files = PageFiles(web_root)

    def routes(self) -> list[web.RouteDef]:
        channel = "/play/channels/{channel}"
        message = channel + "/messages/{message}"
        reaction = message + "/reactions/{emoji}"
        as_person = self._as_person
        return [
            web.get("/", _answering(self._files.index)),
            web.get("/static/{path:.+}", _answering(self._files.static)),
            web.get("/play/start", _answering(self.start)),
            web.get("/play/socket", _answering(self.socket)),
            web.get("/play/attachments/{channel}/{attachment}/{filename}", _answering(self.attachment)),
            web.get("/play/channels", as_person(self.channels)),
            web.patch(channel, as_person(self.edit_channel)),
            web.delete(channel, as_person(self.delete_channel)),
            web.get(channel + "/messages", as_person(self.history)),
            web.post(channel + "/messages", as_person(self.create_message)),
            web.patch(message, as_person(self.edit_message)),
            web.delete(message, as_person(self.delete_message)),
            web.put(reaction, as_person(self.add_reaction)),
            web.delete(reaction, as_person(self.remove_reaction)),
            web.post(channel + "/typing", as_person(self.type_in)),
            web.post(channel + "/threads", as_person(self.start_thread)),
            web.post(message + "/threads", as_person(self.start_thread_from_message)),
            web.post("/play/dms", as_person(self.open_dm)),
            web.post("/play/interactions", as_person(self.interact)),
        ]

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Asked before the page knows whom it is for; a named person gets only the commands open to them."""
        user_id = self._person(request) if "X-Play-User" in request.headers else None
        playground: JsonObject = {
            "notice": self._start.notice,
            "model": {"label": self._start.model_label, "stand_in": self._start.stand_in},
            "commands": commands_view(self._world, user_id),
            "limits": {"content": limits.CONTENT_LENGTH, "attachment_bytes": limits.ATTACHMENT_BYTES},
        }
        return json_response(playground | start_view(self._world, online=self._gateway.online))

    async def socket(self, request: web.Request) -> web.StreamResponse:
        return await self._sockets.serve(request, self._known(request.query.get("user", "")))

    async def attachment(self, request: web.Request) -> web.StreamResponse:
        channel_id, attachment_id = _path_id(request, "channel"), _path_id(request, "attachment")
        if not is_valid(self._world, attachment_id, request.query):
            raise ApiError(*errors.NOT_FOUND)
        return attachment_response(self._world, self._interactions.uploads, channel_id, attachment_id)

    async def channels(self, request: web.Request, user_id: int) -> web.StreamResponse:
        return json_response(
            [channel_view(self._world, item, user_id) for item in visible_channels(self._world, user_id)]
        )

    async def edit_channel(self, request: web.Request, user_id: int) -> web.StreamResponse:
        body, _ = await read_body(request)
        return self._show_channel(self._world.edit_channel(user_id, _path_id(request, "channel"), body), user_id)

    async def delete_channel(self, request: web.Request, user_id: int) -> web.StreamResponse:
        return self._show_channel(self._world.delete_channel(user_id, _path_id(request, "channel")), user_id)

    async def history(self, request: web.Request, user_id: int) -> web.StreamResponse:
        faults = Faults()
        before = faults.snowflake(("before",), request.query["before"]) if "before" in request.query else None
        limit = faults.snowflake(("limit",), request.query.get("limit", "50"))
        faults.check()
        found = self._world.history(
            user_id, _path_id(request, "channel"), before=before, limit=min(max(limit, 1), _PAGE_LIMIT)
        )
        return json_response([message_view(self._world, message, user_id) for message in found])

    async def create_message(self, request: web.Request, user_id: int) -> web.StreamResponse:
        body, files = await read_body(request)
        message = self._world.create_message(user_id, _path_id(request, "channel"), body, files)
        return self._show_message(message, user_id)

    async def edit_message(self, request: web.Request, user_id: int) -> web.StreamResponse:
        body, files = await read_body(request)
        message = self._world.edit_message(user_id, *_path_message(request), body, files)
        return self._show_message(message, user_id)

    async def delete_message(self, request: web.Request, user_id: int) -> web.StreamResponse:
        """An ephemeral message is only put out of its reader's sight."""
        channel_id, message_id = _path_message(request)
        ephemeral = self._world.records.ephemeral.get(message_id)
        if ephemeral is not None and ephemeral.only_user == user_id:
            self._world.delete_response(channel_id, message_id)
        else:
            self._world.delete_message(user_id, channel_id, message_id)
        return web.Response(status=204)

    async def add_reaction(self, request: web.Request, user_id: int) -> web.StreamResponse:
        self._world.add_reaction(user_id, *_path_message(request), request.match_info["emoji"])
        return web.Response(status=204)

    async def remove_reaction(self, request: web.Request, user_id: int) -> web.StreamResponse:
        self._world.remove_reaction(user_id, *_path_message(request), request.match_info["emoji"])
        return web.Response(status=204)

    async def type_in(self, request: web.Request, user_id: int) -> web.StreamResponse:
        self._world.type_in(user_id, _path_id(request, "channel"))
        return web.Response(status=204)

    async def start_thread(self, request: web.Request, user_id: int) -> web.StreamResponse:
        """A forum's post, or a public thread on no message."""
        body, files = await read_body(request)
        parent = self._world.channel_for(user_id, _path_id(request, "channel"))
        if parent.type is not ChannelType.FORUM:
            public: JsonObject = {"type": int(ChannelType.PUBLIC_THREAD)}
            return self._show_channel(self._world.start_thread(user_id, parent.id, public | body), user_id)
        post, message = self._world.start_post(user_id, parent.id, body, files)
        view = channel_view(self._world, post, user_id)
        view["message"] = message_view(self._world, message, user_id)
        return json_response(view)

    async def start_thread_from_message(self, request: web.Request, user_id: int) -> web.StreamResponse:
        body, _ = await read_body(request)
        thread = self._world.start_thread_from_message(user_id, *_path_message(request), body)
        return self._show_channel(thread, user_id)

    async def open_dm(self, request: web.Request, user_id: int) -> web.StreamResponse:
        body, _ = await read_body(request)
        faults = Faults()
        recipient = faults.snowflake(("recipient_id",), body.get("recipient_id"))
        faults.check()
        return self._show_channel(self._world.open_dm(user_id, recipient), user_id)

    async def interact(self, request: web.Request, user_id: int) -> web.StreamResponse:
        body, files = await read_body(request)
        self._interactions.start(user_id, body, files)
        return web.Response(status=204)

    def _as_person(self, handler: PersonHandler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await handler(request, self._person(request))

        return _answering(answer)

    def _person(self, request: web.Request) -> int:
        return self._known(request.headers.get("X-Play-User", ""))

    def _known(self, text: str) -> int:
        """The id of a person; bots speak through their own API."""
        named = (user for user in self._world.records.users.values() if str(user.id) == text)
        user = next(named, None)
        if user is None or user.bot:
            raise ApiError(*NOBODY)
        return user.id

    def _show_channel(self, channel: Channel, user_id: int) -> web.Response:
        return json_response(channel_view(self._world, channel, user_id))

    def _show_message(self, message: Message, user_id: int) -> web.Response:
        return json_response(message_view(self._world, message, user_id))


def _answering(handler: Handler) -> Handler:
    """The handler with refusals as JSON."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return json_response(error.body(), error.status)

    return answer


def _path_id(request: web.Request, name: str) -> int:
    faults = Faults()
    snowflake = faults.snowflake((name,), request.match_info[name])
    if snowflake == 0:
        raise ApiError(*errors.NOT_FOUND)
    return snowflake


def _path_message(request: web.Request) -> tuple[int, int]:
    return _path_id(request, "channel"), _path_id(request, "message")
