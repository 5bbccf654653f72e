"""The whole network on one screen: sparse encoding -> token completion -> dense decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from torch import nn

from napari_scd.errors import InputError
from napari_scd.model.answers import Prefix, Trace, trace_of
from napari_scd.model.assembly import MaskTokenCompletion, TokenAssembly, ZeroCompletion
from napari_scd.model.cost import MacsByPart, count_macs
from napari_scd.model.crisp_decoder import Hidden
from napari_scd.model.decoder import CoarseFirst
from napari_scd.model.encoder import SparseEncoder
from napari_scd.model.fine_decoder import FineDecoder
from napari_scd.model.keep import count_tokens, keep_per_stage
from napari_scd.model.kernels import laid_out
from napari_scd.model.presets import PRESETS
from napari_scd.model.prompt_maps import with_likeness
from napari_scd.model.pruning import Scorer
from napari_scd.model.steering import CHOOSERS, Guide, Steering, control_rating

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_scd.model.config import ModelConfig
    from napari_scd.model.decoder import Decoder, Voxels
    from napari_scd.model.encoder import Encoded
    from napari_scd.model.keep import Keep
    from napari_scd.model.sharpening import Box, Sharpened


class ScdNetwork(nn.Module):
    """Segmentation network whose compute is set by a keep ratio at call time.

    Parts arrive finished; `build_network` knows the numbers.

    Attributes
    ----------
    chooser : str
        Who chooses the tokens; see `choose_by`.
    """

    chooser: str = "learned"

    def __init__(
        self, config: ModelConfig, encoder: SparseEncoder, completion: nn.Module | None, decoder: Decoder
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.completion = completion
        self.decoder = decoder
        self.steering = Steering() if config.prompts else None

    def choose_by(self, chooser: str) -> None:
        """Set who chooses the tokens from now on.

        Parameters
        ----------
        chooser : str
            "learned" = as trained; "random" = a seeded draw; "distance" = the tokens nearest to a click, or
            to the centre of the window where there is none.

        Raises
        ------
        InputError
            Another name.
        """
        if chooser not in CHOOSERS:
            raise InputError(f"Tokens are chosen by {', '.join(CHOOSERS)}, not by '{chooser}'.")
        self.chooser = chooser

    def without_tokens(self) -> ScdNetwork:
        """Return this network with zeros for completed tokens, to see what they add; weights are shared.

        Raises
        ------
        InputError
            If it has no token completion.
        """
        if self.completion is None:
            raise InputError("This network has no token completion, so its tokens cannot be zeroed.")
        blind = ScdNetwork(self.config, self.encoder, ZeroCompletion(self.config), self.decoder)
        blind.steering, blind.chooser = self.steering, self.chooser
        return blind.train(self.training)

    @overload
    def forward(
        self,
        image: Tensor,
        keep: Keep = None,
        return_trace: Literal[False] = False,
        voxels: Voxels | None = None,
    ) -> Tensor: ...

    @overload
    def forward(
        self, image: Tensor, keep: Keep, return_trace: Literal[True], voxels: Voxels | None = None
    ) -> tuple[Tensor, Trace]: ...

    def forward(
        self, image: Tensor, keep: Keep = None, return_trace: bool = False, voxels: Voxels | None = None
    ) -> Tensor | tuple[Tensor, Trace]:
        """Segment windows.

        Parameters
        ----------
        image : Tensor ``(b, c, z, y, x)``
            Normalised windows of exactly ``config.roi``.
        keep : float, tuple of float or None
            Share of the living tokens kept at every stage, or one share per stage; None = the config's own.
        return_trace : bool
            Whether to return which token left where, too.
        voxels : three slices, optional
            Return only these voxels, for a thinned loss.

        Returns
        -------
        Tensor ``(b, out, z, y, x)``, or that and a `Trace`

        Raises
        ------
        InputError
            A keep ratio out of range, a wrong number of them, or a window of another size.
        """
        if return_trace:
            return self.rest(self.prefix(image), keep, True, voxels)
        return self.rest(self.prefix(image), keep, voxels=voxels)

    def prefix(self, image: Tensor) -> Prefix:
        """Run what comes before the first stage; `image` is ``(b, c, z, y, x)``."""
        if all(isinstance(edge, int) for edge in image.shape):  # a tracer's sizes cannot be compared
            _check_window(image, self.config)
        image = with_likeness(image) if self.config.prompts else image
        image = laid_out(image)
        image_features = self.decoder.encode_image(image)
        seen = self.decoder.for_stem(image_features) if self.config.stem == "shared" else image
        return Prefix(self.encoder.prefix(seen), image_features)

    @overload
    def rest(
        self,
        prefix: Prefix,
        keep: Keep = None,
        return_trace: Literal[False] = False,
        voxels: Voxels | None = None,
    ) -> Tensor: ...

    @overload
    def rest(
        self, prefix: Prefix, keep: Keep, return_trace: Literal[True], voxels: Voxels | None = None
    ) -> tuple[Tensor, Trace]: ...

    def rest(
        self, prefix: Prefix, keep: Keep = None, return_trace: bool = False, voxels: Voxels | None = None
    ) -> Tensor | tuple[Tensor, Trace]:
        """Prune, complete and decode what `prefix` returned; parameters as for `forward`."""
        encoded, completed = self._completed(prefix, keep, want_scores=return_trace)
        token_map = self._as_map(completed)
        if isinstance(self.decoder, FineDecoder):
            survivors = encoded.groups[-1].positions
            found = self.decoder.decode(prefix.image_features, token_map, survivors, voxels)
            if not return_trace:
                return found.logits
            return found.logits, trace_of(encoded, completed, self.config)._replace(coarse=found.coarse)
        skips = [self._as_map(tokens) for tokens in encoded.skips]
        branches = skips or [token_map] * (self.decoder.n_maps - 1)
        logits: Tensor = self.decoder(prefix.image_features, [*branches, token_map], voxels)
        return (logits, trace_of(encoded, completed, self.config)) if return_trace else logits

    def sharpen(
        self, prefix: Prefix, keep: Keep, boxes: Sequence[Box | None]
    ) -> tuple[list[Sharpened], Trace]:
        """As `rest` with a trace, for decoders that sharpen, at full size only where labels meet.

        `boxes` gives for each window the voxels that are wanted at full size, low and high (exclusive) even
        numbers; None = all, `NOWHERE` = none.
        """
        encoded, completed = self._completed(prefix, keep, want_scores=True)
        assert isinstance(self.decoder, CoarseFirst)
        found = self.decoder.sharpen(prefix.image_features, self._as_map(completed), boxes)
        return found, trace_of(encoded, completed, self.config)

    def keep_per_stage(self, keep: Keep = None) -> tuple[float, ...]:
        """Keep ratio of every stage; raises `InputError` when `keep` does not fit."""
        return keep_per_stage(keep, self.config.default_keep)

    def token_counts(self, keep: Keep = None) -> tuple[int, ...]:
        """Living tokens (without CLS) at the start and after each stage."""
        config = self.config
        asked = tuple(1.0 - ratio for ratio in self.keep_per_stage(keep))
        dropped = config.prune_ratio if keep is None else asked
        return count_tokens(config.n_tokens, dropped, config.min_tokens)

    def macs(self, keep: Keep = None) -> MacsByPart:
        """Multiply-accumulates of one window by part."""
        return count_macs(self.config, self.token_counts(keep))

    def _completed(self, prefix: Prefix, keep: Keep, *, want_scores: bool) -> tuple[Encoded, Tensor]:
        """Prune, and put the tokens back in grid order ``(b, n, d)``."""
        encoded = self.encoder.rest(
            prefix.tokens, self.token_counts(keep)[1:], want_scores=want_scores, guide=self._guide(prefix)
        )
        return encoded, encoded.groups[-1].tokens if self.completion is None else self.completion(encoded)

    def _guide(self, prefix: Prefix) -> Guide:
        """Tell the stages what the prompts say, or what a control uses instead of the score."""
        window = None
        if self.steering is not None and isinstance(self.decoder, FineDecoder):
            window = self.decoder.window(prefix.image_features)
        if self.chooser != "learned":
            rating = control_rating(self.chooser, window, self.config, len(prefix.tokens))
            return Guide(rating=rating.to(prefix.tokens.device))
        if self.steering is None or window is None:
            return Guide()
        return Guide(prior=self.steering(window, self.config.patch))

    def _as_map(self, tokens: Tensor) -> Tensor:
        b, n, d = tokens.shape
        return tokens.transpose(1, 2).reshape(b, d, *self.config.grid)


def build_network(preset: str | ModelConfig) -> ScdNetwork:
    """Build a network with random weights from a preset's name or a config.

    Raises
    ------
    InputError
        An unknown preset name.
    """
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise InputError(f"There is no preset '{preset}'; choose one of {', '.join(PRESETS)}.")
        preset = PRESETS[preset]
    dense = preset.completion == "none"
    encoder = SparseEncoder(preset, preset.decoder_spec.dense_skips if dense else ())
    completion = None if dense else _COMPLETION_CLASSES[preset.completion](preset)
    decoder = preset.decoder_spec.build(preset.decoder_sizes)
    network = ScdNetwork(preset, encoder, completion, decoder)
    network.apply(_initialise)
    return network


_COMPLETION_CLASSES: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "mta": TokenAssembly,
    "mta-plain": TokenAssembly,
    "mask": MaskTokenCompletion,
    "zero": ZeroCompletion,
}


def _check_window(image: Tensor, config: ModelConfig) -> None:
    expected = (config.in_channels, *config.roi)
    if image.ndim != 5 or tuple(image.shape[1:]) != expected:
        raise InputError(
            f"The network takes windows of shape (batch, {', '.join(map(str, expected))}), "
            f"not {tuple(image.shape)}."
        )


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, (Scorer, Hidden)):  # visited after its layers
        module.reset_parameters()
