"""Open napari with the dock: ``python -m napari_scd [FILE...]``.

torch is imported before Qt, because on Windows a Qt that comes first keeps torch from loading (c10.dll).
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from napari_scd.own_process import settle_account, settle_threads

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Open a window with the files and the dock, and stay until it is closed; return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m napari_scd", description="Open napari with the SCD dock."
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="NIfTI or MGH scans, label maps and token maps to open"
    )
    timing = parser.add_argument_group("how long it makes you wait (see napari-scd benchmark latency)")
    timing.add_argument(
        "--time-rounds",
        type=int,
        metavar="N",
        help="drive the dock N times, print JSON, leave; 0 = click once, before anything is loaded",
    )
    timing.add_argument("--time-model", metavar="NAME|FILE", help="with this model")
    chosen = parser.parse_args(arguments)
    settle_account()
    settle_threads()

    if chosen.time_rounds is not None:
        from napari_scd.viewer import time_dock

        return time_dock(chosen.files, chosen.time_model, chosen.time_rounds)

    import torch  # noqa: F401  (before Qt)

    from napari_scd.viewer import open_window

    return open_window(chosen.files)


if __name__ == "__main__":
    sys.exit(main())
