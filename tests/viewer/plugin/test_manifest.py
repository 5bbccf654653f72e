from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path

import napari_scd
from napari_scd.viewer.dock.preferences import PLUGIN, SECTION, Preferences

INSIDE = Path(napari_scd.__file__).parent / "napari.yaml"
OUTSIDE = INSIDE.parent.parent / "napari.yaml"


def manifest() -> object:
    from npe2 import PluginManifest

    return PluginManifest.from_file(INSIDE)


def test_both_manifests_are_the_same() -> None:
    if OUTSIDE.exists():
        assert INSIDE.read_bytes() == OUTSIDE.read_bytes()


def test_every_command_is_there() -> None:
    found = manifest()
    assert found.name == PLUGIN and found.schema_version == "0.3.0"
    for command in found.contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(import_module(module), name))


def test_preferences_are_those_of_the_manifest() -> None:
    section = manifest().contributions.configurations[SECTION]
    assert {name: entry.default for name, entry in section.properties.items()} == {
        field.name: field.default for field in fields(Preferences)
    }
    assert all(entry.title for entry in section.properties.values())
