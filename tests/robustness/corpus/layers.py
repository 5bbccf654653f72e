"""Layers in napari: each entry adds one to a viewer and returns it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .entry import Entry

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (18, 20, 22)
MM = {"scale": (2, 2, 2), "units": "mm"}


def voxels(dtype: Any = np.float32, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, shape).astype(dtype)


def image(viewer: Any, folder: Path, data: Any = None, **more: Any) -> Any:
    return viewer.add_image(voxels() if data is None else data, **(MM | more))


def of_shape(*shape: int, dtype: Any = np.float32, **more: Any) -> Any:
    place = {"scale": (1,) * (len(shape) - 3) + (2,) * min(len(shape), 3), "units": None}
    return lambda viewer, folder: viewer.add_image(voxels(dtype, shape), **(place | more))


def placed(*rows: list[float], **more: Any) -> Any:
    affine = np.eye(len(rows) + 1)
    affine[: len(rows)] = rows
    return lambda viewer, folder: viewer.add_image(voxels(), affine=affine, units="mm", **more)


def filled(value: float, share: float, dtype: Any = np.float32) -> Any:
    data = voxels(dtype)
    data.reshape(-1)[: int(share * data.size)] = value
    return partial(image, data=data)


def _in_chunks() -> Any:
    import dask.array as da

    return da.from_array(voxels(), chunks=8)  # type: ignore[no-untyped-call]


def lazy(viewer: Any, folder: Path) -> Any:
    return image(viewer, folder, _in_chunks())


def broken_lazy(viewer: Any, folder: Path) -> Any:
    answers = [True]

    def ask(block: np.ndarray) -> np.ndarray:
        if not answers[0]:
            raise OSError("the server does not answer")
        return block

    data = _in_chunks().map_blocks(ask, dtype=np.float32, meta=np.zeros((0, 0, 0), np.float32))
    layer = image(viewer, folder, data, contrast_limits=(0, 1))
    answers[0] = False
    return layer


def endless(viewer: Any, folder: Path) -> Any:
    data = np.broadcast_to(np.zeros(1, np.float32), (10_000_000, 512, 512))
    return image(viewer, folder, data, contrast_limits=(0, 1))


def zarr_array(viewer: Any, folder: Path) -> Any:
    import zarr

    array = zarr.create_array(str(folder / "scan.zarr"), shape=SHAPE, chunks=(8, 8, 8), dtype="float32")
    array[:] = voxels()
    return image(viewer, folder, array)


def mapped(viewer: Any, folder: Path) -> Any:
    np.save(folder / "scan.npy", voxels())
    return image(viewer, folder, np.load(folder / "scan.npy", mmap_mode="r"))


def read_only() -> np.ndarray:
    data = voxels()
    data.setflags(write=False)
    return data


def labels(viewer: Any, folder: Path) -> Any:
    return viewer.add_labels((voxels() > 100).astype(np.uint8), **MM)


ENTRIES = [
    Entry("a colour image", "colour image", lambda viewer, folder: viewer.add_image(voxels(np.uint8, (*SHAPE, 3)), rgb=True, scale=(2, 2, 2))),
    Entry("colours with transparency", "colour image", lambda viewer, folder: viewer.add_image(voxels(np.uint8, (*SHAPE, 4)), rgb=True, scale=(2, 2, 2))),
    Entry("a 2D image", "is 2D", of_shape(20, 22)),
    Entry("a 5D image", "5 axes", of_shape(2, 2, *SHAPE)),
    Entry("one slice", "single slice", of_shape(1, 20, 22)),
    Entry("one voxel", "single slice", of_shape(1, 1, 1)),
    Entry("no voxels", "is empty", of_shape(0, 20, 22, contrast_limits=(0, 1))),
    Entry("nothing but NaN", "no finite value", filled(np.nan, 1)),
    Entry("nothing but infinity", "no finite value", filled(np.inf, 1)),
    Entry("voxels of a millionth mm", "voxel size", partial(image, scale=(1e-6,) * 3)),
    Entry("voxels of 10 km", "voxel size", partial(image, scale=(1e7,) * 3)),
    Entry("frames mixed with space", "mixes its first axis", lambda viewer, folder: viewer.add_image(voxels(shape=(2, *SHAPE)), shear=[0.5, 0, 0, 0, 0, 0])),
    Entry("an array whose server does not answer", "does not answer", broken_lazy),
    Entry("an array of 10^12 voxels that takes no memory", "too large", endless),
    Entry("scale and translate", "", partial(image, translate=(5, -7, 3)), True),
    Entry("a rotated layer", "", partial(image, rotate=(10, 20, 30)), True),
    Entry("a sheared layer", "", partial(image, shear=(0.1, 0.2, 0.3)), True),
    Entry("a mirrored affine", "", placed([-2, 0, 0, 9], [0, 2, 0, 8], [0, 0, -2, 7]), True),
    Entry("permuted axes", "", placed([0, 0, 2, 0], [2, 0, 0, 0], [0, 2, 0, 0]), True),
    Entry("all transforms at once", "", placed([0, 0, 2, 1], [-2, 0, 0, 2], [0, 2, 0, 3], scale=(1, 2, 1), translate=(4, 5, 6), rotate=(5, 0, 0), shear=(0.1, 0, 0)), True),
    Entry("units of microns", "", partial(image, units="um", scale=(2000,) * 3), True),
    Entry("units that are not lengths", "No voxel size", partial(image, units="second", scale=(1,) * 3), True),
    Entry("no units and no scale", "No voxel size", lambda viewer, folder: viewer.add_image(voxels()), True),
    Entry("4D with frames first", "", of_shape(3, *SHAPE), True),
    Entry("4D with one frame", "", of_shape(1, *SHAPE), True),
    Entry("a multiscale image", "", lambda viewer, folder: viewer.add_image([voxels(), voxels()[::2, ::2, ::2]], multiscale=True, **MM), True),
    Entry("a dask array", "", lazy, True),
    Entry("a zarr array", "", zarr_array, True),
    Entry("a memory-mapped array", "", mapped, True),
    Entry("a read-only array", "", partial(image, data=read_only()), True),
    Entry("every other voxel of an array", "", partial(image, data=voxels(shape=(36, 40, 44))[::2, ::2, ::2]), True),
    Entry("an array in Fortran order", "", partial(image, data=np.asfortranarray(voxels())), True),
    Entry("a big-endian array", "", partial(image, data=voxels(">i2")), True),
    *(Entry(f"{dtype} voxels", "", partial(image, data=voxels(dtype)), True)
      for dtype in ("bool", "uint8", "int8", "uint16", "int64", "uint64", "float16", "float64")),
    Entry("a label map as an image", "", partial(image, data=(voxels() > 100).astype(np.int32)), True),
    Entry("a Labels layer", "", labels, True),
    Entry("some NaN", "not finite", filled(np.nan, 0.1), True),
    Entry("some infinity", "not finite", filled(-np.inf, 0.1), True),
    Entry("values of 1e30", "", filled(1e30, 0.5), True),
    Entry("one value throughout", "", filled(7.0, 1), True),
    Entry("two voxels per side", "", of_shape(2, 2, 2), True),
    Entry("a name with markup", "", partial(image, name="<img src=x> [/b] {0} %s"), True),
    Entry("a record of a missing file", "", partial(image, metadata={"scd_source": {"path": "/none/scan.nii", "shape": list(SHAPE), "affine_spl": np.diag([2.0, 2, 2, 1]).tolist()}}), True),
    Entry("an empty record of a file", "", partial(image, metadata={"scd_source": {}}), True),
    Entry("a record of the wrong type", "", partial(image, metadata={"scd_source": "scan.nii"}), True),
    Entry("a record of a file with nonsense in it", "", partial(image, metadata={"scd_source": {"path": 3, "shape": "abc", "affine_spl": [1], "oriented": "maybe"}}), True),
]  # fmt: skip
