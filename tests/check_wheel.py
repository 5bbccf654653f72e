"""Check that a wheel holds everything: ``python tests/check_wheel.py dist/napari_scd-*.whl``."""

from __future__ import annotations

import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]
MAX_MIB = 100


def problems(wheel: Path) -> list[str]:
    """Return one sentence for each thing that is missing from, or too much in, a wheel."""
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata_name,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(metadata_name).decode())
    wanted = {path.relative_to(ROOT).as_posix() for path in (ROOT / "napari_scd").rglob("*.py")}
    wanted |= {"napari_scd/napari.yaml", "napari_scd/py.typed", "napari_scd/sample_data/__init__.py"}
    for folder in ("ablation/presets", "checkpoints/weights", "training/config/presets"):
        files = (path for path in (ROOT / "napari_scd" / folder).iterdir() if path.is_file())
        wanted |= {path.relative_to(ROOT).as_posix() for path in files}
    samples = ROOT / "sample_data"
    wanted |= {f"napari_scd/sample_data/{path.name}" for path in samples.glob("*.nii.gz")}
    found = [f"{name} is missing" for name in sorted(wanted - names)]
    found += [
        f"{name} does not belong there"
        for name in sorted(names)
        if not name.startswith("napari_scd/") and ".dist-info/" not in name
    ]
    if metadata["License-Expression"] != "BSD-3-Clause":
        found.append(f"the licence is {metadata['License-Expression']!r}, not 'BSD-3-Clause'")
    if "Framework :: napari" not in metadata.get_all("Classifier", []):
        found.append("the classifier 'Framework :: napari' is missing")
    if wheel.stat().st_size > MAX_MIB * 2**20:
        found.append(f"it is {wheel.stat().st_size / 2**20:.0f} MiB large, more than {MAX_MIB}")
    return found


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]))
    print("\n".join(wrong) or f"{Path(sys.argv[1]).name} holds everything")
    sys.exit(bool(wrong))
