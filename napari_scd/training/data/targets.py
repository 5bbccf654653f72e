"""One training sample of a promptable model: a window, and the one thing in it that a user might mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_scd.errors import InputError
from napari_scd.training.config import IGNORED, SynthesisConfig, WarpRange
from napari_scd.training.data.intensity import between, changed_look, normalised
from napari_scd.training.data.regions import random_shape, refined_region, supervoxels
from napari_scd.training.data.sets import WITHHELD
from napari_scd.training.data.synthesis import draw_image, thick_slices
from napari_scd.training.data.target_shapes import labelled_target, painted, target_kind
from napari_scd.training.data.warp import random_warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.training.config import PromptConfig, TrainConfig
    from napari_scd.training.data.regions import Supervoxels
    from napari_scd.training.data.sets import PromptCase
    from napari_scd.training.data.warp import Warp

_TRIES = 40
FEWEST_VOXELS = 20
_MOST_SHARE = 0.9
_REGION_CODES = 60
_SHAPE_CODE = 253
_PLAIN = SynthesisConfig()

Place = tuple[float, float, float]


class Sample(NamedTuple):
    """A window and its target.

    Attributes
    ----------
    image : Tensor ``(1, z, y, x)`` float32
        Normalised.
    target : ``(z, y, x)`` bool
    counted : ``(z, y, x)`` bool
        Voxels whose structure is known.
    leaves : bool
        Whether the window shows only a part of the target's border, like windows that refine a coarse answer.
    source : str
        Name of the data set.
    """

    image: Tensor
    target: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    leaves: bool
    source: str


class WindowAim(NamedTuple):
    """Where a window looks and how closely; whether its target goes on outside."""

    centre: Place
    spacing_mm: float
    leaves: bool


@dataclass
class WindowView:
    """What a window shows of a case before a target is chosen: image 0-1 (None = to be drawn), codes."""

    warp: Warp
    image: Tensor | None
    codes: NDArray[np.uint8]


class SampleMaker:
    """Draws samples: set -> case -> target -> window, so that small sets and rare labels count.

    Parameters
    ----------
    cases : sequence of PromptCase
    config : TrainConfig
        With prompts.
    """

    def __init__(self, cases: Sequence[PromptCase], config: TrainConfig) -> None:
        assert config.prompts is not None
        self.config = config
        self.prompts: PromptConfig = config.prompts
        self.synthesis = config.synthesis or _PLAIN
        by_set: dict[str, list[PromptCase]] = {}
        for case in cases:
            by_set.setdefault(case.set.name, []).append(case)
        self.groups = list(by_set.values())
        self.shares = torch.tensor([group[0].set.share for group in self.groups])
        self.regions: dict[str, Supervoxels] = {}

    def draw(self, generator: torch.Generator) -> Sample:
        """Draw one sample; the same state of the generator gives the same one.

        Raises
        ------
        InputError
            No window with a usable target was found.
        """
        for _ in range(_TRIES):
            group = self.groups[int(torch.multinomial(self.shares, 1, generator=generator))]
            case = group[int(torch.randint(len(group), (), generator=generator))]
            sample = self._sample(case, generator)
            if sample is not None:
                return sample
        raise InputError(
            f"No window with a usable target was found in {_TRIES} tries: the labels may be too small; "
            "see 'fill' of 'prompts'."
        )

    def _sample(self, case: PromptCase, generator: torch.Generator) -> Sample | None:
        prompts = self.prompts
        drawn = torch.rand(3, generator=generator).tolist()
        kind = target_kind(drawn[0], prompts, has_image=not case.drawn)
        synthesised = case.drawn or (case.set.synthesise and drawn[1] < prompts.synthesised_share)
        if kind == "supervoxel":
            regions = self._regions(case)
            if not len(regions.usable):
                return None
            wanted = int(regions.usable[int(drawn[2] * len(regions.usable))])
            place = regions.place(wanted, float(torch.rand((), generator=generator)))
            aim = self._aim(case, place, place, regions.extent_mm(wanted), generator)
            synthesised = case.drawn
        else:
            wanted = list(case.targets)[int(drawn[2] * len(case.targets))]
            places = case.targets[wanted]
            picks = torch.rand(2, generator=generator).tolist()
            inside, border = (
                _pick(rows, pick) for rows, pick in zip((places.inside, places.border), picks, strict=True)
            )
            aim = self._aim(case, inside, border, places.extent_mm, generator)
        state = generator.get_state()
        view = self.view(case, aim, self.config.warp, generator)
        if kind == "shape":
            target = random_shape(self.config.model.roi, generator)
        elif kind == "supervoxel":
            target = self._region(case, wanted, aim, view, state)
        else:
            target = labelled_target(kind, view.codes, wanted, generator)
        target &= view.codes != WITHHELD
        count = np.count_nonzero(target)
        if not FEWEST_VOXELS <= count <= _MOST_SHARE * target.size:
            return None
        image = self._image(case, view, aim, target, kind, synthesised, state, generator)
        counted = np.ones_like(target) if kind == "shape" else (view.codes != IGNORED) | target
        return Sample(image, target, counted, aim.leaves, case.set.name)

    def _aim(
        self, case: PromptCase, inside: Place, border: Place, extent_mm: float, generator: torch.Generator
    ) -> WindowAim:
        """Choose between a window that holds the target, a fixed field, and a fine one at its border."""
        prompts, edge = self.prompts, min(self.config.model.roi)
        drawn = torch.rand(3, generator=generator).tolist()
        finest = min(case.levels[0].spacing_mm)
        jitter = torch.randn(3, generator=generator)
        if drawn[0] < prompts.border_share:
            spacing = finest * between(prompts.border_spacing, drawn[1])
            centre, leaves = border, extent_mm > 0.7 * spacing * edge
        elif drawn[0] < prompts.border_share + prompts.field_share:
            spacing = between(prompts.field_mm, drawn[1]) / edge
            centre, leaves = inside, False
        else:
            low, high = prompts.fill
            fill = low * (high / low) ** drawn[1]
            spacing = extent_mm / fill / edge
            centre, leaves = inside, False
        spacing = min(max(spacing, 0.4 * finest), 1.3 * max(case.edge_mm() / edge, finest))
        stray = jitter * (0.08 * edge * spacing) / torch.tensor(case.levels[0].spacing_mm)
        z, y, x = (torch.tensor(centre) + stray).tolist()
        return WindowAim((z, y, x), spacing, leaves)

    def view(
        self, case: PromptCase, aim: WindowAim, limits: WarpRange, generator: torch.Generator
    ) -> WindowView:
        """Return what a window shows of a case, turned and bent within `limits`."""
        level = case.level_for(aim.spacing_mm)
        warp = _warp(
            level.label, level.stride, level.spacing_mm, aim, limits, generator, self.config.model.roi
        )
        codes = warp.sample(level.label, nearest=True)[0].to(torch.uint8).numpy()
        image = None if level.image is None else warp.sample(level.image) / 32_767
        return WindowView(warp, image, codes)

    def _regions(self, case: PromptCase) -> Supervoxels:
        if case.name not in self.regions:
            self.regions[case.name] = supervoxels(case)
        return self.regions[case.name]

    def _region_numbers(self, case: PromptCase, aim: WindowAim, state: Tensor) -> NDArray[np.int16]:
        """Supervoxel numbers of a window, with the warp that the generator drew from `state`."""
        regions = self._regions(case)
        again = torch.Generator()
        again.set_state(state)
        level = regions.level
        warp = _warp(
            regions.number,
            level.stride,
            level.spacing_mm,
            aim,
            self.config.warp,
            again,
            self.config.model.roi,
        )
        return warp.sample(regions.number, nearest=True)[0].to(torch.int16).numpy()

    def _region(
        self, case: PromptCase, wanted: int, aim: WindowAim, view: WindowView, state: Tensor
    ) -> NDArray[np.bool_]:
        assert view.image is not None
        region = self._region_numbers(case, aim, state) == wanted
        return refined_region(region, view.image[0].numpy())

    def _image(
        self,
        case: PromptCase,
        view: WindowView,
        aim: WindowAim,
        target: NDArray[np.bool_],
        kind: str,
        synthesised: bool,
        state: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        """Draw or change the window's image, and normalise it as in use."""
        prompts = self.prompts
        inside = view.warp.inside()
        if synthesised or view.image is None:
            codes = view.codes
            if not case.drawn and int(torch.randint(2, (), generator=generator)):
                numbers = self._region_numbers(case, aim, state)
                codes = np.where(codes == 0, 192 + numbers % _REGION_CODES, codes).astype(np.uint8)
            if kind == "shape":
                codes = np.where(target, _SHAPE_CODE, codes).astype(np.uint8)
            image = draw_image(torch.from_numpy(codes)[None], self.looks_of(case), (), generator, generator)
            image = torch.where(inside, image, 0.0)
        else:
            image = view.image
            if kind == "shape":
                image = painted(image, target, generator)
        drawn = torch.rand(5, generator=generator).tolist()
        if drawn[0] < prompts.thick_share:
            image = thick_slices(image, (2, 6), generator)
        if drawn[1] < prompts.invert_share:
            image = torch.where(inside, image.max() - image, 0.0)
        if drawn[2] < prompts.floor_share:
            dark = image < between((0.01, 0.3), drawn[3]) * image.max()
            image = torch.where(dark, image - between((0.3, 3.0), drawn[4]) * image.max(), image)
        image = normalised(image.contiguous(), self.config.recipe)
        return changed_look(image, self.config.looks, self.config.intensity, generator, generator)

    def looks_of(self, case: PromptCase) -> SynthesisConfig:
        """Return how images of a case are drawn from its labels."""
        codes = tuple(code for code, value in case.values.items() if value in case.set.extra_cerebral)
        if not codes:
            return self.synthesis
        return SynthesisConfig(**{**self.synthesis.__dict__, "outside": codes})


def _warp(
    volume: Tensor,
    stride: tuple[int, int, int],
    spacing_mm: Place,
    aim: WindowAim,
    limits: WarpRange,
    generator: torch.Generator,
    roi: tuple[int, int, int],
) -> Warp:
    """Warp of a window of `aim.spacing_mm` on an array of another spacing."""
    centre = torch.tensor(aim.centre) / torch.tensor(stride)
    z, y, x = volume.shape[1:]
    sz, sy, sx = (aim.spacing_mm / mm for mm in spacing_mm)
    return random_warp(centre, (z, y, x), roi, limits, generator, step_vox=(sz, sy, sx))


def _pick(rows: NDArray[np.int32], drawn: float) -> Place:
    z, y, x = map(float, rows[int(drawn * len(rows))])
    return z, y, x
