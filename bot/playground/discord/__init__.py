"""The embedded Discord: an HTTP API, a gateway and a world of servers, people and messages, on loopback.

It stands in for Discord in `make play` and in the tests. It knows nothing of the bot
that talks to it, which must not be able to tell the difference.
"""
