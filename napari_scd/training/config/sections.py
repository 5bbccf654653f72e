"""The sections of a training file, one frozen class each."""

from __future__ import annotations

from dataclasses import dataclass

MOST_WEIGHT = 40.0
IGNORED = 255  # label of voxels that are neither a structure nor background


@dataclass(frozen=True)
class SetConfig:
    """One of several data sets that a promptable model learns from; every set has labels of its own.

    Parameters
    ----------
    name : str
        For messages and for the table of the validation.
    labels, images : str or None
        Two folders with equal file names. Without `images` they are drawn from the label maps.
    training, validation, test : tuple of str
        Case names (file names without ending); empty `training` = every case not named elsewhere. Cases for
        the test are never read.
    holdout : int
        When `validation` is empty: every k-th case is held back until this many are.
    ignore : tuple of int
        Values of voxels whose structure is not known: they do not count in the loss.
    withheld : tuple of int
        Values of structures that are never a target, whole or in part: background that may be seen.
    share : float
        How often the set is drawn, relative to the others.
    synthesise : bool
        Whether a share of the images (see `PromptConfig`) is drawn from the label maps.
    extra_cerebral : tuple of int
        Values that a skull-stripped head does not have; a share of the drawn images is stripped of them.
    """

    name: str
    labels: str
    images: str | None = None
    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    holdout: int = 0
    ignore: tuple[int, ...] = ()
    withheld: tuple[int, ...] = ()
    share: float = 1.0
    synthesise: bool = True
    extra_cerebral: tuple[int, ...] = ()


@dataclass(frozen=True)
class DataConfig:
    """Where the cases are: a Decathlon ``dataset.json``, or two folders with equal file names.

    Parameters
    ----------
    dataset : str or None
        Path of a Decathlon-style ``dataset.json``.
    images, labels : str or None
        Two folders instead.
    training, validation, test : tuple of str
        Case names (file names without ending); empty `training` = every case not named elsewhere.
    holdout : int
        When `validation` is empty: every k-th case is held back until this many are.
    maps : str or None
        A further folder of label maps without images; `synthesis` draws images from them while `images` and
        `labels` are used as they are. Without it, `synthesis` draws from `labels`.
    background : tuple of int
        Label values that count as background.
    ignore : tuple of int
        Label values whose voxels are ignored: no loss and no figure counts them.
    all_cases : bool
        Train on the validation cases too (never on `test`), without validation: for a final
        training whose settings are fixed.
    memory_gb : float or None
        Cases beyond this are kept on disk, in the run's folder, and read window by window; None = half of the
        free memory.
    sets : tuple of SetConfig
        Several data sets instead, for a promptable model (with `PromptConfig`).
    """

    dataset: str | None = None
    images: str | None = None
    labels: str | None = None
    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    holdout: int = 0
    maps: str | None = None
    background: tuple[int, ...] = ()
    ignore: tuple[int, ...] = ()
    all_cases: bool = False
    memory_gb: float | None = None
    sets: tuple[SetConfig, ...] = ()


@dataclass(frozen=True)
class KeepConfig:
    """How the keep ratio is drawn at each step (elastic training).

    Parameters
    ----------
    dense_share : float
        Share of steps that keep every token.
    low, high : float
        Otherwise the ratio is log-uniform in this range.
    per_stage_share : float
        Share of steps that draw each stage separately.
    """

    dense_share: float = 0.2
    low: float = 0.1
    high: float = 1.0
    per_stage_share: float = 0.15


@dataclass(frozen=True)
class LossConfig:
    """The terms of the training loss.

    Parameters
    ----------
    dice, cross_entropy : float
        Weights of MONAI's Dice loss and of the cross-entropy (binary for regions that overlap).
    class_weights : tuple of float
        Cross-entropy weight of each output channel, for voxels and tokens (Dice counts every structure
        alike already); empty = by `balance`.
    balance : float
        Weight of a label = (share of background / share of the label) to this power, in the voxels of the
        training cases, at most `MOST_WEIGHT`; 0 = all 1. Without it small structures are learned late or
        never. Regions that overlap are not balanced.
    squared, smooth_nr, smooth_dr : bool, float, float
        As MONAI's ``DiceLoss`` takes them (`squared` = ``squared_pred``).
    background : bool
        Whether background has a Dice term of its own.
    batch : bool
        Overlap is summed over the whole batch (over all processes) before the ratio is taken, which suits
        small batches with rare structures; false takes the ratio of each window and saves processes the
        exchange of logits.
    token : float
        Weight of a cross-entropy on the completed tokens against the share of each label in their patch;
        its linear head is used in training only. It makes tokens carry meaning early.
    kept_share : float
        Weight of DynamicViT's ratio loss (pruning "gumbel" only).
    deep : float
        Weight of a cross-entropy on the decoder's coarser levels against the share of each label in their
        voxels (deep supervision); their linear heads are used in training only.
    thin : int
        The terms on voxels look at every `thin`-th voxel along each axis, from a random start: with many
        structures the loss would otherwise cost more than the network.
    border : float
        Promptable models: how much more a voxel at the target's border counts in the cross-entropy.
    coarse, steer : float
        Promptable models whose decoder is fine in some blocks only: weights of the coarse answer's own Dice
        and cross-entropy, and of a cross-entropy that teaches the stages which tokens hold the border.
    """

    dice: float = 1.0
    cross_entropy: float = 1.0
    class_weights: tuple[float, ...] = ()
    balance: float = 0.5
    squared: bool = False
    smooth_nr: float = 1e-5
    smooth_dr: float = 1e-5
    background: bool = False
    batch: bool = True
    token: float = 0.3
    kept_share: float = 2.0
    deep: float = 0.0
    thin: int = 1
    border: float = 0.0
    coarse: float = 0.3
    steer: float = 0.1
