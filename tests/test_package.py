"""The package as a whole: light to import, complete when installed, metadata in step with the folders."""

from __future__ import annotations

import configparser
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import napari_scd

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "monai", "napari", "qtpy", "nibabel", "scipy", "matplotlib.pyplot")


def settings() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import napari_scd").isdisjoint(HEAVY)


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert loaded_after("import napari_scd.cli").isdisjoint(HEAVY)


@pytest.mark.parametrize("name", [name for name in napari_scd.__all__ if name != "__version__"])
def test_lazy_names_lead_home(name: str) -> None:
    home = getattr(napari_scd, name).__module__
    assert home.startswith(f"napari_scd.{napari_scd._HOME_OF[name]}.")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        napari_scd.nothing  # noqa: B018


def test_version_is_the_installed_one() -> None:
    assert metadata.version("napari-scd") == napari_scd.__version__


def test_every_room_is_packaged() -> None:
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "napari_scd").rglob("__init__.py")
    }
    listed = set(settings()["options"]["packages"].split("\n")) - {""}
    listed = {line for line in listed if not line.startswith("#")}
    assert listed == folders | {"napari_scd.sample_data"}


def test_both_manifests_are_the_same_file() -> None:
    assert (ROOT / "napari.yaml").read_bytes() == (ROOT / "napari_scd" / "napari.yaml").read_bytes()


def test_sample_data_are_importable_and_there() -> None:
    from importlib import resources

    names = {item.name for item in resources.files("napari_scd.sample_data").iterdir()}
    assert any(name.endswith(".nii.gz") for name in names)


def test_constraints_name_what_is_installed_by_the_extras() -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    assert pins["torch"] == "2.13.0"
    assert not [name for name in pins if name.startswith(("nvidia", "triton"))]
    assert not [version for version in pins.values() if "+" in version]
    direct = {metadata_name(line) for line in metadata.requires("napari-scd") or ()}
    missing = {name for name in direct if name not in pins} - {"napari-scd"}
    assert not missing


def metadata_name(requirement: str) -> str:
    for end, letter in enumerate(requirement):
        if not (letter.isalnum() or letter in "-_."):
            return requirement[:end].lower().replace("_", "-")
    return requirement.lower()


@pytest.mark.parametrize(
    "command",
    [
        'python -m pip install -c constraints.txt -e ".[all,samples]" && napari-scd demo',
        'python -m pip install -c constraints.txt -e ".[testing]" && python -m pytest',
    ],
)
def test_the_readme_shows_both_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert 'python -m pip install -c constraints.txt -e ".[testing]" && python -m pytest' in script
