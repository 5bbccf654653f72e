from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("napari")

from napari_scd.viewer.dock.preferences import PLUGIN, Preferences, Settings  # noqa: E402

from ..plugin.test_manifest import INSIDE  # noqa: E402


def test_without_the_plugin_the_defaults_count(plugin_settings: None) -> None:
    settings = Settings(lambda preferences: None)
    assert settings.preferences == Preferences()
    settings.close()


def test_a_change_in_preferences_is_heard_at_once(plugin_settings: None, npe2pm: Any) -> None:
    from napari.settings import get_plugin_settings
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_file(INSIDE))
    heard: list[Preferences] = []
    settings = Settings(heard.append)
    section = get_plugin_settings(PLUGIN).segmentation
    section.device = "cpu"
    section.keep = 0.35
    assert heard[-1] == Preferences(device="cpu", keep=0.35)
    with pytest.raises(ValueError, match="enum"):
        section.device = "toaster"
    settings.close()
    section.keep = 0.5
    assert len(heard) == 2
