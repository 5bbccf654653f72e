"""Output that cannot be written never stops a run.

A terminal may use another encoding, be closed or hang up; the reader of a pipe may have left; a disk may be
full. What cannot be written is dropped, and `Guard.failure` says why.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_READER_LEFT = (errno.EPIPE, errno.EINVAL)  # on Windows, a pipe without a reader gives EINVAL
_HUNG_UP = (errno.EIO, errno.EBADF)


class Guard:
    r"""A text stream whose writing never fails.

    Attributes
    ----------
    failure : OSError or None
        What went wrong first. Nothing is written after it.

    Examples
    --------
    >>> import io
    >>> ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    >>> guard = Guard(ascii_only)
    >>> _ = guard.write("2 m\u00b3")
    >>> guard.flush()
    >>> ascii_only.buffer.getvalue()
    b'2 m?'
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be written; letters that the encoding lacks become question marks."""
        if self.failure is None:
            with self._noted():
                try:
                    self._stream.write(text)
                except UnicodeError:
                    self._stream.write(_in_encoding(text, self._stream.encoding or "ascii"))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the buffer."""
        if self.failure is None:
            with self._noted():
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal; False once it is closed."""
        try:
            return self.failure is None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    @property
    def lost(self) -> str:
        """Why output was lost; empty if none was, or if the reader simply left."""
        if self.failure is None or self.failure.errno in (*_READER_LEFT, *_HUNG_UP):
            return ""
        return self.failure.strerror or str(self.failure)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failure = error
        except ValueError as error:  # the stream was closed
            self.failure = OSError(errno.EBADF, str(error))


@contextmanager
def guarded() -> Iterator[tuple[Guard | None, Guard | None]]:
    """Guard stdout and stderr while the block runs; yields both, None for one that was closed at the start.

    Python flushes both once more at exit and would turn a failure into an exit code of its own, so a stream
    that failed is redirected to the null device.
    """
    _reserve_descriptors()
    former = _set_blocking()
    real = sys.stdout, sys.stderr
    out, err = (None if stream is None else Guard(stream) for stream in real)
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        for guard in (out, err):
            if guard is not None:
                guard.flush()
        sys.stdout, sys.stderr = real
        for descriptor in former:
            os.set_blocking(descriptor, False)
        for guard, stream in zip((out, err), real, strict=True):
            if guard is not None and guard.failure is not None:
                _discard(stream)


def _reserve_descriptors() -> None:
    """Open the standard descriptors that are closed, or the first file opened would get the number of stdout.

    Whatever a library then prints would go into that file: a label map, perhaps.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            os.set_inheritable(opened, True)


def _set_blocking() -> list[int]:
    """Let writing wait for a slow reader; return the descriptors that were set to fail instead.

    Programs that share a terminal or pipe with this one may have set it so.
    """
    former = []
    for descriptor in (1, 2):
        try:
            if hasattr(os, "get_blocking") and not os.get_blocking(descriptor):
                os.set_blocking(descriptor, True)
                former.append(descriptor)
        except OSError:
            continue
    return former


def _discard(stream: TextIO) -> None:
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # a stream without a descriptor is not flushed by Python either
        return


def _in_encoding(text: str, encoding: str) -> str:
    return text.encode(encoding, "replace").decode(encoding)
