"""The command line, `napari-scd`; light to import, each command loads what it needs when it runs."""

from __future__ import annotations

from napari_scd.cli.app import main

__all__ = ["main"]
