"""Text that arrives in pieces, of which any may be cut in the middle of a character.

A JSON string may be cut between the two escapes of one character outside the
Basic Multilingual Plane; each half is a surrogate that no file, socket or
database accepts. This module knows nothing of what the text says or where it
comes from.
"""

from __future__ import annotations


def mend(text: str) -> str:
    """The same text, encodable as UTF-8: surrogate halves side by side are joined, lone ones become U+FFFD.

    Halves arise where a model's server cuts a JSON string between the two escapes of one character.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class Growing:
    """A text that grows by pieces."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)

    def join(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        # What is kept stays unmended: its last half may still find the other one.
        return mend(self._pieces[0]) if self._pieces else ""


class Joint:
    """Holds back half a character at the end of each piece until the next piece brings the other half."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    @property
    def is_waiting(self) -> bool:
        """Whether half a character is held back."""
        return bool(self._half)

    def join(self, piece: str) -> str:
        """The piece, encodable, together with what was held back before."""
        if not piece:
            return ""
        piece = self._half + piece
        self._half = piece[-1] if "\ud800" <= piece[-1] <= "\udbff" else ""
        return mend(piece[:-1] if self._half else piece)

    def rest(self) -> str:
        """What is still held back when no more pieces come."""
        half, self._half = self._half, ""
        return mend(half)
