"""Compressed image files: recognised by their contents, and read to the end of the compressed data."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from napari_scd.volume.nifti.endings import named_compressed

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

GZIP_MAGIC = b"\x1f\x8b"
MAX_RATIO = 1032
"""The most that deflate can shrink a run of zeros."""

_CHUNK = 2**16
_GZIP = 31  # zlib's name for a gzip header before the data and a checksum behind them


def is_compressed(path: Path) -> bool:
    """Tell whether a file starts as gzip files do, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def wrong_name(path: Path) -> str:
    """Return a sentence for the user where a file's name and its contents disagree, else nothing."""
    compressed = is_compressed(path)
    if compressed == named_compressed(path):
        return ""
    if compressed:
        return "The file is compressed though its name does not say so; it was read by its contents."
    return "The file is not compressed though its name says so; it was read by its contents."


def open_as_it_is(path: Path) -> io.BufferedReader:
    """Open a file for reading, decompressed where its contents are compressed.

    An image keeps its file open until the image is no longer needed; then the file is closed.
    """
    return Decompressed(path) if is_compressed(path) else io.BufferedReader(_Kept(path), _CHUNK)


class Decompressed(io.BufferedReader):
    """What a gzip file holds, up to the last byte that was compressed.

    Some programs and transfers leave bytes after that end. Other readers of gzip skip them ("trailing
    garbage ignored"); Python's own treats the whole file as damaged.

    Parameters
    ----------
    path
        A file that starts as gzip files do.
    """

    def __init__(self, path: Path) -> None:
        self._members = _Members(path)
        super().__init__(self._members, _CHUNK)

    @property
    def has_bytes_behind(self) -> bool:
        """Whether something follows the end; known once everything was read."""
        return self._members.bytes_behind


class _Kept(io.RawIOBase):
    """A file that is closed with whatever keeps it."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]

    def close(self) -> None:
        self._file.close()
        super().close()


class _Members(_Kept):
    """The parts of a gzip file, one after the other; EOFError and zlib.error where one is cut or damaged."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.bytes_behind = False
        self._raw = b""
        self._member = zlib.decompressobj(_GZIP)
        self._at = 0

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go forward by reading, back by starting again; from the end is not known."""
        wanted = offset + (self._at if whence == io.SEEK_CUR else 0)
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of compressed data is not known")
        if wanted < self._at:
            self._rewind()
        skipped = bytearray(_CHUNK)
        while self._at < wanted:
            if not self.readinto(memoryview(skipped)[: wanted - self._at]):
                break
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer as far as one step of decompression goes; 0 at the end."""
        room = memoryview(buffer).cast("B")
        while len(room) and self._begin_member():
            raw = self._raw or self._file.read(_CHUNK)
            part = self._member.decompress(raw, len(room))
            if not (raw or part or self._member.eof):
                raise EOFError("the compressed data are incomplete")
            self._raw = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if part:
                room[: len(part)] = part
                self._at += len(part)
                return len(part)
        return 0

    def _rewind(self) -> None:
        self._file.seek(0)
        self._at = 0
        self._raw = b""
        self._member = zlib.decompressobj(_GZIP)

    def _begin_member(self) -> bool:
        """Tell whether there is more to decompress, going on to the next part where one has ended."""
        if not self._member.eof:
            return True
        self._raw += self._file.read(_CHUNK) if len(self._raw) < len(GZIP_MAGIC) else b""
        if self._raw[:2] == GZIP_MAGIC:
            self._member = zlib.decompressobj(_GZIP)
            return True
        self.bytes_behind = bool(self._raw.strip(b"\0"))
        return False
