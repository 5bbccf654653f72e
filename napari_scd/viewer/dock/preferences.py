"""Set-once choices from napari's Preferences (the manifest's `configurations`), applied at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from napari.settings import get_plugin_settings

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGIN = "napari-scd"
SECTION = "segmentation"


@dataclass(frozen=True)
class Preferences:
    """What Preferences say; the names are those of the manifest.

    Parameters
    ----------
    keep
        Keep ratio to start with; 0 = the model's own.
    models_folder
        Folder with further models; empty = the user's data folder.
    """

    device: str = "auto"
    precision: str = "auto"
    keep: float = 0.0
    live_preview: bool = True
    autosave: bool = False
    three_planes: bool = False
    models_folder: str = ""


class Settings:
    """Reads Preferences and hears of changes.

    Parameters
    ----------
    changed
        Hears the new preferences.
    """

    def __init__(self, changed: Callable[[Preferences], None]) -> None:
        self._changed = changed
        self._writing = False
        try:
            self._section: Any = getattr(get_plugin_settings(PLUGIN), SECTION)
        except KeyError:  # the plugin is disabled or not installed, as in some tests
            self._section = None
        if self._section is not None:
            self._section.events.connect(self._on_change)

    @property
    def preferences(self) -> Preferences:
        """Preferences as they are now; the defaults where napari does not know this plugin."""
        if self._section is None:
            return Preferences()
        return Preferences(
            **{field.name: getattr(self._section, field.name) for field in fields(Preferences)}
        )

    def keep(self, name: str, value: Any) -> None:
        """Write one preference; the dock is not told of what it wrote itself."""
        if self._section is not None and getattr(self._section, name) != value:
            self._writing = True
            try:
                setattr(self._section, name, value)
            finally:
                self._writing = False

    def close(self) -> None:
        """Stop listening."""
        if self._section is not None:
            self._section.events.disconnect(self._on_change)
            self._section = None

    def _on_change(self, event: Any = None) -> None:
        if not self._writing:
            self._changed(self.preferences)
