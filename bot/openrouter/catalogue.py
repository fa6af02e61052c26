"""What models the server has: fetched in the background, kept in memory, asked at once.

Everything works without it: before the first fetch, and while the server cannot
be reached, it answers with what it last knew, or with nothing. How entries are
read is in `listing`; this module knows nothing of conversations or of Discord.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, timedelta

import httpx

from bot.choosing import is_permitted
from bot.errors import ModelError, ModelFault
from bot.finding import find
from bot.model import ModelInfo, Standing
from bot.openrouter.http import get_json, is_openrouter
from bot.openrouter.listing import Listing, parse_listing

FRESH_FOR = 3600.0
"""Seconds between two fetches."""
RETRY_AFTER = (5.0, 15.0, 60.0, 300.0)
"""Seconds to wait after the first, second, … failure in a row; the last one is kept."""

_log = logging.getLogger(__name__)
_NOTHING = Listing({}, {}, speaks_openrouter=False, skipped=0)


class Catalogue:
    """The models of the server at `base_url`. An empty key is not sent; OpenRouter's list needs none."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        api_key: str = "",
        *,
        relied_on: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        """`relied_on` are models whose absence or retirement is to be logged, once each time it is news."""
        self._http = http
        self._url = f"{base_url.rstrip('/')}/models"
        self._is_openrouter = is_openrouter(base_url)
        self._key = api_key
        self._relied_on = tuple(relied_on)
        self._warned: frozenset[str] = frozenset()
        self._clock = clock
        self._sleep = sleep
        self._today = today
        self._listing = _NOTHING
        self._successors: dict[str, tuple[str, ...]] = {}
        self._fetched_at: float | None = None

    @property
    def speaks_openrouter(self) -> bool:
        """Whether the server is OpenRouter, or its list looks like it, so that it understands its parameters."""
        return self._is_openrouter or self._listing.speaks_openrouter

    async def run(self) -> None:
        """Keep the list fresh until cancelled."""
        failures = 0
        while True:
            try:
                await self.refresh()
            except ModelError as error:
                _log.warning("the list of models could not be fetched: %s; %s", error, self._age())
                await self._sleep(RETRY_AFTER[min(failures, len(RETRY_AFTER) - 1)])
                failures += 1
            else:
                failures = 0
                await self._sleep(FRESH_FOR)

    async def refresh(self) -> None:
        """Fetch the list now. Raises ModelError where it cannot be had; the last one stays."""
        body = await get_json(self._http, self._url, self._key)
        # A large list takes tens of milliseconds to read, which the event loop should not wait for.
        listing = await asyncio.to_thread(parse_listing, body)
        if listing is None:
            raise ModelError(ModelFault.GARBLED, error_type="no_list", retryable=True)
        self._take(listing)
        self._fetched_at = self._clock()

    def get(self, model: str) -> ModelInfo | None:
        """What is known of a model, by its id, by its canonical name, and with any `:variant`."""
        models, others = self._listing.models, self._listing.other_ids
        for name in (model, model.partition(":")[0]):
            found = models.get(name) or models.get(others.get(name, ""))
            if found is not None:
                return found
        return None

    def all(self) -> tuple[ModelInfo, ...]:
        """Every model, in the server's order."""
        return tuple(self._listing.models.values())

    def standing(self, model: str) -> Standing:
        """Whether a model can be asked. Aliases and presets (`~a/b`, `@preset/x`) need not be listed."""
        info = self.get(model)
        last_day = info.retires_on if info else None
        if model in self._successors or (last_day is not None and last_day < self._today().isoformat()):
            return Standing.GONE
        is_expected = self.speaks_openrouter and not model.startswith(("~", "@"))
        return Standing.MISSING if info is None and is_expected else Standing.THERE

    def successors(self, model: str) -> tuple[str, ...]:
        """What the server has named to be asked instead of a model that is gone."""
        return self._successors.get(model, ())

    def note_refusal(self, model: str, successors: tuple[str, ...]) -> None:
        """The server does not serve a model, and names these instead; believed until it lists the model again.

        Without a name, of a model that is listed, it is no more than one refusal.
        """
        if successors or self.standing(model) is Standing.MISSING:
            self._successors[model] = successors

    def search(
        self, text: str, limit: int = 25, *, permitted: tuple[str, ...] = (), first: Iterable[str] = ()
    ) -> tuple[ModelInfo, ...]:
        """Models that may be chosen, for what someone has typed so far, best first; see `bot.finding.find`.

        Without text, those of `first` and then the server's first ones.
        """
        known = dict.fromkeys(filter(None, map(self.get, first))) if not text.strip() else {}
        models = (*known, *(model for model in self.all() if model not in known))
        return find((model for model in models if self._may_be_chosen(model.id, permitted)), text, limit)

    def nearest(self, model: str, n: int = 3, *, permitted: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The ids that may be chosen and are most like one that may not."""
        ids = [name for name in self._listing.models if self._may_be_chosen(name, permitted)]
        return tuple(difflib.get_close_matches(model, ids, n=n, cutoff=0.5))

    def _may_be_chosen(self, model: str, permitted: tuple[str, ...]) -> bool:
        return is_permitted(model, permitted) and self.standing(model) is not Standing.GONE

    def retiring(self, within_days: int = 30) -> tuple[ModelInfo, ...]:
        """Models that are gone already, or will be within so many days; the first to go first."""
        last = (self._today() + timedelta(days=within_days)).isoformat()
        leaving = (model for model in self.all() if model.retires_on is not None and model.retires_on <= last)
        return tuple(sorted(leaving, key=lambda model: model.retires_on or ""))

    def _age(self) -> str:
        if self._fetched_at is None:
            return "there is none yet"
        return f"the last one is {(self._clock() - self._fetched_at) / 60:.0f} minutes old"

    def _take(self, listing: Listing) -> None:
        before, after = set(self._listing.models), set(listing.models)
        if before != after or listing.skipped:
            _log.info(
                "%d models listed: %d new, %d gone, %d unreadable",
                len(after),
                len(after - before),
                len(before - after),
                listing.skipped,
            )
        self._listing = listing
        self._successors = {model: names for model, names in self._successors.items() if self.get(model) is None}
        self._warn()

    def _warn(self) -> None:
        warnings = frozenset(filter(None, map(self._concern, self._relied_on)))
        for warning in sorted(warnings - self._warned):
            _log.warning("%s", warning)
        self._warned = warnings

    def _concern(self, model: str) -> str | None:
        """What the operator should know of a model that is relied on; None while all is well."""
        info = self.get(model)
        if info is None:
            nearest = ", ".join(self.nearest(model))
            return f"the model {model} is not listed; choose another MODEL" + (
                f", such as {nearest}" if nearest else ""
            )
        if info in self.retiring():
            return f"the model {model} retires on {info.retires_on}; choose its successor as MODEL"
        return None
