"""Benchmarks as tables, for the terminal and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from napari_scd.benchmarks.rounds import paired_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_scd.benchmarks.busy import BusyRow
    from napari_scd.benchmarks.comparison_result import Comparison, NetworkRow
    from napari_scd.benchmarks.device_report import DeviceReport
    from napari_scd.benchmarks.peers import PeerRow
    from napari_scd.benchmarks.stages import Stages
    from napari_scd.benchmarks.throughput import LoadRow
    from napari_scd.benchmarks.volume import VolumeTimes

SHOWN_KEEPS = (1.0, 0.5, 0.25, 0.1)
_LEFT = ("network", "tokens", "stage", "program", "run")

Grid = list[list[str]]


def sweep_table(result: Comparison) -> Table:
    """One network over its keep ratios: time by part, share of the peak, memory."""
    return _table(sweep_grid(result))


def sweep_grid(result: Comparison) -> Grid:
    """Rows of `sweep_table`, heading first."""
    titles = [
        "keep",
        "tokens",
        "GMACs",
        "encoder",
        "assembly",
        "decoder",
        "window",
        "speed-up",
        "of peak",
        "MiB",
    ]
    grid = [titles]
    for row in result.rows:
        parts = row.parts
        assert parts is not None  # a sweep is of one of our own networks
        grid.append(
            [
                _keep(row.keep),
                _tokens(row.tokens),
                f"{row.macs / 1e9:.2f}",
                _ms(parts.whole_encoder_s),
                _ms(parts.assembly_s),
                _ms(parts.whole_decoder_s),
                f"{_ms(row.median_s)}\u00b1{_ms(row.quartiles_s)}",
                f"{row.speedup:.2f}x",
                f"{row.peak.whole:.0%}",
                _mib(row.memory_bytes),
            ]
        )
    return grid


def comparison_table(result: Comparison) -> Table:
    """All networks: time, speed-up, arithmetic, memory."""
    return _table(comparison_grid(result))


def comparison_grid(result: Comparison) -> Grid:
    """Rows of `comparison_table`, heading first."""
    titles = [
        "network", "keep", "weights", "GMACs", "window", "speed-up", "GMAC/s", "peak", "encoder", "decoder",
        "MiB",
    ]  # fmt: skip
    grid = [titles]
    for row in result.rows:
        shares = (row.peak.encoder, row.peak.decoder)
        grid.append(
            [
                row.network,
                _keep(row.keep),
                f"{row.n_parameters / 1e6:.1f}M",
                f"{row.macs / 1e9:.1f}",
                f"{_ms(row.median_s)}\u00b1{_ms(row.quartiles_s)}",
                f"{row.speedup:.2f}x" if row.speedup else "",
                f"{row.macs_per_s / 1e9:.1f}",
                f"{row.peak.whole:.0%}",
                *(f"{share:.0%}" if share else "" for share in shares),
                _mib(row.memory_bytes),
            ]
        )
    return grid


def parts_table(result: Comparison) -> Table | None:
    """Time by part of our networks; None when none was timed by part."""
    grid = parts_grid(result)
    return _table(grid) if len(grid) > 1 else None


def parts_grid(result: Comparison) -> Grid:
    """Rows of `parts_table`, heading first."""
    titles = ["network", "keep", "tokens", "image", "prefix", "blocks", "assembly", "decoder", "other"]
    return [
        titles,
        *(
            [row.network, _keep(row.keep), _tokens(row.tokens), *(_ms(part) for part in row.parts)]
            for row in result.rows
            if row.parts is not None
        ),
    ]


def ratio_table(result: Comparison) -> Table | None:
    """How many times faster our networks are than those without a keep ratio; None when there are none."""
    grid = ratio_grid(result)
    return _table(grid) if grid else None


def ratio_grid(result: Comparison) -> Grid:
    """Rows of `ratio_table`, heading first; empty when there is nothing to compare with."""
    fixed = [row for row in result.rows if row.keep is None]
    ours = [row for row in result.rows if row.keep in SHOWN_KEEPS]
    if not fixed or not ours:
        return []
    head = ["network", "keep", *(f"{row.network} / it" for row in fixed)]
    body = [[row.network, _keep(row.keep), *(_ratio(other, row) for other in fixed)] for row in ours]
    return [head, *body]


def volume_table(result: VolumeTimes) -> Table:
    """Lay out a whole volume over the keep ratios."""
    return _table(volume_grid(result))


def volume_grid(result: VolumeTimes) -> Grid:
    """Rows of `volume_table`, heading first."""
    titles = ["keep", "windows", "seconds", "in the network", "speed-up", "MiB"]
    return [
        titles,
        *(
            [
                _keep(row.keep),
                str(row.n_windows),
                f"{row.median_s:.2f} \u00b1 {row.quartiles_s:.2f}",
                f"{row.windows_s:.2f}",
                f"{row.speedup:.2f}x",
                _mib(row.memory_bytes),
            ]
            for row in result.rows
        ),
    ]


def stages_table(result: Stages) -> Table:
    """Lay out one scan, stage by stage."""
    return _table(stages_grid(result))


def stages_grid(result: Stages) -> Grid:
    """Rows of `stages_table`, heading first, the total last."""
    rows = [[stage, _ms(s), f"{s / result.total_s:.0%}"] for stage, s in result.seconds.items()]
    return [["stage", "ms", "share"], *rows, ["together", _ms(result.total_s), "100%"]]


def throughput_table(rows: Sequence[LoadRow]) -> Table:
    """Lay out cohorts with several numbers of processes and threads."""
    return _table(throughput_grid(rows))


def throughput_grid(rows: Sequence[LoadRow]) -> Grid:
    """Rows of `throughput_table`, heading first."""
    titles = "processes, threads, scans, seconds, scans/h, scans/h later, s a scan, MiB each, MiB all"
    grid = [titles.split(", ")]
    for row in rows:
        counts = [row.load.workers, row.load.threads, row.n_scans]
        rates = [row.wall_s, row.scans_an_hour, row.steady_scans_an_hour, row.scan_s]
        memory = [_mib(row.worker_bytes), _mib(row.all_bytes)]
        grid.append([*map(str, counts), *(f"{rate:.1f}" for rate in rates), *memory])
    return grid


def busy_table(rows: Sequence[BusyRow]) -> Table:
    """Lay out one scan beside busy loops."""
    return _table(busy_grid(rows))


def busy_grid(rows: Sequence[BusyRow]) -> Grid:
    """Rows of `busy_table`, heading first."""
    grid = [["run", "busy loops", "seconds", "of work", "processor s", "against the better"]]
    for row in rows:
        processor = "" if row.processor_s is None else f"{row.processor_s:.1f}"
        seconds = [f"{row.wall_s:.1f}", f"{row.work_s:.1f}", processor]
        grid.append([row.variant, str(row.loops), *seconds, f"{row.ratio:.2f}"])
    return grid


def peers_table(rows: Sequence[PeerRow]) -> Table:
    """Lay out whole processes on one scan."""
    return _table(peers_grid(rows))


def peers_grid(rows: Sequence[PeerRow]) -> Grid:
    """Rows of `peers_table`, heading first."""
    grid = [["program", "seconds", "times ours", "processor s", "peak MiB"]]
    for row in rows:
        processor = "" if row.processor_s is None else f"{row.processor_s:.1f}"
        grid.append([row.name, f"{row.wall_s:.1f}", f"{row.ratio:.1f}", processor, _mib(row.peak_bytes)])
    return grid


def device_grid(result: DeviceReport) -> Grid:
    """Rows of `device_table`, heading first."""
    grid = [["network", "precision", "first s", "again s", "MiB", "agreement"]]
    for row in result.scans:
        how = f"{row.precision}{', compiled' if row.compiled else ''}"
        times = [f"{row.first_s:.2f}", f"{row.again_s:.2f}", _mib(row.memory_bytes), f"{row.agreement:.4f}"]
        grid.append([row.model, how, *times])
    return grid


def device_table(result: DeviceReport) -> Table:
    """Lay out the scans of a device report."""
    return _table(device_grid(result))


def about(result: Comparison) -> list[str]:
    """Sentences below a table: what ran on what, and what the columns mean."""
    size = " x ".join(map(str, result.window.roi))
    channels = f"{result.window.in_channels} in, {result.window.out_channels} out"
    threads = f"{result.threads} thread{'s' if result.threads != 1 else ''}"
    machine = f"{result.device} \u00b7 {result.precision} \u00b7 {threads} \u00b7 batch {result.batch}"
    time = "times" if result.clock == "wall" else "processor times"
    names = ", ".join(dict.fromkeys(row.network for row in result.rows))
    what = result.task if "," in names else names
    return [
        f"{what} \u00b7 window {size}, {channels} \u00b7 {machine} \u00b7 "
        f"medians of {result.rounds} rounds run in turn",
        f"{time} in ms, \u00b1 distance of the quartiles; peak, encoder, decoder = share of "
        f"one matrix product's {result.peak_macs_per_s / 1e9:.0f} GMAC/s; MiB = memory on top of the weights",
    ]


def about_volume(result: VolumeTimes) -> str:
    """Say what ran on what, below a table."""
    shape = " x ".join(map(str, result.shape))
    spacing = " x ".join(f"{edge:g}" for edge in result.spacing_mm)
    threads = f"{result.threads} thread{'s' if result.threads != 1 else ''}"
    machine = f"{result.device} \u00b7 {result.precision} \u00b7 {threads} \u00b7 {result.clock} time"
    return (
        f"{result.network} \u00b7 volume {shape} at {spacing} mm \u00b7 {machine} \u00b7 "
        f"medians of {result.rounds} rounds run in turn"
    )


def markdown(grid: Grid) -> str:
    """Lay out a grid as a Markdown table."""
    head, *rows = grid
    rule = ["---" if title in _LEFT else "---:" for title in head]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))


def _table(grid: Sequence[Iterable[str]]) -> Table:
    head, *rows = grid
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for title in head:
        table.add_column(title, justify="left" if title in _LEFT else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _ratio(slower: NetworkRow, faster: NetworkRow) -> str:
    return f"{paired_ratio(slower.rounds_s, faster.rounds_s):.2f}x"


def _keep(keep: float | None) -> str:
    return "" if keep is None else f"{keep:g}"


def _tokens(counts: tuple[int, ...]) -> str:
    return ">".join(map(str, counts)) if len(set(counts)) > 1 else f"{counts[0]} (all)"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"


def _mib(n_bytes: int | None) -> str:
    return "" if n_bytes is None else f"{n_bytes / 2**20:.0f}"
