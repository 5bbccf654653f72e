"""The device and the precision a request runs with."""

from __future__ import annotations

import contextlib
import platform
from typing import TYPE_CHECKING, NamedTuple

import torch

from napari_scd.errors import DeviceUnavailable, InputError

if TYPE_CHECKING:
    from napari_scd.engine.request import Request


class Hardware(NamedTuple):
    """A device, the precision of its matrix products and how many windows it processes at once."""

    device: torch.device
    dtype: torch.dtype
    batch: int

    @property
    def precision(self) -> str:
        """Name of `dtype`, such as "bfloat16"."""
        return str(self.dtype).removeprefix("torch.")

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Context in which matrix products and convolutions run in `dtype`."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)


def choose_hardware(request: Request) -> Hardware:
    """Resolve "auto" device and precision.

    Raises
    ------
    DeviceUnavailable
        If this machine does not have the device asked for.
    InputError
        If the device cannot compute in the precision asked for.
    """
    device = _choose_device(request.device)
    batch = request.batch or (4 if device.type == "cuda" else 1)
    return Hardware(device, _choose_dtype(request.precision, device), batch)


def _choose_device(name: str) -> torch.device:
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(candidate for candidate, there in available.items() if there)
    if not available[name]:
        raise DeviceUnavailable(name)
    return torch.device(name)


def _choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    if device.type == "mps":
        if precision == "bfloat16":
            raise InputError(
                "Precision 'bfloat16' is not available on device 'mps': use 'float32' or 'auto'."
            )
        return torch.float32
    if precision != "auto":
        return torch.float32 if precision == "float32" else torch.bfloat16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if _cpu_multiplies_bfloat16() else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions; emulated ones are slower than float32."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, probe, bool)() for probe in probes)
    mkldnn = getattr(torch.ops, "mkldnn", None)
    try:
        return bool(mkldnn._is_mkldnn_bf16_supported()) if mkldnn is not None else False
    except (AttributeError, RuntimeError):
        return False
