"""Write a file whole or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; on success it becomes ``path`` in one step.

    The temporary file lies in the same folder and has the same endings, so writers that go by the name do
    what they would do for ``path``. When the block fails or is interrupted, it is removed and whatever was at
    ``path`` before stays untouched.

    Parameters
    ----------
    path
        The file to write. Its folder must exist.

    Raises
    ------
    InputError
        When the folder is missing, something else than a file is in the way, or the system refuses to write
        (no permission, read-only, full disk).
    """
    target = Path(path)
    _check_target(target)
    target = target.resolve()
    temporary = target.with_name(f".{uuid.uuid4().hex[:12]}.{target.name}")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {_reason(error)}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check_target(target: Path) -> None:
    # os.path asks without raising where a folder may not be looked into
    if os.path.isdir(target):
        raise InputError(f"Cannot write {target}: it is a folder; give a file name.")
    if not os.path.isdir(target.parent):
        raise InputError(f"Cannot write {target}: the folder {target.parent} does not exist; make it first.")
    if os.path.exists(target):
        if not os.path.isfile(target):
            raise InputError(f"Cannot write {target}: it is no ordinary file; give a file name.")
        if not os.access(target, os.W_OK):
            raise InputError(f"Cannot write {target}: the file there is read-only; choose another place.")


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "the disk is full; free some space or choose another place"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "no permission to write there; choose another place"
    return f"{error.strerror or error}; choose another place"
