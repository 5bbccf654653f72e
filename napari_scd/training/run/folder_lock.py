"""One run's folder belongs to one process at a time."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME = ".training"


@contextmanager
def locked_folder(folder: Path, *, leads: bool = True) -> Iterator[None]:
    """Keep other runs out of a folder while the block runs.

    The system frees the lock when the process ends, however it ends. On file systems without locks there is
    none.

    Parameters
    ----------
    leads : bool
        Whether this is the process that writes; helpers of one run share its lock.

    Raises
    ------
    InputError
        Another process trains in this folder.
    """
    lock = folder / LOCK_NAME
    handle = _locked(lock) if leads else None
    try:
        yield
    finally:
        if handle is not None:
            with suppress(OSError):  # some systems keep a file that is open
                lock.unlink()
            os.close(handle)


def _locked(lock: Path) -> int | None:
    """Open and lock a file; None if that is not possible at all."""
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:  # the first checkpoint will say what is wrong with the folder
            return None
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError) as error:
            os.close(handle)
            raise InputError(
                f"Another process is training in {lock.parent}: wait until it ends, or use another output "
                "folder."
            ) from error
        except (OSError, ImportError):
            return handle
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), os.stat(lock)):
                return handle
        os.close(handle)  # its owner has just removed it: try the next one


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
