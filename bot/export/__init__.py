"""A conversation as a file: Markdown to read, JSON to read back, one HTML page to look at.

Pure: turns in, text out. This package knows nothing of Discord or of where
turns are kept. The libraries that only the page needs are imported with it.
"""
