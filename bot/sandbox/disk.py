"""The only files that a program in the sandbox can see and write: a tree in memory that cannot grow beyond its size.

Serves the sandbox's file provider protocol; its errors are OSErrors, as that
protocol allows. This module touches no real file and knows nothing of WebAssembly.
"""

from __future__ import annotations

import errno
import os
import posixpath
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    changed_ns: int


class Disk:
    """A tree of at most `most_entries` files and folders, whose contents are at most `most_bytes` together.

    Paths are absolute and normalized. `stat` answers with what `make_stat` makes of kind, size and time.
    """

    def __init__(
        self,
        *,
        most_bytes: int,
        most_entries: int,
        make_stat: Callable[..., Any],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._files: dict[str, _File] = {}
        self._folders = {"/": 0, "/tmp": 0}  # noqa: S108  a folder of this tree
        self._most_bytes, self._most_entries = most_bytes, most_entries
        self._used = 0
        self._make_stat, self._clock = make_stat, clock

    @property
    def files(self) -> dict[str, bytes]:
        """Everything that was written, in the order in which it was last created."""
        return {path: file.data for path, file in self._files.items()}

    def stat(self, path: str) -> Any:
        """What a path is."""
        if path in self._folders:
            return self._make_stat("dir", 0, self._folders[path])
        file = self._file(path)
        return self._make_stat("file", len(file.data), file.changed_ns)

    def list(self, path: str) -> list[tuple[str, str]]:
        """A folder's entries as (name, kind)."""
        if path not in self._folders:
            self._file(path)
            raise _error(errno.ENOTDIR)
        names = [(posixpath.basename(it), "dir") for it in self._folders if _is_child(it, path)]
        return names + [(posixpath.basename(it), "file") for it in self._files if _is_child(it, path)]

    def read(self, path: str) -> bytes:
        """A file's whole content."""
        return self._file(path).data

    def write(self, path: str, data: bytes) -> None:
        """Replace a file's content, or create it."""
        if path in self._folders:
            raise _error(errno.EISDIR)
        old = self._files.get(path)
        used = self._used + len(data) - (len(old.data) if old else 0)
        if used > self._most_bytes:
            raise _error(errno.ENOSPC)
        if old is None:
            self._check_new(path)
        self._files[path] = _File(bytes(data), self._clock())
        self._used = used

    def mkdir(self, path: str) -> None:
        """Make a folder."""
        if path in self._folders or path in self._files:
            raise _error(errno.EEXIST)
        self._check_new(path)
        self._folders[path] = self._clock()

    def remove(self, path: str) -> None:
        """Remove a file."""
        if path in self._folders:
            raise _error(errno.EISDIR)
        self._used -= len(self._file(path).data)
        del self._files[path]

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        if self.list(path):
            raise _error(errno.ENOTEMPTY)
        if path == "/":
            raise _error(errno.EBUSY)
        del self._folders[path]

    def rename(self, src: str, dst: str) -> None:
        """Move a file or a folder, replacing what POSIX lets it replace."""
        self._check_parent(src)
        self._check_parent(dst)
        if src == dst:
            self.stat(src)
        elif src in self._folders:
            self._move_folder(src, dst)
        else:
            self._move_file(src, dst)

    def _move_file(self, src: str, dst: str) -> None:
        file = self._file(src)
        if dst in self._folders:
            raise _error(errno.EISDIR)
        if dst in self._files:
            self.remove(dst)
        del self._files[src]
        self._files[dst] = file

    def _move_folder(self, src: str, dst: str) -> None:
        if src == "/" or dst.startswith(src + "/"):
            raise _error(errno.EINVAL)
        if dst in self._files:
            raise _error(errno.ENOTDIR)
        if dst in self._folders:
            self.rmdir(dst)
        self._folders = {_moved(it, src, dst): changed for it, changed in self._folders.items()}
        self._files = {_moved(it, src, dst): file for it, file in self._files.items()}

    def _file(self, path: str) -> _File:
        if path in self._folders:
            raise _error(errno.EISDIR)
        file = self._files.get(path)
        if file is None:
            raise _error(errno.ENOTDIR if self._is_below_file(path) else errno.ENOENT)
        return file

    def _check_new(self, path: str) -> None:
        self._check_parent(path)
        if len(self._files) + len(self._folders) >= self._most_entries:
            raise _error(errno.ENOSPC)

    def _check_parent(self, path: str) -> None:
        parent = posixpath.dirname(path)
        if parent not in self._folders:
            raise _error(errno.ENOTDIR if parent in self._files or self._is_below_file(path) else errno.ENOENT)

    def _is_below_file(self, path: str) -> bool:
        while path != "/":
            path = posixpath.dirname(path)
            if path in self._files:
                return True
        return False


def _is_child(path: str, folder: str) -> bool:
    return path != "/" and posixpath.dirname(path) == folder


def _moved(path: str, src: str, dst: str) -> str:
    return dst + path[len(src) :] if path == src or path.startswith(src + "/") else path


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
