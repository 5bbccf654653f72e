"""Tests the paper's claim: which pruning and completion methods keep the quality when trained alike."""

from napari_scd.ablation.cases import small_cases
from napari_scd.ablation.grid import KEEPS, VARIANTS, Variant, chosen_variants, common_start, configured
from napari_scd.ablation.plot import plot_grid
from napari_scd.ablation.presets import preset_config, preset_names
from napari_scd.ablation.runs import StoppedRun, VariantResult, run_variant
from napari_scd.ablation.speed import time_variants
from napari_scd.ablation.summary import SeedNoise, VariantRow, seed_noise, summarise
from napari_scd.ablation.tables import AblationHeading, dice_grid, time_grid, to_dict, to_markdown

__all__ = [
    "KEEPS",
    "VARIANTS",
    "SeedNoise",
    "AblationHeading",
    "VariantRow",
    "VariantResult",
    "StoppedRun",
    "Variant",
    "seed_noise",
    "chosen_variants",
    "common_start",
    "configured",
    "dice_grid",
    "plot_grid",
    "preset_config",
    "preset_names",
    "run_variant",
    "small_cases",
    "summarise",
    "time_grid",
    "time_variants",
    "to_dict",
    "to_markdown",
]
