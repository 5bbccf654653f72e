"""What our own processes set before PyTorch is loaded; the library itself changes nothing in its host.

Accounts: containers run programs under a user id without a name or a home folder. PyTorch asks
for the user's name, and Matplotlib for a home, when they are imported.

The working folder: scripts remove it while they run, and Intel's library then ends the program.

Threads: those of PyTorch wait for each other by spinning. One that has finished its part keeps its core busy
until the others arrive. On a machine where other programs run, the others are then not running, because the
core is taken by one that waits, and a run takes ten times as long or more. Threads that sleep while they wait
cost almost nothing on an idle machine.
"""

from __future__ import annotations

import atexit
import getpass
import os
import shutil
import sys
import tempfile
from pathlib import Path

WAITING = {
    "OMP_WAIT_POLICY": "PASSIVE",  # GNU's OpenMP, which PyTorch brings along on Linux
    "KMP_BLOCKTIME": "0",  # Intel's and LLVM's, on macOS and Windows
}
_ABOUT_WAITING = (*WAITING, "GOMP_SPINCOUNT", "KMP_LIBRARY")
_ABOUT_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_CGROUP = Path("/sys/fs/cgroup")


def settle_account() -> None:
    """Set a user name and home folder for packages that ask for them, if there are none."""
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):
        os.environ["LOGNAME"] = f"uid-{os.getuid()}" if hasattr(os, "getuid") else "user"
    if os.path.expanduser("~") == "~" and "MPLCONFIGDIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="napari-scd-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["MPLCONFIGDIR"] = folder


def settle_folder() -> bool:
    """Move to an existing folder if the working folder was removed; return whether it was.

    Libraries end the program when there is none. Files named without a folder still cannot be found, and
    above all nothing can be written where the user would not look for it.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        os.chdir("/proc/self" if os.path.isdir("/proc/self") else "/")
        return True
    return False


def settle_threads() -> None:
    """Let threads sleep while they wait, and use no more of them than this process has cores.

    Nothing that the user has set is changed, and nothing at all once PyTorch is there, which has read these
    settings by then.
    """
    if "torch" in sys.modules:
        return
    if not any(name in os.environ for name in _ABOUT_WAITING):
        os.environ.update(WAITING)
    cores = granted_cores()
    if cores is not None and not any(name in os.environ for name in _ABOUT_THREADS):
        os.environ["OMP_NUM_THREADS"] = str(cores)


def granted_cores(cgroup: Path = _CGROUP) -> int | None:
    """Cores that a container allows this process, if fewer than the machine has; else None.

    PyTorch counts the cores of the machine. In a container that may use two of 64 it would start 32 threads
    or more, which then wait most of the time for their turn.

    Parameters
    ----------
    cgroup : Path
        Where the limits of this process are mounted.
    """
    try:
        quota, period = _limit(cgroup)
    except (OSError, ValueError):
        return None  # no container, or one that says nothing
    cores = max(1, -(-quota // period)) if quota > 0 and period > 0 else None
    return cores if cores is not None and cores < usable_cores() else None


def _limit(cgroup: Path) -> tuple[int, int]:
    """Processor time per period, and the period, in microseconds; cgroups of version 2, then 1."""
    if (cgroup / "cpu.max").exists():
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        return int(quota), int(period)  # "max" is not a number: no limit
    folder = cgroup / "cpu"
    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    quota, period = ((folder / name).read_text(encoding="ascii") for name in names)
    return int(quota), int(period)


def usable_cores() -> int:
    """Count the cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
