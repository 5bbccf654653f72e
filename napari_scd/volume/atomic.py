"""Write a file whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_scd.errors import Unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY_S = 86_400.0
_SHOWN = 50  # letters of the final name within the temporary one, so that it never grows too long


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; on success it becomes ``path`` in one step.

    The temporary file lies in the same folder and has the same endings, so writers that go by the name do
    what they would do for ``path``. When the block fails or is interrupted, it is removed and whatever was at
    ``path`` before stays untouched. What a killed process left while it wrote the same file is removed by the
    next one that writes it.

    Parameters
    ----------
    path
        The file to write. Its folder must exist.

    Raises
    ------
    InputError
        When the folder is missing, something other than a file is in the way, or the system refuses to write
        (no permission, read-only, full disk).
    """
    target = Path(path)
    _check_target(target)
    target = Path(os.path.realpath(target))
    _remove_abandoned(target)
    temporary = target.with_name(f".{_PLACE}-{os.getpid()}-{uuid.uuid4().hex[:6]}.{target.name[-_SHOWN:]}")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise Unwritable(path, f"Cannot write {path}: {_reason(error)}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _place() -> str:
    """Name the machine, and on Linux the process namespace, within which process numbers are unique."""
    try:
        space = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        space = ""
    return hashlib.blake2s(f"{platform.node()}/{space}".encode(), digest_size=4).hexdigest()


_PLACE = _place()


def _remove_abandoned(target: Path) -> None:
    """Remove temporary files for the same target whose process on this machine has ended."""
    hidden = rf"\.{_PLACE}-(\d+)-[0-9a-f]{{6}}\."  # one more for each file that was itself to be renamed
    named = re.compile(rf"(?:{hidden})+{re.escape(target.name[-_SHOWN:])}")
    with suppress(OSError):
        for entry in os.scandir(target.parent):
            match = named.fullmatch(entry.name)
            if match and _is_abandoned(int(match[1]), entry):
                with suppress(OSError):
                    os.unlink(entry.path)


def _is_abandoned(process: int, entry: os.DirEntry[str]) -> bool:
    if os.name != "posix":  # there, os.kill would end the process
        return time.time() - entry.stat().st_mtime > _DAY_S
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _check_target(target: Path) -> None:
    # os.path does not raise where a folder must not be read
    if os.path.isdir(target):
        raise Unwritable(target, f"Cannot write {target}: it is a folder; give a file name.")
    if not os.path.isdir(target.parent):
        raise Unwritable(
            target, f"Cannot write {target}: the folder {target.parent} does not exist; make it first."
        )
    if os.path.islink(os.path.realpath(target)):
        raise Unwritable(
            target, f"Cannot write {target}: it is a symbolic link to itself; choose another place."
        )
    if os.path.exists(target):
        if not os.path.isfile(target):
            raise Unwritable(target, f"Cannot write {target}: it is not a regular file; give a file name.")
        if not os.access(target, os.W_OK):
            raise Unwritable(
                target, f"Cannot write {target}: the file there is read-only; choose another place."
            )


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "the disk is full; free some space or choose another place"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "no permission to write there; choose another place"
    return f"{error.strerror or error}; choose another place"
