"""The grid as Markdown and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.ablation.grid import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.ablation.summary import SeedNoise, VariantRow


class AblationHeading(NamedTuple):
    """What was trained on what: goes above the table."""

    data: str
    n_training: int
    n_measured: int
    steps: int
    batch: int
    seeds: tuple[int, ...]
    device: str
    precision: str
    threads: int
    command: str


def dice_grid(lines: Sequence[VariantRow]) -> list[list[str]]:
    """Variants as rows, keep ratios as columns, heading first; several seeds show their range."""
    keeps = sorted({line.keep for line in lines}, reverse=True)
    grid = [["variant", *(f"keep {keep:g}" for keep in keeps)]]
    for name, by_keep in _by_variant(lines).items():
        fixed = not next(iter(by_keep.values())).elastic
        cells = [_dice(by_keep[keep]) if keep in by_keep else ("" if fixed else "-") for keep in keeps]
        grid.append([name, *cells])
    return grid


def time_grid(lines: Sequence[VariantRow]) -> list[list[str]]:
    """Milliseconds of a window, laid out as `dice_grid`."""
    keeps = sorted({line.keep for line in lines}, reverse=True)
    grid = [["variant", *(f"keep {keep:g}" for keep in keeps)]]
    for name, by_keep in _by_variant(lines).items():
        grid.append(
            [name, *(f"{by_keep[keep].window_s * 1000:.1f}" if keep in by_keep else "" for keep in keeps)]
        )
    return grid


def to_markdown(heading: AblationHeading, lines: Sequence[VariantRow], noise: SeedNoise | None = None) -> str:
    """Tables of Dice, of Dice by structure at one keep ratio, and of time."""
    seeds = f"{len(heading.seeds)} seed{'s' * (len(heading.seeds) != 1)}"
    parts = [
        f"# Ablation on {heading.data}",
        f"`{heading.command}`",
        f"{heading.n_training} training cases, {heading.n_measured} held back and measured once, at the end; "
        f"{heading.steps} steps of {heading.batch} windows, {seeds}; data, steps, seeds and starting weights "
        "are the same for every variant. Keep ratios are drawn anew for each step (elastic training).",
        "## Mean Dice over the structures",
        _table(dice_grid(lines)),
        _doubt(noise),
        "## Milliseconds of a window",
        _table(time_grid(lines)),
        f"Medians of rounds run in turn; {heading.device}, {heading.precision}, {heading.threads} "
        f"thread{'s' * (heading.threads != 1)}.",
        f"## Dice by structure at keep {_middle(lines):g}",
        _table(_structure_grid(lines)),
        "## Variants",
        "\n".join(f"- `{variant.name}`: {variant.about}" for variant in VARIANTS),
    ]
    return "\n\n".join(parts) + "\n"


def to_dict(
    heading: AblationHeading, lines: Sequence[VariantRow], noise: SeedNoise | None = None
) -> dict[str, Any]:
    """JSON-ready copy."""
    by_chance = noise._asdict() if noise is not None else None
    return {**heading._asdict(), "chance": by_chance, "rows": [line._asdict() for line in lines]}


def _doubt(noise: SeedNoise | None) -> str:
    """Say which differences may be due to chance."""
    if noise is None:
        return "One seed cannot show which differences are due to chance: train two or more."
    return (
        "Mean over the seeds, with the lowest and highest in brackets. Runs differ from what variant and "
        f"seed alone would give by a standard deviation of {noise.spread:.3f}; two variants differ "
        f"significantly (5 %, t test on pairs of equal seeds) from {noise.difference:.3f} on."
    )


def _structure_grid(lines: Sequence[VariantRow]) -> list[list[str]]:
    keep = _middle(lines)
    chosen = [line for line in lines if line.keep == (keep if line.elastic else 1.0)]
    names = list(chosen[0].structures)
    rows = [[line.variant, *(f"{line.structures[name]:.3f}" for name in names)] for line in chosen]
    return [["variant", *names], *rows]


def _middle(lines: Sequence[VariantRow]) -> float:
    """Keep ratio that the table of structures shows: a quarter, or the nearest to it."""
    return min({line.keep for line in lines if line.elastic} or {1.0}, key=lambda keep: abs(keep - 0.25))


def _by_variant(lines: Sequence[VariantRow]) -> dict[str, dict[float, VariantRow]]:
    found: dict[str, dict[float, VariantRow]] = {}
    for line in lines:
        found.setdefault(line.variant, {})[line.keep] = line
    return found


def _dice(line: VariantRow) -> str:
    if line.seeds == 1:
        return f"{line.dice:.3f}"
    return f"{line.dice:.3f} [{line.lowest:.3f}, {line.highest:.3f}]"


def _table(lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    return "\n".join(
        f"| {' | '.join(cell or ' ' for cell in line)} |" for line in [lines[0], rule, *lines[1:]]
    )
