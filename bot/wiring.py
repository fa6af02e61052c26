"""Builds the parts of the bot and hands each the others that it needs.

Nothing here waits, connects, runs or ends anything: that is `bot/app.py`.
This module decides nothing about conversations.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.admission import Admission
from bot.answer import Backstage, Defaults
from bot.bulletins import Bulletins
from bot.changes import Changes
from bot.chat import Chat
from bot.client import Client, Services
from bot.consents import Consents
from bot.easel import Easel
from bot.engine import Engine
from bot.forgetting import Forgetting
from bot.housekeeping import Housekeeping
from bot.keys import Keys
from bot.meter import Meter
from bot.metered import Metered
from bot.naming import Naming, NamingDefaults
from bot.notices import Notices
from bot.openrouter import Catalogue
from bot.posting import Poster
from bot.render.live import Live
from bot.render.traffic import Traffic
from bot.sandbox.owner import Sandbox
from bot.scribe import Scribe
from bot.settings import Settings
from bot.shelves import DiscordShelves
from bot.store import Store
from bot.thread_names import Threads
from bot.tools.all_tools import AllTools
from bot.tools.kit import Kit
from bot.tools.mcp import McpServers
from bot.wishes import DiscordQuestions

CANNOT_READ = (
    "In this server I only see messages that mention me, because my operator has not been granted the message "
    "content intent. Mention me, reply to me with a mention, or use the **Reply** button."
)


@dataclass(frozen=True, slots=True)
class Foundation:
    """What is open for the whole life of the process, whatever becomes of the connection to Discord."""

    settings: Settings
    store: Store
    catalogue: Catalogue
    model: Metered
    engine: Engine
    keys: Keys
    servers: McpServers
    clock: Callable[[], float]
    """Counts monotonic seconds."""
    now: Callable[[], float]
    """Gives Unix seconds."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that are started or ended; the client has all the others."""

    client: Client
    live: Live
    notices: Notices
    tools: AllTools
    consents: Consents
    chat: Chat
    naming: Naming
    forgetting: Forgetting
    housekeeping: Housekeeping


def wire(base: Foundation, *, reads_messages: bool) -> Parts:
    """Build what serves one connection to Discord; `reads_messages`: with the message content intent."""
    settings, store = base.settings, base.store
    traffic = Traffic(base.clock)
    trace = Meter(traffic, settings.discord_api_url).trace()
    client = Client(settings, reads_messages=reads_messages, http_trace=trace)
    poster = Poster(client)
    live = Live(poster, clock=base.clock, traffic=traffic)
    notices = Notices(store, Bulletins(client), base.catalogue, settings.owner_ids, clock=time.time)
    tools = AllTools(DiscordShelves(client), base.servers, Sandbox())
    consents = Consents(DiscordQuestions(client, poster))
    kit = Kit(
        tools.found,
        base.catalogue,
        consent=consents,
        note_quoted=base.store.note_quoted,
        absent=tools.absent,
        remarks=tools.remarks,
    )
    admission = Admission(store, data_policy=settings.data_policy, ceilings=settings.ceilings)
    chat = Chat(
        _backstage(base, poster, live, kit, notices, reads_messages=reads_messages),
        admission,
        poster,
        remarks_for_new=() if reads_messages else (CANNOT_READ,),
    )
    naming = _naming(base, client, admission)
    chat.on_answered = naming.answered
    changes = Changes(store, chat)
    forgetting = Forgetting(store, chat, changes, clock=base.now)
    housekeeping = Housekeeping(
        store, chat, forgetting, ceiling=settings.retention_days, has_left=client.has_left, clock=base.now
    )
    client.services = Services(
        chat,
        admission,
        changes,
        store,
        base.catalogue,
        settings,
        poster,
        naming,
        ceilings=settings.ceilings,
        keys=base.keys,
        forgetting=forgetting,
        housekeeping=housekeeping,
        kit=kit,
        consents=consents,
        traffic=traffic,
        live=live,
        easel=Easel(),
        began_at=time.time(),
    )
    return Parts(client, live, notices, tools, consents, chat, naming, forgetting, housekeeping)


def _backstage(
    base: Foundation, poster: Poster, live: Live, kit: Kit, notices: Notices, *, reads_messages: bool
) -> Backstage:
    settings = base.settings
    return Backstage(
        store=base.store,
        scribe=Scribe(base.store),
        engine=base.engine,
        live=live,
        catalogue=base.catalogue,
        defaults=Defaults(
            settings.model,
            settings.fallback_models,
            needs_reply_button=not reads_messages,
        ),
        tools=kit,
        keys=base.keys,
        notices=notices,
        clock=base.clock,
        tell=poster.tell,
        seconds_left=poster.in_place.seconds_left,
    )


def _naming(base: Foundation, client: Client, admission: Admission) -> Naming:
    settings = base.settings
    return Naming(
        base.store,
        base.model,
        base.catalogue,
        base.keys,
        Threads(client),
        NamingDefaults(settings.model, settings.fallback_models, automatic=settings.titles),
        settings_of=admission.settings_of,
        clock=base.clock,
    )
