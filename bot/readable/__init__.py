"""Turns what a web server sent into text that a model can read.

Everything here looks at bytes and text only; it knows nothing of the network.
"""
