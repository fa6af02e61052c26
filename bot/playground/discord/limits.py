"""Discord's numbers in one place, with where each is documented."""

from __future__ import annotations

CONTENT_LENGTH = 2000
"""Code points in a message (Discord, "Create Message")."""
NONCE_LENGTH = 25
EMBEDS = 10
EMBED_TOTAL_LENGTH = 6000
"""Summed over all embeds of a message (Discord, "Embed Limits")."""
EMBED_TITLE, EMBED_DESCRIPTION, EMBED_FIELDS = 256, 4096, 25
EMBED_FIELD_NAME, EMBED_FIELD_VALUE, EMBED_FOOTER, EMBED_AUTHOR = 256, 1024, 2048, 256

COMPONENTS = 40
"""In a message with components V2, nested ones counted (Discord, "Component Reference")."""
DISPLAYED_TEXT = 4000
"""Summed over the text displays of a message with components V2."""
ACTION_ROWS, BUTTONS_IN_ROW, SELECT_OPTIONS = 5, 5, 25
CUSTOM_ID, BUTTON_LABEL, SELECT_PLACEHOLDER, OPTION_TEXT, BUTTON_URL = 100, 80, 150, 100, 512
GALLERY_ITEMS, SECTION_TEXTS = 10, 3

ATTACHMENTS = 10
ATTACHMENT_BYTES = 10 * 1024 * 1024
REQUEST_BYTES = 25 * 1024 * 1024
"""A whole request with its files (Discord, "Uploading Files")."""
ATTACHMENT_DESCRIPTION = 1024

NONCE_SECONDS = 300.0
"""How long an enforced nonce is remembered ("the past few minutes")."""
OLD_MESSAGE_SECONDS = 3600.0
OLD_EDITS, OLD_EDITS_SECONDS = 3, 20.0
"""Edits of messages older than an hour, in each channel; unpublished, as bots measure it."""
BULK_DELETE = 100
BULK_DELETE_SECONDS = 14 * 24 * 3600.0
REACTIONS = 20
"""Different emojis on one message."""

THREAD_NAME = 100
CHANNEL_TOPIC = 1024
SLOWMODE_SECONDS = 21_600
AUTO_ARCHIVE_MINUTES = (60, 1440, 4320, 10_080)
APPLIED_TAGS = 5
ACTIVE_THREADS = 1000
"""Open threads in a server, as commonly quoted; the documentation gives none."""

COMMANDS = {1: 100, 2: 15, 3: 15, 4: 1}
"""By command type, globally and again in each server (Discord, "Application Commands")."""
COMMAND_CREATES_A_DAY = 200
COMMAND_NAME, COMMAND_DESCRIPTION, COMMAND_OPTIONS, COMMAND_CHOICES, COMMAND_CHOICE = 32, 100, 25, 25, 100
COMMAND_STRING_OPTION = 6000
COMMAND_TOTAL_LENGTH = 8000
