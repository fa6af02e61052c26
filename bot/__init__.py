"""Cogitor: a coding assistant that lives in Discord."""

__version__ = "0.1.0"
