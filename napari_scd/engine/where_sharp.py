"""Where the windows of a run are sharpened, for networks that answer coarsely first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_scd.engine.memory import Model
    from napari_scd.engine.request import Request
    from napari_scd.engine.windows import PatchGrid, Size3

    Box = tuple[Size3, Size3]


class Sharpening(NamedTuple):
    """How a run treats the sharp level of its network.

    Attributes
    ----------
    by_blocks : bool
        Windows come as answers for blocks, and for single voxels where labels meet; else as dense logits.
    never : bool
        They come as answers for blocks only.
    """

    by_blocks: bool
    never: bool

    @property
    def at_borders(self) -> bool:
        """Whether windows are sharpened, but only where labels meet."""
        return self.by_blocks and not self.never

    @classmethod
    def of(cls, request: Request, model: Model, counts: Sequence[int]) -> Sharpening:
        """Decide by the request, the model, and the tokens alive at the start and after each stage."""
        able = model.network.config.decoder_spec.sharpens and model.recipe.activation == "softmax"
        never = request.sharpen == "never"
        at_borders = request.sharpen == "borders" and counts[-1] < counts[0]
        return cls(able and not request.compile and (never or at_borders), never)

    def within(self, part: Box | None) -> Box | None:
        """Return the voxels of a window to sharpen when only `part` is wanted; None = all."""
        if not self.by_blocks:
            return None
        return NOWHERE if self.never else part

    def cells(
        self, grid: PatchGrid, stride: Size3, starts: Sequence[Size3], *, whole: bool
    ) -> Mapping[Size3, Box]:
        """Return the voxels to sharpen in each window of a whole run, so that no place is sharpened twice.

        `whole` says whether its windows cover the air around the body, too.
        """
        if not self.by_blocks:
            return {}
        return dict.fromkeys(starts, NOWHERE) if self.never else grid.cells(stride, whole=whole)
