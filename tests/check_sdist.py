"""Check that a source distribution holds everything: ``python tests/check_sdist.py dist/*.tar.gz``."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "napari_scd", "sample_data", "tests")
FILES = (
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "constraints.txt", "mkdocs.yml", "napari.yaml",
    "pyproject.toml", "ruff.toml", "setup.cfg",
)  # fmt: skip
ENDINGS = {".json", ".md", ".png", ".py", ".safetensors", ".typed", ".yaml", ".gz"}
MAX_MIB = 100


def problems(archive: Path) -> list[str]:
    """Return one sentence for each thing that is missing from, or too much in, a source distribution."""
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.is_file() and path.suffix in ENDINGS and "__pycache__" not in path.parts
    }
    found = [f"{name} is missing" for name in sorted((wanted | set(FILES)) - names)]
    found += [f"{name} does not belong there" for name in sorted(names) if name.endswith((".pyc", ".ckpt"))]
    if archive.stat().st_size > MAX_MIB * 2**20:
        found.append(f"it is {archive.stat().st_size / 2**20:.0f} MiB large, more than {MAX_MIB}")
    return found


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]))
    print("\n".join(wrong) or f"{Path(sys.argv[1]).name} holds everything")
    sys.exit(bool(wrong))
