"""What a simulated user points at, and how, while a promptable model is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PromptConfig:
    """What a promptable model is trained on: targets, windows and the simulated user.

    Parameters
    ----------
    union_share, piece_share, supervoxel_share, shape_share : float
        Share of samples whose target is a union of neighbouring labels, a piece of a label, a region of
        similar intensity, or a random shape painted into the image; the others are labels.
    synthesised_share : float
        Share of images drawn from the label map, in sets that allow it.
    fill : (low, high)
        Share of the window's edge that the target fills, log-uniform.
    field_share, field_mm : float and (low, high)
        Share of windows that see a fixed field instead, as a first click does; its edge.
    border_share, border_spacing : float and (low, high)
        Share of fine windows along the target's border, where it leaves the window; their spacing relative
        to the scan's finest.
    invert_share, floor_share, thick_share : float
        Share of images that are inverted; whose darkest voxels lie far below the rest (air beside soft
        tissue); that have thick slices.
    rounds : tuple of float
        How often 0, 1, 2, ... corrections follow the first prompts, relative to each other.
    sharpness : (low, high)
        First clicks fall at a depth inside the target to this power.
    stray_share : float
        Share of first clicks that miss by a few voxels.
    previous_share, box_share, scribble_share : float
        Share of samples that start from a damaged mask of the target, from a box, from a stroke; the others
        start from a click.
    validate_clicks : tuple of int
        Numbers of clicks after which Dice is measured.
    validate_targets : int
        Targets of each validation case that are measured.
    """

    union_share: float = 0.1
    piece_share: float = 0.05
    supervoxel_share: float = 0.15
    shape_share: float = 0.1
    synthesised_share: float = 0.25
    fill: tuple[float, float] = (0.15, 0.9)
    field_share: float = 0.2
    field_mm: tuple[float, float] = (80.0, 160.0)
    border_share: float = 0.2
    border_spacing: tuple[float, float] = (0.8, 2.5)
    invert_share: float = 0.15
    floor_share: float = 0.15
    thick_share: float = 0.1
    rounds: tuple[float, ...] = (0.35, 0.25, 0.2, 0.12, 0.08)
    sharpness: tuple[float, float] = (1.0, 8.0)
    stray_share: float = 0.05
    previous_share: float = 0.2
    box_share: float = 0.1
    scribble_share: float = 0.08
    validate_clicks: tuple[int, ...] = (1, 3, 5)
    validate_targets: int = 6
