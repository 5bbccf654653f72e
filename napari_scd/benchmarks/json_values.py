"""Benchmarks as plain values, for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.benchmarks.comparison_result import Comparison
    from napari_scd.benchmarks.device_report import DeviceReport
    from napari_scd.benchmarks.peers import PeerRow
    from napari_scd.benchmarks.volume import VolumeTimes


def comparison_dict(result: Comparison) -> dict[str, Any]:
    """JSON-ready copy of a comparison."""
    rows = [
        {
            **row._asdict(),
            "peak": row.peak._asdict(),
            "parts": row.parts._asdict() if row.parts is not None else None,
        }
        for row in result.rows
    ]
    names = list(dict.fromkeys(row.network for row in result.rows))
    return {
        **result._asdict(),
        "model": names[0],
        "window": result.window._asdict(),
        "torch": str(torch.__version__),
        "rows": rows,
    }


def volume_dict(result: VolumeTimes) -> dict[str, Any]:
    """JSON-ready copy of a whole volume's times."""
    return {**result._asdict(), "rows": [row._asdict() for row in result.rows]}


def peers_dict(rows: Sequence[PeerRow]) -> list[dict[str, Any]]:
    """JSON-ready copy."""
    return [row._asdict() for row in rows]


def device_dict(result: DeviceReport) -> dict[str, Any]:
    """JSON-ready copy of a device report."""
    return {
        **result._asdict(),
        "scans": [row._asdict() for row in result.scans],
        "windows": [comparison_dict(one) for one in result.windows],
        "training": [comparison_dict(one) for one in result.training],
    }
