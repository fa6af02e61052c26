"""Runs Python that nobody vouches for: CPython as WebAssembly, in a process of its own.

`owner` is the bot's side: it starts a child for each program, bounds and ends it.
`child` is what runs there: it walls itself in (`seal`), gives the program a disk
in memory (`disk`) and reports what came of it. `guest` is the first thing that
runs inside WebAssembly. This file stays empty of imports, for the child pays for
each of them at every run.
"""
