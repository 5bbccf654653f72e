"""Open napari with the dock: ``python -m napari_scd [FILE...]``.

torch is imported before Qt, because on Windows a Qt that comes first keeps torch from loading (c10.dll).
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Open a window with scans, label maps, token maps and the dock, and stay until it is closed."""
    wanted = _parser().parse_args(arguments)

    import torch  # noqa: F401  (before Qt)

    from napari_scd.viewer.opening import open_window

    return open_window(wanted.files, wanted.labels, wanted.tokens, wanted.score)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m napari_scd", description="Open napari with the SCD dock."
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="NIfTI or MGH scans to open")
    parser.add_argument("--labels", nargs="+", default=[], metavar="FILE", help="label maps to lay on them")
    parser.add_argument("--tokens", nargs="+", default=[], metavar="FILE", help="token maps to lay on them")
    parser.add_argument("--score", nargs="+", default=[], metavar="FILE", help="score maps to lay on them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
