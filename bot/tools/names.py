"""Asks the system for a host's addresses, without keeping anybody else waiting.

A name server of somebody else's may take half a minute. So each question has a
thread of its own that a stopping process does not wait for, and there are few.
This module judges no address.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from threading import Thread

AT_ONCE = 8

Answer = list[tuple[socket.AddressFamily, str]]


class Names:
    """Looks up names. `lookup` raises OSError where there is none, or when too many questions are open."""

    def __init__(self) -> None:
        self._open = 0

    async def lookup(self, host: str, port: int) -> Answer:
        """Every address of a host, which is taken as complete: no search domain is appended."""
        if self._open >= AT_ONCE:
            raise OSError("too many names are being looked up")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._open += 1

        def settle(found: Answer | OSError) -> None:
            self._open -= 1
            if answer.done():  # nobody waits any more
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def ask() -> None:
            found = _ask(host, port)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, found)

        Thread(target=ask, name="web_fetch-name", daemon=True).start()
        return await answer


def _ask(host: str, port: int) -> Answer | OSError:
    try:
        found = socket.getaddrinfo(f"{host}.", port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError:
        return OSError("not a host name")
    return [(family, str(address[0])) for family, _, _, _, address in found]
